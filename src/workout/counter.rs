//! The workout in front of one camera: poses in, sets and repetitions out.
//!
//! ```text
//! poses ─► Athlete ─► Body (measures) ─► Signal (20 Hz) ─┬─► search: a beginning ─► Open (set) ─► reps ─► close
//!                                                        └─► Mover: the angle to show
//! ```
//!
//! It must never read a clock. A repetition that was told while the set went on is not taken back while it does; the set
//! that is told at its end has been counted anew ([`super::review`]) and may have others.

use std::sync::Arc;

use super::classify::{candidates, chosen};
use super::course::Course;
use super::exercise::Exercise;
use super::form::Form;
use super::measure::Body;
use super::pace::Pace;
use super::prototype::{Prototype, Prototypes};
use super::report::{Happening, Rep, Set, agreement};
use super::search::{Beginning, Desk, Least, Line, SURE, clearly, evenly, lines, look};
use super::set::{Open, REST_S};
use super::signal::{Signal, seconds, stamp_of};
use super::{Angle, Athlete, AthleteSettings, Event, Followed, Mover};
use crate::skeleton::Pose;
use crate::time::Mono;

/// What the user may change while the box runs.
#[derive(Clone, Copy, PartialEq, Debug, serde::Serialize, serde::Deserialize)]
pub struct Thresholds {
    /// No repetition is lower than this, degrees.
    pub min_amplitude_deg: f32,
    /// Nor shorter than this, seconds.
    pub min_period_s: f32,
    /// Signals are smoothed over at least this, seconds.
    pub smoothing_s: f32,
    /// So long after its last repetition a set is over, seconds.
    pub quiet_seconds: f32,
    /// Sets that are less sure than this wait for the athlete's word, 0 to 1.
    pub confidence_threshold: f32,
}

impl Default for Thresholds {
    fn default() -> Thresholds {
        Thresholds {
            min_amplitude_deg: 25.0,
            min_period_s: 0.6,
            smoothing_s: 0.25,
            quiet_seconds: 25.0,
            confidence_threshold: 0.75,
        }
    }
}

/// How a workout is watched.
#[derive(Clone, Copy, PartialEq, Default, Debug)]
pub struct Settings {
    /// Who is followed.
    pub athlete: AthleteSettings,
    /// What counts.
    pub thresholds: Thresholds,
}

/// What is to be seen of the workout now.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Now {
    /// Who is followed.
    pub athlete: Followed,
    /// The joint that works.
    pub angle: Option<Angle>,
    /// What is being done: as the athlete said, or else as far as the set that goes on is recognised.
    pub exercise: Option<Arc<str>>,
    /// Repetitions of the set that goes on; 0 between sets.
    pub reps: u32,
    /// Seconds since the last repetition of the set that goes on.
    pub resting_s: Option<f32>,
    /// The newest repetition of the set that goes on.
    pub last: Option<Rep>,
}

/// No repetition takes longer. Seconds.
const MOST_REP_S: f32 = 14.0;
/// Repetitions that make a set when the athlete said what he does.
const CHOSEN_REPS: usize = 2;
/// Lines that are looked at with one frame, at most.
const MOST_LINES: u64 = 4;
/// How sure a set is that nobody has named.
const UNNAMED: f32 = 0.5;

/// A name, and how sure it is.
#[derive(Clone, Debug)]
struct Named {
    exercise: Arc<str>,
    confidence: f32,
}

/// Somebody whose movements are measured, and what of a beginning was found in them.
#[derive(Default)]
struct Watched {
    body: Body,
    signal: Signal,
    seen: Option<(u32, Mono)>,
    /// Which line is looked at next, …
    line: usize,
    /// … and the best of those of this round.
    best: Option<Beginning>,
}

