//! Whether the first or the last of a set's repetitions was none: who takes a bar up or puts it away, or bends for his bottle, does
//! nearly the same once more, but later, at another pace and not quite alike.
//!
//! Each of these differences says little; together they say it. What each counts for was fitted (logistic regression) to the ends of
//! 5,600 sets of the tests' gym, the seeds 1000 and 930000 to 970000 onwards; in cross-validation by seed it is wrong about 2 of 100
//! last and 1 of 100 first ones. It must know nothing of what comes before or behind the set.
//!
//! *late*: the pause to the set beyond the usual one · *slow*: the logarithm of the time beyond the half, against the usual · *off*: how
//! far a posture is from the usual one, in standard deviations, as the logarithm of how many times as far as usual

use super::form::{Errors, Form, TURN, errors};
use super::gate;
use super::rep::Span;
use super::search::{Usual, median};
use super::signal::{Signal, seconds};

/// Half back, among a form's places.
const HALF_BACK: usize = TURN + 1;
/// What is less unlike or off than this is not told apart from it.
const LEAST: f32 = 1e-3;
const LEAST_OFF: f32 = 0.3;
/// A pause and a hold that differ by more say no more. Seconds.
const LATE_S: (f32, f32) = (-2.0, 6.0);
const HELD_S: (f32, f32) = (-2.0, 4.0);

/// Which of a set's ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    First,
    Last,
}

/// What a difference counts for, as log odds that the repetition was none.
struct Weights {
    late: f32,
    slow: f32,
    held: f32,
    unlike: f32,
    turn: f32,
    back: f32,
    plain: f32,
    always: f32,
}

const LAST: Weights =
    Weights { late: 0.45, slow: 3.96, held: 2.58, unlike: 0.65, turn: 1.63, back: 1.04, plain: -1.06, always: -4.21 };
const FIRST: Weights =
    Weights { late: 1.55, slow: 4.74, held: 3.01, unlike: 0.39, turn: 0.36, back: 0.47, plain: -1.63, always: -4.47 };

/// How the last or the first repetition differs from the others of its set.
#[derive(Clone, Copy, Debug)]
pub struct Stray {
    end: End,
    late_s: f32,
    slow: f32,
    /// At the turn, longer than usual. Seconds.
    held_s: f32,
    /// The part of the usual movement that it is not.
    unlike: f32,
    turn: f32,
    back: f32,
    /// The athlete lies, or squats: nothing is taken up or put away so.
    plain: bool,
}

/// How far a form is off at a place, in standard deviations: root mean square of all measures.
fn off(mean: &Form, form: &Form, place: usize, errors: &Errors) -> f32 {
    let (mut sum, mut count) = (0.0, 0.0);
    for (measure, error2) in errors.iter().enumerate() {
        let square = (form.0[place][measure] - mean.0[place][measure]).powi(2);
        if square.is_finite() {
            (sum, count) = (sum + square / error2, count + 1.0);
        }
    }
    (sum / f32::max(count, 1.0)).sqrt()
}

impl Stray {
    /// Of three repetitions or more.
    pub fn of(signal: &Signal, spans: &[Span], end: End) -> Stray {
        let last = spans.len() - 1;
        let (own, others, beside) = match end {
            End::Last => (spans[last], &spans[..last], &spans[last - 1..]),
            End::First => (spans[0], &spans[1..], &spans[..2]),
        };
        let pause = |pair: &[Span]| seconds(pair[1].start.saturating_sub(pair[0].end));
        let (usual, errors) = (Usual::of(others), errors(signal));
        let (form, forms) = (Form::of(signal, &own), others.iter().map(|span| Form::of(signal, span)));
        let forms: Vec<Form> = forms.collect();
        let mean = Form::mean(forms.iter());
        let off = |place: usize| {
            let usual = median(forms.iter().map(|form| off(&mean, form, place, &errors)));
            (off(&mean, &form, place, &errors) / usual.max(LEAST_OFF)).max(LEAST).ln()
        };
        Stray {
            end,
            late_s: pause(beside) - median(others.windows(2).map(pause)),
            slow: (own.beyond_s() / usual.beyond_s).max(LEAST).ln(),
            held_s: own.phases.hold_s - usual.hold_s,
            unlike: mean.unlikeness(&form, &errors),
            turn: off(TURN),
            back: off(HALF_BACK),
            plain: gate::lies_down(signal, others) || gate::sinks(signal, &others[0]),
        }
    }

