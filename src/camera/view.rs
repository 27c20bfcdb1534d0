//! What others may read of a camera: its newest pictures, its state, and why there is none.
//!
//! The camera's threads write, everybody else reads; nothing here waits for a device. When the camera is lost the
//! picture is gone before the fault is told, so nobody can see an old picture beside a fresh fault.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use serde::Serialize;

use crate::capture::CaptureFault;
use crate::events::Board;
use crate::frame::{Frame, FrameRef};
use crate::jpeg::{Look, Shots, Variant};
use crate::metrics::CameraMetrics;
use crate::skeleton::Pose;
use crate::time::{Mono, Wall, as_ms};
use crate::workout::Angle;

/// Why there is no picture, and since when.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Fault {
    /// For machines.
    pub kind: &'static str,
    /// For people.
    pub sentence: String,
    /// Unix milliseconds.
    pub since_ms: u64,
}

/// What is announced to listeners.
#[derive(Clone, PartialEq, Debug)]
pub enum Event {
    /// A camera was lost or came back.
    Camera(CameraNote),
    /// What the pose thread saw: a [`StateNote`] as JSON, made once for all listeners.
    State(Arc<str>),
}

/// Between two states of one camera that are announced: at most fifteen a second.
const STATE_EVERY: Duration = Duration::from_millis(66);

/// The person that is followed.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Followed {
    /// Never used again for somebody else while the box runs.
    pub id: u32,
    /// Which of the frame's poses; nothing while hidden for a moment.
    pub pose: Option<usize>,
}

/// What the pose thread saw in one frame.
#[derive(Serialize)]
struct StateNote<'a> {
    camera: &'a str,
    frame_id: u64,
    age_ms: f64,
    width: usize,
    height: usize,
    engine: &'static str,
    pose_fps: f64,
    poses: &'a [Pose],
    athlete: Option<Followed>,
    angle: Option<Angle>,
}

/// A camera was lost or came back.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct CameraNote {
    /// Its name.
    pub camera: String,
    /// Whether it gives pictures now.
    pub connected: bool,
    /// Why not.
    pub fault: Option<Fault>,
}

/// A row of `/api/v1/cameras`.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Status {
    /// Its name.
    pub name: String,
    /// Where it comes from, without credentials.
    pub source: String,
    /// Whether it gives pictures.
    pub connected: bool,
    /// Whether there is a picture to be had now.
    pub has_frame: bool,
    /// Why there is none.
    pub fault: Option<Fault>,
    /// Frames a second, over the last few seconds.
    pub fps: f64,
    /// Pixels across; 0 before the first frame.
    pub width: usize,
    /// Pixels down.
    pub height: usize,
    /// The newest frame's id; 0: none.
    pub frame_id: u64,
    /// Milliseconds since it was captured.
    pub frame_age_ms: Option<f64>,
    /// Frames looked at by the pose thread, a second.
    pub pose_fps: f64,
    /// Frames the pose thread never saw because a newer one came.
    pub replaced: u64,
    /// JPEGs made.
    pub encodes: u64,
    /// Streams open now.
    pub viewers: usize,
}

/// What the watch thread saw last, for `/api/v1/state`.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Seen {
    /// Of this frame; 0: none yet.
    pub frame_id: u64,
    /// Milliseconds since that frame was captured.
    pub age_ms: Option<f64>,
    /// The engine's name.
    pub engine: &'static str,
    /// Which version of the engine from where, or why it is not a faster one; nothing where there was nothing to choose.
    pub engine_why: Option<String>,
    /// Frames looked at, a second.
    pub pose_fps: f64,
    /// The size of that frame: poses are in its pixels.
    pub width: usize,
    /// Pixels down.
    pub height: usize,
    /// Why nobody can be found, when that is not because nobody is there.
    pub pose_fault: Option<String>,
    /// Poses found, by falling score; none without an engine.
    pub poses: Vec<Pose>,
    /// Who is followed.
    pub athlete: Option<Followed>,
    /// The angle of the athlete's joint that moves most.
    pub angle: Option<Angle>,
}

/// Frames a second as an exponential mean over about two seconds of their own stamps.
#[derive(Clone, Copy, Default)]
struct Rate {
    last: Option<Mono>,
    period_s: f64,
}

impl Rate {
    fn tick(&mut self, at: Mono) {
        if let Some(last) = self.last {
            let period = at.since(last).as_secs_f64();
            let weight = if self.period_s == 0.0 { 1.0 } else { (period / 2.0).clamp(0.02, 1.0) };
            self.period_s += weight * (period - self.period_s);
        }
        self.last = Some(at);
    }

    /// The rate now: it falls by itself when ticks stay away.
    fn per_s(&self, now: Mono) -> f64 {
        let Some(last) = self.last.filter(|_| self.period_s > 0.0) else { return 0.0 };
        1.0 / self.period_s.max(now.since(last).as_secs_f64() / 2.0)
    }
}

