//! How a repetition looks: the body's posture at five places of its way, whatever the tempo.
//!
//! Two repetitions are compared at equal shares of their ways, not at equal times, so a sticking point or a pause changes
//! nothing, and nothing needs to be warped. It is what tells an exercise from fidgeting that swings alike in one joint, and
//! one exercise from another.
//!
//! *place*: left the start, half out, at the turn, half back, back · *unlikeness*: the part of a form's movement that
//! another form does not explain: 0 the same, 1 as unlike as standing still.

use super::aim::{SHAKES_DEG, around};
use super::measure::{MEASURES, Measure, Side};
use super::rep::Span;
use super::signal::Signal;

/// Places of a repetition that are looked at.
pub const PLACES: usize = 5;
/// Where it turns among them.
pub const TURN: usize = PLACES / 2;

/// Postures of a repetition, both sides of the body together; `NaN` where a measure was not seen.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Form(pub [[f32; MEASURES]; PLACES]);

/// Variance of the errors of each measure, degrees squared.
pub type Errors = [f32; MEASURES];

/// A model's errors last: from frame to frame only half of their variance is seen.
const LASTING: f32 = 2.0;

/// What single values err by in this signal.
pub fn errors(signal: &Signal) -> Errors {
    Measure::ALL.map(|measure| SHAKES_DEG.powi(2) + LASTING * signal.noise_deg(measure.channel(Side::Both)).powi(2))
}

impl Form {
    /// Nothing was seen.
    pub const UNSEEN: Form = Form([[f32::NAN; MEASURES]; PLACES]);

    /// Of a repetition that is still in the signal.
    pub fn of(signal: &Signal, span: &Span) -> Form {
        let posture = |tick| Measure::ALL.map(|measure| around(signal, measure.channel(Side::Both), tick));
        Form([span.start, span.half_out, span.turn, span.half_back, span.end].map(posture))
    }

    /// The mean of repetitions that are still in the signal.
    pub fn usual(signal: &Signal, spans: &[Span]) -> Form {
        let forms: Vec<Form> = spans.iter().map(|span| Form::of(signal, span)).collect();
        Form::mean(forms.iter())
    }

    /// Leaves the way out open: the repetition began before anybody looked.
    pub fn forget_way_out(&mut self) {
        let [start, out, ..] = &mut self.0;
        (*start, *out) = ([f32::NAN; MEASURES], [f32::NAN; MEASURES]);
    }

