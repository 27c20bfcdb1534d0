//! The camera's line under a dice: its real threads' steps, one at a time, in an order and at moments that a seed decides.
//!
//! A line lives for some thousand steps: frames come or stay away, sources fail, hang and come back, viewers come, hold
//! pictures and go, the supervisor looks, in the end the box stops or the recording is over. Everything is the line's own
//! code but for the camera, the encoder and the engine, whose stand-ins handle frames of four bytes, and the clock, which
//! is a number. After every step [`ledger::Ledger`] looks whether what must always hold still does. All of it runs on one
//! thread, so a seed that fails fails again: it is printed with the last steps.
//!
//! What it cannot see: two threads inside one step, and who wakes whom (tests/mailbox_loom.rs and the threads' own tests
//! see to that).
//!
//! *step*: what a thread does between two things that others can see · *life*: a line from its start to its end.

mod ledger;
mod life;
mod standins;
mod viewer;

use std::collections::VecDeque;
use std::time::Instant;

use super::view::Event;
use crate::events::Board;
use crate::time::Mono;
use life::Life;

/// Steps that are printed when one fails.
const PRINTED: usize = 20;

/// The seed's decisions (SplitMix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 to `sides` - 1.
    fn below(&mut self, sides: u64) -> u64 {
        self.roll() % sides
    }

    /// Once in `times`.
    fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
}

/// The last steps; they are printed if what follows panics.
struct Diary {
    seed: u64,
    count: u64,
    last: VecDeque<(u64, Mono, &'static str, u64)>,
}

impl Diary {
    fn new(seed: u64) -> Diary {
        Diary { seed, count: 0, last: VecDeque::with_capacity(PRINTED) }
    }

    /// `what` is done, with a number that tells it apart.
    fn note(&mut self, now: Mono, what: &'static str, number: u64) {
        self.count += 1;
        if self.last.len() == PRINTED {
            self.last.pop_front();
        }
        self.last.push_back((self.count, now, what, number));
    }

    fn told(&self) -> String {
        let line = |(count, now, what, number): &(u64, Mono, &str, u64)| {
            format!("  step {count} at {:.3} s: {what} {number}\n", now.as_ns() as f64 / 1e9)
        };
        let steps: String = self.last.iter().map(line).collect();
        format!("{steps}  again with SPOTTER_SEED={} SPOTTER_STEPS={}", self.seed, self.count)
    }
}

impl Drop for Diary {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the last steps:\n{}", self.told());
        }
    }
}

/// What came up in a run: that it came up at all shows that the run was worth something.
#[derive(Clone, Copy, Default, PartialEq, Debug)]
struct Tally {
    lives: u64,
    frames: u64,
    taken: u64,
    replaced: u64,
    losses: u64,
    encodes: u64,
    voided: u64,
    shots: u64,
    full: u64,
    told: u64,
    finished: u64,
}

/// Lives one after the other until this many steps are done.
fn simulate(seed: u64, steps: u64) -> (Tally, String) {
    let board: &'static Board<Event> = Box::leak(Box::default());
    let (mut dice, mut diary, mut tally) = (Dice(seed), Diary::new(seed), Tally::default());
    while diary.count < steps {
        let span = 500 + dice.below(3000);
        Life::begin(&mut dice, board).live(&mut dice, &mut diary, span, &mut tally);
        tally.lives += 1;
    }
    (tally, diary.told())
}

fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} wants a number, not {text}")))
}

#[test]
fn a_line_keeps_its_word_in_whatever_order_its_threads_run() {
    let (tally, _) = simulate(1, 50_000);
    let all = [tally.frames, tally.replaced, tally.losses, tally.encodes, tally.voided, tally.shots, tally.told];
    assert!(all.into_iter().chain([tally.full, tally.finished]).all(|n| n > 0), "{tally:?}");
}

#[test]
fn a_seed_replays_and_another_one_differs() {
    assert_eq!(simulate(7, 5000), simulate(7, 5000));
    assert_ne!(simulate(7, 5000).1, simulate(8, 5000).1);
}

#[test]
#[ignore = "a minute or more; make test-simulation"]
fn a_million_steps_in_whatever_order() {
    let steps = from_environment("SPOTTER_STEPS").unwrap_or(1_000_000);
    let seed = from_environment("SPOTTER_SEED").unwrap_or_else(|| Mono::now().as_ns());
    println!("seed {seed}, {steps} steps");
    let begun = Instant::now();
    let (tally, _) = simulate(seed, steps);
    println!("{tally:?} in {:.1} s", begun.elapsed().as_secs_f64());
}
