//! The mailbox against three other ways to hand over the newest value: a mutex with a condition variable, crossbeam's
//! queue of one with `force_push`, and embassy's `Signal`.
//!
//! Three scenes. *alone*: one post and one take on one thread, nothing contended. *ping*: a value goes to another thread
//! and comes back, both threads spin. *sleeping ping*: the same, but whoever waits sleeps (only for the two that can;
//! the queue and the signal have no sleep of their own). The values are `Arc`s, as frames are.
//!
//! `cargo bench --bench mailbox` ends with one line per rival: its time as a multiple of the mailbox's, the smallest of
//! several rounds taken in turn, so that a busy machine disturbs all alike.

use std::hint::black_box;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group};
use crossbeam_queue::ArrayQueue;
use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use embassy_sync::signal::Signal;
use spotter::mailbox::{Posted, Poster, Taken, Taker, mailbox};

type Mail = Arc<u64>;

/// The writing end of a way.
trait Post: Send + 'static {
    /// Puts the value in and gives back an unread one.
    fn post(&mut self, mail: Mail) -> Option<Mail>;
}

/// The reading end of a way.
trait Take: Send + 'static {
    /// The value, if there is one.
    fn take(&mut self) -> Option<Mail>;

    /// The value; sleeps until there is one. Spins where the way has no sleep.
    fn wait(&mut self) -> Option<Mail> {
        self.take()
    }
}

impl Post for Poster<Mail> {
    #[inline]
    fn post(&mut self, mail: Mail) -> Option<Mail> {
        match Poster::post(self, mail) {
            Posted::Fresh => None,
            Posted::Replaced(old) | Posted::Closed(old) => Some(old),
        }
    }
}

impl Take for Taker<Mail> {
    #[inline]
    fn take(&mut self) -> Option<Mail> {
        match Taker::take(self, Duration::ZERO) {
            Taken::Value(mail) => Some(mail),
            _ => None,
        }
    }

    fn wait(&mut self) -> Option<Mail> {
        match Taker::take(self, Duration::from_secs(10)) {
            Taken::Value(mail) => Some(mail),
            _ => None,
        }
    }
}

struct Locked {
    slot: Mutex<Option<Mail>>,
    bell: Condvar,
}

impl Post for Arc<Locked> {
    #[inline]
    fn post(&mut self, mail: Mail) -> Option<Mail> {
        let old = self.slot.lock().unwrap().replace(mail);
        self.bell.notify_one();
        old
    }
}

impl Take for Arc<Locked> {
    #[inline]
    fn take(&mut self) -> Option<Mail> {
        self.slot.lock().unwrap().take()
    }

    fn wait(&mut self) -> Option<Mail> {
        let slot = self.slot.lock().unwrap();
        self.bell.wait_timeout_while(slot, Duration::from_secs(10), |slot| slot.is_none()).unwrap().0.take()
    }
}

impl Post for Arc<ArrayQueue<Mail>> {
    #[inline]
    fn post(&mut self, mail: Mail) -> Option<Mail> {
        self.force_push(mail)
    }
}

impl Take for Arc<ArrayQueue<Mail>> {
    #[inline]
    fn take(&mut self) -> Option<Mail> {
        self.pop()
    }
}

type Embassy = Signal<CriticalSectionRawMutex, Mail>;

impl Post for Arc<Embassy> {
    #[inline]
    fn post(&mut self, mail: Mail) -> Option<Mail> {
        self.signal(mail); // drops an unread one itself
        None
    }
}

impl Take for Arc<Embassy> {
    #[inline]
    fn take(&mut self) -> Option<Mail> {
        self.try_take()
    }
}

fn locked() -> (Arc<Locked>, Arc<Locked>) {
    let ends = Arc::new(Locked { slot: Mutex::new(None), bell: Condvar::new() });
    (ends.clone(), ends)
}

fn queue() -> (Arc<ArrayQueue<Mail>>, Arc<ArrayQueue<Mail>>) {
    let ends = Arc::new(ArrayQueue::new(1));
    (ends.clone(), ends)
}

fn embassy() -> (Arc<Embassy>, Arc<Embassy>) {
    let ends = Arc::new(Signal::new());
    (ends.clone(), ends)
}

/// The time of `turns` posts, each taken at once by the same thread.
fn alone<P: Post, T: Take>((mut poster, mut taker): (P, T), turns: u64) -> Duration {
    let mut mail = Arc::new(0);
    let started = Instant::now();
    for _ in 0..turns {
        black_box(poster.post(black_box(mail)));
        mail = taker.take().expect("it was just posted");
    }
    started.elapsed()
}

/// How a thread of a ping waits.
#[derive(Clone, Copy)]
enum Wait {
    Spin,
    Sleep,
}

