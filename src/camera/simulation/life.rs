//! One line from its start to its end: its threads as lists of steps, and who comes next.
//!
//! Each thread here is the loop of the real one (`Feed::run`, `Watch::run`, `Shoot::run`), cut where others can see what it
//! did; the steps are the same functions.

use std::sync::Arc;
use std::time::Duration;

use super::super::feed::{End, Feed, Opened, Outcome, Then};
use super::super::shoot::Shoot;
use super::super::view::{Event, View};
use super::super::watch::Watch;
use super::super::{Line, Progress, Retry};
use super::ledger::Ledger;
use super::viewer::{Ring, Viewer};
use super::{Diary, Dice, Tally, standins};
use crate::capture::paced::PacedAddress;
use crate::capture::{Address, CaptureFault, Next, Settings};
use crate::events::{Board, Listener};
use crate::frame::FrameRef;
use crate::jpeg::ShotRef;
use crate::jpeg::shots::{Job, VARIANTS};
use crate::mailbox::{Taken, mailbox};
use crate::metrics::{Drop, Metrics};
use crate::pose::{PoseFault, Spent};
use crate::threads::Stop;
use crate::time::{Mono, Wall};

const STALL: Duration = Duration::from_secs(5);
/// As `Line::supervise` has it.
const OLD: Duration = Duration::from_millis(5500);
const VIEWERS: usize = 6;
const FAIR: [u64; 5] = [32, 20, 18, 2, 28];
/// As the config reckons them.
const SHOT_BUFFERS: usize = VIEWERS + VARIANTS + 1;
/// Steps within which all threads end, once they are to: each has a fifth of them, and needs a dozen.
const END_WITHIN: u64 = 600;
/// Frames within which a viewer who waits is served, when nothing fails.
const SERVED_WITHIN: u64 = 60;

type Read = Result<Next, CaptureFault>;

enum Capture {
    Away(Mono),
    Reads(Opened),
    /// Got a frame when it began to ask then.
    Got(Opened, FrameRef, Mono),
    Showed(Opened, FrameRef, Mono),
    Asked(Opened, Read, Mono),
    Ends(Option<Opened>, End),
    /// The picture is gone, the device still open.
    Closes(Option<Opened>, Duration),
    Over(Outcome),
}

enum Pose {
    Waits,
    Looks(FrameRef),
    Saw(FrameRef, Result<Spent, PoseFault>),
    Over,
}

enum Jpeg {
    Waits,
    /// With the losses at its beginning.
    Has(Job, u64),
    Made(Job, u64, Option<ShotRef>),
    Over,
}

pub(super) struct Life {
    now: Mono,
    line: Line,
    view: Arc<View>,
    ring: Arc<Ring>,
    ear: Listener<'static, Event>,
    stop: Stop,
    recording: bool,
    /// How often each of capture, pose, jpeg, supervisor and viewers has a turn.
    turns: [u64; 5],
    /// Nothing fails, nobody dawdles.
    good: bool,
    feed: Option<Feed>,
    watch: Option<Watch>,
    shoot: Option<Shoot>,
    capture: Capture,
    pose: Pose,
    jpeg: Jpeg,
    viewers: [Viewer; VIEWERS],
    ledger: Ledger,
}

impl Life {
    pub(super) fn begin(dice: &mut Dice, board: &'static Board<Event>) -> Life {
        let (recording, private) = (dice.once_in(4), dice.once_in(10));
        let address =
            if recording { Address::File("stand-in".into()) } else { Address::Paced(PacedAddress { fps: 0.0 }) };
        let settings = Settings { address, rtsp_udp: false, stall: STALL, full_speed: true };
        let metrics = Metrics::default().camera("rack");
        let view = View::new("rack".into(), "stand-in".into(), recording, "stand-in", metrics, board);
        let view = view.with(private, None);
        let view = Arc::new(if recording { view } else { view.with_stall(STALL) });
        let (stop, (poster, taker)) = (Stop::default(), mailbox());
        let ring = Arc::new(Ring::default());
        view.shots().add_bell(ring.clone());
        let every = Duration::from_millis([0, 66][dice.below(2) as usize]);
        let feed = Feed::new(view.clone(), settings, Retry::default(), poster, stop.clone());
        let watch = Watch::new(view.clone(), &standins::engine(), every, taker, stop.clone(), None);
        let shoot = Shoot::new(view.clone(), standins::encoder(), SHOT_BUFFERS, stop.clone());
        Life {
            now: Mono::from_ns(1_000_000_000_000),
            line: Line { view: view.clone(), progress: Arc::new(Progress::default()) },
            view,
            ring,
            ear: board.listen().expect("the last life's listener is gone"),
            stop,
            recording,
            turns: [dice.below(40), dice.below(30), dice.below(40), dice.below(5), dice.below(60)].map(|n| n + 1),
            good: false,
            feed: Some(feed),
            watch: Some(watch),
            shoot: Some(shoot),
            capture: Capture::Away(Mono::ZERO),
            pose: Pose::Waits,
            jpeg: Jpeg::Waits,
            viewers: Default::default(),
            ledger: Ledger::default(),
        }
    }

