//! What a receiver refuses or fails at again and again, and how the others get past it.

use super::*;

impl Rig {
    /// Works, and waits out the pause, so many times.
    fn attempts(&mut self, count: usize) {
        for _ in 0..count {
            let pause = self.turn();
            self.pass(pause);
        }
    }
}

#[test]
fn a_set_that_is_refused_is_parked_with_the_reason_and_others_go_on() {
    let no = Manner::Answer { status: 422, headers: "", body: format!("Reps: {API_KEY} {}", "n".repeat(300)) };
    let pump = Receiver::start(Part::Pump, move |n| if n == 0 { no.clone() } else { Manner::Well });
    let mut rig = Rig::new(Kind::Pump, pump.url());
    let refused = rig.set(1);
    rig.set(2);
    assert_eq!(rig.work(), Duration::MAX);
    assert_eq!((reps(&pump), rig.waiting_and_parked()), (vec![1, 2], (0, 1)));
    let row = rig.store.set(refused.id).unwrap().deliveries.remove(0);
    let shown = format!("gym answers 422: Reps: *** {}", "n".repeat(200 - "Reps: *** ".len()));
    assert_eq!((row.state.as_str(), row.error), ("parked", Some(shown)));
    // A restart does not help a set that is wrong itself; a person's word does.
    rig.lane = lane(&rig.settings, &rig.store);
    rig.work();
    assert_eq!(reps(&pump), [1, 2]);
    assert_eq!(rig.store.unpark("gym", true), Ok(1));
    rig.lane.wake();
    rig.work();
    assert_eq!((reps(&pump), rig.waiting_and_parked()), (vec![1, 2, 1], (0, 0)));
}

/// Only a set of one repetition is treated so.
fn but_for_one(manner: &Manner) -> Manner {
    let manner = Box::new(manner.clone());
    Manner::Unless { is_well: |request| request.body["Reps"] != 1, manner }
}

#[test]
fn a_set_that_is_answered_500_for_ever_or_gets_no_id_is_parked_when_the_next_one_is_taken() {
    let no_id = Manner::Answer { status: 201, headers: "", body: "{}".into() };
    for (manner, why) in [(Manner::status(500), "gym answers 500: no"), (no_id, "gym takes a set and gives it no id")] {
        let pump = Receiver::start(Part::Pump, move |_| but_for_one(&manner));
        let mut rig = Rig::new(Kind::Pump, pump.url());
        let stuck = rig.set(1);
        let said = Correction { reps: Some(Some(9)), ..Correction::default() };
        rig.store.correct(stuck.id, said, rig.now.get()).unwrap();
        rig.set(2);
        rig.set(3);
        rig.attempts(TRIES as usize);
        assert_eq!((reps(&pump), rig.waiting_and_parked()), (vec![1; TRIES as usize], (4, 0)));
        assert_eq!(rig.turn(), Duration::ZERO);
        assert_eq!((rig.waiting_and_parked(), rig.said().as_str()), ((2, 1), why));
        assert_eq!(rig.work(), Duration::MAX);
        assert_eq!((reps(&pump)[TRIES as usize..].to_vec(), rig.waiting_and_parked()), (vec![2, 3], (0, 2)));
        let rows = rig.store.set(stuck.id).unwrap().deliveries;
        let rows: Vec<_> = rows.iter().map(|row| (row.state.as_str(), row.error.as_deref().unwrap())).collect();
        assert_eq!(rows, [("parked", why), ("parked", "its set was not taken")]);
        let keys: std::collections::BTreeSet<String> = pump.got().iter().map(|got| got.key().to_string()).collect();
        assert_eq!(keys.len(), 3, "each attempt of a delivery has its key");
    }
}

#[test]
fn while_a_receiver_fails_at_every_set_the_order_stays() {
    let pump = Receiver::start(Part::Pump, |_| Manner::status(500));
    let mut rig = Rig::new(Kind::Pump, pump.url());
    for count in 1..=3 {
        rig.set(count);
    }
    rig.attempts(2 * (TRIES as usize + 1));
    assert_eq!(reps(&pump), [1, 1, 1, 2, 1, 1, 1, 2], "the next one is tried once for each {TRIES} of the first");
    assert_eq!(rig.waiting_and_parked(), (3, 0));
    pump.behave(|_| Manner::Well);
    rig.work();
    assert_eq!((reps(&pump)[8..].to_vec(), rig.waiting_and_parked()), (vec![1, 2, 3], (0, 0)));
}

#[test]
fn a_receiver_that_is_busy_or_says_nothing_is_waited_for_with_the_first_set() {
    for manner in [Manner::status(503), Manner::status(429), Manner::status(408), Manner::Drop] {
        let pump = Receiver::start(Part::Pump, move |_| manner.clone());
        let mut rig = Rig::new(Kind::Pump, pump.url());
        rig.set(1);
        rig.set(2);
        rig.attempts(TRIES as usize + 3);
        assert_eq!((reps(&pump), rig.waiting_and_parked()), (vec![1; TRIES as usize + 3], (2, 0)));
    }
}