#[derive(Default)]
struct State {
    fault: Option<Fault>,
    connected: bool,
    width: usize,
    height: usize,
    captured: Option<Mono>,
    published: Option<Mono>,
    fps: Rate,
    pose_fps: Rate,
    seen: Option<(u64, Mono)>,
    seen_size: (usize, usize),
    poses: Vec<Pose>,
    athlete: Option<Followed>,
    angle: Option<Angle>,
    pose_fault: Option<String>,
    told: Option<Mono>,
}

/// The read-only side of one camera.
pub struct View {
    name: String,
    source: String,
    engine: &'static str,
    engine_why: Option<String>,
    recording: bool,
    shots: Shots,
    state: Mutex<State>,
    ids: AtomicU64,
    viewers: AtomicUsize,
    metrics: CameraMetrics,
    events: &'static Board<Event>,
}

impl View {
    /// A camera that has shown nothing yet. `source` must be free of credentials.
    pub fn new(
        name: String,
        source: String,
        recording: bool,
        engine: &'static str,
        metrics: CameraMetrics,
        events: &'static Board<Event>,
    ) -> View {
        View {
            name,
            source,
            engine,
            engine_why: None,
            recording,
            shots: Shots::default(),
            state: Mutex::default(),
            ids: AtomicU64::new(0),
            viewers: AtomicUsize::new(0),
            metrics,
            events,
        }
    }

    /// The same, with the reason for its engine.
    pub fn with_engine_why(self, why: Option<String>) -> View {
        View { engine_why: why, ..self }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics under this lock")
    }

    /// Its name, as in the URL.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is a recording rather than a live camera.
    pub fn is_recording(&self) -> bool {
        self.recording
    }

    /// What looks at its athlete, and which version from where, or why it is not a faster one.
    pub fn engine(&self) -> (&'static str, Option<&str>) {
        (self.engine, self.engine_why.as_deref())
    }

    /// Its numbers.
    pub fn metrics(&self) -> &CameraMetrics {
        &self.metrics
    }

    /// The variant table: for its jpeg thread, and to add a bell.
    pub fn shots(&self) -> &Shots {
        &self.shots
    }

    /// The newest frame's id; 0: there is no picture.
    pub fn newest_id(&self) -> u64 {
        self.shots.newest_id()
    }

    /// The newest picture of `variant` that shows frame `at_least` or a later one. Never waits: on
    /// [`Look::Soon`] and [`Look::Full`] look again when the bell rings.
    pub fn look(&self, variant: Variant, at_least: u64) -> Look {
        let look = self.shots.look(variant, at_least);
        if matches!(look, Look::Ready(_)) {
            self.metrics.cache_hits.inc();
        }
        look
    }

    /// Pixels across and down of the newest picture; zeros before the first.
    pub fn size(&self) -> (usize, usize) {
        let state = self.state();
        (state.width, state.height)
    }

    /// Why there is no picture.
    pub fn fault(&self) -> Option<Fault> {
        self.state().fault.clone()
    }

    /// A stream was opened (+1) or closed (-1).
    pub fn viewer_came(&self) {
        self.viewers.fetch_add(1, Ordering::Relaxed);
        self.metrics.viewers.inc();
    }

    /// A stream was closed.
    pub fn viewer_went(&self) {
        self.viewers.fetch_sub(1, Ordering::Relaxed);
        self.metrics.viewers.dec();
    }

