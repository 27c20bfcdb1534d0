//! What swings to and fro and is no exercise: walking, above all.
//!
//! Who trains comes back to where he was with every repetition; who walks does not. Who walks on the spot lifts one
//! knee after the other, and his hips hardly sink.

use super::measure::{FEET_X, FEET_Y, Measure, Side};
use super::rep::Span;
use super::search::median;
use super::signal::Signal;

/// Feet that are further away at a repetition's end than at its start, in statures, walked.
const AWAY: f32 = 0.22;
/// And further than this after all of them. A set may be bent down to before it and shift a foot within it.
const ELSEWHERE: f32 = 0.4;
/// Ticks on either side over which a place is averaged.
const AROUND: u64 = 3;
/// The range of so much noise is this many times its standard deviation.
const NOISE: f32 = 5.0;
/// Thighs that rise against each other by this, degrees of rise, are steps, …
const STEP_DEG: f32 = 22.0;
/// … unless the hips sink by this, as in a lunge.
const SINK_DEG: f32 = 22.0;
/// A thigh that moves less than this, and less than this share of the other one's, is that of a leg that stands.
const STILL_DEG: f32 = 28.0;
const STILL: f32 = 0.5;

/// Who squats sinks by this, degrees of the stance, …
const DEEP_DEG: f32 = 35.0;
/// … bends his trunk no further than this, as he would for what lies on the floor, …
const STRAIGHT_DEG: f32 = 50.0;
/// … and comes up again within this time, as nobody does who sits down. Seconds.
const DOWN_S: f32 = 2.0;

/// A hand at the mouth reaches higher than this, one that is curled to its shoulder does not, degrees of reach.
const MOUTH_DEG: f32 = 5.0;
/// A hand that works moves by this, degrees of reach, …
const WORKS_DEG: f32 = 30.0;
/// … and one that hangs reaches no higher.
const HANGS_DEG: f32 = -40.0;
/// The feet of one who fetches nothing stay within this, statures.
const STAYS: f32 = 0.2;

const THIGHS: [usize; 2] = [Measure::Thigh.channel(Side::Left), Measure::Thigh.channel(Side::Right)];

/// Nobody walks with a trunk that rises by less, and the feet of one who lies are seen badly.
const UPRIGHT_DEG: f32 = 54.0;

/// Whether the athlete mostly stayed where he was, and did not step on the spot; between repetitions, too, he walks
/// nowhere.
pub fn trains(signal: &Signal, spans: &[Span]) -> bool {
    if lies_down(signal, spans) {
        return true;
    }
    if let [first, .., last] = spans
        && between(signal, first.start, last.end) > ELSEWHERE
    {
        return false;
    }
    let stands = stands(signal, spans);
    let moved = spans.iter().filter(|span| walked(signal, span) || !stands && steps(signal, span)).count();
    2 * moved < spans.len()
}

/// Whether the athlete lies wherever one of these begins or ends.
pub fn lies_down(signal: &Signal, spans: &[Span]) -> bool {
    spans.iter().all(|span| lies(signal, span.start) && lies(signal, span.end))
}

/// Whether the trunk is far from upright.
fn lies(signal: &Signal, tick: u64) -> bool {
    place(signal, Measure::Trunk.channel(Side::Both), tick).abs() < UPRIGHT_DEG
}

/// Whether the hips sink deep and rise again with every one of these, whichever leg works, over feet that stay where they are.
/// Nobody does so over and over but for training.
pub fn squats(signal: &Signal, spans: &[Span]) -> bool {
    spans.iter().all(|span| {
        let sinks_deg = sinks_deg(signal, span);
        let at_turn = sinks_deg > 0.0;
        let (low, down_s) = if at_turn { (span.turn, span.phases.hold_s) } else { (span.start, span.phases.pause_s) };
        let bent = place(signal, Measure::Trunk.channel(Side::Both), low) < STRAIGHT_DEG;
        sinks_deg.abs() >= DEEP_DEG && !bent && down_s <= DOWN_S && !walked(signal, span)
    })
}

/// Whether the hips sink deep from the start to the turn, or back.
pub fn sinks(signal: &Signal, span: &Span) -> bool {
    sinks_deg(signal, span).abs() >= DEEP_DEG
}

