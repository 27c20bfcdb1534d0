//! The pose thread: takes the newest frame from the mailbox and lets the engine look at it.
//!
//! It loads the model before it takes its first frame; the mailbox keeps the newest meanwhile, and the pictures go their
//! own way. Without an engine it lets frames go unseen: nobody is followed, nothing is measured. It sleeps in the mailbox,
//! or until a capped rate allows the next look, and nowhere else. It ends when the mailbox is closed and empty, so that a
//! recording's last frame is looked at too; a live camera's last frame is let go when the box stops.

use std::sync::Arc;
use std::time::Duration;

use super::orders::Heard;
use super::scribe::Scribe;
use super::view::{Doing, Followed, View};
use crate::frame::FrameRef;
use crate::mailbox::{Taken, Taker};
use crate::pose::{Engine, Looker, PoseFault, Spent};
use crate::skeleton::Pose;
use crate::store::Inbox;
use crate::threads::{Beat, Stop};
use crate::time::Mono;
use crate::workout::{self, Happening, Now, Workout};

/// After so long a rest, what the athlete says he does is about the next set, seconds.
const NEXT_S: f32 = 5.0;

/// What the pose thread owns.
pub struct Watch {
    view: Arc<View>,
    looker: Looker,
    poses: Vec<Pose>,
    workout: Workout,
    happened: Vec<Happening>,
    heard: Heard,
    scribe: Scribe,
    /// The newest frame's time as the workout has it, and its id.
    newest: (Mono, u64),
    /// Of that frame.
    size: (usize, usize),
    /// Since the last repetition of the set that goes on.
    resting_s: Option<f32>,
    /// The least time between two looks at a live camera.
    every: Duration,
    /// When it may look again.
    pub(super) due: Mono,
    taker: Taker<FrameRef>,
    stop: Stop,
}

