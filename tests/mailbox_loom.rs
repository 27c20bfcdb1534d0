//! The mailbox under loom: every interleaving of small scenes, with at most three preemptions each.
//!
//! The mailbox's own source file is built here once more, on loom's atomics, cells and threads instead of std's. Loom
//! ends a scene with an error when two threads touch a cell without order between them, when all threads sleep (that
//! is what a lost wake-up looks like, since here a sleep without a wake-up has no end), and when a value is leaked.
//!
//! In these scenes a timeout is either [`NEVER`] reached or reached [`AT_ONCE`], right after the sleeper's bit is set.

use std::time::Duration;

use loom::alloc::Track;
use loom::model::Builder;
use loom::thread;

#[path = "../src/mailbox/slot.rs"]
#[allow(dead_code)]
mod slot;

/// The face of `src/mailbox/sync.rs` on loom's primitives.
mod sync {
    pub use loom::sync::Arc;
    pub use loom::sync::atomic::{AtomicU32, Ordering};
    pub use loom::thread::{Thread, current};

    /// Loom's cell with a step before each use: loom counts time in steps on atomics, so without one it would take the
    /// use for a part of the exchange before it, and not see that another thread may come between.
    pub struct UnsafeCell<T> {
        step: AtomicU32,
        cell: loom::cell::UnsafeCell<T>,
    }

    impl<T> UnsafeCell<T> {
        pub fn new(value: T) -> UnsafeCell<T> {
            UnsafeCell { step: AtomicU32::new(0), cell: loom::cell::UnsafeCell::new(value) }
        }

        pub fn with_mut<R>(&self, work: impl FnOnce(*mut T) -> R) -> R {
            self.step.fetch_add(1, Ordering::Relaxed);
            self.cell.with_mut(work)
        }
    }

    pub struct Deadline {
        at_once: bool,
    }

    impl Deadline {
        pub fn after(timeout: std::time::Duration) -> Deadline {
            Deadline { at_once: timeout == super::AT_ONCE }
        }

        pub fn passed(&self) -> bool {
            self.at_once
        }

        pub fn park(&self) {
            if !self.at_once {
                loom::thread::park();
            }
        }
    }
}

use slot::{Posted, Poster, Taken, Taker, mailbox};

const NEVER: Duration = Duration::MAX;
const AT_ONCE: Duration = Duration::from_nanos(1);

/// A value whose leak loom reports.
type Mail = Track<u32>;

fn try_all(scene: impl Fn() + Sync + Send + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(scene);
}

/// Posts `ids` in order and tells which came back replaced and which because of a close.
fn post_all(poster: &mut Poster<Mail>, ids: &[u32]) -> (Vec<u32>, Vec<u32>) {
    let (mut replaced, mut refused) = (Vec::new(), Vec::new());
    for &id in ids {
        match poster.post(Track::new(id)) {
            Posted::Fresh => {}
            Posted::Replaced(old) => replaced.push(*old.get_ref()),
            Posted::Closed(own) => {
                assert_eq!(*own.get_ref(), id, "a refused value is the posted one");
                refused.push(id);
            }
        }
    }
    (replaced, refused)
}

/// Takes with `timeout` until the end and tells the ids.
fn take_all(taker: &mut Taker<Mail>, timeout: Duration) -> Vec<u32> {
    let mut ids = Vec::new();
    loop {
        match taker.take(timeout) {
            Taken::Value(mail) => ids.push(*mail.get_ref()),
            Taken::Nothing => assert_eq!(timeout, AT_ONCE, "a sleep without end ended with nothing"),
            Taken::Closed => return ids,
        }
    }
}

fn sorted(mut ids: Vec<u32>) -> Vec<u32> {
    ids.sort_unstable();
    ids
}

#[test]
fn each_posted_value_is_taken_or_replaced_and_ids_only_grow() {
    try_all(|| {
        let (mut poster, mut taker) = mailbox::<Mail>();
        let reader = thread::spawn(move || take_all(&mut taker, NEVER));
        let (replaced, refused) = post_all(&mut poster, &[1, 2, 3]);
        drop(poster);
        let taken = reader.join().unwrap();
        assert!(refused.is_empty());
        assert!(taken.is_sorted_by(|a, b| a < b), "{taken:?}");
        assert_eq!(taken.last(), Some(&3), "the newest is never lost");
        assert_eq!(sorted([taken, replaced].concat()), [1, 2, 3]);
    });
}

#[test]
fn a_post_wakes_the_sleeper_each_time() {
    try_all(|| {
        let (mut there, mut here) = mailbox::<Mail>();
        let (mut back, mut answer) = mailbox::<Mail>();
        let echo = thread::spawn(move || {
            for _ in 0..2 {
                let Taken::Value(mail) = here.take(NEVER) else { panic!("nothing to echo") };
                assert!(matches!(back.post(mail), Posted::Fresh));
            }
        });
        for id in 1..=2 {
            assert!(matches!(there.post(Track::new(id)), Posted::Fresh));
            let Taken::Value(mail) = answer.take(NEVER) else { panic!("no echo") };
            assert_eq!(*mail.get_ref(), id);
        }
        echo.join().unwrap();
    });
}

