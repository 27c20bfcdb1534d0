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
use crate::capture::knock::{self, Absence};
use crate::capture::{CaptureFault, Next, Settings, Source};
use crate::frame::{Frame, FrameRef, Pool};
use crate::mailbox::{Posted, Poster};
use crate::metrics::Drop;
use crate::threads::{Beat, Stop, give_memory_back};
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

/// Why a source is read no more.
pub(super) enum End {
    Stopped,
    Finished,
    Lost(CaptureFault),
}

/// What the thread does after that.
pub(super) enum Then {
    Over(Outcome),
    /// For so long, unless it is back sooner; then the source is opened again.
    Rest(CaptureFault, Duration),
}

/// An open source, and how it did of late.
pub(super) struct Opened {
    pub(super) source: Source,
    last_good: Mono,
    told: bool,
}

impl Opened {
    pub(super) fn new(source: Source, now: Mono) -> Opened {
        Opened { source, last_good: now, told: false }
    }
}

/// What the capture thread owns.
pub struct Feed {
    view: Arc<View>,
    settings: Settings,
    backoff: Backoff,
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
        let backoff = Backoff::new(retry);
        Feed { view, settings, backoff, stop, poster, pool, spare: Frame::default(), room: 0 }
    }

    /// The thread's body. Returns when the box stops, or when a recording is over.
    pub fn run(mut self, beat: &Beat) -> Outcome {
        loop {
            beat.mark(Mono::now());
            self.view.metrics().opens.inc();
            // `stall_s` may be longer than `hung_s`; only a library call that does not return is silent.
            let opened = Source::open(&self.settings, &self.stop, &|| beat.mark(Mono::now()));
            let mut opened = opened.map(|source| Opened::new(source, Mono::now()));
            let end = match &mut opened {
                Ok(opened) => self.pump(opened, beat),
                Err(fault) => End::Lost(fault.clone()),
            };
            match self.end(end, Wall::now()) {
                Then::Over(outcome) => return outcome,
                Then::Rest(fault, wait) => {
                    // The picture went before the device does: closing may take a while.
                    drop(opened);
                    // What a decoder had lies free in the C library, in pieces that the next one rarely fits.
                    give_memory_back();
                    beat.mark(Mono::now());
                    self.rest(wait, &fault, beat);
                }
            }
        }
    }

    /// Takes the picture away for the reason that the source is read no more, unless the box stops anyway.
    pub(super) fn end(&mut self, end: End, wall: Wall) -> Then {
        match end {
            _ if self.stop.is_raised() => Then::Over(Outcome::Stopped),
            End::Stopped => Then::Over(Outcome::Stopped),
            End::Finished => {
                self.view.lose(&CaptureFault::Ended, wall);
                Then::Over(Outcome::Finished)
            }
            End::Lost(fault) => {
                self.view.lose(&fault, wall);
                if self.settings.address.is_recording() {
                    return Then::Over(Outcome::Unreadable);
                }
                Then::Rest(fault, self.backoff.wait())
            }
        }
    }

    /// Waits before the source is opened again, but not for one that was away and is back.
    fn rest(&self, wait: Duration, fault: &CaptureFault, beat: &Beat) {
        let until = Mono::now().plus(wait);
        let absent = matches!(fault, CaptureFault::Unreachable { .. } | CaptureFault::NoDevice { .. });
        let knock = || knock::knock(&self.settings.address, KNOCK_PATIENCE);
        // One that is there all the same, and only says nothing of use, meets the whole wait.
        let mut absence = Absence::default();
        if absent {
            absence.is_over(knock());
        }
        while !self.stop.wait(until.since(Mono::now()).min(KNOCK_EVERY)) && Mono::now() < until {
            beat.mark(Mono::now());
            if absence.is_over(knock()) {
                return;
            }
        }
    }

    /// Reads until the source is lost, over, or the box stops.
    fn pump(&mut self, opened: &mut Opened, beat: &Beat) -> End {
        while !self.stop.is_raised() {
            let begun = Mono::now();
            beat.mark(begun);
            let read = match self.read(&mut opened.source) {
                Ok((Next::Frame, _)) if self.was_halted(begun, Mono::now()) => {
                    Err(CaptureFault::Stalled { after: self.settings.stall })
                }
                Ok((next, frame)) => {
                    if let Some(frame) = frame {
                        self.view.publish(frame.clone(), Mono::now());
                        self.post(frame, beat);
                    }
                    Ok(next)
                }
                Err(fault) => Err(fault),
            };
            if let Some(end) = self.judge(opened, read, begun, Mono::now()) {
                return end;
            }
        }
        End::Stopped
    }

    /// Whether the box was halted while it asked for a frame: no source takes so long over one. What comes then, and what lies
    /// in the buffers of the source, is from before; shown and counted as if it were new, it would be one quick repetition.
    fn was_halted(&self, begun: Mono, now: Mono) -> bool {
        !self.settings.address.is_recording() && now.since(begun) >= self.settings.stall
    }

    /// What became of the source by what it gave: asked when it was `begun`, answered `now`. Nothing while it goes on.
    pub(super) fn judge(
        &mut self,
        opened: &mut Opened,
        read: Result<Next, CaptureFault>,
        begun: Mono,
        now: Mono,
    ) -> Option<End> {
        match read {
            Ok(Next::Frame) => {
                opened.last_good = now;
                self.backoff.reset();
                if !std::mem::replace(&mut opened.told, true) {
                    self.view.decodes(opened.source.decoder());
                }
                return None;
            }
            Ok(Next::Nothing) => {}
            Ok(Next::Broken) => {
                self.view.metrics().drop_of(Drop::Broken).inc();
            }
            Ok(Next::Ended) if self.settings.address.is_recording() => return Some(End::Finished),
            Ok(Next::Ended) => return Some(End::Lost(CaptureFault::Ended)),
            Err(fault) => return Some(End::Lost(fault)),
        }
        let after = self.settings.stall;
        (begun.since(opened.last_good) >= after).then_some(End::Lost(CaptureFault::Stalled { after }))
    }

    /// Asks for one picture; nothing with a [`Next::Frame`] for which there was no buffer.
    pub(super) fn read(&mut self, source: &mut Source) -> Result<(Next, Option<FrameRef>), CaptureFault> {
        let patience = PATIENCE.min(self.settings.stall);
        let Some(mut claim) = self.pool.claim() else {
            // The source must be drained all the same, or it would hand out old pictures later.
            self.spare.reset();
            let next = source.next(&mut self.spare, patience)?;
            if next == Next::Frame {
                self.view.metrics().captured.inc();
                self.view.metrics().drop_of(Drop::NoBuffer).inc();
            }
            return Ok((next, None));
        };
        claim.reset();
        let next = source.next(&mut claim, patience)?;
        if next != Next::Frame {
            return Ok((next, None));
        }
        self.view.metrics().captured.inc();
        claim.id = self.view.next_id();
        let frame = claim.share();
        self.give_room(frame.bytes.capacity());
        Ok((next, Some(frame)))
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
        while !self.has_room(PATIENCE) && !self.stop.is_raised() {
            beat.mark(Mono::now());
        }
        self.put(frame);
    }

    /// Whether a frame may be posted: of a live source always, of a recording when the last one was taken.
    pub(super) fn has_room(&mut self, patience: Duration) -> bool {
        !self.settings.address.is_recording() || self.poster.wait_room(patience)
    }

    pub(super) fn put(&mut self, frame: FrameRef) {
        if let Posted::Replaced(_) = self.poster.post(frame) {
            self.view.metrics().drop_of(Drop::Replaced).inc();
        }
    }
}