    /// The mean of several; of none, a form of nothing.
    pub fn mean<'a>(forms: impl Iterator<Item = &'a Form> + Clone) -> Form {
        let mut mean = Form::UNSEEN;
        for (place, posture) in mean.0.iter_mut().enumerate() {
            for (measure, value) in posture.iter_mut().enumerate() {
                let seen = forms.clone().map(|form| form.0[place][measure]).filter(|v| v.is_finite());
                let (sum, count) = seen.fold((0.0, 0.0), |(sum, count), v| (sum + v, count + 1.0));
                *value = sum / count;
            }
        }
        mean
    }

    /// The same movement, from turn to turn.
    pub fn turned(&self) -> Form {
        let [start, out, turn, back, end] = self.0;
        let start = std::array::from_fn(|n| if start[n].is_finite() { (start[n] + end[n]) / 2.0 } else { end[n] });
        Form([turn, back, start, out, turn])
    }

    /// The same movement over a shorter or longer way.
    pub fn scaled(&self, range: f32) -> Form {
        let [start, .., end] = self.0;
        let from: [f32; MEASURES] =
            std::array::from_fn(|n| if start[n].is_finite() { (start[n] + end[n]) / 2.0 } else { end[n] });
        Form(self.0.map(|posture| std::array::from_fn(|n| from[n] + range * (posture[n] - from[n]))))
    }

    /// How much of this form's movement is not that of `other`. Infinite if they have too little in common.
    pub fn unlikeness(&self, other: &Form, errors: &Errors) -> f32 {
        let (mut moved, mut off, mut common) = (0.0, 0.0, 0);
        for (measure, error2) in errors.iter().enumerate() {
            let pairs = (0..PLACES).map(|place| (self.0[place][measure], other.0[place][measure]));
            let pairs = pairs.filter(|(a, b)| a.is_finite() && b.is_finite());
            let count = pairs.clone().count() as f32;
            if count < 3.0 {
                continue;
            }
            common += 1;
            let mean = pairs.clone().map(|(a, _)| a).sum::<f32>() / count;
            moved += pairs.clone().map(|(a, _)| (a - mean).powi(2)).sum::<f32>() / error2;
            off += (pairs.map(|(a, b)| (a - b).powi(2)).sum::<f32>() / error2 - count).max(0.0);
        }
        if common >= MEASURES / 3 && moved > 0.0 { off / moved } else { f32::INFINITY }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All measures the same, place by place.
    fn form(places: [f32; PLACES]) -> Form {
        Form(places.map(|value| [value; MEASURES]))
    }

    fn places(form: &Form) -> [f32; PLACES] {
        assert!(form.0.iter().all(|posture| posture.iter().all(|v| v.to_bits() == posture[0].to_bits())), "{form:?}");
        form.0.map(|posture| posture[0])
    }

    const NAN: f32 = f32::NAN;

    #[test]
    fn the_mean_is_of_what_was_seen() {
        let forms = [form([1.0, 2.0, 3.0, NAN, NAN]), form([3.0, NAN, 5.0, 7.0, NAN])];
        let mean = places(&Form::mean(forms.iter()));
        assert_eq!((&mean[..4], mean[4].is_nan()), (&[2.0, 2.0, 4.0, 7.0][..], true));
        assert!(places(&Form::mean([].iter())).iter().all(|v| v.is_nan()));
    }

    #[test]
    fn from_turn_to_turn_start_and_end_are_one_place() {
        assert_eq!(places(&form([0.0, 10.0, 20.0, 15.0, 4.0]).turned()), [20.0, 15.0, 2.0, 10.0, 20.0]);
        let mut late = form([0.0, 10.0, 20.0, 15.0, 4.0]);
        late.forget_way_out();
        assert!(places(&late)[..2].iter().all(|v| v.is_nan()) && places(&late)[2..] == [20.0, 15.0, 4.0]);
        let turned = places(&late.turned());
        assert!(turned[3].is_nan() && [0, 1, 2, 4].map(|n| turned[n]) == [20.0, 15.0, 4.0, 20.0], "{turned:?}");
    }

    #[test]
    fn another_range_is_measured_from_where_it_starts_and_ends() {
        assert_eq!(places(&form([0.0, 10.0, 22.0, 12.0, 4.0]).scaled(0.5)), [1.0, 6.0, 12.0, 7.0, 3.0]);
        assert_eq!(places(&form([0.0, 10.0, 22.0, 12.0, 4.0]).scaled(2.0)), [-2.0, 18.0, 42.0, 22.0, 6.0]);
        let late = places(&form([NAN, NAN, 22.0, 12.0, 4.0]).scaled(0.5));
        assert!(late[0].is_nan() && late[2..] == [13.0, 8.0, 4.0], "{late:?}");
    }

    #[test]
    fn unlikeness_is_the_share_of_the_movement_that_another_does_not_explain() {
        let (moves, errors) = (form([0.0, 10.0, 20.0, 10.0, 0.0]), [4.0; MEASURES]);
        assert_eq!(moves.unlikeness(&moves, &errors), 0.0);
        // The squares around the mean of 8 are 280; five of 6 are 180. Both over 4, and one for each place less.
        let other = form([6.0, 16.0, 26.0, 16.0, 6.0]);
        let unlike = moves.unlikeness(&other, &errors);
        assert!((unlike - 40.0 / 70.0).abs() < 1e-5, "{unlike}");
        // Errors explain what is smaller than they are.
        assert_eq!(moves.unlikeness(&form([1.0, 11.0, 21.0, 11.0, 1.0]), &errors), 0.0);
        for other in [moves, form([5.0; PLACES])] {
            assert_eq!(form([5.0; PLACES]).unlikeness(&other, &errors), f32::INFINITY, "nothing moves");
        }
    }

    #[test]
    fn with_too_little_in_common_two_forms_cannot_be_compared() {
        let (moves, errors) = (form([0.0, 10.0, 20.0, 10.0, 0.0]), [1.0; MEASURES]);
        let seen = |measures: usize, places: usize| {
            let mut other = Form::UNSEEN;
            for place in 0..places {
                other.0[place][..measures].copy_from_slice(&moves.0[place][..measures]);
            }
            other
        };
        assert_eq!(moves.unlikeness(&seen(MEASURES / 3, 3), &errors), 0.0);
        assert_eq!(moves.unlikeness(&seen(MEASURES / 3, 2), &errors), f32::INFINITY, "two places tell no movement");
        assert_eq!(moves.unlikeness(&seen(MEASURES / 3 - 1, 5), &errors), f32::INFINITY);
        assert_eq!(seen(MEASURES / 3, 3).unlikeness(&moves, &errors), 0.0, "whichever of them it is");
    }

    #[test]
    fn a_measure_errs_by_what_joints_always_shake_and_by_twice_what_is_seen_of_its_own() {
        use super::super::measure::CHANNELS;
        use super::super::signal::stamp_of;
        let (elbow, mut signal) = (Measure::Elbow.channel(Side::Both), Signal::default());
        for tick in 1000..1100 {
            let mut values = [f32::NAN; CHANNELS];
            values[elbow] = if tick % 2 == 0 { 60.0 } else { 50.0 };
            signal.advance(stamp_of(tick));
            signal.push(&values, 0.05);
        }
        let (noise, errors) = (signal.noise_deg(elbow), errors(&signal));
        assert!(noise > 3.0);
        assert!((errors[Measure::Elbow as usize] - 16.0 - 2.0 * noise * noise).abs() < 1e-3, "{errors:?}");
        assert_eq!(errors[Measure::Knee as usize], 16.0);
    }
}
