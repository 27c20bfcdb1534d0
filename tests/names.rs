//! The names of exercises judged by training sessions that never were: with recordings of somebody else, and on the first day.

mod gym;

use std::collections::BTreeMap;
use std::sync::Arc;

use gym::Gym;
use gym::judge::{Outcome, compare, conditions, nth};
use gym::moves::{KNOWN, Move, UNKNOWN};
use gym::watch::{all, counted_with, number};
use spotter::workout::{Prototype, Prototypes, Settings};

/// Recordings as somebody with patience would make them: every way of every exercise, by somebody else, from three sides.
fn recordings() -> Arc<Prototypes> {
    let ways =
        |movement: Move| (0..movement.variants()).flat_map(move |way| [-35.0, 0.0, 35.0].map(|side| (way, side)));
    let whole: Vec<_> = KNOWN.into_iter().flat_map(|m| ways(m).map(move |(way, side)| (m, way, side))).collect();
    let examples = all(whole.len() as u64, |n| {
        let (movement, way, side) = whole[n as usize];
        let session = gym::reference(movement, way, side);
        let shots = session.frames.into_iter().map(|shot| (shot.at, session.size, shot.poses));
        Prototype::recorded(movement.name(), Settings::default(), shots)
            .unwrap_or_else(|why| panic!("{movement:?}, way {way}, from {side} degrees: {why}"))
    });
    // As the log keeps them.
    let kept = serde_json::to_string(&examples).unwrap();
    println!("{} recordings, {} bytes each", examples.len(), kept.len() / examples.len());
    Arc::new(Prototypes::new(serde_json::from_str(&kept).unwrap()))
}

/// Rightly and wrongly named of the counted sets, in all and by exercise.
fn names(outcomes: &[Outcome]) -> [usize; 3] {
    let mut by: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
    for outcome in outcomes.iter().filter(|outcome| !outcome.hidden && outcome.parts > 0) {
        let right = outcome.name.as_deref() == Some(outcome.movement.name());
        let row = [1, usize::from(right), usize::from(!right && outcome.name.is_some())];
        let sums = by.entry(outcome.movement.name()).or_default();
        *sums = std::array::from_fn(|n| sums[n] + row[n]);
    }
    let mut sum = [0; 3];
    println!("{:<20} {:>7} {:>6} {:>6}", "", "counted", "right", "wrong");
    for (name, [counted, right, wrong]) in &by {
        println!("{name:<20} {counted:>7} {right:>6} {wrong:>6}");
        sum = [sum[0] + counted, sum[1] + right, sum[2] + wrong];
    }
    let [counted, right, wrong] = sum;
    let percent = |of: usize| 100.0 * of as f64 / counted.max(1) as f64;
    println!("of {counted} counted sets {:.1} % named rightly, {:.1} % wrongly", percent(right), percent(wrong));
    sum
}

/// Names of known exercises' sets.
fn named_with(recorded: &Arc<Prototypes>) -> [usize; 3] {
    let first = number("SPOTTER_SEED", 1_000);
    let outcomes = all(number("SPOTTER_SETS", 320), |n| {
        let (movement, seed) = nth(n, first);
        let gym = Gym::new(&conditions(movement, seed), seed);
        compare(seed, &gym, &counted_with(&gym, recorded)).0
    });
    let outcomes = outcomes.concat();
    let wrong = |outcome: &&Outcome| outcome.name.as_deref().is_some_and(|name| name != outcome.movement.name());
    for outcome in outcomes.iter().filter(|outcome| !outcome.hidden).filter(wrong) {
        println!("seed {}: {:?} is named {:?}", outcome.seed, outcome.movement, outcome.name);
    }
    names(&outcomes)
}

#[test]
#[ignore = "minutes; make test-counting"]
fn names_with_recordings() {
    let [counted, right, wrong] = named_with(&recordings());
    assert!(100 * right >= 95 * counted && 100 * wrong <= 3 * counted, "{right} of {counted}, {wrong} wrongly");
}

#[test]
#[ignore = "minutes; make test-counting"]
fn names_on_the_first_day() {
    let [counted, right, wrong] = named_with(&Arc::default());
    assert!(100 * right >= 90 * counted && 100 * wrong <= 3 * counted, "{right} of {counted}, {wrong} wrongly");
}

#[test]
#[ignore = "minutes; make test-counting"]
fn movements_that_nobody_taught_are_not_named() {
    let first = number("SPOTTER_SEED", 60_000);
    let count = number("SPOTTER_SETS", 250);
    let recorded = [("the textbook alone", Arc::default()), ("recordings", recordings())];
    let outcomes = all(count, |n| {
        let (movement, seed) = (UNKNOWN[(n % 5) as usize], first + n);
        let gym = Gym::new(&conditions(movement, seed), seed);
        recorded.each_ref().map(|(_, recorded)| compare(seed, &gym, &counted_with(&gym, recorded)).0)
    });
    for (n, (by, _)) in recorded.iter().enumerate() {
        let named = || outcomes.iter().flat_map(|both| &both[n]).filter(|outcome| outcome.name.is_some());
        named().for_each(|o| println!("seed {}: {:?} is named {:?}", o.seed, o.movement, o.name));
        let found = outcomes.iter().flat_map(|both| &both[n]).filter(|outcome| outcome.parts > 0).count();
        println!("by {by}, {} of {count} unknown movements were named; {found} were counted", named().count());
        assert!(50 * named().count() as u64 <= count, "{} of {count}", named().count());
    }
}