    /// The next frame's id. Only the capture thread calls it.
    pub fn next_id(&self) -> u64 {
        self.ids.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Makes `frame` the newest.
    pub fn publish(&self, frame: FrameRef, now: Mono) {
        let mut state = self.state();
        (state.width, state.height) = (frame.layout.width, frame.layout.height);
        state.captured = Some(frame.captured);
        state.published = Some(now);
        state.fps.tick(now);
        let back = !state.connected;
        state.connected = true;
        state.fault = None;
        // Under the state's lock, as in `lose`: a supervisor that takes the picture away while the capture thread
        // shows one must not leave a picture beside a fault.
        self.shots.publish(frame);
        self.metrics.published.inc();
        if back {
            self.metrics.up.set(1);
            log::info!("camera {}: there is a picture", self.name);
            // Also under the lock, or two threads could tell a loss and a return in the wrong order.
            self.announce(true, None);
        }
    }

    /// The picture is gone, and this is why. Said once for as long as it is the same reason.
    pub fn lose(&self, fault: &CaptureFault, wall: Wall) {
        self.lose_in(self.state(), fault, wall);
    }

    /// The same, if the newest frame was published longer than `limit` ago.
    pub fn lose_if_older(&self, limit: Duration, now: Mono, fault: &CaptureFault, wall: Wall) {
        let state = self.state();
        if state.published.is_some_and(|at| now.since(at) > limit) {
            self.lose_in(state, fault, wall);
        }
    }

    fn lose_in(&self, mut state: MutexGuard<'_, State>, fault: &CaptureFault, wall: Wall) {
        let sentence = fault.to_string();
        self.shots.lose();
        if state.connected {
            self.metrics.losses.inc();
        }
        let same = state.fault.as_ref().is_some_and(|f| f.sentence == sentence);
        // A first connect that is tried again for the same reason keeps the moment when it began.
        let since_ms = match &state.fault {
            Some(old) if !state.connected => old.since_ms,
            _ => wall.unix_ms(),
        };
        let told = Fault { kind: fault.kind(), sentence, since_ms };
        state.fault = Some(told.clone());
        state.connected = false;
        (state.captured, state.published) = (None, None);
        state.fps = Rate::default();
        self.metrics.up.set(0);
        if !same {
            log::warn!("camera {}: {}", self.name, told.sentence);
            self.announce(false, Some(told));
        }
    }

    /// The pose thread looked at a frame and found these people.
    pub fn saw(&self, frame: &Frame, poses: &[Pose], athlete: Option<Followed>, angle: Option<Angle>, now: Mono) {
        let mut state = self.state();
        state.pose_fps.tick(now);
        state.seen = Some((frame.id, frame.captured));
        state.seen_size = (frame.layout.width, frame.layout.height);
        state.poses.clear();
        state.poses.extend_from_slice(poses);
        (state.athlete, state.angle) = (athlete, angle);
        if state.pose_fault.take().is_some() {
            log::info!("camera {}: people can be found again", self.name);
        }
        let due = state.told.is_none_or(|told| frame.captured.since(told) >= STATE_EVERY);
        if self.engine == "off" || !due || !self.events.is_heard() {
            return;
        }
        state.told = Some(frame.captured);
        let pose_fps = state.pose_fps.per_s(now);
        // Whoever publishes the next picture need not wait until this one's people are written down.
        drop(state);
        let note = StateNote {
            camera: &self.name,
            frame_id: frame.id,
            age_ms: as_ms(now.since(frame.captured)),
            width: frame.layout.width,
            height: frame.layout.height,
            engine: self.engine,
            pose_fps,
            poses,
            athlete,
            angle,
        };
        let json = serde_json::to_string(&note).expect("numbers and texts have a JSON form");
        self.events.announce(Event::State(json.into()));
    }

    /// The pose thread cannot look, and this is why. Said once for as long as it is the same reason.
    pub fn cannot_look(&self, sentence: &str) {
        let mut state = self.state();
        state.poses.clear();
        (state.athlete, state.angle) = (None, None);
        if state.pose_fault.as_deref() != Some(sentence) {
            log::warn!("camera {}: {sentence}", self.name);
            state.pose_fault = Some(sentence.to_string());
        }
    }

    fn announce(&self, connected: bool, fault: Option<Fault>) {
        self.events.announce(Event::Camera(CameraNote { camera: self.name.clone(), connected, fault }));
    }

    /// Milliseconds since the newest frame was captured; nothing when there is none.
    pub fn frame_age_ms(&self, now: Mono) -> Option<f64> {
        self.state().captured.map(|at| as_ms(now.since(at)))
    }

    /// The row of `/api/v1/cameras`.
    pub fn status(&self, now: Mono) -> Status {
        let state = self.state();
        let frame_id = self.newest_id();
        Status {
            name: self.name.clone(),
            source: self.source.clone(),
            connected: state.connected,
            has_frame: frame_id > 0,
            fault: state.fault.clone(),
            fps: state.fps.per_s(now),
            width: state.width,
            height: state.height,
            frame_id,
            frame_age_ms: state.captured.map(|at| as_ms(now.since(at))),
            pose_fps: state.pose_fps.per_s(now),
            replaced: self.metrics.drop_of(crate::metrics::Drop::Replaced).get(),
            encodes: self.metrics.encodes.get(),
            viewers: self.viewers.load(Ordering::Relaxed),
        }
    }

    /// What `/api/v1/state` says of it.
    pub fn seen(&self, now: Mono) -> Seen {
        let state = self.state();
        Seen {
            frame_id: state.seen.map_or(0, |s| s.0),
            age_ms: state.seen.map(|s| as_ms(now.since(s.1))),
            engine: self.engine,
            engine_why: self.engine_why.clone(),
            pose_fps: state.pose_fps.per_s(now),
            width: state.seen_size.0,
            height: state.seen_size.1,
            pose_fault: state.pose_fault.clone(),
            poses: state.poses.clone(),
            athlete: state.athlete,
            angle: state.angle,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::Heard;
    use crate::frame::Layout;
    use crate::metrics::Metrics;

    fn view() -> (View, &'static Board<Event>) {
        let board: &'static Board<Event> = Box::leak(Box::default());
        let view = View::new("rack".into(), "demo:".into(), false, "off", Metrics::default().camera("rack"), board);
        (view, board)
    }

    fn at(ms: u64) -> Mono {
        Mono::from_ns(ms * 1_000_000)
    }

    fn show(view: &View, ms: u64) {
        let frame = Frame { id: view.next_id(), captured: at(ms), layout: Layout::jpeg(64, 48), ..Frame::default() };
        view.publish(Arc::new(frame), at(ms));
    }

    #[test]
    fn the_rate_is_the_frames_own_and_falls_when_they_stay_away() {
        let (view, _) = view();
        (0..90).for_each(|n| show(&view, 1000 + n * 1000 / 15));
        let last = 1000 + 89 * 1000 / 15;
        assert!((view.status(at(last)).fps - 15.0).abs() < 0.2, "{}", view.status(at(last)).fps);
        assert!(view.status(at(last + 10_000)).fps < 0.21);
    }

    #[test]
    fn a_loss_is_told_once_and_a_return_is_told() {
        let (view, board) = view();
        let mut listener = board.listen().unwrap();
        show(&view, 1000);
        let fault = CaptureFault::Stalled { after: Duration::from_secs(5) };
        view.lose(&fault, Wall::from_unix_ms(7));
        view.lose(&fault, Wall::from_unix_ms(9));
        show(&view, 2000);
        let mut told = Vec::new();
        while let Some(Heard::Event(Event::Camera(note))) = listener.hear() {
            told.push((note.connected, note.fault.map(|f| (f.kind, f.since_ms))));
        }
        assert_eq!(told, [(true, None), (false, Some(("stalled", 7))), (true, None)]);
    }

    #[test]
    fn only_an_old_picture_is_taken_away_by_the_supervisor() {
        let (view, _) = view();
        let fault = CaptureFault::Stalled { after: Duration::from_secs(5) };
        let look = |now| view.lose_if_older(Duration::from_secs(5), at(now), &fault, Wall::default());
        look(99_000);
        assert_eq!(view.fault(), None, "there was no picture to be old");
        show(&view, 1000);
        look(6000);
        assert_ne!(view.newest_id(), 0);
        look(6001);
        assert_eq!((view.newest_id(), view.fault().map(|f| f.kind)), (0, Some("stalled")));
    }

    #[test]
    fn ids_go_on_after_a_loss_and_no_picture_is_left() {
        let (view, _) = view();
        show(&view, 1000);
        view.lose(&CaptureFault::Ended, Wall::default());
        let status = view.status(at(1001));
        assert_eq!((status.has_frame, status.connected, status.frame_id, status.frame_age_ms), (false, false, 0, None));
        assert!(matches!(view.look(Variant::default(), 1), Look::Lost));
        show(&view, 2000);
        assert_eq!(view.newest_id(), 2);
    }

    #[test]
    fn poses_are_told_at_most_fifteen_times_a_second_and_only_to_who_listens() {
        let board: &'static Board<Event> = Box::leak(Box::default());
        let view = View::new("rack".into(), "demo:".into(), false, "cpu", Metrics::default().camera("rack"), board);
        let saw = |ms: u64| {
            let frame = Frame { id: ms, captured: at(ms), layout: Layout::jpeg(64, 48), ..Frame::default() };
            view.saw(
                &frame,
                &[Pose { score: 0.5, ..Pose::default() }],
                Some(Followed { id: 3, pose: Some(0) }),
                None,
                at(ms + 20),
            );
        };
        saw(900);
        let mut listener = board.listen().unwrap();
        (0..60).for_each(|n| saw(1000 + n * 1000 / 30));
        let mut told = Vec::new();
        while let Some(Heard::Event(Event::State(json))) = listener.hear() {
            told.push(serde_json::from_str::<serde_json::Value>(&json).unwrap());
        }
        assert_eq!(told.len(), 30, "two seconds at thirty frames");
        assert_eq!(
            (&told[0]["frame_id"], &told[0]["age_ms"], &told[0]["width"]),
            (&1000.into(), &20.0.into(), &64.into())
        );
        assert_eq!(told[0]["poses"][0]["score"], 0.5);
        assert_eq!(told[0]["athlete"], serde_json::json!({"id": 3, "pose": 0}));
        view.cannot_look("why");
        let seen = view.seen(at(5000));
        assert_eq!((seen.poses.len(), seen.pose_fault.as_deref(), seen.width), (0, Some("why"), 64));
        saw(6000);
        assert_eq!((view.seen(at(6000)).poses.len(), view.seen(at(6000)).pose_fault), (1, None));
    }
}