fn wait_for(taker: &mut impl Take, wait: Wait) -> Mail {
    let mut turns = 0u32;
    loop {
        let found = match wait {
            Wait::Spin => taker.take(),
            Wait::Sleep => taker.wait(),
        };
        if let Some(mail) = found {
            return mail;
        }
        turns += 1;
        if turns.is_multiple_of(1000) {
            thread::yield_now(); // the machine may have fewer free cores than the ping has threads
        }
        std::hint::spin_loop();
    }
}

/// The time of `turns` round trips between two threads.
fn ping<P: Post, T: Take>(make: impl Fn() -> (P, T), wait: Wait, turns: u64) -> Duration {
    let ((mut there, mut here), (mut back, mut answer)) = (make(), make());
    let echo = thread::spawn(move || {
        for _ in 0..=turns {
            let mail = wait_for(&mut here, wait);
            back.post(mail);
        }
    });
    there.post(Arc::new(0));
    let mut mail = wait_for(&mut answer, wait); // the other thread runs
    let started = Instant::now();
    for _ in 0..turns {
        there.post(mail);
        mail = wait_for(&mut answer, wait);
    }
    let took = started.elapsed();
    echo.join().expect("the echo does not panic");
    took
}

fn compare(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("mailbox alone");
    group.bench_function("mailbox", |b| b.iter_custom(|n| alone(mailbox(), n)));
    group.bench_function("mutex+condvar", |b| b.iter_custom(|n| alone(locked(), n)));
    group.bench_function("crossbeam queue", |b| b.iter_custom(|n| alone(queue(), n)));
    group.bench_function("embassy signal", |b| b.iter_custom(|n| alone(embassy(), n)));
    group.finish();

    let mut group = criterion.benchmark_group("mailbox ping");
    group.bench_function("mailbox", |b| b.iter_custom(|n| ping(mailbox, Wait::Spin, n)));
    group.bench_function("mutex+condvar", |b| b.iter_custom(|n| ping(locked, Wait::Spin, n)));
    group.bench_function("crossbeam queue", |b| b.iter_custom(|n| ping(queue, Wait::Spin, n)));
    group.bench_function("embassy signal", |b| b.iter_custom(|n| ping(embassy, Wait::Spin, n)));
    group.finish();

    let mut group = criterion.benchmark_group("mailbox sleeping ping");
    group.bench_function("mailbox", |b| b.iter_custom(|n| ping(mailbox, Wait::Sleep, n)));
    group.bench_function("mutex+condvar", |b| b.iter_custom(|n| ping(locked, Wait::Sleep, n)));
    group.finish();
}

/// One named way to run a scene a number of turns.
type Way = (&'static str, fn(u64) -> Duration);

/// Runs the ways in turn, several rounds, and prints the smallest times and their ratio to the first way's.
fn ratios(scene: &str, turns: u64, ways: &[Way]) {
    const ROUNDS: usize = 15;
    let mut best = vec![f64::INFINITY; ways.len()];
    for _ in 0..ROUNDS {
        for (least, (_, run)) in best.iter_mut().zip(ways) {
            *least = least.min(run(turns).as_nanos() as f64 / turns as f64);
        }
    }
    for ((name, _), ns) in ways.iter().zip(&best) {
        println!("{scene:<14} {name:<16} {ns:>9.1} ns   {:>5.2} x", ns / best[0]);
    }
}

fn print_ratios() {
    let alone: &[Way] = &[
        ("mailbox", |n| alone(mailbox(), n)),
        ("mutex+condvar", |n| alone(locked(), n)),
        ("crossbeam queue", |n| alone(queue(), n)),
        ("embassy signal", |n| alone(embassy(), n)),
    ];
    let spinning: &[Way] = &[
        ("mailbox", |n| ping(mailbox, Wait::Spin, n)),
        ("mutex+condvar", |n| ping(locked, Wait::Spin, n)),
        ("crossbeam queue", |n| ping(queue, Wait::Spin, n)),
        ("embassy signal", |n| ping(embassy, Wait::Spin, n)),
    ];
    let sleeping: &[Way] =
        &[("mailbox", |n| ping(mailbox, Wait::Sleep, n)), ("mutex+condvar", |n| ping(locked, Wait::Sleep, n))];
    ratios("alone", 200_000, alone);
    ratios("ping", 20_000, spinning);
    ratios("sleeping ping", 2_000, sleeping);
}

criterion_group!(benches, compare);

fn main() {
    // Criterion reads the arguments; `--ratios` (ours) leaves its statistics out.
    if !std::env::args().any(|arg| arg == "--ratios") {
        benches();
        Criterion::default().configure_from_args().final_summary();
    }
    if !std::env::args().any(|arg| arg == "--test") {
        print_ratios();
    }
}