impl Watch {
    /// A watch that has not begun. `every` is the least time between two looks; a recording is looked at whole. Without an
    /// `inbox` nothing is kept of the sets.
    pub fn new(
        view: Arc<View>,
        engine: &Engine,
        every: Duration,
        taker: Taker<FrameRef>,
        stop: Stop,
        inbox: Option<Inbox>,
    ) -> Watch {
        let every = if view.is_recording() { Duration::ZERO } else { every };
        let athlete = workout::AthleteSettings { zone: view.zone(), ..workout::AthleteSettings::default() };
        Watch {
            scribe: Scribe::new(view.clone(), inbox),
            view,
            looker: engine.looker(),
            poses: Vec::with_capacity(32),
            workout: Workout::new(workout::Settings { athlete, ..workout::Settings::default() }),
            happened: Vec::with_capacity(32),
            heard: Heard::default(),
            newest: (Mono::ZERO, 0),
            size: (0, 0),
            resting_s: None,
            every,
            due: Mono::ZERO,
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
        while !self.stop.is_raised() {
            let now = Mono::now();
            beat.mark(now);
            let wait = self.due.since(now);
            if !wait.is_zero() {
                self.stop.wait(wait.min(beat.turn()));
                continue;
            }
            match self.take(beat.turn(), Mono::now) {
                Taken::Value(frame) => looked(self.look(&frame)),
                Taken::Nothing => self.rest(Mono::now()),
                Taken::Closed => break,
            }
        }
        self.finish(Mono::now());
    }

    /// Takes the newest frame, which may have to come first.
    pub(super) fn take(&mut self, patience: Duration, clock: impl Fn() -> Mono) -> Taken<FrameRef> {
        let taken = self.taker.take(patience);
        if matches!(taken, Taken::Value(_)) {
            self.due = clock().plus(self.every);
        }
        taken
    }

    /// A set that goes on when the recording or the box ends is over.
    pub(super) fn finish(&mut self, now: Mono) {
        self.workout.finish(&mut self.happened);
        if !self.view.is_recording() {
            self.newest.0 = self.newest.0.max(now);
        }
        self.write_down();
    }

    /// Without a picture the athlete rests all the same: a set must not stay open for as long as its camera is away.
    pub(super) fn rest(&mut self, now: Mono) {
        if self.view.is_recording() || self.view.newest_id() > 0 || self.newest.1 == 0 {
            return;
        }
        let seen = self.workout.update(now, self.size, &[], &mut self.happened);
        (self.newest.0, self.resting_s) = (now, seen.resting_s);
        self.write_down();
    }

    fn follow(&mut self, frame: &FrameRef, stamp: Mono) -> Now {
        self.size = (frame.layout.width, frame.layout.height);
        if self.resting_s.is_some_and(|rest| rest > NEXT_S) && self.heard.has_other(self.view.orders()) {
            // He says what he will do next; what he did keeps its name.
            self.workout.finish(&mut self.happened);
            self.write_down();
        }
        self.heard.pass_on(self.view.orders(), &mut self.workout);
        let now = self.workout.update(stamp, self.size, &self.poses, &mut self.happened);
        (self.newest, self.resting_s) = ((stamp, frame.id), now.resting_s);
        if let (Some(index), Some(angle)) = (now.athlete.pose, now.angle)
            && let Some(pose) = self.poses.get(index)
        {
            self.scribe.see(frame, pose, stamp, angle);
        }
        self.write_down();
        now
    }

    fn write_down(&mut self) {
        let (stamp, frame_id) = self.newest;
        for happening in self.happened.drain(..) {
            let example = matches!(happening, Happening::SetEnded(_)).then(|| self.workout.example("")).flatten();
            self.scribe.take(happening, frame_id, stamp, self.heard.exercise.as_ref(), example);
        }
        self.scribe.settle();
    }

    fn doing(&self, now: Now) -> Doing {
        Doing {
            athlete: now.athlete.id.map(|id| Followed { id, pose: now.athlete.pose }),
            angle: now.angle,
            exercise: self.heard.exercise.clone().or(now.exercise),
            chosen: self.heard.exercise.is_some(),
            reps: now.reps,
            resting_s: now.resting_s,
            tempo: now.last.map(|rep| rep.phases),
        }
    }

    fn look(&mut self, frame: &FrameRef) -> Duration {
        let begun = Mono::now();
        if let Some(result) = self.infer(frame, begun) {
            self.tell(frame, result, Mono::now());
        }
        begun.since(frame.captured)
    }

    /// Lets the engine look; nothing without one.
    pub(super) fn infer(&mut self, frame: &FrameRef, begun: Mono) -> Option<Result<Spent, PoseFault>> {
        if matches!(self.looker, Looker::Off) {
            return None;
        }
        frame.stamps.mark_taken(begun);
        self.view.metrics().infer_age_s.observe(begun.since(frame.captured).as_secs_f64());
        Some(self.looker.look(frame, &mut self.poses))
    }

    /// Follows and tells what the engine saw.
    pub(super) fn tell(&mut self, frame: &FrameRef, result: Result<Spent, PoseFault>, done: Mono) {
        let metrics = self.view.metrics();
        frame.stamps.mark_inferred(done);
        metrics.inferred.inc();
        match result {
            Ok(spent) => {
                metrics.infer_s.observe(spent.infer.as_secs_f64());
                self.view.spent(spent);
                let now = self.follow(frame, frame.own_time());
                self.view.saw(frame, &self.poses, &self.doing(now), done);
            }
            Err(fault) => {
                // Time goes on with nobody in the picture, or a set that goes on would stay open until the engine is well.
                self.poses.clear();
                self.follow(frame, frame.own_time());
                self.view.cannot_look(&fault.to_string());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::camera::Event;
    use crate::events::{Board, Heard};
    use crate::frame::{Frame, Layout, PixelFormat};
    use crate::metrics::Metrics;
    use crate::workout::counting_tests::squatter;

    /// The squatter has done his fifth by then.
    const FAILS_FROM_S: u64 = 21;

    fn fails_after_the_set(frame: &Frame, out: &mut Vec<Pose>) -> Result<Spent, PoseFault> {
        let t_s = frame.own_time().as_ns() as f32 / 1e9;
        out.push(squatter(t_s));
        if t_s >= FAILS_FROM_S as f32 {
            Err(PoseFault::Infer("its memory is gone".into()))
        } else {
            Ok(Spent::default())
        }
    }

    #[test]
    fn an_engine_that_fails_in_the_middle_of_a_set_does_not_leave_the_set_open() {
        let board: &'static Board<Event> = Box::leak(Box::default());
        let metrics = Metrics::default().camera("rack");
        let view = Arc::new(View::new("rack".into(), "demo:".into(), false, "stand-in", metrics, board));
        let (mut ear, (_poster, taker)) = (board.listen().unwrap(), crate::mailbox::mailbox());
        let engine = Engine::StandIn(fails_after_the_set);
        let mut watch = Watch::new(view, &engine, Duration::ZERO, taker, Stop::default(), None);
        let mut ended = Vec::new();
        for n in 0..15 * 60 {
            let captured = Mono::from_ns(n * 1_000_000_000 / 15);
            let layout = Layout::packed(PixelFormat::I420, 1280, 720);
            let frame = Arc::new(Frame { id: n + 1, captured, layout, ..Frame::default() });
            let result = watch.infer(&frame, captured).unwrap();
            watch.tell(&frame, result, captured);
            while let Some(heard) = ear.hear() {
                if let Heard::Event(Event::Workout("set_ended", json)) = heard {
                    let set: serde_json::Value = serde_json::from_str(&json).unwrap();
                    ended.push((set["reps"].as_u64(), captured.as_ns() / 1_000_000_000 > FAILS_FROM_S));
                }
            }
        }
        assert_eq!(ended, [(Some(5), true)]);
    }
}