impl Watched {
    /// Takes the measures of a pose, `id`'s. Who is found again where somebody was lost is mostly the same, but not his body.
    fn measure(&mut self, id: u32, pose: &Pose, now: Mono) {
        let before = self.seen.filter(|(who, _)| *who == id);
        if before.is_none() {
            self.body = Body::default();
        }
        let dt_s = before.map_or(0.0, |(_, when)| now.since(when).as_secs_f32());
        self.signal.push(&self.body.measure(pose, dt_s), dt_s);
        self.seen = Some((id, now));
    }

    /// The round of lines begins anew.
    fn begin_round(&mut self) {
        (self.line, self.best) = (0, None);
    }

    /// Some lines in turn; after a round the best beginning.
    fn look_at(&mut self, count: u64, lines: &[Line], from: u64, least: Least, desk: &mut Desk) -> Option<Beginning> {
        (0..count).find_map(|_| self.look(lines, from, least, desk))
    }

    fn look(&mut self, lines: &[Line], from: u64, least: Least, desk: &mut Desk) -> Option<Beginning> {
        let found = look(&self.signal, lines[self.line], from, least, desk);
        if let Some(found) = found
            && self.best.as_ref().is_none_or(|best| found.merit() > best.merit())
        {
            self.best = Some(found);
        }
        self.line = (self.line + 1) % lines.len();
        if self.line == 0 { self.best.take() } else { None }
    }
}

/// Watches one camera's athlete.
pub struct Workout {
    thresholds: Thresholds,
    athlete: Athlete,
    mover: Mover,
    /// The athlete's measures.
    own: Watched,
    /// Somebody who is there besides: when he is the one who trains, he is followed.
    rival: Watched,
    rival_id: Option<u32>,
    desk: Desk,
    now: Mono,
    /// Ticks since the frame before.
    ticked: u64,
    /// Nothing before this tick belongs to a set to come.
    from: u64,
    /// Nothing before this tick belongs to the set that goes on.
    since: u64,
    chosen: Option<&'static Exercise>,
    /// Its name.
    said: Option<Arc<str>>,
    prototypes: Arc<Prototypes>,
    /// What is looked at in turn for a beginning.
    lines: Vec<Line>,
    open: Option<Open>,
    name: Option<Named>,
    /// How the set that ended last looked.
    ended: Option<(Form, Course)>,
    /// Whose set goes on is not followed now, somebody else is.
    away: bool,
}

impl Workout {
    /// Nothing was seen yet; exercises are recognised as textbooks have them.
    pub fn new(settings: Settings) -> Workout {
        Workout {
            thresholds: settings.thresholds,
            athlete: Athlete::new(settings.athlete),
            mover: Mover::default(),
            own: Watched::default(),
            rival: Watched::default(),
            rival_id: None,
            desk: Desk::default(),
            now: Mono::ZERO,
            ticked: 0,
            from: 0,
            since: 0,
            chosen: None,
            said: None,
            prototypes: Arc::new(Prototypes::new(Vec::new())),
            lines: lines(None).collect(),
            open: None,
            name: None,
            ended: None,
            away: false,
        }
    }

    /// What the athlete says is being done; nothing to have it recognised. A set that goes on is renamed.
    pub fn choose(&mut self, exercise: Option<&'static Exercise>) {
        if exercise != self.chosen {
            self.chosen = exercise;
            self.said = exercise.map(|exercise| exercise.name.into());
            self.lines = lines(exercise).collect();
            self.own.begin_round();
            self.rival.begin_round();
        }
    }

    /// What sets are compared with from now on.
    pub fn learn(&mut self, prototypes: Arc<Prototypes>) {
        self.prototypes = prototypes;
    }

    /// The set that ended last, as an example of an exercise.
    pub fn example(&self, exercise: &str) -> Option<Prototype> {
        self.ended.as_ref().map(|(form, course)| Prototype::new(exercise, form, course))
    }

    /// Other thresholds from now on; repetitions that were told stay.
    pub fn tune(&mut self, thresholds: Thresholds) {
        self.thresholds = thresholds;
    }