fn sinks_deg(signal: &Signal, span: &Span) -> f32 {
    let stance = |tick: u64| place(signal, Measure::Stance.channel(Side::Both), tick);
    stance(span.start) - stance(span.turn)
}

/// Whether the feet are elsewhere after a repetition.
pub fn walked(signal: &Signal, span: &Span) -> bool {
    between(signal, span.start, span.end) > AWAY
}

/// How far the feet are at one tick from where they are at another, in statures; 0 where they were not seen.
fn between(signal: &Signal, from: u64, to: u64) -> f32 {
    let away = |channel: usize| {
        let way = place(signal, channel, to) - place(signal, channel, from);
        if way.is_finite() { way } else { 0.0 }
    };
    away(FEET_X).hypot(away(FEET_Y))
}

/// Whether the athlete stands upright where he is all the time, and what a hand does with most of these is nothing that people do
/// besides training: no hand comes as high as to the mouth, or one never hangs.
pub fn hands_train(signal: &Signal, spans: &[Span]) -> bool {
    let ([first, .., last] | [first @ last]) = spans else { return false };
    let ends = |hand: Side| {
        let reach = |tick: u64| place(signal, Measure::Reach.channel(hand), tick);
        let seen = spans.iter().map(|span| [reach(span.start), reach(span.turn)]);
        let seen = seen.filter(|ends| ends.iter().all(|deg| deg.is_finite()));
        let half = 2 * seen.clone().count() >= spans.len();
        half.then(|| [0, 1].map(|end| median(seen.clone().map(|ends| ends[end]))))
    };
    let hands: Vec<[f32; 2]> = [Side::Left, Side::Right].into_iter().filter_map(ends).collect();
    let works = |[start, turn]: &[f32; 2]| (start - turn).abs() >= WORKS_DEG;
    let low = hands.iter().any(works) && hands.iter().all(|[start, turn]| start.max(*turn) <= MOUTH_DEG);
    let up = hands.iter().any(|hand| works(hand) && hand[0].min(hand[1]) >= HANGS_DEG);
    let trunk = |tick: u64| place(signal, Measure::Trunk.channel(Side::Both), tick);
    let [x, y] = [FEET_X, FEET_Y].map(|feet| range(first.start, last.end, |tick| signal.at(feet, tick)));
    (low || up) && !(first.start..=last.end).any(|tick| trunk(tick) < UPRIGHT_DEG) && x.hypot(y) <= STAYS
}

/// How far the feet rise from the repetitions' starts to their turns, in statures; `NaN` where they were not seen.
pub fn lift(signal: &Signal, spans: &[Span]) -> f32 {
    let lifts = spans.iter().map(|of| place(signal, FEET_Y, of.start) - place(signal, FEET_Y, of.turn));
    let (mut sum, mut count) = (0.0, 0.0);
    for lift in lifts.filter(|lift| lift.is_finite()) {
        (sum, count) = (sum + lift, count + 1.0);
    }
    sum / count
}

fn place(signal: &Signal, channel: usize, tick: u64) -> f32 {
    signal.around(channel, tick, AROUND)
}

/// Whether one leg stands all the time. The other one is then hidden by it and seen badly, which looks like steps.
fn stands(signal: &Signal, spans: &[Span]) -> bool {
    let [first, .., last] = spans else { return false };
    let [left, right] = THIGHS.map(|thigh| range(first.start, last.end, |tick| signal.at(thigh, tick)));
    let (least, most) = (left.min(right), left.max(right));
    least > 0.0 && least < STILL_DEG.min(STILL * most)
}

/// The range of what is averaged around each tick; 0 where nothing was seen.
fn range(from: u64, to: u64, value: impl Fn(u64) -> f32) -> f32 {
    let mean = |tick: u64| (tick - AROUND..=tick + AROUND).map(&value).sum::<f32>() / (2 * AROUND + 1) as f32;
    let values = (from.max(AROUND)..=to).map(mean).filter(|v| v.is_finite());
    let (low, high) = values.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
    (high - low).max(0.0)
}

