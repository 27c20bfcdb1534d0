//! What the lists and the events tell of a camera: how it does, who works inside, who is seen. Nouns, filled by
//! [`super::View`].

use std::sync::Arc;

use serde::Serialize;

use crate::skeleton::Pose;
use crate::time::Mono;
use crate::workout::{Angle, Phases, Zone};

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

/// The person that is followed.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Followed {
    /// Never used again for somebody else while the box runs.
    pub id: u32,
    /// Which of the frame's poses; nothing while hidden for a moment.
    pub pose: Option<usize>,
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
    /// Whether somebody looks for people in it.
    pub pose: bool,
    /// Whether it shows skeletons only, and its picture to nobody.
    pub privacy: bool,
    /// Where its athlete stands, as corners in shares of width and height; nothing: anywhere.
    pub zone: Option<Zone>,
    /// Frames looked at by the pose thread, a second.
    pub pose_fps: f64,
    /// Frames the pose thread never saw because a newer one came.
    pub replaced: u64,
    /// JPEGs made.
    pub encodes: u64,
    /// Streams open now.
    pub viewers: usize,
}

/// Who looks, who decodes and who encodes.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Inside {
    /// The pose engine's name.
    pub engine: &'static str,
    /// Which version of it from where, or why it is not a faster one; nothing where there was nothing to choose.
    pub engine_why: Option<String>,
    /// The JPEG encoder's name.
    pub encoder: &'static str,
    /// Which version of it from where, and why not another.
    pub encoder_why: Option<String>,
    /// Milliseconds that it takes for one frame, of late; nothing before its first.
    pub infer_ms: Option<f64>,
    /// Why nobody can be found.
    pub pose_fault: Option<String>,
    /// The library's decoder; nothing where the source needs none, or before its first picture.
    pub decoder: Option<String>,
}

/// What the followed person does, as far as it was seen by one frame.
#[derive(Clone, PartialEq, Default, Debug, Serialize)]
pub struct Doing {
    /// Who is followed.
    pub athlete: Option<Followed>,
    /// The angle of the athlete's joint that moves most.
    pub angle: Option<Angle>,
    /// What he does, as he said or as it was recognised; nothing while it is unknown.
    #[serde(serialize_with = "name")]
    pub exercise: Option<Arc<str>>,
    /// Whether he said so.
    pub chosen: bool,
    /// Repetitions of the set that goes on; 0 between sets.
    pub reps: u32,
    /// Seconds since the last of them; nothing between sets.
    pub resting_s: Option<f32>,
    /// The tempo of the last of them.
    pub tempo: Option<Phases>,
}

/// What the watch thread saw last, for `/api/v1/state`.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Seen {
    /// Of this frame; 0: none yet.
    pub frame_id: u64,
    /// The frame's own time, seconds; it begins anywhere.
    pub t: Option<f64>,
    /// Milliseconds since that frame was captured.
    pub age_ms: Option<f64>,
    /// The engine's name.
    pub engine: &'static str,
    /// Which version of the engine from where, or why it is not a faster one; nothing where there was nothing to choose.
    pub engine_why: Option<String>,
    /// The JPEG encoder's name.
    pub encoder: &'static str,
    /// Which version of it from where, and why not another.
    pub encoder_why: Option<String>,
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
    /// What the followed person does.
    #[serde(flatten)]
    pub doing: Doing,
}

fn name<S: serde::Serializer>(name: &Option<Arc<str>>, to: S) -> Result<S::Ok, S::Error> {
    name.as_deref().serialize(to)
}

/// What the pose thread saw in one frame.
#[derive(Serialize)]
pub(super) struct StateNote<'a> {
    pub(super) camera: &'a str,
    pub(super) frame_id: u64,
    pub(super) t: f64,
    pub(super) age_ms: f64,
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) engine: &'static str,
    pub(super) pose_fps: f64,
    pub(super) poses: &'a [Pose],
    #[serde(flatten)]
    pub(super) doing: &'a Doing,
}

/// Frames a second as an exponential mean over about two seconds of their own stamps.
#[derive(Clone, Copy, Default)]
pub(super) struct Rate {
    last: Option<Mono>,
    period_s: f64,
}

impl Rate {
    /// One more, at this moment.
    pub(super) fn tick(&mut self, at: Mono) {
        if let Some(last) = self.last {
            let period = at.since(last).as_secs_f64();
            let weight = if self.period_s == 0.0 { 1.0 } else { (period / 2.0).clamp(0.02, 1.0) };
            self.period_s += weight * (period - self.period_s);
        }
        self.last = Some(at);
    }

    /// The rate now: it falls by itself when ticks stay away.
    pub(super) fn per_s(&self, now: Mono) -> f64 {
        let Some(last) = self.last.filter(|_| self.period_s > 0.0) else { return 0.0 };
        1.0 / self.period_s.max(now.since(last).as_secs_f64() / 2.0)
    }
}