#[cfg(all(test, feature = "gst"))]
mod tests {
    use std::net::TcpListener;
    use std::os::unix::fs::OpenOptionsExt;

    use super::*;
    use crate::capture::Address;
    use crate::events::Board;
    use crate::metrics::Metrics;
    use crate::threads::{Crew, Health, Post};

    const HUNG: Duration = Duration::from_secs(5);

    /// A capture thread that counts as hung after [`HUNG`].
    fn begin(source: &str, stall: Duration) -> (Arc<View>, Crew, Stop) {
        let metrics = Metrics::default().camera("rack");
        let board: &'static Board<_> = Box::leak(Box::default());
        let view = Arc::new(View::new("rack".into(), "stand-in".into(), false, "off", metrics, board));
        let settings = Settings { address: Address::parse(source).unwrap(), rtsp_udp: false, stall, full_speed: false };
        let (stop, crew, (poster, _)) = (Stop::default(), Crew::default(), crate::mailbox::mailbox());
        let feed = Feed::new(view.clone(), settings, Retry::default(), poster, stop.clone());
        let post = Post { beat_limit: HUNG, ..Post::named("cap") };
        crew.start(post, move |beat| {
            feed.run(beat);
        })
        .unwrap();
        (view, crew, stop)
    }

    /// Waits until there is something, for a minute at most.
    fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
        let begun = Mono::now();
        loop {
            if let Some(seen) = look() {
                return seen;
            }
            assert!(Mono::now().since(begun) < Duration::from_secs(60), "{what} did not come");
            Stop::default().wait(Duration::from_millis(10));
        }
    }

    /// With a `stall_s` beyond `hung_s`, a camera that took the call and said nothing had the box started anew for ever.
    #[test]
    fn a_camera_that_says_nothing_for_longer_than_hung_s_leaves_its_thread_well() {
        // The library wakes before it is timed.
        let waken = Settings {
            address: Address::parse("gst:videotestsrc num-buffers=1 ! video/x-raw,format=I420").unwrap(),
            rtsp_udp: false,
            stall: Duration::from_secs(30),
            full_speed: true,
        };
        Source::open(&waken, &Stop::default(), &|| ()).unwrap_or_else(|fault| panic!("{fault}"));
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let source = format!("http://{}/stream.mjpg", silent.local_addr().unwrap());
        let (view, crew, stop) = begin(&source, 3 * HUNG);
        let begun = Mono::now();
        until("the fault", || {
            assert_eq!(crew.hung(Mono::now()), Vec::<String>::new());
            view.fault()
        });
        assert!(Mono::now().since(begun) > 2 * HUNG, "it was waited for");
        stop.raise();
        assert_eq!(crew.join(Duration::from_secs(20)), Vec::<String>::new());
    }

    #[test]
    fn a_library_call_that_does_not_return_while_a_source_is_opened_counts_as_hung() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        // The library opens the pipe where its state changes, and that waits for somebody who writes.
        let (_, crew, stop) = begin(&format!("gst:filesrc location={} ! decodebin", pipe.display()), 10 * HUNG);
        until("the hung thread", || crew.hung(Mono::now()).contains(&"cap".to_string()).then_some(()));
        stop.raise();
        let mut writer = std::fs::OpenOptions::new();
        writer.write(true).custom_flags(rustix::fs::OFlags::NONBLOCK.bits() as i32);
        until("the thread's end", || {
            // It may open the pipe more than once; there is nobody to write to between.
            let _ = writer.open(&pipe);
            crew.members(Mono::now()).iter().all(|member| member.health == Health::Ended).then_some(())
        });
        assert_eq!(crew.join(Duration::from_secs(20)), Vec::<String>::new());
    }
}
