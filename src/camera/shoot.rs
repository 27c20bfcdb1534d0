//! The jpeg thread: asleep while nobody wants a picture, and the only one that encodes for its camera.

use std::sync::Arc;

use super::View;
use crate::frame::Pool;
use crate::jpeg::{EncodeFault, Encoder, Shot};
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
        let shots = self.view.shots();
        let Some(job) = shots.next_job(beat.turn()) else { return };
        let metrics = self.view.metrics();
        let Some(mut shot) = self.pool.claim() else {
            metrics.drop_of(Drop::NoBuffer).inc();
            shots.deliver(job, None);
            return;
        };
        let begun = Mono::now();
        match self.encoder.encode(&job.frame, job.variant, &mut shot.bytes) {
            Ok((width, height)) => {
                let now = Mono::now();
                shot.frame_id = job.frame.id;
                shot.captured = job.frame.captured;
                shot.captured_wall = job.frame.captured_wall;
                shot.encoded = now;
                shot.variant = job.variant;
                (shot.width, shot.height) = (width, height);
                metrics.encodes.inc();
                metrics.encode_s.observe(now.since(begun).as_secs_f64());
                metrics.shot_age_s.observe(now.since(job.frame.captured).as_secs_f64());
                let shot = shot.share();
                let needed = shot.bytes.capacity();
                shots.deliver(job, Some(shot));
                if needed > self.room {
                    self.room = needed;
                    // Now, rather than on the day that so many pictures are held; memory not written to costs nothing.
                    self.pool.prepare(|shot| {
                        shot.bytes.clear();
                        shot.bytes.reserve_exact(needed);
                    });
                }
            }
            Err(fault) => {
                metrics.drop_of(Drop::NotEncoded).inc();
                shots.deliver(job, None);
                complain(&self.view, &mut self.complaint, &fault);
            }
        }
    }
}

fn complain(view: &View, last: &mut String, fault: &EncodeFault) {
    let sentence = fault.to_string();
    if *last != sentence {
        log::warn!("camera {}: {sentence}", view.name());
        *last = sentence;
    }
}
