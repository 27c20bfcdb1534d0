//! What others may read of a camera: its newest pictures, its state, and why there is none.
//!
//! The camera's threads write, everybody else reads; nothing here waits for a device. When the camera is lost the
//! picture is gone before the fault is told, so nobody can see an old picture beside a fresh fault; the people of the
//! last frames go with it. A *private* camera gives its picture to nobody: whoever looks finds none, so that none is ever
//! encoded, and only what the pose thread saw is told.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use super::orders::{self, Orders};
pub use super::row::{CameraNote, Doing, Fault, Followed, Inside, Seen, Status};
use super::row::{Rate, StateNote};
use super::telling::{Fate, Telling};
use crate::capture::CaptureFault;
use crate::events::Board;
use crate::frame::{Frame, FrameRef};
use crate::jpeg::{Look, Shots, Variant};
use crate::metrics::CameraMetrics;
use crate::pose::{Engine, Spent};
use crate::skeleton::Pose;
use crate::time::{Mono, Wall, as_ms};
use crate::workout::Zone;

/// What is announced to listeners.
#[derive(Clone, PartialEq, Debug)]
pub enum Event {
    /// A camera was lost or came back.
    Camera(CameraNote),
    /// What the pose thread saw: a [`StateNote`] as JSON, made once for all listeners.
    State(Arc<str>),
    /// A set began, a repetition was done, a set ended: its name and its JSON.
    Workout(&'static str, Arc<str>),
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
    /// That frame's own time, seconds.
    seen_t: f64,
    seen_size: (usize, usize),
    poses: Vec<Pose>,
    doing: Doing,
    pose_fault: Option<String>,
    telling: Telling,
    /// The last look is not told yet; it is if its frame is sent before the next one.
    untold: bool,
    /// The newest frame when the picture was lost: what is seen in it or an earlier one comes too late.
    lost_id: u64,
    infer_ms: Option<f64>,
    decoder: Option<String>,
}

impl State {
    fn forget_people(&mut self) {
        self.poses.clear();
        self.doing = Doing::default();
    }
}

/// The capture thread gets this much more than the stall, so that it is normally the one that notices.
const SLACK: Duration = Duration::from_millis(500);

/// The read-only side of one camera.
pub struct View {
    name: String,
    source: String,
    engine: &'static str,
    looks: Engine,
    encoder: &'static str,
    encoder_why: Option<String>,
    recording: bool,
    privacy: bool,
    zone: Option<Zone>,
    orders: Orders,
    shots: Shots,
    /// A live camera that delivers nothing for this time has no picture; nothing: a recording.
    stall: Option<Duration>,
    /// When the newest frame was published, nanoseconds. Relaxed: whoever finds it too old looks again under the state's lock.
    published_ns: AtomicU64,
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
            looks: Engine::Off,
            encoder: "cpu",
            encoder_why: None,
            recording,
            privacy: false,
            zone: None,
            orders: Orders::default(),
            shots: Shots::default(),
            stall: None,
            published_ns: AtomicU64::new(0),
            state: Mutex::default(),
            ids: AtomicU64::new(0),
            viewers: AtomicUsize::new(0),
            metrics,
            events,
        }
    }

    /// The same camera, private or not, with the station in which its athlete stands.
    pub fn with(self, privacy: bool, zone: Option<Zone>) -> View {
        View { privacy, zone, ..self }
    }

    /// The same live camera, whose picture is gone when nothing came for `stall`.
    pub fn with_stall(self, stall: Duration) -> View {
        View { stall: Some(stall), ..self }
    }

    /// The same camera, in this house.
    pub fn in_house(self, house: Arc<orders::House>) -> View {
        View { orders: Orders::new(house), ..self }
    }

    /// What its athlete says, and what the box is told.
    pub fn orders(&self) -> &Orders {
        &self.orders
    }

    /// Tells everybody of a set or a repetition.
    pub fn announce_workout(&self, name: &'static str, json: String) {
        self.events.announce(Event::Workout(name, json.into()));
    }

    /// The same, with the engine that looks, which is asked why it is that one and how far it is.
    pub fn with_engine(self, engine: Engine) -> View {
        View { looks: engine, ..self }
    }

    /// The same, with its encoder and the reason for it.
    pub fn with_encoder(self, encoder: &'static str, why: String) -> View {
        View { encoder, encoder_why: Some(why), ..self }
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

    /// Whether its picture is for nobody.
    pub fn is_private(&self) -> bool {
        self.privacy
    }

    /// Where its athlete stands; nothing: anywhere.
    pub fn zone(&self) -> Option<Zone> {
        self.zone
    }

    /// Whether somebody looks for people in it.
    pub fn is_looked_at(&self) -> bool {
        self.engine != "off"
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

    /// The same at this moment. A picture that is too old is taken away by whoever asks first: when the box was halted as a whole,
    /// nobody had a turn to do so.
    pub fn newest_id_at(&self, now: Mono, wall: Wall) -> u64 {
        let id = self.newest_id();
        let published = Mono::from_ns(self.published_ns.load(Ordering::Relaxed));
        if id == 0 || self.stall.is_none_or(|stall| now.since(published) <= stall + SLACK) {
            return id;
        }
        self.let_go_of_the_old(now, wall);
        self.newest_id()
    }

    /// Takes the picture away when it is too old: the capture thread itself cannot while a library call hangs.
    pub fn let_go_of_the_old(&self, now: Mono, wall: Wall) {
        let Some(after) = self.stall else { return };
        let state = self.state();
        if state.published.is_some_and(|at| now.since(at) > after + SLACK) {
            self.lose_in(state, &CaptureFault::Stalled { after }, wall);
        }
    }

    /// The newest picture of `variant` that shows frame `at_least` or a later one. Never waits: on
    /// [`Look::Soon`] and [`Look::Full`] look again when the bell rings. A private camera has none.
    pub fn look(&self, variant: Variant, at_least: u64) -> Look {
        if self.privacy {
            return Look::Lost;
        }
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
        self.published_ns.store(now.as_ns(), Ordering::Relaxed);
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
        (state.fps, state.pose_fps) = (Rate::default(), Rate::default());
        state.forget_people();
        (state.seen, state.seen_size, state.untold) = (None, (0, 0), false);
        state.lost_id = self.ids.load(Ordering::Relaxed);
        self.metrics.up.set(0);
        if !same {
            log::warn!("camera {}: {}", self.name, told.sentence);
            self.announce(false, Some(told));
        }
    }

    /// The pose thread looked at a frame and found these people. What it saw in a picture that is lost meanwhile is not
    /// told.
    pub fn saw(&self, frame: &Frame, poses: &[Pose], doing: &Doing, now: Mono) {
        let mut state = self.state();
        if frame.id <= state.lost_id {
            return;
        }
        let earlier = self.sent_since(&mut state).then(|| self.seen_in(&state, now));
        state.pose_fps.tick(now);
        state.seen = Some((frame.id, frame.captured));
        // To the microsecond, which is what a poses file wants.
        state.seen_t = (frame.own_time().as_ns() / 1000) as f64 / 1e6;
        state.seen_size = (frame.layout.width, frame.layout.height);
        state.poses.clear();
        state.poses.extend_from_slice(poses);
        state.doing.clone_from(doing);
        if state.pose_fault.take().is_some() {
            log::info!("camera {}: people can be found again", self.name);
        }
        let fate = self.fate(frame.id);
        let told = self.is_heard() && state.telling.may(frame.captured, fate);
        state.untold = !told;
        let (pose_fps, t) = (state.pose_fps.per_s(now), state.seen_t);
        // Whoever publishes the next picture need not wait until this one's people are written down.
        drop(state);
        let tell = |frame_id, t, age_ms, (width, height), poses: &[Pose], doing: &Doing| {
            let (camera, engine) = (self.name.as_str(), self.engine);
            self.tell(&StateNote { camera, frame_id, t, age_ms, width, height, engine, pose_fps, poses, doing });
        };
        if let Some(seen) = &earlier {
            let (t, age_ms) = (seen.t.unwrap_or_default(), seen.age_ms.unwrap_or_default());
            tell(seen.frame_id, t, age_ms, (seen.width, seen.height), &seen.poses, &seen.doing);
        }
        if told {
            let size = (frame.layout.width, frame.layout.height);
            tell(frame.id, t, as_ms(now.since(frame.captured)), size, poses, doing);
        }
    }

    /// Whether anybody would hear a state.
    fn is_heard(&self) -> bool {
        self.is_looked_at() && self.events.is_heard()
    }

    fn tell(&self, note: &StateNote<'_>) {
        let json = serde_json::to_string(note).expect("numbers and texts have a JSON form");
        self.events.announce(Event::State(json.into()));
    }

    /// What viewers had of this frame.
    fn fate(&self, frame_id: u64) -> Fate {
        match () {
            () if self.viewers.load(Ordering::Relaxed) == 0 => Fate::Unwatched,
            () if self.shots.was_made(frame_id) => Fate::Sent,
            () if self.newest_id() > frame_id => Fate::Passed,
            () => Fate::Open,
        }
    }

    /// Whether the last look, which was not told, is to be told now, because a viewer was sent its frame meanwhile.
    fn sent_since(&self, state: &mut State) -> bool {
        let Some((frame_id, captured)) = state.seen.filter(|_| state.untold && self.is_heard()) else { return false };
        self.fate(frame_id) == Fate::Sent && state.telling.may(captured, Fate::Sent)
    }

    /// The pose thread cannot look, and this is why. Said once for as long as it is the same reason.
    pub fn cannot_look(&self, sentence: &str) {
        self.metrics.building.set(i64::from(self.looks.is_building()));
        let mut state = self.state();
        state.forget_people();
        if state.pose_fault.as_deref() != Some(sentence) {
            log::warn!("camera {}: {sentence}", self.name);
            state.pose_fault = Some(sentence.to_string());
        }
    }

    /// Where the time of one look went.
    pub fn spent(&self, spent: Spent) {
        self.metrics.building.set(i64::from(self.looks.is_building()));
        let infer_ms = as_ms(spent.infer);
        let mut state = self.state();
        // A mean over some twenty looks.
        state.infer_ms = Some(state.infer_ms.map_or(infer_ms, |mean| mean + (infer_ms - mean) / 20.0));
    }

    /// What decodes the source's pictures, where a library chose it.
    pub fn decodes(&self, decoder: Option<String>) {
        self.state().decoder = decoder;
    }

    /// Who looks and who decodes, for the admin page.
    pub fn inside(&self) -> Inside {
        let state = self.state();
        let (infer_ms, pose_fault, decoder) = (state.infer_ms, state.pose_fault.clone(), state.decoder.clone());
        Inside {
            engine: self.engine,
            engine_why: self.looks.why(),
            encoder: self.encoder,
            encoder_why: self.encoder_why.clone(),
            infer_ms,
            pose_fault,
            decoder,
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
            pose: self.is_looked_at(),
            privacy: self.privacy,
            zone: self.zone,
            pose_fps: state.pose_fps.per_s(now),
            replaced: self.metrics.drop_of(crate::metrics::Drop::Replaced).get(),
            encodes: self.metrics.encodes.get(),
            viewers: self.viewers.load(Ordering::Relaxed),
        }
    }

    /// What `/api/v1/state` says of it.
    pub fn seen(&self, now: Mono) -> Seen {
        self.seen_in(&self.state(), now)
    }

    fn seen_in(&self, state: &State, now: Mono) -> Seen {
        Seen {
            frame_id: state.seen.map_or(0, |s| s.0),
            t: state.seen.map(|_| state.seen_t),
            age_ms: state.seen.map(|s| as_ms(now.since(s.1))),
            engine: self.engine,
            engine_why: self.looks.why(),
            encoder: self.encoder,
            encoder_why: self.encoder_why.clone(),
            pose_fps: state.pose_fps.per_s(now),
            width: state.seen_size.0,
            height: state.seen_size.1,
            pose_fault: state.pose_fault.clone(),
            poses: state.poses.clone(),
            doing: state.doing.clone(),
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
        let view = view().0.with_stall(Duration::from_secs(5));
        let look = |now| view.let_go_of_the_old(at(now), Wall::default());
        look(99_000);
        assert_eq!(view.fault(), None, "there was no picture to be old");
        show(&view, 1000);
        look(6500);
        assert_ne!(view.newest_id(), 0);
        look(6501);
        assert_eq!((view.newest_id(), view.fault().map(|f| f.kind)), (0, Some("stalled")));
    }

    #[test]
    fn who_asks_first_after_a_halt_of_the_whole_box_is_shown_no_old_picture() {
        let view = view().0.with_stall(Duration::from_secs(5));
        show(&view, 1000);
        assert_eq!(view.newest_id_at(at(6500), Wall::default()), 1);
        assert_eq!(view.newest_id_at(at(6501), Wall::default()), 0, "no supervisor has looked");
        assert_eq!(view.fault().map(|f| f.sentence), Some("no picture for 5 s".to_string()));
        show(&view, 7000);
        assert_eq!(view.newest_id_at(at(7001), Wall::default()), 2);
        let recording = super::tests::view().0;
        show(&recording, 1000);
        assert_eq!(recording.newest_id_at(at(99_000), Wall::default()), 1, "a recording has time");
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
                &Doing { athlete: Some(Followed { id: 3, pose: Some(0) }), ..Doing::default() },
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
            (&told[0]["frame_id"], &told[0]["t"], &told[0]["age_ms"], &told[0]["width"]),
            (&1000.into(), &1.0.into(), &20.0.into(), &64.into())
        );
        assert_eq!(told[0]["poses"][0]["score"], 0.5);
        assert_eq!(told[0]["athlete"], serde_json::json!({"id": 3, "pose": 0}));
        view.cannot_look("why");
        let seen = view.seen(at(5000));
        assert_eq!((seen.poses.len(), seen.pose_fault.as_deref(), seen.width), (0, Some("why"), 64));
        saw(6000);
        assert_eq!((view.seen(at(6000)).poses.len(), view.seen(at(6000)).pose_fault), (1, None));
    }

    fn looked_at(name: &str) -> (View, &'static Board<Event>) {
        let board: &'static Board<Event> = Box::leak(Box::default());
        (View::new(name.into(), "demo:".into(), false, "cpu", Metrics::default().camera(name), board), board)
    }

    fn frame(id: u64, ms: u64) -> Frame {
        Frame { id, captured: at(ms), layout: Layout::jpeg(64, 48), ..Frame::default() }
    }

    #[test]
    fn the_people_of_a_lost_camera_are_gone_and_a_look_that_ends_later_does_not_bring_them_back() {
        let (view, _) = looked_at("rack");
        let saw = |id: u64, ms: u64| {
            view.saw(
                &frame(id, ms),
                &[Pose::default()],
                &Doing { athlete: Some(Followed { id: 1, pose: Some(0) }), ..Doing::default() },
                at(ms + 20),
            );
        };
        show(&view, 1000);
        show(&view, 1033);
        saw(1, 1000);
        assert_eq!(view.seen(at(1040)).poses.len(), 1);
        view.lose(&CaptureFault::Ended, Wall::default());
        let gone = view.seen(at(1050));
        assert_eq!((gone.poses.len(), gone.doing.athlete, gone.doing.angle), (0, None, None));
        assert_eq!((gone.frame_id, gone.age_ms, gone.pose_fps), (0, None, 0.0));
        saw(2, 1033);
        assert_eq!((view.seen(at(1060)).frame_id, view.seen(at(1060)).poses.len()), (0, 0));
        show(&view, 2000);
        saw(3, 2000);
        assert_eq!((view.seen(at(2030)).frame_id, view.seen(at(2030)).poses.len()), (3, 1));
    }

    #[test]
    fn a_private_camera_has_no_picture_for_anybody_and_makes_none() {
        let (view, _) = looked_at("rack");
        let view = view.with(true, None);
        show(&view, 1000);
        assert!(matches!(view.look(Variant::default(), 1), Look::Lost));
        assert!(view.shots().next_job(Duration::ZERO).is_none(), "nothing is wished for");
        let status = view.status(at(1010));
        assert_eq!((status.privacy, status.pose, status.has_frame), (true, true, true));
    }

    #[test]
    fn the_frames_that_a_stream_is_sent_are_the_ones_whose_people_are_told() {
        // Thirty frames a second, all looked at; the stream takes every other one, before it was looked at or just after.
        for sent_first in [true, false] {
            let (view, board) = looked_at("rack");
            let mut listener = board.listen().unwrap();
            view.viewer_came();
            let (mut sent, mut told) = (Vec::new(), Vec::new());
            let mut send = |n: u64| {
                assert!(n % 2 == 1 || matches!(view.look(Variant::default(), n), Look::Soon));
                while let Some(job) = view.shots().next_job(Duration::ZERO) {
                    sent.push(job.frame.id);
                    view.shots().deliver(job, None);
                }
            };
            for n in 1..=60u64 {
                let ms = 1000 + n * 1000 / 30;
                show(&view, ms);
                if sent_first {
                    send(n);
                }
                view.saw(&frame(n, ms), &[], &Doing::default(), at(ms + 20));
                if !sent_first {
                    send(n);
                }
                while let Some(Heard::Event(event)) = listener.hear() {
                    if let Event::State(json) = event {
                        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
                        told.push(json["frame_id"].as_u64().unwrap());
                    }
                }
            }
            // The very first is told before anything is sent; of the last it is not known yet.
            assert_eq!(told[0], 1);
            let last = sent.len() - usize::from(!sent_first);
            assert_eq!(told[1..], sent[..last], "sent first: {sent_first}");
        }
    }
}