fn steps(signal: &Signal, of: &Span) -> bool {
    let [left, right] = THIGHS;
    let apart = range(of.start, of.end, |tick| signal.at(left, tick) - signal.at(right, tick));
    let sinks = range(of.start, of.end, |tick| signal.at(Measure::Stance.channel(Side::Both), tick));
    let noise = signal.noise_deg(left).hypot(signal.noise_deg(right)) / signal.frames(2 * AROUND as usize + 1).sqrt();
    apart > STEP_DEG + NOISE * noise && sinks < SINK_DEG
}

#[cfg(test)]
mod tests {
    use super::super::measure::CHANNELS;
    use super::super::report::Phases;
    use super::super::signal::stamp_of;
    use super::*;

    const TRUNK: usize = Measure::Trunk.channel(Side::Both);
    const STANCE: usize = Measure::Stance.channel(Side::Both);

    /// Fifteen seconds of somebody of whom these channels are seen, as functions of the tick.
    fn seen(channels: &[(usize, &dyn Fn(u64) -> f32)]) -> Signal {
        let mut signal = Signal::default();
        for tick in 1000..1300 {
            let mut values = [f32::NAN; CHANNELS];
            channels.iter().for_each(|(channel, value)| values[*channel] = value(tick));
            signal.advance(stamp_of(tick));
            signal.push(&values, 0.05);
        }
        signal
    }

    fn span(start: u64) -> Span {
        Span {
            start,
            half_out: start + 10,
            turn: start + 20,
            half_back: start + 30,
            end: start + 40,
            phases: Phases { go_s: 1.0, hold_s: 0.0, back_s: 1.0, pause_s: 0.0 },
            height: 60.0,
        }
    }

    /// Somebody whose trunk rises by so much, whose hips sink by so much, and whose thighs go up and down against each
    /// other, over so many degrees between them, each seen so much off.
    fn swaying(trunk_deg: f32, sinks_deg: f32, apart_deg: f32, off_deg: f32) -> Signal {
        let sway = |tick: u64| (tick as f32 * 0.1).sin();
        let off = |tick: u64| if tick.is_multiple_of(2) { off_deg } else { -off_deg };
        seen(&[
            (TRUNK, &|_| trunk_deg),
            (STANCE, &|tick| 160.0 - sinks_deg / 2.0 * sway(tick)),
            (THIGHS[0], &|tick| -60.0 + apart_deg / 4.0 * sway(tick) + off(tick)),
            (THIGHS[1], &|tick| -60.0 - apart_deg / 4.0 * sway(tick) - off(tick)),
        ])
    }

    const SPANS: [u64; 3] = [1010, 1080, 1150];

    #[test]
    fn steps_on_the_spot_are_those_of_one_who_is_upright() {
        let spans = SPANS.map(span);
        assert!(!trains(&swaying(85.0, 0.0, 80.0, 0.0), &spans), "he marches");
        assert!(!trains(&swaying(-85.0, 0.0, 80.0, 0.0), &spans), "whichever way the trunk is told");
        assert!(trains(&swaying(5.0, 0.0, 80.0, 0.0), &spans), "he lies on a bench");
        assert!(trains(&swaying(-5.0, 0.0, 80.0, 0.0), &spans));
    }

    #[test]
    fn whose_hips_sink_lunges_and_whose_thighs_hardly_part_stands() {
        let spans = SPANS.map(|start| Span { end: start + 64, ..span(start) });
        assert!(!trains(&swaying(85.0, 18.0, 80.0, 0.0), &spans));
        assert!(trains(&swaying(85.0, 28.0, 80.0, 0.0), &spans), "a lunge");
        assert!(!trains(&swaying(85.0, 0.0, 32.0, 0.0), &spans));
        assert!(trains(&swaying(85.0, 0.0, 18.0, 0.0), &spans), "no step");
    }

    #[test]
    fn thighs_that_are_seen_badly_do_not_step_by_that() {
        let spans = SPANS.map(|start| Span { end: start + 64, ..span(start) });
        assert!(!trains(&swaying(85.0, 0.0, 60.0, 0.5), &spans), "seen well");
        assert!(trains(&swaying(85.0, 0.0, 65.0, 12.0), &spans), "not quite more than five deviations of the mean");
        assert!(!trains(&swaying(85.0, 0.0, 70.0, 12.0), &spans), "more than those");
    }

