//! Halves of repetitions: who rows before the camera passes the same posture on his way out and on his way back, as far as
//! angles and heights show it, so that each way is taken for a repetition of its own.
//!
//! A repetition ends where it began. When many of a set end elsewhere, and the next one leads back from there, the two are
//! one. Where bones point in the picture tells the two places apart; nothing is counted by that before a set is over, since
//! it says less about other movements than angles do. It must never join what ends where it began.
//!
//! *place*: where all bones point, across and down, in statures · *crossing*: how far a repetition ends from its start, along
//! the way on which most of them do; its sign says which way.

use super::course::BONES;
use super::measure::FIGURE;
use super::rep::Span;
use super::report::Phases;
use super::search::median;
use super::signal::{Signal, seconds};

/// Fewer do not show that they are halves.
const LEAST: usize = 6;
/// Ticks on either side over which a place is averaged.
const AROUND: u64 = 2;
/// What the most part of the crossings stays below says how long one is.
const LONG: f32 = 0.75;
/// One that is shorter than this share of it is none.
const CROSSES: f32 = 0.5;
/// Crossings that are shorter than this share of the way to the turns, ends that sway by as much, are none either, …
const SHORT: f32 = 0.65;
/// … unless all but a few cross, to and fro in turn: then they may be as short as this.
const SHORTEST: f32 = 0.5;
const ALL: f32 = 0.9;
/// This share of the turns of those that cross lies between both places, as halves' do; whole ones turn at one of them.
const BETWEEN: f32 = 0.6;
/// So many that all cross, to and fro in turn, are halves wherever they turn: a view from the front hides how far they are. And if
/// nearly each goes the other way than the one before it, all of them cross, however short some look.
const MANY: usize = 12;
/// Between: this share of the way from one at least, and from the other.
const OFF: f32 = 0.1;
/// Rounds in which the way on which most of them cross is found.
const ROUNDS: usize = 8;

const WIDTH: usize = 2 * BONES.len();
type Place = [f32; WIDTH];

/// How far a repetition ends from its start along the common way, how far its turn is, and how far that is at all.
#[derive(Clone, Copy)]
struct Crossing {
    way: f32,
    turn: f32,
    far: f32,
}

fn place(signal: &Signal, tick: u64) -> Place {
    std::array::from_fn(|n| signal.around(FIGURE + n, tick, AROUND))
}

/// From one place to another, as far as both were seen.
fn between(from: &Place, to: &Place) -> Place {
    std::array::from_fn(|n| Some(to[n] - from[n]).filter(|way| way.is_finite()).unwrap_or(0.0))
}

fn dot(a: &Place, b: &Place) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Of the length one; nothing of nothing.
fn unit(way: Place) -> Option<Place> {
    let length = dot(&way, &way).sqrt();
    (length > 0.0).then(|| way.map(|v| v / length))
}

/// The direction in which these go furthest, either way: the first eigenvector of their second moments, by power iteration.
fn common(ways: &[Place]) -> Option<Place> {
    let longest = ways.iter().max_by(|a, b| dot(a, a).total_cmp(&dot(b, b)))?;
    (0..ROUNDS).try_fold(unit(*longest)?, |direction, _| {
        let mut next = [0.0; WIDTH];
        for way in ways {
            let along = dot(&direction, way);
            next.iter_mut().zip(way).for_each(|(next, v)| *next += along * v);
        }
        unit(next)
    })
}

fn crossings(signal: &Signal, spans: &[Span]) -> Option<Vec<Crossing>> {
    let places = spans.iter().map(|span| [span.start, span.turn, span.end].map(|tick| place(signal, tick)));
    let (ways, turns): (Vec<Place>, Vec<Place>) =
        places.map(|[start, turn, end]| (between(&start, &end), between(&start, &turn))).unzip();
    let direction = common(&ways)?;
    let crossing = |(way, turn): (&Place, &Place)| Crossing {
        way: dot(&direction, way),
        turn: dot(&direction, turn),
        far: dot(turn, turn).sqrt(),
    };
    Some(ways.iter().zip(&turns).map(crossing).collect())
}