    /// Takes what was found on the next frame, of `frame` pixels: `poses` in pixels, by falling score; call it also when
    /// nobody was found, since rest is measured by it. What happened is appended to `out`.
    pub fn update(&mut self, stamp: Mono, frame: (usize, usize), poses: &[Pose], out: &mut Vec<Happening>) -> Now {
        self.now = self.now.max(stamp);
        let mut athlete = self.athlete.update(self.now, frame, poses);
        if athlete.id.is_some() && athlete.id == self.rival_id {
            self.exchange();
        }
        let pose = athlete.pose.and_then(|index| poses.get(index));
        let angle = self.mover.update(self.now, athlete.id, pose);
        // Seldom frames are many ticks each; so much work none of them is.
        self.ticked = self.own.signal.advance(self.now).min(MOST_LINES);
        self.rival.signal.advance(self.now);
        let rival = self.athlete.rival(self.rival_id);
        self.watch(rival, poses);
        if let (Some(id), Some(pose)) = (athlete.id, pose) {
            // Who is preferred to another is not the same.
            if athlete.event == Some(Event::HandedOver) && self.own.seen.is_none_or(|(who, _)| who != id) {
                // A set of his is over, unless it is the rival's, who may come back.
                if !self.away {
                    self.finish(out);
                }
                self.own.signal.forget();
            }
            self.own.measure(id, pose, self.now);
        }
        if self.ticked > 0 {
            self.tick(out);
            if self.open.is_none() && self.rival_trains() {
                self.athlete.follow(self.own.seen.map_or(0, |(id, _)| id));
                let (id, pose) = rival.unzip();
                athlete = Followed { id, pose: pose.flatten(), event: Some(Event::HandedOver) };
            }
        }
        self.state(athlete, angle)
    }

    /// Takes the rival's measures.
    fn watch(&mut self, rival: Option<(u32, Option<usize>)>, poses: &[Pose]) {
        let Some((id, index)) = rival else { return };
        if self.rival_id != Some(id) {
            self.rival.signal.forget();
            (self.rival_id, self.rival.seen) = (Some(id), None);
            self.rival.begin_round();
        }
        let Some(pose) = index.and_then(|index| poses.get(index)) else { return };
        self.rival.measure(id, pose, self.now);
    }

    /// The athlete and the rival change places, with all that is known of them.
    fn exchange(&mut self) {
        std::mem::swap(&mut self.own, &mut self.rival);
        self.rival_id = self.rival.seen.map(|(id, _)| id);
        self.own.begin_round();
        self.rival.begin_round();
        self.away = self.open.is_some() && !self.away;
    }

    /// Looks whether the rival begins a set; then he takes the athlete's place, and what began is the best beginning.
    fn rival_trains(&mut self) -> bool {
        if self.rival_id.is_none() {
            return false;
        }
        let least = self.least();
        let best = self.rival.look_at(self.ticked, &self.lines, self.from, least, &mut self.desk);
        let Some(best) = best.filter(|best| self.rival_convinces(best, least)) else { return false };
        self.exchange();
        // The round that this closes opens the set.
        (self.own.line, self.own.best) = (self.lines.len() - 1, Some(best));
        true
    }

    /// Whether this beginning is reason enough to follow the rival: it goes evenly and is seen clearly, or it has a name and
    /// would open a set if he were the athlete.
    fn rival_convinces(&mut self, best: &Beginning, least: Least) -> bool {
        let (evenly, clearly) = (evenly(&best.spans), clearly(&best.aim));
        if evenly && clearly {
            return true;
        }
        // What was chosen was chosen by the athlete: it lets nobody else begin with fewer.
        if best.spans.len() < SURE {
            return false;
        }
        let prototypes = self.prototypes.clone();
        let (signal, desk) = (&self.rival.signal, &mut self.desk);
        let open = Open::new(best.clone(), self.from, least, (self.chosen, &prototypes), signal, desk);
        let nearest = open.nearest(signal, &prototypes);
        let manner = open.manner(signal, evenly, clearly);
        chosen(&nearest).is_some() && Pace::of_turns(&open.reps).convinces(candidates(&nearest), manner)
    }

