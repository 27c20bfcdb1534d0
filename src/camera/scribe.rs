//! What becomes of what the workout tells: everybody who listens hears it, and a set that is over goes to the log with its
//! picture. It runs on the pose thread and never waits for the disk.
//!
//! The picture of a private camera is never kept, no more than it is shown.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::album::Album;
use super::view::View;
use crate::frame::Frame;
use crate::jpeg::{Encoder, draw, keepsake::keepsake};
use crate::skeleton::Pose;
use crate::store::{Beside, Inbox, Reading};
use crate::time::{Mono, Wall};
use crate::workout::{Angle, Happening, Phases, Prototype, Rep, Set, agreement};

/// Sets of fewer repetitions wait for the athlete's word.
const SURE_REPS: usize = 3;

/// As an event has it.
#[derive(Serialize)]
struct RepNote<'a> {
    camera: &'a str,
    frame_id: u64,
    n: u32,
    exercise: Option<&'a str>,
    min_deg: f32,
    max_deg: f32,
    duration_s: f64,
    phases: Phases,
}

/// As an event has it.
#[derive(Serialize)]
struct SetNote<'a> {
    camera: &'a str,
    exercise: Option<&'a str>,
    reps: usize,
    recount: u32,
    confidence: f32,
    pending: bool,
    started_ms: u64,
    ended_ms: u64,
}

/// Writes down what one camera's athlete did.
pub struct Scribe {
    view: Arc<View>,
    inbox: Option<Inbox>,
    album: Album,
    encoder: Option<Encoder>,
    /// The log took no more; said once.
    full: bool,
}

impl Scribe {
    /// Without an `inbox` sets are told and not kept.
    pub fn new(view: Arc<View>, inbox: Option<Inbox>) -> Scribe {
        let keeps = inbox.is_some() && !view.is_private();
        let encoder = if keeps { Encoder::cpu().ok() } else { None };
        Scribe { view, inbox, album: Album::default(), encoder, full: false }
    }

    /// A frame with the athlete's pose and the angle of his working joint, at the workout's time.
    pub fn see(&mut self, frame: &Frame, pose: &Pose, at: Mono, angle: Angle) {
        if self.encoder.is_some() {
            self.album.offer(frame, pose, at, angle);
        }
    }

    /// What happened with one frame was taken.
    pub fn settle(&mut self) {
        self.album.settle();
    }

    /// What happened, by the workout's time `now`. `chosen` is what the athlete says he does, `example` how the set that
    /// ended looked.
    pub fn take(
        &mut self,
        happening: Happening,
        frame_id: u64,
        now: Mono,
        chosen: Option<&Arc<str>>,
        example: Option<Prototype>,
    ) {
        match happening {
            Happening::SetStarted { at } => {
                let started_ms = wall_ms(now.since(at));
                let note = serde_json::json!({"camera": self.view.name(), "started_ms": started_ms});
                self.view.announce_workout("set_started", note.to_string());
            }
            Happening::Rep(rep) => {
                self.album.rep(&rep);
                self.view.metrics().reps.inc();
                let note = rep_note(&self.view, &rep, frame_id, chosen);
                self.view.announce_workout("rep", note);
            }
            Happening::SetEnded(set) => self.close(*set, now, chosen, example),
            Happening::SetDropped => {
                self.album.close();
                let note = serde_json::json!({"camera": self.view.name()});
                self.view.announce_workout("set_dropped", note.to_string());
            }
        }
    }

    fn close(&mut self, mut set: Set, now: Mono, chosen: Option<&Arc<str>>, example: Option<Prototype>) {
        // An exercise of the athlete's own, which the workout does not know: his word is as good for it as for the others.
        if let Some(chosen) = chosen.filter(|name| set.exercise.as_deref() != Some(&***name) || !set.chosen) {
            (set.exercise, set.chosen) = (Some(chosen.clone()), true);
            set.confidence = agreement(set.reps.len(), set.recount);
            let thresholds = self.view.orders().thresholds();
            set.pending = set.confidence < thresholds.confidence_threshold || set.reps.len() < SURE_REPS;
        }
        self.view.metrics().sets.inc();
        let age = now.since(set.ended);
        let ended_ms = wall_ms(age);
        let note = SetNote {
            camera: self.view.name(),
            exercise: set.exercise.as_deref(),
            reps: set.reps.len(),
            recount: set.recount,
            confidence: set.confidence,
            pending: set.pending,
            started_ms: ended_ms.saturating_sub(u64::try_from(set.ended.since(set.started).as_millis()).unwrap_or(0)),
            ended_ms,
        };
        let json = serde_json::to_string(&note).expect("numbers and texts have a JSON form");
        let form = example.and_then(|example| serde_json::to_string(&example).ok());
        let beside = Beside { picture: self.picture(&set), form };
        if let Some(inbox) = &self.inbox {
            let taken = inbox.push_with(self.view.name(), set, beside, age, Reading::now());
            match taken {
                Ok(()) => self.full = false,
                Err(full) if !std::mem::replace(&mut self.full, true) => {
                    log::error!("camera {}: a set is lost: {full}", self.view.name());
                }
                Err(_) => {}
            }
        }
        self.view.announce_workout("set_ended", json);
    }

    fn picture(&mut self, set: &Set) -> Option<Vec<u8>> {
        let (frame, pose) = self.album.close()?;
        let name = set.exercise.as_deref().unwrap_or("Unknown exercise");
        let (ink, word) = if set.pending { (draw::YELLOW, "to be confirmed") } else { (draw::GREEN, "OK") };
        let caption =
            [format!("{name}: {} reps", set.reps.len()), format!("{word}, {:.0} % sure", set.confidence * 100.0)];
        match keepsake(self.encoder.as_mut()?, frame, pose, ink, &caption) {
            Ok(jpeg) => Some(jpeg),
            Err(fault) => {
                log::warn!("camera {}: the set has no picture: {fault}", self.view.name());
                None
            }
        }
    }
}

fn rep_note(view: &View, rep: &Rep, frame_id: u64, exercise: Option<&Arc<str>>) -> String {
    let note = RepNote {
        camera: view.name(),
        frame_id,
        n: rep.n,
        exercise: exercise.map(|name| &**name),
        min_deg: rep.min_deg,
        max_deg: rep.max_deg,
        duration_s: rep.ended.since(rep.started).as_secs_f64(),
        phases: rep.phases,
    };
    serde_json::to_string(&note).expect("numbers and texts have a JSON form")
}

/// So long ago, for people.
fn wall_ms(age: Duration) -> u64 {
    Wall::now().unix_ms().saturating_sub(u64::try_from(age.as_millis()).unwrap_or(u64::MAX))
}
