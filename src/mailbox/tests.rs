//! The mailbox on real threads: its table of states, conservation under load, and each value dropped exactly once.
//! (Every interleaving of small scenes: `tests/mailbox_loom.rs`.)

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use super::*;

const NOW: Duration = Duration::ZERO;
/// Long enough that only a lost wake-up reaches it.
const LONG: Duration = Duration::from_secs(60);
/// Values posted in a stress test.
const MANY: u64 = if cfg!(miri) { 300 } else { 200_000 };

#[test]
fn the_newest_value_wins_and_the_unread_one_comes_back() {
    let (mut poster, mut taker) = mailbox();
    assert_eq!(taker.take(NOW), Taken::Nothing);
    assert_eq!(poster.post(1), Posted::Fresh);
    assert_eq!(poster.post(2), Posted::Replaced(1));
    assert_eq!(poster.post(3), Posted::Replaced(2));
    assert_eq!(taker.take(NOW), Taken::Value(3));
    assert_eq!(taker.take(NOW), Taken::Nothing);
    assert_eq!(poster.post(4), Posted::Fresh);
    assert_eq!(taker.take(NOW), Taken::Value(4));
}

/// A wrong guess is not seen in what comes out: it costs an exchange that fails.
#[test]
fn each_end_guesses_the_word_right_while_posts_and_takes_alternate() {
    let (mut poster, mut taker) = mailbox();
    for id in 0..9 {
        assert_eq!(poster.end.guess, poster.inner.word.load(Ordering::Relaxed), "before post {id}");
        assert_eq!(poster.post(id), Posted::Fresh);
        assert_eq!(taker.end.guess, taker.inner.word.load(Ordering::Relaxed), "before take {id}");
        assert_eq!(taker.take(NOW), Taken::Value(id));
    }
}

#[test]
fn after_the_writers_close_the_reader_takes_what_is_left_and_then_sees_the_end() {
    let (mut poster, mut taker) = mailbox();
    assert_eq!(poster.post(1), Posted::Fresh);
    poster.close();
    poster.close();
    assert_eq!(poster.post(2), Posted::Closed(2));
    assert!(!poster.wait_room(LONG));
    assert_eq!(taker.take(LONG), Taken::Value(1));
    assert_eq!(taker.take(LONG), Taken::Closed);
    assert!(!poster.wait_room(LONG));
}

#[test]
fn after_the_readers_close_posts_come_back() {
    let (mut poster, mut taker) = mailbox();
    assert_eq!(poster.post(1), Posted::Fresh);
    taker.close();
    assert_eq!(poster.post(2), Posted::Closed(2));
    assert_eq!(taker.take(NOW), Taken::Value(1));
    assert_eq!(taker.take(NOW), Taken::Closed);
    drop(taker);
    assert_eq!(poster.post(3), Posted::Closed(3));
}

#[test]
fn room_is_when_the_slot_is_empty() {
    let (mut poster, mut taker) = mailbox();
    assert!(poster.wait_room(LONG));
    assert_eq!(poster.post(1), Posted::Fresh);
    assert!(!poster.wait_room(NOW));
    assert!(!poster.wait_room(Duration::from_millis(2)));
    assert_eq!(taker.take(NOW), Taken::Value(1));
    assert!(poster.wait_room(LONG));
}

#[test]
fn a_take_comes_back_with_nothing_after_its_timeout() {
    let (poster, mut taker) = mailbox::<u32>();
    let timeout = Duration::from_millis(5);
    let started = std::time::Instant::now();
    assert_eq!(taker.take(timeout), Taken::Nothing);
    assert!(started.elapsed() >= timeout);
    drop(poster);
}

#[test]
fn a_timeout_too_long_for_the_clock_is_for_ever() {
    let (mut poster, mut taker) = mailbox();
    let reader = thread::spawn(move || taker.take(Duration::MAX));
    assert_eq!(poster.post(7), Posted::Fresh);
    assert_eq!(reader.join().unwrap(), Taken::Value(7));
}

#[test]
fn a_close_wakes_both_sleepers() {
    let (poster, mut taker) = mailbox::<u32>();
    let reader = thread::spawn(move || taker.take(LONG));
    drop(poster);
    assert_eq!(reader.join().unwrap(), Taken::Closed);

    let (mut poster, mut taker) = mailbox();
    assert_eq!(poster.post(1), Posted::Fresh);
    let writer = thread::spawn(move || poster.wait_room(LONG));
    taker.close();
    assert!(!writer.join().unwrap());
}