    /// The recording has ended, or the athlete is gone: a set that goes on is over.
    pub fn finish(&mut self, out: &mut Vec<Happening>) {
        if self.open.is_some() {
            self.count(out);
        }
        self.close(u64::MAX, out);
    }

    fn state(&self, athlete: Followed, angle: Option<Angle>) -> Now {
        let open = self.open.as_ref();
        Now {
            athlete,
            angle,
            exercise: self.exercise(),
            reps: open.map_or(0, |open| open.reps.len() as u32),
            resting_s: open.map(|open| self.now.since(stamp_of(open.last_end())).as_secs_f32()),
            last: open.and_then(|open| open.reps.last().copied()),
        }
    }

    fn exercise(&self) -> Option<Arc<str>> {
        let recognised = || self.name.as_ref().map(|name| name.exercise.clone());
        self.said.clone().or_else(recognised)
    }

    fn tick(&mut self, out: &mut Vec<Happening>) {
        if self.open.is_some() {
            self.count(out);
            let over = self
                .open
                .as_ref()
                .is_some_and(|open| open.quiet_s(&self.own.signal) >= self.thresholds.quiet_seconds || open.full());
            if over {
                self.close(u64::MAX, out);
            } else if self.rests() {
                // Something else may have begun; it ends this set.
                self.look(out);
            } else {
                self.own.best = None;
            }
        } else {
            self.look(out);
        }
    }

    /// Whether the set that goes on has paused for longer than between two repetitions.
    fn rests(&mut self) -> bool {
        let Some(open) = &self.open else { return false };
        self.from = open.last_end();
        seconds(self.own.signal.newest().saturating_sub(self.from)) > (2.5 * open.rep_s()).max(REST_S)
    }

    fn least(&self) -> Least {
        Least {
            height_deg: self.thresholds.min_amplitude_deg,
            rep_s: self.thresholds.min_period_s,
            most_rep_s: MOST_REP_S,
            reps: if self.chosen.is_some() { CHOSEN_REPS } else { SURE },
        }
    }

    /// A line for each tick; after a round the best beginning opens a set.
    fn look(&mut self, out: &mut Vec<Happening>) {
        let least = self.least();
        let best = self.own.look_at(self.ticked, &self.lines, self.from, least, &mut self.desk);
        let Some(best) = best else { return };
        let (evenly, clearly) = (evenly(&best.spans), clearly(&best.aim));
        let prototypes = self.prototypes.clone();
        let open = Open::new(best, self.from, least, (self.chosen, &prototypes), &self.own.signal, &mut self.desk);
        let Some(first) = open.reps.first().copied() else { return };
        let nearest = open.nearest(&self.own.signal, &prototypes);
        let name = chosen(&nearest);
        let manner = open.manner(&self.own.signal, evenly, clearly);
        if self.chosen.is_none() && !Pace::of_turns(&open.reps).convinces(candidates(&nearest), manner) {
            return;
        }
        let same = self.name.as_ref().map(|known| &*known.exercise) == name.map(|(name, _)| name);
        let signal = &self.own.signal;
        if let Some(before) = self.open.as_mut().filter(|before| same && !self.away && before.goes_on(&open, signal)) {
            let more = before.take(open, signal, &mut self.desk);
            self.told(more, out);
            return;
        }
        self.close(open.begins(), out);
        out.push(Happening::SetStarted { at: first.started });
        out.extend(open.reps.iter().map(|rep| Happening::Rep(*rep)));
        self.open = Some(open);
        self.call(name);
    }

    fn count(&mut self, out: &mut Vec<Happening>) {
        let least = self.least();
        let Some(open) = &mut self.open else { return };
        if self.away {
            open.miss(&self.own.signal);
            return;
        }
        let more = open.step(&self.own.signal, least, &mut self.desk);
        if more > 0 {
            self.told(more, out);
        }
    }

