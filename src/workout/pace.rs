//! How the repetitions of a set follow each other: how many there are, how often they come and how evenly.
//!
//! It tells what people do to train from what they do besides: bottles and towels go up and down, and plates, for which one
//! bends, too; but slowly or unevenly, and seldom for long. Nobody lies down or squats over and over but for training. It
//! must know nothing of postures; what a set may be by those is given to it.
//!
//! *unevenness*: the coefficient of variation of the times between two · *few*: not enough to go as slowly as one likes.

use super::aim::spread;
use super::classify::Near;
use super::exercise::Exercise;
use super::report::Rep;
use crate::time::Mono;

/// Of a set without a name: when its repetitions take longer than this (seconds), how many make it, and how uneven they may be.
/// Who chalks his hands and drinks moves so slowly, but seldom often.
const NAMELESS: [(f32, usize, f32); 3] = [(4.5, 6, 0.15), (3.5, 4, 0.3), (0.0, 3, 0.3)];
/// One of several exercises is it with fewer, if it is no more uneven than this.
const METRONOME: f32 = 0.06;
/// From so many repetitions on it may go as slowly as it likes; …
const MANY: usize = 5;
/// … fewer of the arms alone, or of one who bends, are none when they take longer (seconds), …
const DAILY_SLOWEST_S: f32 = 6.5;
const BENT_SLOWEST_S: f32 = 7.5;
/// … unless, going like a metronome, they were so many in the end. Then it matters little when they ended.
const FEW: usize = 4;
const ENDS_S: f32 = 0.5;
/// Who drinks takes longer than this for a sip (seconds), and sips more unevenly than this.
const SIP_S: f32 = 4.0;
const SIPS_UNEVENNESS: f32 = 0.12;
/// So many repetitions that look like nothing known were no set if they went more unevenly than this until the end.
const NAMELESS_FEW: usize = 5;
const NAMELESS_MOST: f32 = 0.19;

/// Who squats goes no more unevenly than this.
const SQUATS_UNEVENNESS: f32 = 0.3;

/// The pace of a set.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Pace {
    reps: usize,
    /// Mean seconds between two; infinite of fewer than two repetitions, …
    every_s: f32,
    /// … and so is the unevenness.
    uneven: f32,
}

/// How repetitions are done, and seen.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Manner {
    /// One as the other.
    pub evenly: bool,
    /// Start and turn are far apart.
    pub clearly: bool,
    /// The hips sink deep.
    pub squats: bool,
    /// He stands where he is, and his hands do nothing that people do besides training.
    pub hands_train: bool,
}

impl Pace {
    /// From turn to turn.
    pub fn of_turns(reps: &[Rep]) -> Pace {
        Pace::by(reps, |rep| rep.turned)
    }

    /// From end to end, with the pauses: who did something else between them is told by these.
    pub fn of_ends(reps: &[Rep]) -> Pace {
        Pace::by(reps, |rep| rep.ended)
    }

    fn by(reps: &[Rep], moment: impl Fn(&Rep) -> Mono) -> Pace {
        let times = reps.windows(2).map(|pair| moment(&pair[1]).since(moment(&pair[0])).as_secs_f32());
        let (every_s, uneven) =
            spread(times).map_or((f32::INFINITY, f32::INFINITY), |(mean, variance)| (mean, variance.sqrt() / mean));
        Pace { reps: reps.len(), every_s, uneven }
    }

    /// Whether it is a set, if it may be one of these or none.
    pub fn convinces(self, candidates: &[Near], Manner { evenly, clearly, squats, hands_train }: Manner) -> bool {
        let squats = squats && clearly && self.uneven <= SQUATS_UNEVENNESS;
        let slowly = |slowest_s: f32| self.quicker(slowest_s) || clearly && self.uneven <= METRONOME;
        let convinces = |name: &str| match Exercise::named(name) {
            Some(exercise) if exercise.bends() => slowly(BENT_SLOWEST_S),
            Some(exercise) if exercise.reaches_up() => slowly(DAILY_SLOWEST_S) || hands_train && evenly && clearly,
            Some(exercise) if !exercise.is_daily() => true,
            _ => evenly && (hands_train && clearly || self.quicker(DAILY_SLOWEST_S)) && !self.sips(),
        };
        let all = || candidates.iter().all(|near| convinces(near.exercise));
        match candidates.len() {
            0 => squats || evenly && clearly && self.is_clockwork(),
            1 => all(),
            _ => squats || evenly && clearly && (self.is_clockwork() || self.uneven <= METRONOME && all()),
        }
    }

    /// Whether it was a set, now that it is over and looks like these or nothing that is known: what began like one may have
    /// gone on as nothing that anybody trains, unless the athlete `squats`, or his `hands_train`.
    pub fn was_set(self, candidates: &[Near], squats: bool, hands_train: bool) -> bool {
        let enough = |slowest_s: f32| self.reps >= FEW || self.quicker(slowest_s + ENDS_S);
        let was_it = |near: &Near| match Exercise::named(near.exercise) {
            Some(exercise) if exercise.bends() => enough(BENT_SLOWEST_S),
            Some(exercise) if exercise.reaches_up() => hands_train || enough(DAILY_SLOWEST_S),
            Some(exercise) if exercise.is_daily() => hands_train || !self.sips(),
            _ => true,
        };
        match candidates.len() {
            0 => squats || self.reps < 2 || self.reps > NAMELESS_FEW || self.uneven <= NAMELESS_MOST,
            _ => candidates.iter().any(was_it),
        }
    }