    #[test]
    fn a_leg_that_stands_before_one_that_is_seen_badly_makes_no_steps() {
        let sway = |tick: u64| (tick as f32 * 0.1).sin();
        let thighs = |own_deg: f32, hidden_deg: f32| {
            let signal = seen(&[
                (TRUNK, &|_| 85.0),
                (STANCE, &|_| 160.0),
                (THIGHS[0], &|tick| -60.0 + own_deg / 2.0 * sway(tick)),
                (THIGHS[1], &|tick| -60.0 - hidden_deg / 2.0 * sway(tick)),
            ]);
            trains(&signal, &SPANS.map(|start| Span { end: start + 64, ..span(start) }))
        };
        assert!(thighs(24.0, 60.0), "it sways a little");
        assert!(!thighs(30.0, 80.0), "it steps");
        assert!(!thighs(24.0, 44.0), "both move alike");
    }

    #[test]
    fn whose_feet_are_elsewhere_after_a_repetition_walked_whatever_the_way() {
        let moved = |x: f32, y: f32| {
            // He moves at once, at the turn.
            let after = |tick: u64| if tick > 1030 { 1.0 } else { 0.0 };
            walked(
                &seen(&[(FEET_X, &|tick| 0.5 + x * after(tick)), (FEET_Y, &|tick| 0.9 + y * after(tick))]),
                &span(1010),
            )
        };
        assert_eq!([moved(0.24, 0.0), moved(-0.24, 0.0), moved(0.0, 0.24), moved(0.0, -0.24)], [true; 4]);
        assert_eq!([moved(0.2, 0.0), moved(-0.2, 0.0), moved(0.0, 0.2), moved(0.0, 0.0)], [false; 4]);
        assert!(moved(0.17, -0.17), "askew");
        assert!(!walked(&seen(&[]), &span(1010)), "no feet were seen");
    }

    #[test]
    fn a_place_is_that_around_a_moment_and_not_of_one_wild_frame() {
        let feet = |at: std::ops::RangeInclusive<u64>| {
            // The signal takes single wild values out, by which what lasts comes a tick later.
            let x = |tick: u64| if at.contains(&(tick + 1)) { 0.7 } else { 0.0 };
            walked(&seen(&[(FEET_X, &x), (FEET_Y, &|_| 0.0)]), &span(1010))
        };
        // A place is the mean of seven ticks; 0.2 of two are near, 0.3 of three are away.
        assert!(!feet(1050..=1051));
        assert!(feet(1049..=1051));
        assert!(feet(1051..=1060) && feet(1040..=1049) && feet(1002..=1009) && feet(1011..=1020), "up to the edges");
        assert!(!feet(1052..=1060) && !feet(1040..=1048) && !feet(1002..=1008) && !feet(1012..=1020), "and not beyond");
    }

    #[test]
    fn most_of_the_repetitions_must_stay_and_all_of_them_together() {
        let spans = [1010, 1060, 1110, 1160].map(span);
        // How far he is moved during each repetition, and in each pause after one.
        let trains = |during: [f32; 4], after: [f32; 4], count: usize| {
            let x = |tick: u64| {
                let sum = |by: [f32; 4], late: u64| {
                    spans.iter().zip(by).filter(|(span, _)| tick >= span.start + late).map(|(_, by)| by).sum::<f32>()
                };
                sum(during, 20) + sum(after, 45)
            };
            trains(&seen(&[(TRUNK, &|_| 85.0), (FEET_X, &x), (FEET_Y, &|_| 0.0)]), &spans[..count])
        };
        assert!(trains([0.3, 0.0, 0.0, 0.0], [0.0; 4], 4), "one of four is elsewhere after it");
        assert!(!trains([0.3, 0.0, -0.3, 0.0], [0.0; 4], 4), "two of four");
        assert!(trains([0.3, 0.0, 0.0, 0.0], [0.0; 4], 3), "one of three");
        assert!(!trains([0.3, -0.3, 0.0, 0.0], [0.0; 4], 3), "two of three");
        assert!(!trains([0.0; 4], [0.15, 0.15, 0.15, 0.0], 4), "he walks on in the pauses");
        assert!(trains([0.0; 4], [0.12, 0.12, 0.12, 0.0], 4), "a little in the pauses");
        assert!(trains([0.0; 4], [0.3, 0.3, 0.0, 0.0], 1), "what comes later is not asked for");
        assert!(!trains([0.3, 0.0, 0.0, 0.0], [0.0; 4], 1), "one alone");
    }

