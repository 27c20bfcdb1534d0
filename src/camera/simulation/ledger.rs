//! What must always hold of a line, held against what its threads have done so far.
//!
//! It knows what was asked of the line and what came back, and nothing of how the line does it.

use std::time::Duration;

use super::super::view::{Event, View};
use super::standins;
use crate::events::{Heard, Listener};
use crate::frame::{Frame, Layout};
use crate::jpeg::shots::Job;
use crate::jpeg::{Shot, Variant};
use crate::metrics::Drop;
use crate::time::Mono;

/// What was done, in numbers.
#[derive(Default)]
pub(super) struct Ledger {
    /// The last frame that was shown, and the last that was given an id.
    pub(super) shown: u64,
    numbered: u64,
    pub(super) has_picture: bool,
    /// The camera's, for as long as it is not lost.
    pub(super) layout: Layout,
    shown_at: Mono,
    /// The newest that was shown, and that had a number, when the picture was lost for the last time.
    floor: u64,
    floor_numbered: u64,
    pub(super) losses: u64,
    pub(super) posted: u64,
    pub(super) taken: u64,
    /// Posted when nobody was left to take it.
    pub(super) returned: u64,
    last_taken: u64,
    encoding: (u64, Vec<Variant>),
    pub(super) encodes: u64,
    /// What listeners were told last: whether there is a picture, and the last frame whose people they heard of.
    connected: Option<bool>,
    heard: u64,
    /// The fault they were told last, and since when there is one, Unix milliseconds.
    sentence: Option<String>,
    since_ms: Option<u64>,
    pub(super) told: u64,
}

impl Ledger {
    /// The capture thread got a frame.
    pub(super) fn numbered(&mut self, frame: &Frame) {
        assert_eq!(frame.id, self.numbered + 1, "ids grow by one");
        self.numbered = frame.id;
    }

    /// A frame was published.
    pub(super) fn shown(&mut self, frame: &Frame, now: Mono) {
        assert!(frame.id > self.shown, "a frame is published once, and in order");
        (self.shown, self.shown_at, self.has_picture) = (frame.id, now, true);
        self.layout = frame.layout;
    }

    /// The picture was taken away.
    pub(super) fn lost(&mut self) {
        self.losses += u64::from(self.has_picture);
        (self.has_picture, self.floor, self.floor_numbered) = (false, self.shown, self.numbered);
    }

    /// Whether a supervisor must take the picture away now.
    pub(super) fn is_old(&self, now: Mono, limit: Duration) -> bool {
        self.has_picture && now.since(self.shown_at) > limit
    }

    /// A frame came out of the mailbox.
    pub(super) fn taken(&mut self, frame: &Frame) {
        assert!(frame.id > self.last_taken, "frame {} comes after {}", frame.id, self.last_taken);
        self.last_taken = frame.id;
        self.taken += 1;
    }

    /// Frames in the mailbox: what was posted and is accounted for nowhere else.
    pub(super) fn waiting(&self, view: &View) -> u64 {
        let replaced = view.metrics().drop_of(Drop::Replaced).get();
        let gone = self.taken + replaced + self.returned;
        assert!(gone <= self.posted, "{} posted, {gone} taken, replaced or returned", self.posted);
        assert!(self.posted - gone <= 1, "{} posted, only {gone} taken, replaced or returned", self.posted);
        self.posted - gone
    }

    /// A picture is to be encoded.
    pub(super) fn job(&mut self, job: &Job) {
        let id = job.frame.id;
        assert!(self.has_picture && id == self.shown, "frame {id} is encoded, and the newest is {}", self.shown);
        if self.encoding.0 != id {
            assert!(id > self.encoding.0, "frame {id} is encoded after {}", self.encoding.0);
            self.encoding = (id, Vec::new());
        }
        assert!(!self.encoding.1.contains(&job.variant), "frame {id} is encoded as {:?} again", job.variant);
        self.encoding.1.push(job.variant);
    }