    /// Whether it is one though nobody knows of what.
    fn is_clockwork(self) -> bool {
        let needed = NAMELESS.iter().find(|(slower_s, ..)| self.every_s > *slower_s);
        needed.is_some_and(|(_, least, most)| self.reps >= *least && self.uneven <= *most)
    }

    /// Whether its repetitions take no longer than this, or are many.
    fn quicker(self, slowest_s: f32) -> bool {
        self.reps >= MANY || self.every_s <= slowest_s
    }

    /// Whether its repetitions are few, slow and uneven, as sips are.
    fn sips(self) -> bool {
        self.reps < MANY && self.every_s > SIP_S && self.uneven > SIPS_UNEVENNESS
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::report::Phases;
    use super::*;

    /// With so many seconds from turn to turn.
    fn pace(times_s: &[f32]) -> Pace {
        let phases = Phases { go_s: 1.0, hold_s: 0.0, back_s: 1.0, pause_s: 0.0 };
        let mut at = Mono::from_ns(5_000_000_000);
        let mut reps = Vec::new();
        for time_s in [&[0.0], times_s].concat() {
            at = at.plus(Duration::from_secs_f32(time_s));
            reps.push(Rep { n: 1, started: at, turned: at, ended: at, min_deg: 0.0, max_deg: 90.0, phases });
        }
        assert_eq!(Pace::of_ends(&reps), Pace::of_turns(&reps));
        Pace::of_turns(&reps)
    }

    fn manner(evenly: bool, clearly: bool) -> Manner {
        Manner { evenly, clearly, squats: false, hands_train: false }
    }

    /// It may be any of these.
    fn near(names: &[&'static str]) -> Vec<Near<'static>> {
        names.iter().map(|exercise| Near { exercise, off: 0.1, odd: 0.1, recorded: false }).collect()
    }

    #[test]
    fn a_pace_is_the_mean_time_from_turn_to_turn_and_how_it_varies() {
        let Pace { reps, every_s, uneven } = pace(&[2.0, 4.0]);
        assert_eq!((reps, every_s), (3, 3.0));
        assert!((uneven - 1.0 / 3.0).abs() < 1e-5, "{uneven}");
        assert_eq!(pace(&[]), Pace { reps: 1, every_s: f32::INFINITY, uneven: f32::INFINITY });
    }

    #[test]
    fn sips_from_a_bottle_are_no_curls_and_curls_are() {
        let curl = near(&["Biceps Curl"]);
        let [sips, even, quick] = [[4.2, 5.6], [4.6, 5.2], [2.4, 3.6]].map(|times_s| pace(&times_s));
        assert!(!sips.convinces(&curl, manner(true, true)));
        assert!(even.convinces(&curl, manner(true, true)) && quick.convinces(&curl, manner(true, true)));
        assert!(!quick.convinces(&curl, manner(false, true)), "as far as the rest of it says");
        assert!(pace(&[4.2, 5.6, 4.2, 5.6]).convinces(&curl, manner(true, true)), "five of them");
        assert!(!pace(&[7.0, 7.0]).convinces(&curl, manner(true, true)), "nobody curls three times so slowly");
        // Seen whole the same holds, and of nothing else.
        assert!(!sips.was_set(&curl, false, false) && even.was_set(&curl, false, false));
        let others = [near(&["Squat"]), near(&["my own curl"]), near(&["Biceps Curl", "Row"])];
        assert!(others.iter().all(|others| sips.was_set(others, false, false)));
    }

    #[test]
    fn a_few_that_look_like_nothing_known_must_have_gone_evenly_to_the_end() {
        assert!(!pace(&[2.8, 4.7]).was_set(&[], false, false));
        assert!(pace(&[2.8, 3.4]).was_set(&[], false, false));
        assert!(!pace(&[3.1, 3.4, 1.3, 2.2]).was_set(&[], false, false), "five");
        assert!(pace(&[3.1, 3.4, 1.3, 2.2, 3.0]).was_set(&[], false, false), "six");
        assert!(pace(&[]).was_set(&[], false, false), "of one nothing is known");
        // Two are as even as can be.
        assert!(pace(&[2.8]).was_set(&[], false, false));
        assert!(
            pace(&[2.8, 4.7]).was_set(&near(&["Squat", "Front Squat"]), false, false),
            "nobody squats but for training"
        );
    }

    #[test]
    fn without_a_name_slow_ones_must_be_more_and_go_more_evenly() {
        let convinces = |times_s: &[f32]| pace(times_s).convinces(&[], manner(true, true));
        assert!(convinces(&[2.0, 3.0]) && !convinces(&[1.0, 3.0]), "quick ones may vary by three tenths");
        assert!(!convinces(&[4.0, 4.0]) && convinces(&[4.0, 4.0, 4.0]), "four of these");
        assert!(!convinces(&[5.0; 4]) && convinces(&[5.0; 5]), "and six of these");
        assert!(!convinces(&[4.0, 6.0, 4.0, 6.0, 4.0]), "which go evenly");
        assert!(
            !pace(&[2.0, 2.0]).convinces(&[], manner(false, true))
                && !pace(&[2.0, 2.0]).convinces(&[], manner(true, false))
        );
    }

    #[test]
    fn one_of_several_needs_less_if_it_goes_like_a_metronome_and_each_of_them_may_go_so() {
        let squats = near(&["Squat", "Front Squat"]);
        assert!(
            pace(&[5.0, 5.2]).convinces(&squats, manner(true, true))
                && !pace(&[5.0, 6.0]).convinces(&squats, manner(true, true))
        );
        let bent = near(&["Deadlift", "Romanian Deadlift"]);
        assert!(
            pace(&[7.0, 7.0]).convinces(&bent, manner(true, true))
                && !pace(&[8.0, 9.2]).convinces(&bent, manner(true, true))
        );
    }

    #[test]
    fn who_bends_slowly_lifts_plates_unless_he_goes_like_a_metronome_and_four_times() {
        let [lifts, presses, squats] = ["Deadlift", "Overhead Press", "Squat"].map(|name| near(&[name]));
        assert!(!pace(&[8.0, 9.2]).convinces(&lifts, manner(true, true)));
        assert!(pace(&[8.0, 9.2, 8.0, 9.2]).convinces(&lifts, manner(true, true)), "five of them");
        assert!(
            pace(&[8.0, 8.2]).convinces(&lifts, manner(true, true))
                && !pace(&[8.0, 8.2]).convinces(&lifts, manner(true, false))
        );
        assert!(
            !pace(&[8.0, 8.2]).was_set(&lifts, false, false) && pace(&[8.0, 8.2, 8.1]).was_set(&lifts, false, false)
        );
        assert!(pace(&[7.9, 7.9]).was_set(&lifts, false, false), "a little slower by its ends");
        assert!(
            !pace(&[7.0, 8.0]).convinces(&presses, manner(true, true))
                && pace(&[7.0, 7.2]).convinces(&presses, manner(true, true))
        );
        assert!(!pace(&[7.0, 7.2]).was_set(&presses, false, false));
        assert!(
            pace(&[9.0, 12.0]).convinces(&squats, manner(false, false))
                && pace(&[9.0, 12.0]).was_set(&squats, false, false)
        );
    }

    #[test]
    fn who_squats_may_be_slow_and_like_nothing_or_like_several() {
        let squats = |times_s: &[f32], candidates: &[Near], clearly: bool| {
            pace(times_s).convinces(candidates, Manner { evenly: false, clearly, squats: true, hands_train: false })
        };
        let several = near(&["Squat", "Front Squat"]);
        assert!(squats(&[7.0, 9.5], &[], true) && squats(&[7.0, 9.5], &several, true));
        assert!(!squats(&[7.0, 9.5], &[], false) && !squats(&[7.0, 9.5], &several, false), "it is seen badly");
        assert!(!squats(&[4.0, 9.5], &[], true) && !squats(&[4.0, 9.5], &several, true), "much too uneven");
        assert!(!pace(&[7.0, 9.5]).convinces(&[], manner(false, true)), "who does not squat");
        assert!(pace(&[2.8, 4.7]).was_set(&[], true, false) && !pace(&[2.8, 4.7]).was_set(&[], false, false));
        let sips = pace(&[4.2, 5.6]);
        assert!(!sips.was_set(&near(&["Biceps Curl"]), true, false), "what is known goes before");
    }

    #[test]
    fn whose_hands_do_nothing_but_train_may_curl_or_press_slowly_and_rest_as_he_likes() {
        let [slow, sips] = [[7.0, 8.0], [4.2, 5.6]].map(|times_s| pace(&times_s));
        let trains = |evenly: bool, clearly: bool| Manner { hands_train: true, ..manner(evenly, clearly) };
        for name in ["Biceps Curl", "Overhead Press"] {
            let one = near(&[name]);
            assert!(slow.convinces(&one, trains(true, true)) && !slow.convinces(&one, manner(true, true)), "{name}");
            assert!(!slow.convinces(&one, trains(true, false)) && !slow.convinces(&one, trains(false, true)), "{name}");
            // He may rest later.
            assert!(slow.was_set(&one, false, true) && sips.was_set(&one, false, true), "{name}");
        }
        assert!(!slow.was_set(&near(&["Overhead Press"]), false, false));
        assert!(!sips.convinces(&near(&["Biceps Curl"]), trains(true, true)), "he must begin as evenly as anybody");
        let bends = near(&["Deadlift"]);
        assert!(!pace(&[8.0, 9.6]).convinces(&bends, trains(true, true)), "it is not done by hands");
    }
}
