//! `spotter bench mailbox`: one post and one take, uncontended. Against its rivals it is measured in `benches/`.

use std::hint::black_box;
use std::time::Duration;

use serde::Serialize;

use crate::mailbox::{Taken, mailbox};
use crate::time::Mono;

/// What was measured.
#[derive(Serialize)]
pub struct Measured {
    /// Nanoseconds of one post and one take, the median of the rounds.
    pub post_take_ns: f64,
}

const ROUNDS: usize = 21;
const TURNS: u64 = 100_000;

/// Measures on this thread.
pub fn measure() -> Measured {
    let (mut poster, mut taker) = mailbox::<u64>();
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let begun = Mono::now();
            for turn in 0..TURNS {
                let _ = black_box(poster.post(black_box(turn)));
                let taken = taker.take(Duration::ZERO);
                debug_assert!(matches!(taken, Taken::Value(_)));
                let _ = black_box(taken);
            }
            Mono::now().since(begun).as_nanos() as f64 / TURNS as f64
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    Measured { post_take_ns: rounds[ROUNDS / 2] }
}