#[test]
fn a_close_or_a_drop_wakes_the_sleeping_reader() {
    for by_drop in [false, true] {
        try_all(move || {
            let (mut poster, mut taker) = mailbox::<Mail>();
            let reader = thread::spawn(move || take_all(&mut taker, NEVER));
            if by_drop {
                drop(poster);
            } else {
                poster.close();
                assert_eq!(post_all(&mut poster, &[1]).1, [1]);
            }
            assert!(reader.join().unwrap().is_empty());
        });
    }
}

#[test]
fn a_sleeper_that_gives_up_misses_nothing() {
    try_all(|| {
        let (mut poster, mut taker) = mailbox::<Mail>();
        let reader = thread::spawn(move || {
            let mut taken = Vec::new();
            for timeout in [AT_ONCE, AT_ONCE, Duration::ZERO] {
                if let Taken::Value(mail) = taker.take(timeout) {
                    taken.push(*mail.get_ref());
                }
            }
            taken.extend(take_all(&mut taker, NEVER));
            taken
        });
        let (replaced, _) = post_all(&mut poster, &[1, 2]);
        drop(poster);
        let taken = reader.join().unwrap();
        assert!(taken.is_sorted_by(|a, b| a < b), "{taken:?}");
        assert_eq!(sorted([taken, replaced].concat()), [1, 2]);
    });
}

#[test]
fn a_writer_that_waits_for_room_loses_nothing() {
    try_all(|| {
        let (mut poster, mut taker) = mailbox::<Mail>();
        let writer = thread::spawn(move || {
            for id in 1..=3 {
                assert!(poster.wait_room(NEVER));
                assert!(matches!(poster.post(Track::new(id)), Posted::Fresh));
            }
        });
        assert_eq!(take_all(&mut taker, NEVER), [1, 2, 3]);
        writer.join().unwrap();
    });
}

#[test]
fn a_writer_that_gives_up_waiting_finds_its_sleep_undone() {
    try_all(|| {
        let (mut poster, mut taker) = mailbox::<Mail>();
        let writer = thread::spawn(move || {
            let (mut replaced, _) = post_all(&mut poster, &[1]);
            for id in 2..=3 {
                let room = poster.wait_room(AT_ONCE);
                let (old, _) = post_all(&mut poster, &[id]);
                assert!(!room || old.is_empty(), "room was promised, but {old:?} was there");
                replaced.extend(old);
            }
            replaced
        });
        let taken = take_all(&mut taker, NEVER);
        assert_eq!(sorted([taken, writer.join().unwrap()].concat()), [1, 2, 3]);
    });
}

#[test]
fn a_readers_close_wakes_the_waiting_writer_and_sends_posts_back() {
    for by_drop in [false, true] {
        try_all(move || {
            let (mut poster, mut taker) = mailbox::<Mail>();
            let writer = thread::spawn(move || {
                let (replaced, refused) = post_all(&mut poster, &[1]);
                let room = poster.wait_room(NEVER);
                let (_, later) = post_all(&mut poster, &[2]);
                assert!(replaced.is_empty());
                assert!(!room, "nobody takes here");
                assert_eq!(later, [2]);
                refused
            });
            if by_drop {
                drop(taker);
                writer.join().unwrap();
            } else {
                taker.close();
                let refused = writer.join().unwrap();
                assert_eq!([take_all(&mut taker, NEVER), refused].concat(), [1]);
            }
        });
    }
}

#[test]
fn both_ends_may_close_at_once_with_both_asleep_or_not() {
    try_all(|| {
        let (mut poster, mut taker) = mailbox::<Mail>();
        let reader = thread::spawn(move || {
            let taken = taker.take(AT_ONCE);
            taker.close();
            drop(taken);
            take_all(&mut taker, NEVER).len()
        });
        let (replaced, _) = post_all(&mut poster, &[1, 2]);
        poster.close();
        assert!(replaced.len() + reader.join().unwrap() <= 2);
    });
}

#[test]
fn a_reader_that_moves_to_another_thread_is_woken_there() {
    try_all(|| {
        let (mut poster, mut taker) = mailbox::<Mail>();
        let first = thread::spawn(move || {
            let taken = taker.take(NEVER);
            assert!(!matches!(taken, Taken::Nothing));
            thread::spawn(move || take_all(&mut taker, NEVER))
        });
        let _ = post_all(&mut poster, &[1, 2]);
        poster.close();
        let second = first.join().unwrap();
        second.join().unwrap();
    });
}