#[test]
fn a_stuck_set_with_none_behind_it_is_tried_until_there_is_one() {
    let pump = Receiver::start(Part::Pump, |_| but_for_one(&Manner::status(500)));
    let mut rig = Rig::new(Kind::Pump, pump.url());
    rig.set(1);
    rig.attempts(7);
    assert_eq!((reps(&pump), rig.waiting_and_parked()), (vec![1; 7], (1, 0)));
    rig.set(2);
    rig.work();
    assert_eq!((reps(&pump)[7..].to_vec(), rig.waiting_and_parked()), (vec![2], (0, 1)));
}

#[test]
fn stuck_sets_that_are_tried_again_together_do_not_hold_up_another() {
    let pump = Receiver::start(Part::Pump, |_| but_for_one(&Manner::status(500)));
    let mut rig = Rig::new(Kind::Pump, pump.url());
    for _ in 0..2 {
        rig.set(1);
        rig.attempts(TRIES as usize);
        rig.set(2);
        rig.work();
    }
    assert_eq!(rig.waiting_and_parked(), (0, 2));
    assert_eq!(rig.store.unpark("gym", true), Ok(2));
    rig.lane.wake();
    rig.set(3);
    rig.attempts(TRIES as usize);
    rig.turn();
    assert_eq!(
        (reps(&pump).last(), rig.waiting_and_parked()),
        (Some(&3), (1, 1)),
        "the second is no word about the first"
    );
    rig.attempts(TRIES as usize);
    rig.set(4);
    rig.work();
    assert_eq!((reps(&pump).last(), rig.waiting_and_parked()), (Some(&4), (0, 2)));
}

#[test]
fn a_correction_that_is_answered_500_for_ever_does_not_hold_up_the_next_set() {
    let fails = || Box::new(Manner::status(500));
    let pump =
        Receiver::start(Part::Pump, move |_| Manner::Unless { is_well: |r| r.method != "PATCH", manner: fails() });
    let mut rig = Rig::new(Kind::Pump, pump.url());
    let row = rig.set(1);
    rig.work();
    rig.store.correct(row.id, Correction { reps: Some(Some(4)), ..Correction::default() }, rig.now.get()).unwrap();
    rig.set(2);
    rig.attempts(TRIES as usize);
    assert_eq!(rig.work(), Duration::MAX);
    let states: Vec<String> = rig.store.set(row.id).unwrap().deliveries.into_iter().map(|row| row.state).collect();
    assert_eq!((states, rig.waiting_and_parked()), (vec!["delivered".to_string(), "parked".into()], (0, 1)));
}

#[test]
fn a_403_to_a_correction_or_a_deletion_parks_it_and_sets_go_on() {
    let fails = || Box::new(Manner::status(403));
    let pump =
        Receiver::start(Part::Pump, move |_| Manner::Unless { is_well: |r| r.method == "POST", manner: fails() });
    let mut rig = Rig::new(Kind::Pump, pump.url());
    let (corrected, deleted) = (rig.set(1), rig.set(2));
    rig.work();
    let said = Correction { reps: Some(Some(4)), ..Correction::default() };
    rig.store.correct(corrected.id, said, rig.now.get()).unwrap();
    rig.store.delete(deleted.id, rig.now.get()).unwrap();
    rig.set(3);
    assert_eq!(rig.work(), Duration::MAX);
    let methods: Vec<String> = pump.got().into_iter().map(|got| got.method).collect();
    assert_eq!(methods, ["POST", "POST", "PATCH", "DELETE", "POST"]);
    assert_eq!(rig.waiting_and_parked(), (0, 2));
}

#[test]
fn a_wrong_key_is_put_right_by_a_restart() {
    let pump = Receiver::start(Part::Pump, |_| Manner::status(401));
    let mut rig = Rig::new(Kind::Pump, pump.url());
    rig.set(1);
    rig.work();
    assert_eq!(rig.waiting_and_parked(), (0, 1));
    pump.behave(|_| Manner::Well);
    rig.lane = lane(&rig.settings, &rig.store);
    rig.work();
    assert_eq!((reps(&pump), rig.waiting_and_parked()), (vec![1, 1], (0, 0)));
}

#[test]
fn a_pause_is_over_when_somebody_says_so() {
    let pump = Receiver::start(Part::Pump, |_| Manner::status(503));
    let mut rig = Rig::new(Kind::Pump, pump.url());
    rig.set(5);
    let pause = rig.work();
    pump.behave(|_| Manner::Well);
    rig.lane.wake();
    assert_eq!((rig.turn(), reps(&pump).len()), (pause, 1), "news alone does not end it");
    rig.lane.said.hurry();
    rig.lane.wake();
    rig.work();
    assert_eq!((reps(&pump), rig.waiting_and_parked()), (vec![5, 5], (0, 0)));
}