    /// Some thousand steps in any order, then a while in which all must be served, then the end.
    pub(super) fn live(mut self, dice: &mut Dice, diary: &mut Diary, span: u64, tally: &mut Tally) {
        for _ in 0..span {
            self.now = self.now.plus(Self::pause(dice));
            if dice.once_in(20) {
                self.rest_is_over();
            }
            self.step(dice, diary, tally);
            if matches!(self.capture, Capture::Over(_)) {
                break;
            }
        }
        // The threads of a machine all have their turns from here on.
        self.turns = FAIR;
        if !matches!(self.capture, Capture::Over(_)) && !self.view.is_private() && !dice.once_in(3) {
            self.serve_all(dice, diary, tally);
        }
        let recorded = matches!(self.capture, Capture::Over(_));
        if recorded {
            // What was read to its end is looked at to its end, though nobody says stop.
            self.end(dice, diary, tally, |life| matches!(life.pose, Pose::Over));
            assert_eq!(self.ledger.taken, self.ledger.posted, "a recording loses nothing");
        }
        self.stop.raise();
        self.line.close();
        diary.note(self.now, "the box stops", 0);
        self.end(dice, diary, tally, |life| {
            matches!((&life.capture, &life.pose, &life.jpeg), (Capture::Over(_), Pose::Over, Jpeg::Over))
        });
        self.close(tally);
    }

    fn close(mut self, tally: &mut Tally) {
        let metrics = self.view.metrics();
        let replaced = metrics.drop_of(Drop::Replaced).get();
        if self.recording && matches!(self.capture, Capture::Over(Outcome::Finished | Outcome::Unreadable)) {
            assert_eq!((replaced, self.ledger.returned), (0, 0), "a recording loses nothing");
        }
        self.viewers.iter_mut().for_each(|viewer| viewer.leave(&self.view));
        assert_eq!((metrics.viewers.get(), self.view.status(self.now).viewers), (0, 0));
        tally.frames += self.ledger.shown;
        tally.taken += self.ledger.taken;
        tally.replaced += replaced;
        tally.losses += self.ledger.losses;
        tally.encodes += self.ledger.encodes;
        tally.told += self.ledger.told;
        tally.finished += u64::from(matches!(self.capture, Capture::Over(Outcome::Finished)));
        drop(self.line);
        assert_eq!(Arc::strong_count(&self.view), 1, "all have let go of the view");
    }

    /// Until the next step, mostly little; now and then the whole box is held up.
    fn pause(dice: &mut Dice) -> Duration {
        match dice.below(1000) {
            0 => Duration::from_secs(6),
            1..6 => Duration::from_millis(700),
            n => Duration::from_micros(n * 8),
        }
    }

    fn rest_is_over(&mut self) {
        if let Capture::Away(until) = self.capture {
            self.now = self.now.max(until);
        }
    }

    /// Whose turn it is, as the number in `turns`.
    fn whose(&self, dice: &mut Dice) -> usize {
        let mut place = dice.below(self.turns.iter().sum());
        let passed = |turns: &&u64| place.checked_sub(**turns).inspect(|left| place = *left).is_some();
        self.turns.iter().take_while(passed).count()
    }

    fn step(&mut self, dice: &mut Dice, diary: &mut Diary, tally: &mut Tally) {
        let (what, number) = match self.whose(dice) {
            0 => (self.capture_step(dice), self.ledger.shown),
            1 => (self.pose_step(), self.ledger.taken),
            2 => (self.jpeg_step(tally), self.ledger.encodes),
            3 => (self.supervise(), 0),
            _ => {
                let who = dice.below(VIEWERS as u64);
                let at = (&*self.view, &self.ring);
                (self.viewers[who as usize].step(at, dice, &self.ledger, self.good, tally), who)
            }
        };
        diary.note(self.now, what, number);
        let in_vain = self.viewers.iter().any(|viewer| viewer.waits(&self.ring)) && !self.ledger.has_picture;
        assert!(!in_vain, "a viewer waits for a lost camera, and no bell has rung");
        self.ledger.waiting(&self.view);
        self.ledger.check(&self.view, &mut self.ear, self.now);
    }