    /// The set that goes on has so many more repetitions.
    fn told(&mut self, more: usize, out: &mut Vec<Happening>) {
        let reps = self.open.iter().flat_map(|open| &open.reps[open.reps.len() - more..]);
        out.extend(reps.map(|rep| Happening::Rep(*rep)));
        self.recognise();
    }

    /// By all that is known of the set that goes on.
    fn recognise(&mut self) {
        let prototypes = self.prototypes.clone();
        let name = self.open.as_ref().and_then(|open| chosen(&open.nearest(&self.own.signal, &prototypes)));
        self.call(name);
    }

    fn call(&mut self, name: Option<(&str, f32)>) {
        // The same name stays the same text.
        let known = self.name.take().filter(|known| name.is_some_and(|(name, _)| name == &*known.exercise));
        self.name = name.map(|(name, confidence)| Named {
            exercise: known.map_or_else(|| name.into(), |known| known.exercise),
            confidence,
        });
    }

    /// The set that goes on is over; what comes from `until` on is another one.
    fn close(&mut self, until: u64, out: &mut Vec<Happening>) {
        let least = self.least();
        let Some(open) = &mut self.open else { return };
        let counted_to = open.last_end();
        let bounds = (self.since, until.min(self.own.signal.newest()));
        let here = !std::mem::take(&mut self.away);
        if here {
            open.review(&self.own.signal, bounds, least, &mut self.desk);
        }
        let prototypes = self.prototypes.clone();
        let nearest = open.nearest(&self.own.signal, &prototypes);
        let was_set = self.chosen.is_some() || open.was_set(&self.own.signal, candidates(&nearest));
        if here {
            self.call(chosen(&nearest));
        }
        let Some(mut open) = self.open.take() else { return };
        let recount = open.recount(&self.own.signal, counted_to.min(open.last_end()));
        // What the review left out begins no other set.
        self.from = counted_to.max(open.last_end());
        self.since = self.from;
        let (Some(first), Some(last)) = (open.reps.first(), open.reps.last()) else { return };
        if !was_set {
            self.name = None;
            out.push(Happening::SetDropped);
            return;
        }
        let agreed = agreement(open.reps.len(), recount);
        let name = if self.chosen.is_some() { 1.0 } else { self.name.as_ref().map_or(UNNAMED, |name| name.confidence) };
        let confidence = agreed.min(name).clamp(0.0, 1.0);
        let set = Set {
            exercise: self.exercise(),
            chosen: self.chosen.is_some(),
            recount,
            started: first.started,
            ended: last.ended,
            confidence,
            pending: confidence < self.thresholds.confidence_threshold || open.reps.len() < SURE,
            reps: std::mem::take(&mut open.reps),
        };
        self.ended = Some((open.form(), open.course()));
        self.name = None;
        out.push(Happening::SetEnded(Box::new(set)));
    }
}

#[cfg(test)]
mod tests {
    use super::super::counting_tests::{Figure, STANDS, depth};
    use super::super::measure::{Measure, Side};
    use super::super::world::{self, Dice};
    use super::*;

    /// Somebody who squats as deep as this says, up to a time.
    fn watched(workout: &mut Workout, times: std::ops::Range<u32>, depth: impl Fn(f32) -> f32) -> Vec<Happening> {
        let (mut out, mut dice) = (vec![], Dice(7));
        for n in times.start * 30..times.end * 30 {
            let t = n as f32 / 30.0;
            let pose = Figure { squat: depth(t), ..STANDS }.pose(1.0, &mut dice);
            workout.update(Mono::from_ns((f64::from(t) * 1e9) as u64), (1280, 720), &[pose], &mut out);
        }
        out
    }