    #[test]
    fn only_who_lies_at_both_ends_of_all_lies() {
        let spans = SPANS.map(span);
        let lying = |from: u64, to: u64| {
            lies_down(&seen(&[(TRUNK, &|tick| if (from..to).contains(&tick) { 10.0 } else { 85.0 })]), &spans)
        };
        assert!(lying(1000, 1300));
        assert!(!lying(1020, 1300), "he stood at the first one's start");
        assert!(!lying(1000, 1180), "and at the last one's end");
        assert!(!lies_down(&seen(&[(TRUNK, &|_| 56.0)]), &spans), "he leans");
        assert!(lies_down(&seen(&[(TRUNK, &|_| 52.0)]), &spans), "a steep bench");
        assert!(!lies_down(&seen(&[]), &spans), "no trunk was seen");
    }

    #[test]
    fn feet_rise_from_the_start_to_the_turn_on_the_mean_of_where_they_were_seen() {
        // Higher is less. They rise by 0.1, 0.2 and 0.3 in the three, and are down again after each.
        let up = |tick: u64| {
            let risen = |n: usize| (SPANS[n] + 12..SPANS[n] + 30).contains(&tick).then_some(0.1 * (n + 1) as f32);
            0.9 - (0..3).find_map(risen).unwrap_or(0.0)
        };
        let spans = SPANS.map(span);
        let near = |lift: f32, want: f32| assert!((lift - want).abs() < 1e-5, "{lift} and not {want}");
        near(lift(&seen(&[(FEET_Y, &up)]), &spans), 0.2);
        near(lift(&seen(&[(FEET_Y, &|tick| if tick > 1120 { f32::NAN } else { up(tick) })]), &spans), 0.15);
        assert!(lift(&seen(&[]), &spans).is_nan(), "no feet were seen");
    }

    #[test]
    fn who_squats_sinks_deep_upright_and_comes_up_at_once() {
        let spans = SPANS.map(span);
        // Down at every turn, up at the ends.
        let down = |tick: u64| SPANS.iter().any(|start| (start + 12..start + 30).contains(&tick));
        let squats = |sinks_deg: f32, trunk_deg: f32, moves: f32, spans: &[Span]| {
            let signal = seen(&[
                (STANCE, &|tick| if down(tick) { 150.0 - sinks_deg } else { 150.0 }),
                (TRUNK, &|tick| if down(tick) { trunk_deg } else { 80.0 }),
                (FEET_X, &|tick| if tick > 1100 { moves } else { 0.0 }),
                (FEET_Y, &|_| 0.9),
            ]);
            super::squats(&signal, spans)
        };
        assert!(squats(36.0, 60.0, 0.0, &spans));
        assert!(!squats(34.0, 60.0, 0.0, &spans), "not deep");
        assert!(squats(60.0, 51.0, 0.0, &spans) && !squats(60.0, 49.0, 0.0, &spans), "he bends for what lies there");
        assert!(!squats(60.0, 60.0, 0.3, &spans), "he goes elsewhere");
        let holding = |hold_s: f32| spans.map(|of| Span { phases: Phases { hold_s, ..of.phases }, ..of });
        assert!(squats(60.0, 60.0, 0.0, &holding(2.0)) && !squats(60.0, 60.0, 0.0, &holding(2.1)), "he sits down");
        // The other way round he is down between the turns.
        let turned = |pause_s: f32| {
            SPANS.map(|start| Span { phases: Phases { pause_s, ..span(start).phases }, ..span(start + 20) })
        };
        assert!(squats(60.0, 60.0, 0.0, &turned(2.0)[..2]) && !squats(60.0, 60.0, 0.0, &turned(2.1)[..2]));
        assert!(!squats(60.0, 49.0, 0.0, &turned(2.0)[..2]));
        assert!(!super::squats(&seen(&[]), &spans), "nothing was seen");
    }

    #[test]
    fn hips_that_go_down_by_35_degrees_or_come_up_by_as_many_sink() {
        let of = |by_deg: f32| {
            let stance = |tick: u64| if (1110..1135).contains(&tick) { 150.0 - by_deg } else { 150.0 };
            sinks(&seen(&[(STANCE, &stance)]), &span(1100))
        };
        assert_eq!([34.0, 36.0, -34.0, -36.0].map(of), [false, true, false, true]);
        assert!(!sinks(&seen(&[]), &span(1100)), "nothing was seen");
    }