    /// Steps in any order until `over`, which must come soon.
    fn end(&mut self, dice: &mut Dice, diary: &mut Diary, tally: &mut Tally, over: impl Fn(&Life) -> bool) {
        for _ in 0..END_WITHIN {
            if over(self) {
                return;
            }
            self.now = self.now.plus(Duration::from_millis(10));
            self.step(dice, diary, tally);
        }
        panic!("the line does not end");
    }

    /// Nothing fails for a while, all threads have their turns, viewers move only when the bell rings: each of them is
    /// given a picture.
    fn serve_all(&mut self, dice: &mut Dice, diary: &mut Diary, tally: &mut Tally) {
        self.good = true;
        let mut before: Option<(u64, Vec<u64>)> = None;
        let mut losses = self.ledger.losses;
        for _ in 0..SERVED_WITHIN * 40 {
            self.now = self.now.plus(Duration::from_micros(500));
            self.rest_is_over();
            self.step(dice, diary, tally);
            if matches!(self.capture, Capture::Over(_)) {
                return;
            }
            if std::mem::replace(&mut losses, self.ledger.losses) != self.ledger.losses {
                // What had failed before is judged only now; viewers who come again are others.
                before = None;
            }
            let all_here = self.ledger.has_picture && self.viewers.iter().all(Viewer::is_here);
            let served = || self.viewers.iter().map(Viewer::served).collect();
            match &before {
                None if all_here => before = Some((self.ledger.shown, served())),
                Some((from, _)) if self.ledger.shown > from + SERVED_WITHIN => break,
                _ => {}
            }
        }
        self.good = false;
        let (from, before) = before.expect("a good camera gives pictures and viewers come");
        for (viewer, before) in self.viewers.iter().zip(before) {
            assert!(viewer.served() > before, "a viewer waits since frame {from}, now is {}", self.ledger.shown);
        }
    }