    #[test]
    fn whose_set_goes_on_is_away_while_somebody_else_is_followed() {
        let mut workout = Workout::new(Settings::default());
        workout.exchange();
        assert!(!workout.away, "nobody has begun");
        watched(&mut workout, 0..21, |t| depth(t, 10.0, 2.0, 5.0));
        assert!(workout.open.is_some());
        workout.exchange();
        assert!(workout.away);
        workout.exchange();
        assert!(!workout.away, "he is back");
    }

    #[test]
    fn what_somebody_else_begins_is_no_more_of_the_same() {
        // Half as deep first, so that no repetition is of the set by itself.
        let squats = |t: f32| 0.4 * depth(t, 10.0, 2.0, 4.0) + depth(t, 19.0, 2.0, 4.0);
        for (away, begun) in [(false, 0), (true, 1)] {
            let mut workout = Workout::new(Settings::default());
            watched(&mut workout, 0..19, squats);
            workout.away = away;
            let told = watched(&mut workout, 19..30, squats);
            let started = told.iter().filter(|told| matches!(told, Happening::SetStarted { .. })).count();
            assert_eq!(started, begun, "{told:?}");
        }
    }

    #[test]
    fn a_rival_of_whom_nobody_knows_what_he_does_must_go_evenly() {
        let convinces = |begins: &[u64]| {
            let mut workout = Workout::new(Settings::default());
            world::squats(&mut workout.rival.signal, 900..1400, begins, |_, _| {});
            let (least, lines) = (workout.least(), [Line::Exercise(Exercise::named("Squat").unwrap())]);
            let best = workout.rival.look_at(1, &lines, 0, least, &mut workout.desk).unwrap();
            assert!(clearly(&best.aim));
            workout.rival_convinces(&best, least)
        };
        assert!(convinces(&[1200, 1260, 1320]));
        // He squats, but his bones' directions are not seen, by which he would have a name.
        assert!(!convinces(&[1150, 1260, 1320]));
    }

    #[test]
    fn what_is_chosen_is_looked_for_from_the_first_of_its_own_lines() {
        let mut workout = Workout::new(Settings::default());
        assert_eq!(workout.lines.len(), 27);
        (workout.own.line, workout.rival.line) = (20, 7);
        workout.choose(Exercise::named("Squat"));
        assert_eq!((workout.lines.len(), workout.own.line, workout.rival.line), (4, 0, 0));
        watched(&mut workout, 0..11, |t| depth(t, 1.0, 2.0, 5.0));
        assert!(workout.own.line < 4 && workout.open.is_some());
        // Who says again what he does goes on where he was.
        (workout.own.line, workout.rival.line) = (3, 2);
        workout.choose(Exercise::named("Squat"));
        assert_eq!((workout.own.line, workout.rival.line), (3, 2));
    }

    #[test]
    fn a_round_ends_with_the_best_of_its_beginnings_in_whichever_order_they_come() {
        let squat = Line::Exercise(Exercise::named("Squat").unwrap());
        let trunk = Line::Measure(Measure::Trunk, Side::Both);
        let merit = |lines: &[Line]| {
            let mut workout = Workout::new(Settings::default());
            // The trunk says less, and shakes.
            world::squats(&mut workout.own.signal, 900..1331, &[1000, 1060, 1120, 1180, 1240], |tick, values| {
                let bent = if (1060..1080).contains(&tick) { 4.0 } else { 0.0 };
                values[Measure::Trunk.channel(Side::Both)] += bent;
            });
            let least = Least { height_deg: 10.0, ..workout.least() };
            let found = (0..lines.len()).map(|_| workout.own.look_at(1, lines, 0, least, &mut workout.desk));
            let found: Vec<_> = found.collect();
            assert!(found[..lines.len() - 1].iter().all(Option::is_none), "the round has not ended");
            found.last().unwrap().as_ref().unwrap().merit()
        };
        let (one, other) = (merit(&[squat]), merit(&[trunk]));
        assert_ne!(one, other);
        let best = if one > other { one } else { other };
        assert_eq!((merit(&[squat, trunk]), merit(&[trunk, squat])), (best, best));
    }
}