/// Conservation: whatever the reader's patience, taken + replaced + left = posted, and ids strictly grow.
#[test]
fn under_load_taken_and_replaced_and_left_are_what_was_posted() {
    for patience in [NOW, Duration::from_micros(20), LONG] {
        let (mut poster, mut taker) = mailbox::<Box<u64>>();
        let reader = thread::spawn(move || {
            let (mut last, mut count, mut sum) = (0, 0u64, 0u64);
            loop {
                match taker.take(patience) {
                    Taken::Value(id) => {
                        assert!(*id > last, "{id} after {last}");
                        last = *id;
                        count += 1;
                        sum += *id;
                    }
                    Taken::Nothing => thread::yield_now(),
                    Taken::Closed => return (count, sum),
                }
            }
        });
        let (mut count, mut sum) = (0u64, 0u64);
        for id in 1..=MANY {
            if let Posted::Replaced(old) = poster.post(Box::new(id)) {
                assert_eq!(*old, id - 1, "only the value just before can be unread");
                count += 1;
                sum += *old;
            }
            if id % 64 == 0 {
                thread::yield_now();
            }
        }
        drop(poster);
        let (taken, taken_sum) = reader.join().unwrap();
        assert_eq!(taken + count, MANY);
        assert_eq!(taken_sum + sum, MANY * (MANY + 1) / 2, "each id exactly once");
    }
}

#[test]
fn a_writer_that_waits_for_room_hands_over_every_value_in_order() {
    let (mut poster, mut taker) = mailbox();
    let count = MANY / 10;
    let writer = thread::spawn(move || {
        for id in 0..count {
            assert!(poster.wait_room(LONG));
            assert_eq!(poster.post(id), Posted::Fresh);
        }
    });
    for id in 0..count {
        assert_eq!(taker.take(LONG), Taken::Value(id));
    }
    assert_eq!(taker.take(LONG), Taken::Closed);
    writer.join().unwrap();
}

#[test]
fn a_ping_between_two_threads_never_misses_a_wake_up() {
    let (mut there, mut here) = mailbox();
    let (mut back, mut answer) = mailbox();
    let echo = thread::spawn(move || {
        while let Taken::Value(id) = here.take(LONG) {
            assert_eq!(back.post(id), Posted::Fresh);
        }
    });
    for id in 0..MANY / 10 {
        assert_eq!(there.post(id), Posted::Fresh);
        assert_eq!(answer.take(LONG), Taken::Value(id));
    }
    drop(there);
    echo.join().unwrap();
}

#[test]
fn a_reader_that_changes_its_thread_is_woken_where_it_is() {
    let (mut poster, mut taker) = mailbox();
    for id in 0..(MANY / 4000).max(5) {
        let reader = thread::spawn(move || (taker.take(LONG), taker));
        assert_eq!(poster.post(id), Posted::Fresh);
        let (taken, same) = reader.join().unwrap();
        assert_eq!(taken, Taken::Value(id));
        taker = same;
    }
}

#[test]
fn both_ends_closing_at_once_is_quiet() {
    for _ in 0..MANY / 2000 {
        let (mut poster, taker) = mailbox();
        let reader = thread::spawn(move || drop(taker));
        let posted = poster.post(1u8);
        assert!(matches!(posted, Posted::Fresh | Posted::Closed(1)));
        drop(poster);
        reader.join().unwrap();
    }
}

/// Counts its drops.
struct Counted(Arc<AtomicU64>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn each_value_is_dropped_exactly_once_wherever_it_ends() {
    let drops = Arc::new(AtomicU64::new(0));
    let count = || drops.load(Ordering::Relaxed);
    let (mut poster, mut taker) = mailbox();
    assert!(matches!(poster.post(Counted(drops.clone())), Posted::Fresh));
    assert!(matches!(poster.post(Counted(drops.clone())), Posted::Replaced(_)));
    assert_eq!(count(), 1, "the replaced one");
    assert!(matches!(taker.take(NOW), Taken::Value(_)));
    assert_eq!(count(), 2, "the taken one");
    assert!(matches!(poster.post(Counted(drops.clone())), Posted::Fresh));
    drop(taker);
    assert!(matches!(poster.post(Counted(drops.clone())), Posted::Closed(_)));
    assert_eq!(count(), 3, "the refused one");
    drop(poster);
    assert_eq!(count(), 4, "the one left in the slot");
}

#[test]
fn values_left_by_racing_ends_are_dropped_exactly_once() {
    let drops = Arc::new(AtomicU64::new(0));
    let rounds = MANY / 1000;
    let (hand_over, handed) = mpsc::sync_channel::<Taker<Counted>>(1);
    let reader = thread::spawn(move || {
        for mut taker in handed {
            let _ = taker.take(NOW);
        }
    });
    for _ in 0..rounds {
        let (mut poster, taker) = mailbox();
        hand_over.send(taker).unwrap();
        for _ in 0..3 {
            let _ = poster.post(Counted(drops.clone()));
        }
    }
    drop(hand_over);
    reader.join().unwrap();
    assert_eq!(drops.load(Ordering::Relaxed), rounds * 3);
}

#[test]
fn a_value_bigger_than_a_cache_line_arrives_whole() {
    let (mut poster, mut taker) = mailbox::<[u64; 40]>();
    let torn = Arc::new(AtomicU32::new(0));
    let seen_torn = torn.clone();
    let reader = thread::spawn(move || {
        while let Taken::Value(words) = taker.take(LONG) {
            if words.iter().any(|word| *word != words[0]) {
                seen_torn.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    for turn in 0..MANY / 4 {
        if let Posted::Replaced(old) = poster.post([turn; 40]) {
            assert_eq!(old, [turn - 1; 40]);
        }
    }
    drop(poster);
    reader.join().unwrap();
    assert_eq!(torn.load(Ordering::Relaxed), 0);
}