/// Which of these end elsewhere than they began: 1 from where the first such one began, -1 back to there, 0 none.
fn sides(all: &[Crossing]) -> Option<Vec<i8>> {
    let mut lengths: Vec<f32> = all.iter().map(|one| one.way.abs()).collect();
    lengths.sort_unstable_by(f32::total_cmp);
    let long = lengths[(LONG * (all.len() - 1) as f32) as usize];
    let crosses = |one: &&Crossing| one.way.abs() > CROSSES * long;
    let crossing: Vec<&Crossing> = all.iter().filter(crosses).collect();
    let first = crossing.first()?.way.signum();
    let share = |count: usize, of: usize| count as f32 / of.max(1) as f32;
    let turns = crossing.iter().filter(|one| (OFF..=1.0 - OFF).contains(&(one.turn / one.way))).count();
    let in_turn = crossing.windows(2).filter(|pair| pair[0].way.signum() != pair[1].way.signum()).count();
    let turned = all.windows(2).filter(|pair| pair[0].way.signum() != pair[1].way.signum()).count();
    let each = all.len() >= MANY && share(turned, all.len() - 1) >= ALL;
    let all_cross = each || share(crossing.len(), all.len()) >= ALL && share(in_turn, crossing.len() - 1) >= ALL;
    let far = median(all.iter().map(|one| one.far));
    let short = if all_cross { SHORTEST } else { SHORT };
    let between = share(turns, crossing.len()) >= BETWEEN || each || all_cross && crossing.len() >= MANY;
    let halves = long >= short * far && between;
    let side = |one: &Crossing| {
        if !each && !crosses(&one) {
            0
        } else if one.way.signum() == first {
            1
        } else {
            -1
        }
    };
    halves.then(|| all.iter().map(side).collect())
}

/// Both as one.
fn joined(out: &Span, back: &Span) -> Span {
    let hold_s = seconds(back.start.saturating_sub(out.end));
    let phases = Phases { go_s: out.duration_s(), hold_s, back_s: back.duration_s(), pause_s: back.phases.pause_s };
    Span {
        start: out.start,
        half_out: out.turn,
        turn: out.end.midpoint(back.start),
        half_back: back.turn,
        end: back.end,
        phases,
        height: out.height.max(back.height),
    }
}

