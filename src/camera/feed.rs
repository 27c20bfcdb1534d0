//! The capture thread: opens the source, publishes each frame to viewers, posts it to the pose thread, and opens the
//! source again when it is lost.
//!
//! A live source never waits for anybody: an unread frame in the mailbox is replaced, and counted. A recording waits
//! for the pose thread and loses nothing; it is read once, and its end ends the line. When the source is lost the
//! picture goes first and the device is closed after it.

use std::sync::Arc;
use std::time::Duration;

use super::View;
use super::retry::{Backoff, Retry};
use crate::capture::{CaptureFault, Next, Settings, Source, knock};
use crate::frame::{Frame, FrameRef, Pool};
use crate::mailbox::{Posted, Poster};
use crate::metrics::Drop;
use crate::threads::{Beat, Stop};
use crate::time::{Mono, Wall};

/// Frames of one camera that exist: one being filled, one that is the newest, one in the mailbox, one with the pose
/// thread, one with the jpeg thread, and one more that a thread may be just letting go.
pub const FRAMES: usize = 6;

/// The longest the thread may be inside a source before it looks at the stop flag.
const PATIENCE: Duration = Duration::from_millis(250);
/// How often a lost source is knocked at while it rests, and how long it may take to answer.
const KNOCK_EVERY: Duration = Duration::from_millis(500);
const KNOCK_PATIENCE: Duration = Duration::from_millis(300);

/// How a source ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The box is stopping.
    Stopped,
    /// The recording was read to its end.
    Finished,
    /// The recording cannot be read.
    Unreadable,
}

enum End {
    Stopped,
    Finished,
    Lost(CaptureFault),
}

/// What the capture thread owns.
pub struct Feed {
    view: Arc<View>,
    settings: Settings,
    retry: Retry,
    stop: Stop,
    poster: Poster<FrameRef>,
    pool: Pool<Frame>,
    spare: Frame,
    /// Bytes that every frame of the pool has room for.
    room: usize,
}

impl Feed {
    /// A feed that has not begun.
    pub fn new(view: Arc<View>, settings: Settings, retry: Retry, poster: Poster<FrameRef>, stop: Stop) -> Feed {
        let pool = Pool::new(FRAMES, Frame::default);
        Feed { view, settings, retry, stop, poster, pool, spare: Frame::default(), room: 0 }
    }

    /// The thread's body. Returns when the box stops, or when a recording is over.
    pub fn run(mut self, beat: &Beat) -> Outcome {
        let mut backoff = Backoff::new(self.retry);
        loop {
            beat.mark(Mono::now());
            self.view.metrics().opens.inc();
            let mut opened = Source::open(&self.settings, &self.stop);
            let end = match &mut opened {
                Ok(source) => self.pump(source, &mut backoff, beat),
                Err(fault) => End::Lost(fault.clone()),
            };
            match end {
                _ if self.stop.is_raised() => return Outcome::Stopped,
                End::Stopped => return Outcome::Stopped,
                End::Finished => {
                    self.view.lose(&CaptureFault::Ended, Wall::now());
                    return Outcome::Finished;
                }
                End::Lost(fault) => {
                    self.view.lose(&fault, Wall::now());
                    // The picture went before the device does: closing may take a while.
                    drop(opened);
                    if self.settings.address.is_recording() {
                        return Outcome::Unreadable;
                    }
                    self.rest(backoff.wait(), &fault, beat);
                }
            }
        }
    }

    /// Waits before the source is opened again, but not for one that was away and is back.
    fn rest(&self, wait: Duration, fault: &CaptureFault, beat: &Beat) {
        let until = Mono::now().plus(wait);
        let mut silent = matches!(fault, CaptureFault::Unreachable { .. } | CaptureFault::NoDevice { .. });
        while !self.stop.wait(until.since(Mono::now()).min(KNOCK_EVERY)) && Mono::now() < until {
            beat.mark(Mono::now());
            match knock::answers(&self.settings.address, KNOCK_PATIENCE) {
                Some(true) if silent => return,
                Some(false) => silent = true,
                _ => {}
            }
        }
    }

    /// Reads until the source is lost, over, or the box stops.
    fn pump(&mut self, source: &mut Source, backoff: &mut Backoff, beat: &Beat) -> End {
        let (mut last_good, mut told) = (Mono::now(), false);
        while !self.stop.is_raised() {
            let now = Mono::now();
            beat.mark(now);
            match self.step(source, beat) {
                Ok(Next::Frame) => {
                    last_good = Mono::now();
                    backoff.reset();
                    if !std::mem::replace(&mut told, true) {
                        self.view.decodes(source.decoder());
                    }
                    continue;
                }
                Ok(Next::Nothing) => {}
                Ok(Next::Broken) => {
                    self.view.metrics().drop_of(Drop::Broken).inc();
                }
                Ok(Next::Ended) if self.settings.address.is_recording() => return End::Finished,
                Ok(Next::Ended) => return End::Lost(CaptureFault::Ended),
                Err(fault) => return End::Lost(fault),
            }
            if now.since(last_good) >= self.settings.stall {
                return End::Lost(CaptureFault::Stalled { after: self.settings.stall });
            }
        }
        End::Stopped
    }

    /// Asks for one picture and hands it on.
    fn step(&mut self, source: &mut Source, beat: &Beat) -> Result<Next, CaptureFault> {
        let patience = PATIENCE.min(self.settings.stall);
        let Some(mut claim) = self.pool.claim() else {
            // The source must be drained all the same, or it would hand out old pictures later.
            self.spare.reset();
            let next = source.next(&mut self.spare, patience)?;
            if next == Next::Frame {
                self.view.metrics().captured.inc();
                self.view.metrics().drop_of(Drop::NoBuffer).inc();
            }
            return Ok(next);
        };
        claim.reset();
        let next = source.next(&mut claim, patience)?;
        if next == Next::Frame {
            self.view.metrics().captured.inc();
            claim.id = self.view.next_id();
            let frame = claim.share();
            self.give_room(frame.bytes.capacity());
            self.view.publish(frame.clone(), Mono::now());
            self.post(frame, beat);
        }
        Ok(next)
    }

    /// Gives all frames the memory that one has needed, so that none allocates on the first day that readers are slow
    /// enough for it to be used. What is not written to takes no memory of the machine.
    fn give_room(&mut self, needed: usize) {
        if needed > self.room {
            self.room = needed;
            self.pool.prepare(|frame| {
                frame.bytes.clear();
                frame.bytes.reserve_exact(needed);
            });
            self.spare.bytes.clear();
            self.spare.bytes.reserve_exact(needed);
        }
    }

    fn post(&mut self, frame: FrameRef, beat: &Beat) {
        if self.settings.address.is_recording() {
            while !self.poster.wait_room(PATIENCE) && !self.stop.is_raised() {
                beat.mark(Mono::now());
            }
        }
        if let Posted::Replaced(_) = self.poster.post(frame) {
            self.view.metrics().drop_of(Drop::Replaced).inc();
        }
    }
}