    /// Somebody who stands before the camera: how far his hands reach at the turns, his trunk rises for a moment, and his feet go.
    fn standing(left_deg: f32, right_deg: f32, trunk_deg: f32, way: f32) -> Signal {
        let hands = [Side::Left, Side::Right].map(|side| Measure::Reach.channel(side));
        let raised = |tick: u64, deg: f32| {
            if SPANS.map(|start| start + 20).contains(&tick) || deg.is_nan() { deg } else { -70.0 }
        };
        let around =
            |tick: u64| SPANS.map(|start| start + 20).into_iter().find(|turn| tick.abs_diff(*turn) <= 2 * AROUND);
        seen(&[
            (hands[0], &|tick| raised(around(tick).unwrap_or(tick), left_deg)),
            (hands[1], &|tick| raised(around(tick).unwrap_or(tick), right_deg)),
            (TRUNK, &|tick| if (1100..1120).contains(&tick) { trunk_deg } else { 80.0 }),
            (FEET_X, &|tick| if (1060..1070).contains(&tick) { way } else { 0.0 }),
            (FEET_Y, &|_| 1.0),
        ])
    }

    #[test]
    fn hands_that_stay_low_or_never_hang_train_where_he_stays_and_bends_for_nothing() {
        let spans = SPANS.map(span);
        let trains =
            |left_deg, right_deg, trunk_deg, way| hands_train(&standing(left_deg, right_deg, trunk_deg, way), &spans);
        assert!(trains(-15.0, -70.0, 80.0, 0.0) && trains(4.0, 4.0, 56.0, 0.19));
        assert!(!trains(8.0, -70.0, 80.0, 0.0) && !trains(-70.0, 8.0, 80.0, 0.0), "one hand is at the mouth");
        assert!(!trains(8.0, -15.0, 80.0, 0.0), "though the other one works");
        assert!(trains(-15.0, f32::NAN, 80.0, 0.0) && trains(f32::NAN, -15.0, 80.0, 0.0), "the one that works is seen");
        assert!(!trains(f32::NAN, f32::NAN, 80.0, 0.0) && !trains(-70.0, f32::NAN, 80.0, 0.0), "none that works is");
        assert!(trains(-39.0, -70.0, 80.0, 0.0) && !trains(-41.0, -41.0, 80.0, 0.0), "too little to be training");
        assert!(!trains(-15.0, -15.0, 52.0, 0.0), "he bends between two");
        assert!(!trains(-15.0, -15.0, 80.0, 0.3), "he takes a step between two");
        assert!(!hands_train(&standing(-15.0, -15.0, 80.0, 0.0), &[]));
        // Once to the mouth is not mostly, and a hand may start where it turns elsewhere.
        let signal = standing(8.0, -15.0, 80.0, 0.0);
        assert!(!hands_train(&signal, &[span(1030), span(1100), span(1170)]));
    }

    #[test]
    fn a_hand_that_begins_at_the_shoulder_presses_and_one_that_hangs_before_it_goes_up_does_not() {
        let spans = SPANS.map(span);
        let raised = |from_deg: f32, to_deg: f32| {
            let at = |tick: u64| SPANS.iter().any(|start| (start + 20).abs_diff(tick) <= 2 * AROUND);
            let reach = |tick: u64| if at(tick) { to_deg } else { from_deg };
            let hands = [Side::Left, Side::Right].map(|side| Measure::Reach.channel(side));
            let [left, right] = hands.map(|hand| seen(&[(hand, &reach), (TRUNK, &|_| 80.0)]));
            assert_eq!(hands_train(&left, &spans), hands_train(&right, &spans), "{from_deg} {to_deg}");
            hands_train(&left, &spans)
        };
        assert!(raised(5.0, 70.0) && raised(-39.0, 70.0) && raised(70.0, 5.0));
        assert!(!raised(-41.0, 70.0) && !raised(70.0, -41.0), "it hangs");
        assert!(raised(10.0, 41.0) && !raised(10.0, 39.0), "it hardly moves");
    }
}
