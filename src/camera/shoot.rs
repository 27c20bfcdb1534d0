//! The jpeg thread: asleep while nobody wants a picture, and the only one that encodes for its camera.

use std::sync::Arc;

use super::View;
use crate::frame::Pool;
use crate::jpeg::shots::Job;
use crate::jpeg::{EncodeFault, Encoder, Shot, ShotRef};
use crate::metrics::Drop;
use crate::threads::{Beat, Stop};
use crate::time::Mono;

/// What the jpeg thread owns.
pub struct Shoot {
    view: Arc<View>,
    encoder: Encoder,
    pool: Pool<Shot>,
    stop: Stop,
    /// The encoder's last complaint, so that the same one is said once.
    complaint: String,
    /// Bytes that every shot of the pool has room for.
    room: usize,
}

impl Shoot {
    /// A jpeg thread's things. `buffers`: pictures that may be held by readers at once; the memory of one is taken
    /// when it is first used.
    pub fn new(view: Arc<View>, encoder: Encoder, buffers: usize, stop: Stop) -> Shoot {
        Shoot { view, encoder, pool: Pool::new(buffers, Shot::default), stop, complaint: String::new(), room: 0 }
    }

    /// The thread's body.
    pub fn run(mut self, beat: &Beat) {
        while !self.stop.is_raised() {
            beat.mark(Mono::now());
            self.turn(beat);
        }
    }

    fn turn(&mut self, beat: &Beat) {
        let Some(job) = self.view.shots().next_job(beat.turn()) else { return };
        let shot = self.make(&job, Mono::now);
        self.give(job, shot);
    }

    /// Encodes what is wanted; nothing, counted, when that fails or every buffer is being read.
    pub(super) fn make(&mut self, job: &Job, clock: impl Fn() -> Mono) -> Option<ShotRef> {
        let metrics = self.view.metrics();
        let Some(mut shot) = self.pool.claim() else {
            metrics.drop_of(Drop::NoBuffer).inc();
            return None;
        };
        let begun = clock();
        match self.encoder.encode(&job.frame, job.variant, &mut shot.bytes) {
            Ok((width, height)) => {
                let now = clock();
                shot.frame_id = job.frame.id;
                shot.captured = job.frame.captured;
                shot.captured_wall = job.frame.captured_wall;
                shot.encoded = now;
                shot.variant = job.variant;
                (shot.width, shot.height) = (width, height);
                metrics.encodes.inc();
                metrics.encode_s.observe(now.since(begun).as_secs_f64());
                metrics.shot_age_s.observe(now.since(job.frame.captured).as_secs_f64());
                Some(shot.share())
            }
            Err(fault) => {
                metrics.drop_of(Drop::NotEncoded).inc();
                complain(&self.view, &mut self.complaint, &fault);
                None
            }
        }
    }

    /// Ends the job. False when the camera was lost meanwhile.
    pub(super) fn give(&mut self, job: Job, shot: Option<ShotRef>) -> bool {
        let needed = shot.as_ref().map_or(0, |shot| shot.bytes.capacity());
        let given = self.view.shots().deliver(job, shot);
        if needed > self.room {
            self.room = needed;
            // Now, rather than on the day that so many pictures are held; memory not written to costs nothing.
            self.pool.prepare(|shot| {
                shot.bytes.clear();
                shot.bytes.reserve_exact(needed);
            });
        }
        given
    }
}

fn complain(view: &View, last: &mut String, fault: &EncodeFault) {
    let sentence = fault.to_string();
    if *last != sentence {
        log::warn!("camera {}: {sentence}", view.name());
        *last = sentence;
    }
}
