//! The workout in front of one camera: poses in, sets and repetitions out.
//!
//! ```text
//! poses ─► Athlete ─► Body (measures) ─► Signal (20 Hz) ─┬─► search: a beginning ─► Open (set) ─► reps ─► close
//!                                                        └─► Mover: the angle to show
//! ```
//!
//! It must never read a clock. A repetition that was told while the set went on is not taken back while it does; the set
//! that is told at its end has been counted anew ([`super::review`]) and may have another one or one less.

use std::sync::Arc;

use super::course::Course;
use super::exercise::Exercise;
use super::form::Form;
use super::measure::Body;
use super::prototype::{Prototype, Prototypes};
use super::report::{Happening, Rep, Set, agreement};
use super::search::{Beginning, Desk, Least, Line, SURE, lines, look};
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
/// How sure a set is that nobody has named.
const UNNAMED: f32 = 0.5;

/// A name, and how sure it is.
#[derive(Clone, Debug)]
struct Named {
    exercise: Arc<str>,
    confidence: f32,
}

/// Somebody who is there besides the athlete: when he is the one who trains, he is followed.
#[derive(Default)]
struct Rival {
    id: Option<u32>,
    body: Body,
    signal: Signal,
    seen: Option<(u32, Mono)>,
    line: usize,
    best: Option<Beginning>,
}