    /// A job is over that was begun for this frame, and the line says whether its shot counts.
    pub(super) fn given(&self, frame_id: u64, losses: u64, given: bool) {
        assert_eq!(
            given,
            losses == self.losses,
            "a shot of frame {frame_id} counts unless the camera was lost meanwhile"
        );
    }

    /// A viewer was given a picture.
    pub(super) fn ready(&self, shot: &Shot) {
        assert!(self.has_picture, "frame {} is given, and there is a fault", shot.frame_id);
        assert!(shot.frame_id > self.floor, "frame {} is given, and {} was lost", shot.frame_id, self.floor);
        assert!(shot.frame_id <= self.shown, "frame {} is given, and {} is the newest", shot.frame_id, self.shown);
        assert!(standins::is_whole(shot), "frame {} has other bytes", shot.frame_id);
    }

    /// The engine has looked at a frame, with success or without.
    pub(super) fn looked(&self, view: &View, frame: &Frame, found: Option<u64>, now: Mono) {
        let seen = view.seen(now);
        if frame.id > self.floor_numbered && found.is_some() {
            assert_eq!((seen.frame_id, seen.pose_fault.as_deref()), (frame.id, None), "what was just seen is told");
        }
        if frame.id <= self.floor {
            assert_ne!(seen.frame_id, frame.id, "people of a lost picture");
        }
        let found = found.filter(|_| seen.frame_id == frame.id).unwrap_or(0);
        assert_eq!(seen.poses.len() as u64, found, "people of frame {}", frame.id);
    }

    /// What everybody may read, after each step.
    pub(super) fn check(&mut self, view: &View, ear: &mut Listener<'_, Event>, now: Mono) {
        while let Some(heard) = ear.hear() {
            let Heard::Event(event) = heard else { panic!("a listener lags who always listens") };
            self.heard(&event);
        }
        let status = view.status(now);
        assert_eq!((status.connected, status.has_frame), (self.has_picture, self.has_picture));
        assert_eq!(status.frame_id, if self.has_picture { self.shown } else { 0 });
        assert_eq!(status.frame_age_ms.is_some(), self.has_picture, "an age is that of a picture");
        assert_eq!(status.fault.is_some(), !self.has_picture && self.connected.is_some(), "{:?}", status.fault);
        let since_ms = status.fault.map(|fault| fault.since_ms);
        assert!(
            self.since_ms.is_none() || since_ms.is_none_or(|ms| Some(ms) == self.since_ms),
            "a fault has one beginning"
        );
        self.since_ms = since_ms;
        let seen = view.seen(now);
        assert!(seen.frame_id == 0 || seen.frame_id > self.floor, "frame {} was seen and lost", seen.frame_id);
        assert!(seen.poses.iter().all(|pose| standins::seen_in(pose) == seen.frame_id), "people of another frame");
        let metrics = view.metrics();
        assert_eq!((metrics.published.get(), metrics.up.get()), (self.shown, i64::from(self.has_picture)));
        assert_eq!((metrics.captured.get(), metrics.losses.get()), (self.numbered, self.losses));
        assert_eq!(metrics.drop_of(Drop::NoBuffer).get(), 0, "a buffer is always found");
        assert_eq!(metrics.encodes.get(), self.encodes);
        assert!(self.connected.is_none_or(|connected| connected == self.has_picture), "listeners know it otherwise");
    }

    fn heard(&mut self, event: &Event) {
        match event {
            Event::Camera(note) => {
                assert!(!(note.connected && self.connected == Some(true)), "a return is told once");
                assert_ne!(note.connected, note.fault.is_some());
                self.connected = Some(note.connected);
                let sentence = note.fault.as_ref().map(|fault| fault.sentence.clone());
                assert!(sentence.is_none() || sentence != self.sentence, "{sentence:?} is told twice");
                self.sentence = sentence;
            }
            Event::State(json) => {
                let note: serde_json::Value = serde_json::from_str(json).unwrap();
                let frame_id = note["frame_id"].as_u64().unwrap();
                assert!(frame_id > self.heard.max(self.floor), "frame {frame_id} is told after {}", self.heard);
                self.heard = frame_id;
                self.told += 1;
            }
            Event::Workout(..) => {}
        }
    }
}
