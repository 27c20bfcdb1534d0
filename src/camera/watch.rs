//! The pose thread: takes the newest frame from the mailbox and lets the engine look at it.
//!
//! It loads the model before it takes its first frame; the mailbox keeps the newest meanwhile, and the pictures go their
//! own way. It sleeps in the mailbox, or until a capped rate allows the next look, and nowhere else. It ends when the
//! mailbox is closed and empty, so that a recording's last frame is looked at too; a live camera's last frame is let go
//! when the box stops.

use std::sync::Arc;
use std::time::Duration;

use super::view::{Followed, View};
use crate::frame::FrameRef;
use crate::mailbox::{Taken, Taker};
use crate::pose::{Engine, Looker};
use crate::skeleton::Pose;
use crate::threads::{Beat, Stop};
use crate::time::Mono;
use crate::workout::{self, Athlete, Mover};

/// What the pose thread owns.
pub struct Watch {
    view: Arc<View>,
    looker: Looker,
    poses: Vec<Pose>,
    athlete: Athlete,
    mover: Mover,
    /// The least time between two looks at a live camera.
    every: Duration,
    taker: Taker<FrameRef>,
    stop: Stop,
}

impl Watch {
    /// A watch that has not begun. `every` is the least time between two looks; a recording is looked at whole.
    pub fn new(view: Arc<View>, engine: &Engine, every: Duration, taker: Taker<FrameRef>, stop: Stop) -> Watch {
        let every = if view.is_recording() { Duration::ZERO } else { every };
        Watch {
            view,
            looker: engine.looker(),
            poses: Vec::with_capacity(32),
            athlete: Athlete::new(workout::AthleteSettings::default()),
            mover: Mover::default(),
            every,
            taker,
            stop,
        }
    }

    /// The thread's body. `looked` is told the age of each frame at the start of its inference.
    pub fn run(mut self, beat: &Beat, mut looked: impl FnMut(Duration)) {
        if let Err(fault) = self.looker.prepare() {
            // The box ends with this sentence; until then, nobody is looked for.
            self.view.cannot_look(&fault.to_string());
            self.looker = Looker::Off;
        }
        let mut due = Mono::ZERO;
        while !self.stop.is_raised() {
            let now = Mono::now();
            beat.mark(now);
            let wait = due.since(now);
            if !wait.is_zero() {
                self.stop.wait(wait.min(beat.turn()));
                continue;
            }
            match self.taker.take(beat.turn()) {
                Taken::Value(frame) => {
                    due = Mono::now().plus(self.every);
                    looked(self.look(&frame));
                }
                Taken::Nothing => {}
                Taken::Closed => break,
            }
        }
    }

    fn look(&mut self, frame: &FrameRef) -> Duration {
        let metrics = self.view.metrics();
        let begun = Mono::now();
        let age = begun.since(frame.captured);
        frame.stamps.mark_taken(begun);
        metrics.infer_age_s.observe(age.as_secs_f64());
        let result = self.looker.look(frame, &mut self.poses);
        let done = Mono::now();
        frame.stamps.mark_inferred(done);
        metrics.inferred.inc();
        match result {
            Ok(spent) => {
                metrics.infer_s.observe(spent.infer.as_secs_f64());
                // A recording's own time, so that it is followed alike however fast it is read.
                let stamp = frame.media_time.map_or(frame.captured, |at| Mono::ZERO.plus(at));
                let size = (frame.layout.width, frame.layout.height);
                let followed = self.athlete.update(stamp, size, &self.poses);
                let pose = followed.pose.and_then(|index| self.poses.get(index));
                let angle = self.mover.update(stamp, followed.id, pose);
                let followed = followed.id.map(|id| Followed { id, pose: followed.pose });
                self.view.saw(frame, &self.poses, followed, angle, done);
            }
            Err(fault) => self.view.cannot_look(&fault.to_string()),
        }
        age
    }
}