    fn supervise(&mut self) -> &'static str {
        let old = !self.recording && self.ledger.is_old(self.now, OLD);
        self.line.supervise(self.now);
        if old {
            self.ledger.lost();
            return "the supervisor takes the picture away";
        }
        "the supervisor looks"
    }

    fn capture_step(&mut self, dice: &mut Dice) -> &'static str {
        let now = self.now;
        let Some(feed) = &mut self.feed else { return "the capture thread is over" };
        let (next, what) = match std::mem::replace(&mut self.capture, Capture::Away(Mono::ZERO)) {
            Capture::Away(until) if now < until && !self.stop.is_raised() => (Capture::Away(until), "the source rests"),
            Capture::Away(_) if !self.good && dice.once_in(4) => {
                (Capture::Ends(None, End::Lost(standins::fault(dice))), "the source does not open")
            }
            Capture::Away(_) => (Capture::Reads(Opened::new(standins::camera(dice), now)), "the source opens"),
            Capture::Reads(opened) if self.stop.is_raised() => {
                (Capture::Ends(Some(opened), End::Stopped), "the capture stops")
            }
            Capture::Reads(mut opened) => {
                standins::tell(&mut opened.source, dice, now, self.good);
                match feed.read(&mut opened.source) {
                    Ok((_, Some(frame))) => {
                        self.ledger.numbered(&frame);
                        (Capture::Got(opened, frame, now), "a frame is read")
                    }
                    read => (Capture::Asked(opened, read.map(|(next, _)| next), now), "no frame is read"),
                }
            }
            Capture::Got(opened, frame, begun) => {
                self.view.publish(frame.clone(), now);
                self.ledger.shown(&frame, now);
                (Capture::Showed(opened, frame, begun), "a frame is published")
            }
            Capture::Showed(opened, frame, begun) => {
                if feed.has_room(Duration::ZERO) || self.stop.is_raised() {
                    feed.put(frame);
                    self.ledger.posted += 1;
                    self.ledger.returned += u64::from(self.watch.is_none());
                    (Capture::Asked(opened, Ok(Next::Frame), begun), "a frame is posted")
                } else {
                    assert!(self.recording, "a live camera waits for nobody");
                    (Capture::Showed(opened, frame, begun), "a frame waits for room")
                }
            }
            Capture::Asked(mut opened, read, begun) => match feed.judge(&mut opened, read, begun, now) {
                Some(end) => (Capture::Ends(Some(opened), end), "the source is over"),
                None => (Capture::Reads(opened), "the source goes on"),
            },
            Capture::Ends(opened, end) => match feed.end(end, Wall::from_unix_ms(now.as_ns() / 1_000_000)) {
                Then::Rest(_, wait) => {
                    self.ledger.lost();
                    (Capture::Closes(opened, wait), "the picture is taken away")
                }
                Then::Over(outcome) => {
                    if outcome != Outcome::Stopped {
                        self.ledger.lost();
                    }
                    (Capture::Over(outcome), "the capture ends")
                }
            },
            Capture::Closes(opened, wait) => {
                drop(opened);
                (Capture::Away(now.plus(wait)), "the device is closed")
            }
            Capture::Over(outcome) => (Capture::Over(outcome), "the capture thread is over"),
        };
        self.capture = next;
        if matches!(self.capture, Capture::Over(_)) {
            // As when the thread returns: the mailbox closes.
            self.feed = None;
        }
        what
    }

    fn pose_step(&mut self) -> &'static str {
        let now = self.now;
        let Some(watch) = &mut self.watch else { return "the pose thread is over" };
        let (next, what) = match std::mem::replace(&mut self.pose, Pose::Waits) {
            Pose::Waits if self.stop.is_raised() => (Pose::Over, "the pose thread stops"),
            Pose::Waits if !watch.due.since(now).is_zero() => (Pose::Waits, "the pose thread keeps its rate"),
            Pose::Waits => {
                let waiting = self.ledger.waiting(&self.view);
                let taken = watch.take(Duration::ZERO, || now);
                assert_eq!(matches!(taken, Taken::Value(_)), waiting > 0, "the mailbox gives what is in it");
                match taken {
                    Taken::Value(frame) => {
                        self.ledger.taken(&frame);
                        (Pose::Looks(frame), "a frame is taken")
                    }
                    Taken::Nothing => {
                        watch.rest(now);
                        (Pose::Waits, "nothing is taken")
                    }
                    Taken::Closed => (Pose::Over, "the mailbox is closed"),
                }
            }
            Pose::Looks(frame) => {
                let result = watch.infer(&frame, now).expect("there is an engine");
                (Pose::Saw(frame, result), "a frame is looked at")
            }
            Pose::Saw(frame, result) => {
                let found = result.is_ok().then_some(frame.bytes[2].into());
                watch.tell(&frame, result, now);
                self.ledger.looked(&self.view, &frame, found, now);
                (Pose::Waits, "what was seen is told")
            }
            Pose::Over => (Pose::Over, "the pose thread is over"),
        };
        if matches!(next, Pose::Over) {
            watch.finish(now);
            self.watch = None;
        }
        self.pose = next;
        what
    }

    fn jpeg_step(&mut self, tally: &mut Tally) -> &'static str {
        let now = self.now;
        let Some(shoot) = &mut self.shoot else { return "the jpeg thread is over" };
        let (next, what) = match std::mem::replace(&mut self.jpeg, Jpeg::Waits) {
            Jpeg::Waits if self.stop.is_raised() => (Jpeg::Over, "the jpeg thread stops"),
            Jpeg::Waits => match self.view.shots().next_job(Duration::ZERO) {
                Some(job) => {
                    assert!(!self.view.is_private(), "a private picture is encoded");
                    self.ledger.job(&job);
                    (Jpeg::Has(job, self.ledger.losses), "a picture is wanted")
                }
                None => (Jpeg::Waits, "no picture is wanted"),
            },
            Jpeg::Has(job, losses) => {
                let shot = shoot.make(&job, || now);
                let fails = job.frame.bytes[0] > 0;
                self.ledger.encodes += u64::from(shot.is_some());
                assert_eq!(shot.is_none(), fails, "a picture is made of each frame that can be encoded");
                (Jpeg::Made(job, losses, shot), "a picture is encoded")
            }
            Jpeg::Made(job, losses, shot) => {
                let frame_id = job.frame.id;
                let given = shoot.give(job, shot);
                self.ledger.given(frame_id, losses, given);
                tally.voided += u64::from(!given);
                (Jpeg::Waits, "a picture is delivered")
            }
            Jpeg::Over => (Jpeg::Over, "the jpeg thread is over"),
        };
        if matches!(next, Jpeg::Over) {
            self.shoot = None;
        }
        self.jpeg = next;
        what
    }
}