/// Joins what are halves of repetitions; the others stay.
pub fn join(signal: &Signal, spans: Vec<Span>) -> Vec<Span> {
    if spans.len() < LEAST {
        return spans;
    }
    let Some(sides) = crossings(signal, &spans).and_then(|all| sides(&all)) else { return spans };
    let mut whole = Vec::with_capacity(spans.len());
    let mut n = 0;
    while n < spans.len() {
        if sides[n..].starts_with(&[1, -1]) {
            whole.push(joined(&spans[n], &spans[n + 1]));
            n += 2;
        } else {
            whole.push(spans[n]);
            n += 1;
        }
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::super::measure::CHANNELS;
    use super::super::signal::stamp_of;
    use super::*;

    /// Every 40 ticks a repetition; where the hand is at its start, at its turn and at its end, in statures across.
    fn seen(reps: &[[f32; 3]]) -> (Signal, Vec<Span>) {
        let mut signal = Signal::default();
        for tick in 1000..1000 + 40 * reps.len() as u64 {
            let (n, at) = (((tick - 1000) / 40) as usize, (tick - 1000) % 40);
            let across = reps[n][if at < 12 {
                0
            } else if at < 28 {
                1
            } else {
                2
            }];
            let mut values = [f32::NAN; CHANNELS];
            values[FIGURE..FIGURE + WIDTH].fill(0.1);
            values[FIGURE + 4] = across;
            // Both arms go up at the turn, by which they are counted.
            values[FIGURE + 5] = if (12..28).contains(&at) { 0.2 } else { 0.1 };
            signal.advance(stamp_of(tick));
            signal.push(&values, 0.05);
        }
        let span = |n: usize| {
            let start = 1000 + 40 * n as u64 + 5;
            let phases = Phases { go_s: 0.7, hold_s: 0.1, back_s: 0.7, pause_s: n as f32 };
            Span {
                start,
                half_out: start + 8,
                turn: start + 15,
                half_back: start + 22,
                end: start + 30,
                phases,
                height: 1.0 + n as f32,
            }
        };
        (signal, (0..reps.len()).map(span).collect())
    }

    const OUT: [f32; 3] = [0.0, 0.1, 0.2];
    const BACK: [f32; 3] = [0.2, 0.1, 0.0];
    const WHOLE: [f32; 3] = [0.0, 0.2, 0.0];

    fn turns(reps: &[[f32; 3]]) -> Vec<u64> {
        let (signal, spans) = seen(reps);
        join(&signal, spans).iter().map(|span| (span.turn - 1000) % 1000).collect()
    }

    #[test]
    fn ways_out_and_back_are_one_repetition_with_the_times_of_both() {
        let (signal, spans) = seen(&[OUT, BACK, OUT, BACK, OUT, BACK]);
        let whole = join(&signal, spans.clone());
        assert_eq!(whole.len(), 3);
        let one = whole[1];
        assert_eq!((one.start, one.end), (spans[2].start, spans[3].end));
        assert_eq!((one.half_out, one.turn, one.half_back), (spans[2].turn, spans[2].end + 5, spans[3].turn));
        assert_eq!(one.height, 4.0, "the higher one's");
        let phases = Phases { go_s: 1.5, hold_s: 0.5, back_s: 1.5, pause_s: 3.0 };
        assert_eq!(one.phases, phases);
    }

    #[test]
    fn whole_ones_among_halves_stay_and_so_does_a_half_whose_other_one_is_missing() {
        let from_there = [0.2, 0.0, 0.2];
        assert_eq!(turns(&[OUT, BACK, WHOLE, OUT, BACK, WHOLE, OUT, BACK]), [40, 100, 160, 220, 280]);
        assert_eq!(turns(&[OUT, BACK, OUT, from_there, OUT, BACK, OUT, BACK]), [40, 100, 140, 200, 280]);
        assert_eq!(turns(&[OUT, BACK, BACK, OUT, BACK, OUT, BACK]), [40, 100, 160, 240]);
    }

    #[test]
    fn what_ends_where_it_began_is_never_joined() {
        let as_they_are = |reps: &[[f32; 3]]| turns(reps).len() == reps.len();
        assert!(as_they_are(&[WHOLE; 8]));
        assert!(as_they_are(&[OUT, BACK, OUT, BACK, OUT]), "five are too few");
        // Arms that take turns meet where they began, wherever they turn.
        let other = [0.0, -0.2, 0.0];
        assert!(as_they_are(&[WHOLE, other, WHOLE, other, WHOLE, other]));
        // Ends that sway by less than half of the way to the turns.
        let (a, b) = ([0.0, 0.2, 0.08], [0.08, 0.2, 0.0]);
        assert!(as_they_are(&[a, b, a, b, a, b]));
        // Who turns at the other place has gone the whole way.
        let (a, b) = ([0.0, 0.2, 0.2], [0.2, 0.0, 0.0]);
        assert!(as_they_are(&[a, b, a, b, a, b]));
        // So many do not by chance.
        assert_eq!(turns(&[a, b].repeat(6)).len(), 6);
        assert!(as_they_are(&[&[a, b].repeat(5)[..], &[a]].concat()), "eleven");
        let (signal, spans) = (Signal::default(), seen(&[OUT, BACK, OUT, BACK, OUT, BACK]).1);
        assert_eq!(join(&signal, spans.clone()), spans, "nothing was seen");
    }

    #[test]
    fn dozens_that_nearly_all_go_the_other_way_than_the_one_before_are_halves_however_short_some_look() {
        let of = |ways: &[f32], turn: f32| {
            let all: Vec<Crossing> =
                ways.iter().map(|way| Crossing { way: *way, turn: turn * way, far: 1.0 }).collect();
            sides(&all)
        };
        let ways = [0.6, -0.2, 0.6, -0.6, 0.1, -0.6, 0.6, -0.2, 0.6, -0.6, 0.2, -0.6];
        assert_eq!(of(&ways, 1.0), Some([1, -1].repeat(6)));
        assert_eq!(of(&ways[..11], 1.0), None, "eleven, which turn at the other end");
        assert_eq!(of(&ways.map(|way| way / 1.3), 1.0), None, "less than half as far as the turns are");
        // Ten times of eleven are enough, nine are not.
        let but = |last: &[f32]| of(&[&ways[..12 - last.len()], last].concat(), 1.0).is_some();
        assert!(but(&[-0.6]) && but(&[0.6]) && !but(&[-0.6, -0.6]));
    }

    #[test]
    fn short_crossings_are_halves_only_if_nearly_all_go_to_and_fro_in_turn() {
        // 0.62 times as far as the way to the turn.
        let (a, b) = ([0.0, 0.0325, 0.065], [0.065, 0.0325, 0.0]);
        assert_eq!(turns(&[a, b, a, b, a, b]).len(), 3);
        assert_eq!(turns(&[a, b, a, b, a, a]).len(), 6, "four times of five");
        assert_eq!(turns(&[a, b, a, b, a, b, a, b, WHOLE, WHOLE]).len(), 10, "eight of ten");
    }

    #[test]
    fn a_quarter_that_cross_further_do_not_make_the_others_none() {
        let of = |ways: &[f32]| {
            let all: Vec<Crossing> =
                ways.iter().map(|way| Crossing { way: *way, turn: way / 2.0, far: way.abs() / 2.0 }).collect();
            sides(&all)
        };
        assert_eq!(of(&[1.0, -1.0, 1.0, -1.0, 3.0, -3.0]), Some(vec![1, -1, 1, -1, 1, -1]));
        assert_eq!(of(&[-1.0, 1.0, -1.0, 3.0, -3.0, 3.0]), Some(vec![0, 0, 0, 1, -1, 1]), "and half of them do");
        assert_eq!(of(&[-2.0, 1.1, -2.0, 2.0, -2.0, 0.9]), Some(vec![1, -1, 1, -1, 1, 0]), "more than half as far");
    }
}