    /// Log odds that it was none.
    pub fn odds(&self) -> f32 {
        let weights = match self.end {
            End::First => &FIRST,
            End::Last => &LAST,
        };
        weights.always
            + weights.late * self.late_s.clamp(LATE_S.0, LATE_S.1)
            + weights.slow * self.slow.abs()
            + weights.held * self.held_s.clamp(HELD_S.0, HELD_S.1).abs()
            + weights.unlike * self.unlike.max(LEAST).ln()
            + weights.turn * self.turn
            + weights.back * self.back
            + if self.plain { weights.plain } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::super::measure::{CHANNELS, Measure, Side};
    use super::super::report::Phases;
    use super::super::signal::stamp_of;
    use super::*;

    /// Nothing is unusual about it.
    const USUAL: Stray =
        Stray { end: End::Last, late_s: 0.0, slow: 0.0, held_s: 0.0, unlike: 0.05, turn: 0.0, back: 0.0, plain: false };

    #[test]
    fn one_difference_says_little_and_several_say_it() {
        let strays = |stray: Stray| stray.odds() > 0.0;
        let first = Stray { end: End::First, ..USUAL };
        assert!(!strays(USUAL) && !strays(first));
        // Who gets his breath before the last one, fights for it, or ends it elsewhere, did it.
        let late = Stray { late_s: 4.0, ..USUAL };
        let slow = Stray { slow: 0.9, ..USUAL };
        let elsewhere = Stray { unlike: 1.0, turn: 1.0, ..USUAL };
        assert!(!strays(late) && !strays(slow) && !strays(elsewhere));
        // Who bends for his bottle does it later, not at their pace and not like them.
        assert!(strays(Stray { late_s: 4.0, slow: 0.9, ..elsewhere }));
        assert!(strays(Stray { late_s: 4.0, slow: -0.9, ..elsewhere }), "whether quickly or slowly");
        assert!(strays(Stray { late_s: 4.0, held_s: 1.3, ..elsewhere }));
        // A pause after the first says more than one before the last.
        assert!(strays(Stray { late_s: 4.0, ..first }) && !strays(Stray { late_s: 4.0, ..USUAL }));
    }

    #[test]
    fn who_lies_or_squats_puts_nothing_away_like_that() {
        for end in [End::First, End::Last] {
            let odd = Stray { end, late_s: 2.5, slow: 0.5, unlike: 0.3, ..USUAL };
            let odds = [false, true].map(|plain| Stray { plain, ..odd }.odds());
            assert!(odds[0] - odds[1] > 1.0, "{odds:?}");
        }
    }

    #[test]
    fn no_pause_and_no_hold_says_everything() {
        for (more, most) in [
            (Stray { late_s: 100.0, ..USUAL }, Stray { late_s: 6.0, ..USUAL }),
            (Stray { late_s: -100.0, ..USUAL }, Stray { late_s: -2.0, ..USUAL }),
            (Stray { held_s: 100.0, ..USUAL }, Stray { held_s: 4.0, ..USUAL }),
            (Stray { unlike: 0.0, ..USUAL }, Stray { unlike: 0.001, ..USUAL }),
        ] {
            assert_eq!(more.odds(), most.odds());
        }
        assert!((USUAL.odds() - (-4.21 + 0.65 * 0.05f32.ln())).abs() < 1e-5);
    }

    #[test]
    fn a_posture_is_off_by_the_root_mean_square_of_what_was_seen_in_standard_deviations() {
        use super::super::measure::MEASURES;
        let (mean, errors) = (Form([[0.0; MEASURES]; 5]), [9.0; MEASURES]);
        let mut form = Form::UNSEEN;
        (form.0[TURN][0], form.0[TURN][3]) = (6.0, -12.0);
        // 2 and 4 standard deviations.
        assert!((off(&mean, &form, TURN, &errors) - 10.0f32.sqrt()).abs() < 1e-5);
        assert_eq!(off(&mean, &form, HALF_BACK, &errors), 0.0, "nothing was seen");
    }

    /// Repetitions of 3 s that bend both knees, elbows and hips by so much, and what follows each of them as a pause, seconds.
    fn set(bends_deg: &[f32], pauses_s: &[u64]) -> (Signal, Vec<Span>) {
        let (mut signal, mut spans, mut tick) = (Signal::default(), Vec::new(), 1000);
        for (bend_deg, pause_s) in bends_deg.iter().zip(pauses_s) {
            spans.push(Span {
                start: tick,
                half_out: tick + 15,
                turn: tick + 30,
                half_back: tick + 45,
                end: tick + 60,
                phases: Phases { go_s: 1.5, hold_s: 0.0, back_s: 1.5, pause_s: 0.0 },
                height: 1.0,
            });
            for at in 0..60 + 20 * pause_s {
                let out = if at < 60 { 0.5 - 0.5 * (at as f32 * std::f32::consts::TAU / 60.0).cos() } else { 0.0 };
                let mut values = [f32::NAN; CHANNELS];
                for measure in [Measure::Hip, Measure::Knee, Measure::Elbow, Measure::UpperArm] {
                    values[measure.channel(Side::Both)] = 170.0 - bend_deg * out;
                }
                signal.advance(stamp_of(tick + at));
                signal.push(&values, 0.05);
            }
            tick += 60 + 20 * pause_s;
        }
        (signal, spans)
    }

    #[test]
    fn an_end_is_measured_against_the_others_and_not_against_itself() {
        let (signal, spans) = set(&[60.0, 60.0, 60.0, 60.0, 30.0], &[1, 1, 1, 4, 1]);
        let last = Stray::of(&signal, &spans, End::Last);
        assert!((last.late_s - 3.0).abs() < 1e-3, "{last:?}");
        assert!(last.unlike > 0.1 && last.turn > 1.0, "{last:?}");
        assert_eq!((last.slow, last.held_s, last.plain), (0.0, 0.0, false));
        let first = Stray::of(&signal, &spans, End::First);
        assert!(first.late_s.abs() < 1e-3 && first.turn < 0.1, "{first:?}");
        let (signal, spans) = set(&[30.0, 60.0, 60.0, 60.0, 60.0], &[4, 1, 1, 1, 1]);
        let first = Stray::of(&signal, &spans, End::First);
        assert!((first.late_s - 3.0).abs() < 1e-3 && first.unlike > 0.1 && first.turn > 1.0, "{first:?}");
        assert!(Stray::of(&signal, &spans, End::Last).turn < 0.1);
    }
}