/// Watches one camera's athlete.
pub struct Workout {
    thresholds: Thresholds,
    athlete: Athlete,
    mover: Mover,
    body: Body,
    signal: Signal,
    desk: Desk,
    now: Mono,
    seen: Option<(u32, Mono)>,
    /// Nothing before this tick belongs to a set to come.
    from: u64,
    /// Nothing before this tick belongs to the set that goes on.
    since: u64,
    chosen: Option<&'static Exercise>,
    /// Its name.
    said: Option<Arc<str>>,
    prototypes: Arc<Prototypes>,
    /// What is looked at in turn for a beginning, and which of them is next.
    lines: Vec<Line>,
    line: usize,
    best: Option<Beginning>,
    open: Option<Open>,
    name: Option<Named>,
    /// How the set that ended last looked.
    ended: Option<(Form, Course)>,
    rival: Rival,
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
            body: Body::default(),
            signal: Signal::default(),
            desk: Desk::default(),
            now: Mono::ZERO,
            seen: None,
            from: 0,
            since: 0,
            chosen: None,
            said: None,
            prototypes: Arc::new(Prototypes::new(Vec::new())),
            lines: lines(None).collect(),
            line: 0,
            best: None,
            open: None,
            name: None,
            ended: None,
            rival: Rival::default(),
            away: false,
        }
    }

    /// What the athlete says is being done; nothing to have it recognised. A set that goes on is renamed.
    pub fn choose(&mut self, exercise: Option<&'static Exercise>) {
        if exercise != self.chosen {
            self.chosen = exercise;
            self.said = exercise.map(|exercise| exercise.name.into());
            self.lines = lines(exercise).collect();
            (self.line, self.best) = (0, None);
            (self.rival.line, self.rival.best) = (0, None);
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
        if athlete.id.is_some() && athlete.id == self.rival.id {
            self.exchange();
        }
        let pose = athlete.pose.and_then(|index| poses.get(index));
        let angle = self.mover.update(self.now, athlete.id, pose);
        let ticked = self.signal.advance(self.now);
        self.rival.signal.advance(self.now);
        let rival = self.athlete.rival(self.rival.id);
        self.watch(rival, poses);
        if let (Some(id), Some(pose)) = (athlete.id, pose) {
            let before = self.seen.filter(|(who, _)| *who == id);
            // Who is found again where somebody was lost is mostly the same; who is preferred to another is not.
            if before.is_none() {
                self.body = Body::default();
            }
            if athlete.event == Some(Event::HandedOver) && before.is_none() {
                self.signal.forget();
            }
            let dt_s = before.map_or(0.0, |(_, when)| self.now.since(when).as_secs_f32());
            self.signal.push(&self.body.measure(pose, dt_s), dt_s);
            self.seen = Some((id, self.now));
        }
        if ticked {
            self.tick(out);
            if self.open.is_none() && self.rival_trains() {
                self.athlete.follow(self.seen.map_or(0, |(id, _)| id));
                let (id, pose) = rival.unzip();
                athlete = Followed { id, pose: pose.flatten(), event: Some(Event::HandedOver) };
            }
        }
        self.state(athlete, angle)
    }

    /// Takes the rival's measures.
    fn watch(&mut self, rival: Option<(u32, Option<usize>)>, poses: &[Pose]) {
        let Some((id, index)) = rival else { return };
        if self.rival.id != Some(id) {
            self.rival.signal.forget();
            (self.rival.id, self.rival.body, self.rival.seen) = (Some(id), Body::default(), None);
            (self.rival.line, self.rival.best) = (0, None);
        }
        let Some(pose) = index.and_then(|index| poses.get(index)) else { return };
        let dt_s = self.rival.seen.map_or(0.0, |(_, when)| self.now.since(when).as_secs_f32());
        self.rival.signal.push(&self.rival.body.measure(pose, dt_s), dt_s);
        self.rival.seen = Some((id, self.now));
    }

    /// The athlete and the rival change places, with all that is known of them.
    fn exchange(&mut self) {
        std::mem::swap(&mut self.signal, &mut self.rival.signal);
        std::mem::swap(&mut self.body, &mut self.rival.body);
        std::mem::swap(&mut self.seen, &mut self.rival.seen);
        self.rival.id = self.rival.seen.map(|(id, _)| id);
        (self.line, self.best, self.rival.line, self.rival.best) = (0, None, 0, None);
        self.away = self.open.is_some() && !self.away;
    }

    /// Looks whether the rival begins a set; then he takes the athlete's place, and what began is the best beginning.
    fn rival_trains(&mut self) -> bool {
        if self.rival.id.is_none() {
            return false;
        }
        let (least, line) = (self.least(), self.lines[self.rival.line]);
        let Rival { signal, best, .. } = &mut self.rival;
        let found = look(signal, line, self.from, least, &mut self.desk);
        if let Some(found) = found
            && best.as_ref().is_none_or(|best| found.aim.clarity > best.aim.clarity)
        {
            *best = Some(found);
        }
        self.rival.line = (self.rival.line + 1) % self.lines.len();
        if self.rival.line > 0 {
            return false;
        }
        let Some(best) = self.rival.best.take() else { return false };
        self.exchange();
        // The round that this closes opens the set.
        (self.line, self.best) = (self.lines.len() - 1, Some(best));
        true
    }

    /// The recording has ended: a set that goes on is over.
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
                .is_some_and(|open| open.quiet_s(&self.signal) >= self.thresholds.quiet_seconds || open.full());
            if over {
                self.close(u64::MAX, out);
            } else if self.rests() {
                // Something else may have begun; it ends this set.
                self.look(out);
            } else {
                self.best = None;
            }
        } else {
            self.look(out);
        }
    }

    /// Whether the set that goes on has paused for longer than between two repetitions.
    fn rests(&mut self) -> bool {
        let Some(open) = &self.open else { return false };
        self.from = open.last_end();
        seconds(self.signal.newest().saturating_sub(self.from)) > (2.5 * open.rep_s()).max(REST_S)
    }

    fn least(&self) -> Least {
        Least {
            height_deg: self.thresholds.min_amplitude_deg,
            rep_s: self.thresholds.min_period_s,
            most_rep_s: MOST_REP_S,
            reps: if self.chosen.is_some() { CHOSEN_REPS } else { SURE },
        }
    }

    /// One line a tick; after a round the best beginning opens a set.
    fn look(&mut self, out: &mut Vec<Happening>) {
        let found = look(&self.signal, self.lines[self.line], self.from, self.least(), &mut self.desk);
        if let Some(found) = found
            && self.best.as_ref().is_none_or(|best| found.aim.clarity > best.aim.clarity)
        {
            self.best = Some(found);
        }
        self.line = (self.line + 1) % self.lines.len();
        if self.line == 0
            && let Some(best) = self.best.take()
        {
            let known = (self.chosen, &*self.prototypes);
            let open = Open::new(best, self.from, self.least(), known, &self.signal, &mut self.desk);
            let named = self.chosen.is_some() || open.named(&self.signal, &self.prototypes).is_some();
            if let Some(first) = open.reps.first()
                && (named || open.goes_like_clockwork())
            {
                let first = *first;
                self.close(open.begins(), out);
                out.push(Happening::SetStarted { at: first.started });
                out.extend(open.reps.iter().map(|rep| Happening::Rep(*rep)));
                self.open = Some(open);
                self.recognise();
            }
        }
    }

    fn count(&mut self, out: &mut Vec<Happening>) {
        let least = self.least();
        let Some(open) = &mut self.open else { return };
        if self.away {
            open.miss(&self.signal);
            return;
        }
        let more = open.step(&self.signal, least, &mut self.desk);
        out.extend(open.reps[open.reps.len() - more..].iter().map(|rep| Happening::Rep(*rep)));
        if more > 0 {
            self.recognise();
        }
    }

    /// By all that is known of the set that goes on.
    fn recognise(&mut self) {
        let Some(open) = &self.open else { return };
        let name = open.named(&self.signal, &self.prototypes);
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
        let recount = open.recount(&self.signal);
        let bounds = (self.since, until.min(self.signal.newest()));
        if !std::mem::take(&mut self.away) {
            open.review(&self.signal, bounds, least, &mut self.desk);
            self.recognise();
        }
        let Some(mut open) = self.open.take() else { return };
        self.from = open.last_end();
        self.since = self.from;
        let (Some(first), Some(last)) = (open.reps.first(), open.reps.last()) else { return };
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
