//! What is to be delivered: one delivery for what happened, in its order, and none for what is gone.

use super::*;

#[test]
fn corrections_are_one_delivery_until_one_was_tried_and_a_confirmation_is_one_for_ever() {
    let mut bench = Bench::new();
    let (id, now) = (bench.write(5), bench.now);
    for reps in [6, 7] {
        let said = Correction { reps: Some(Some(reps)), ..Correction::default() };
        bench.ask(|store| store.correct(id, said, now)).unwrap();
        bench.ask(|store| store.confirm(id, Correction::default(), now)).unwrap();
    }
    assert_eq!(bench.ops(id), words(&[("set", "waiting"), ("correct", "waiting"), ("confirm", "waiting")]));
    let first = bench.ask(|store| store.next_delivery(PUMP)).unwrap().unwrap();
    let key = bench.list()[0].key.clone();
    assert_eq!((first.op, first.attempts, &first.key), (Op::Set, 1, &key));
    let again = bench.ask(|store| store.next_delivery(PUMP)).unwrap().unwrap();
    assert_eq!((again.id, again.attempts, &again.key), (first.id, 2, &key), "not noted as taken, so it comes again");
    bench.ask(|store| store.delivered(first.id, Some("41".into()), now)).unwrap();
    let second = bench.ask(|store| store.next_delivery(PUMP)).unwrap().unwrap();
    assert_eq!((second.op, second.set.reps, second.remote.as_deref()), (Op::Correct, 7, Some("41")));
    assert_eq!(second.key, format!("{key}-correct-{}", second.id));
    let said = Correction { note: Some(Some("late".into())), ..Correction::default() };
    bench.ask(|store| store.correct(id, said, now)).unwrap();
    let ops: Vec<String> = bench.ops(id).into_iter().map(|(op, _)| op).collect();
    assert_eq!(ops, ["set", "correct", "confirm", "correct"]);
}

#[test]
fn a_set_that_was_deleted_before_it_was_sent_never_is() {
    let mut bench = Bench::new();
    let (id, now) = (bench.write(5), bench.now);
    bench.ask(|store| store.delete(id, now)).unwrap();
    assert_eq!(bench.list(), []);
    assert_eq!(bench.ask(|store| store.delete(id, now)), Err(StoreFault::NoSuchSet));
    assert_eq!(bench.ask(|store| store.next_delivery(PUMP)), Ok(None));
    bench.pass(7 * 3600);
    let left: i64 =
        Connection::open(bench.file()).unwrap().query_row("SELECT count(*) FROM sets", [], |r| r.get(0)).unwrap();
    assert_eq!(left, 0, "the row itself goes with the next clearing");
}

#[test]
fn a_set_that_was_perhaps_sent_is_deleted_there_too_before_its_row_goes() {
    let mut bench = Bench::new();
    let (id, now) = (bench.write(5), bench.now);
    let first = bench.ask(|store| store.next_delivery(PUMP)).unwrap().unwrap();
    let said = Correction { reps: Some(Some(1)), ..Correction::default() };
    bench.ask(|store| store.correct(id, said, now)).unwrap();
    bench.ask(|store| store.delete(id, now)).unwrap();
    bench.pass(7 * 3600);
    assert_eq!(bench.ask(|store| store.next_delivery(PUMP)).unwrap().unwrap().id, first.id);
    bench.ask(|store| store.delivered(first.id, Some("9".into()), now)).unwrap();
    let last = bench.ask(|store| store.next_delivery(PUMP)).unwrap().unwrap();
    assert_eq!((last.op, last.remote.as_deref()), (Op::Delete, Some("9")));
    bench.ask(|store| store.delivered(last.id, None, now)).unwrap();
    bench.pass(7 * 3600);
    assert_eq!(bench.outbox_rows(), 0);
}

#[test]
fn a_deletion_that_was_refused_for_a_new_key_is_delivered_after_the_restart() {
    let mut bench = Bench::new();
    let (id, now) = (bench.write(5), bench.now);
    let first = bench.ask(|store| store.next_delivery(PUMP)).unwrap().unwrap();
    bench.ask(|store| store.delivered(first.id, Some("9".into()), now)).unwrap();
    bench.ask(|store| store.delete(id, now)).unwrap();
    let refused = bench.ask(|store| store.next_delivery(PUMP)).unwrap().unwrap();
    bench.ask(|store| store.parked(refused.id, 401, "key".into())).unwrap();
    bench.pass(7 * 3600);
    assert_eq!(bench.store.backlog(PUMP).unwrap().parked, 1);
    assert_eq!(bench.ask(|store| store.unpark(PUMP, false)), Ok(1));
    let again = bench.ask(|store| store.next_delivery(PUMP)).unwrap().unwrap();
    assert_eq!((again.id, again.op, again.remote.as_deref()), (refused.id, Op::Delete, Some("9")));
    bench.ask(|store| store.delivered(again.id, None, now)).unwrap();
    bench.pass(7 * 3600);
    assert_eq!(bench.outbox_rows(), 0);
    // A set that was refused itself is not over there.
    let id = bench.write(6);
    let refused = bench.ask(|store| store.next_delivery(PUMP)).unwrap().unwrap();
    bench.ask(|store| store.parked(refused.id, 422, "no".into())).unwrap();
    bench.ask(|store| store.delete(id, now)).unwrap();
    assert_eq!(bench.ask(|store| store.next_delivery(PUMP)), Ok(None));
    assert_eq!(bench.ask(|store| store.unpark(PUMP, true)), Ok(0), "nobody is told of it now");
    assert_eq!(bench.outbox_rows(), 2);
    bench.pass(7 * 3600);
    assert_eq!(bench.outbox_rows(), 0);
}

#[test]
fn parked_deliveries_let_others_pass_and_come_back_in_order() {
    let mut bench = Bench::new();
    let (first, now) = (bench.write(1), bench.now);
    let said = Correction { reps: Some(Some(2)), ..Correction::default() };
    bench.ask(|store| store.correct(first, said, now)).unwrap();
    bench.write(2);
    let refused = bench.ask(|store| store.next_delivery(PUMP)).unwrap().unwrap();
    bench.ask(|store| store.parked(refused.id, 422, "no".into())).unwrap();
    let passed = bench.ask(|store| store.next_delivery(PUMP)).unwrap().unwrap();
    assert_eq!(passed.set.reps, 2, "the correction of a set that was not taken is passed over");
    bench.ask(|store| store.delivered(passed.id, None, now)).unwrap();
    let backlog = bench.store.backlog(PUMP).unwrap();
    assert_eq!((backlog.waiting, backlog.parked, backlog.delivered_ms), (0, 2, Some(MORNING_MS)));
    assert_eq!(bench.ask(|store| store.unpark(PUMP, false)), Ok(0), "422 is the set's own fault");
    assert_eq!(bench.ask(|store| store.unpark(PUMP, true)), Ok(2));
    let back = bench.ask(|store| store.next_delivery(PUMP)).unwrap().unwrap();
    assert_eq!(back.id, refused.id);
    bench.ask(|store| store.parked(back.id, 401, "key".into())).unwrap();
    assert_eq!(bench.ask(|store| store.next_delivery(PUMP)), Ok(None));
    assert_eq!(bench.ask(|store| store.unpark(PUMP, false)), Ok(2), "a wrong key may be right after a restart");
}
