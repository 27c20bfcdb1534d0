//! The pose thread: takes the newest frame from the mailbox and lets the engine look at it.
//!
//! It sleeps in the mailbox and nowhere else. It ends when the mailbox is closed and empty, so that a recording's last
//! frame is looked at too; a live camera's last frame is let go when the box stops.

use std::sync::Arc;
use std::time::Duration;

use super::View;
use crate::frame::FrameRef;
use crate::mailbox::{Taken, Taker};
use crate::pose::Engine;
use crate::threads::{Beat, Stop};
use crate::time::Mono;

/// What the pose thread owns.
pub struct Watch {
    view: Arc<View>,
    engine: Engine,
    taker: Taker<FrameRef>,
    stop: Stop,
}

impl Watch {
    /// A watch that has not begun.
    pub fn new(view: Arc<View>, engine: Engine, taker: Taker<FrameRef>, stop: Stop) -> Watch {
        Watch { view, engine, taker, stop }
    }

    /// The thread's body. `looked` is told the age of each frame at the start of its inference.
    pub fn run(mut self, beat: &Beat, mut looked: impl FnMut(Duration)) {
        while !self.stop.is_raised() {
            beat.mark(Mono::now());
            match self.taker.take(beat.turn()) {
                Taken::Value(frame) => looked(self.look(&frame)),
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
        self.engine.look(frame);
        let done = Mono::now();
        frame.stamps.mark_inferred(done);
        metrics.infer_s.observe(done.since(begun).as_secs_f64());
        metrics.inferred.inc();
        self.view.saw(frame.id, frame.captured, done);
        age
    }
}
