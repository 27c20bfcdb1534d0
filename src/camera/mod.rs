//! One camera's line: the three threads that join the devices, and the view that others may read.
//!
//! No device code and no arithmetic here: [`feed`] asks the source and publishes, [`watch`] takes from the mailbox and
//! asks the engine, [`shoot`] encodes what is wanted. [`View`] is all that the HTTP face ever sees.

mod album;
pub mod feed;
pub mod orders;
pub mod poses_file;
pub mod recording;
pub mod reference;
pub mod retry;
pub mod row;
mod scribe;
pub mod shoot;
mod telling;
pub mod view;
pub mod watch;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

pub use feed::Outcome;
pub use retry::Retry;
pub use view::{CameraNote, Doing, Event, Fault, Seen, Status, View};

use crate::capture;
use crate::events::Board;
use crate::jpeg;
use crate::metrics::Metrics;
use crate::pose::Engine;
use crate::store::Inbox;
use crate::threads::{Crew, Post, Stop};
use crate::time::{Mono, Wall};
use crate::workout::Zone;

/// Where a thread of the line runs.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Place {
    /// Cores; empty: any.
    pub cores: Vec<usize>,
    /// SCHED_FIFO priority.
    pub priority: Option<u8>,
}

/// What a line is made of. Config fills it.
#[derive(Clone, Debug)]
pub struct Settings {
    /// As in the URL.
    pub name: String,
    /// The source.
    pub capture: capture::Settings,
    /// When to open it again.
    pub retry: Retry,
    /// Who looks at the frames.
    pub engine: Engine,
    /// Who encodes the pictures.
    pub encoder: jpeg::Chosen,
    /// Its picture is for nobody, only what is seen in it.
    pub privacy: bool,
    /// Where its athlete stands; nothing: anywhere.
    pub zone: Option<Zone>,
    /// The least time between two looks at a live camera; zero: as often as there are frames.
    pub look_every: Duration,
    /// The capture thread's place.
    pub capture_place: Place,
    /// The pose thread's place.
    pub pose_place: Place,
    /// The jpeg thread's place.
    pub jpeg_place: Place,
    /// A thread that does not beat for this long is hung.
    pub hung: Duration,
    /// JPEGs that readers may hold at once.
    pub shot_buffers: usize,
}

#[derive(Default)]
struct Progress {
    outcome: OnceLock<Outcome>,
    watched: AtomicBool,
}

/// What is around a line: who hears of it, who tells it what to do, where its sets go.
pub struct Around<'a> {
    /// Where it announces what happens.
    pub events: &'static Board<Event>,
    /// What all cameras are told.
    pub orders: &'a Arc<orders::House>,
    /// The log's; nothing: sets are told and not kept.
    pub inbox: Option<Inbox>,
}

/// A running camera.
pub struct Line {
    view: Arc<View>,
    progress: Arc<Progress>,
}

impl Line {
    /// Starts the camera's three threads.
    ///
    /// # Errors
    /// When the system has no thread left or the encoder cannot be set up.
    pub fn start(
        settings: Settings,
        crew: &Crew,
        metrics: &Metrics,
        around: Around<'_>,
        stop: &Stop,
    ) -> std::io::Result<Line> {
        let Around { events, orders, inbox } = around;
        let Settings { name, capture, retry, engine, look_every, hung, shot_buffers, privacy, zone, encoder, .. } =
            settings;
        let view = View::new(
            name.clone(),
            capture.address.to_string(),
            capture.address.is_recording(),
            engine.name(),
            metrics.camera(&name),
            events,
        );
        metrics.looks_with(&name, engine.name());
        metrics.encodes_with(&name, encoder.name());
        let view = view.with(privacy, zone).with_engine(engine.clone());
        let view = view.with_encoder(encoder.name(), encoder.why().to_string());
        let view = view.in_house(orders.clone());
        let is_live = !capture.address.is_recording();
        let view = Arc::new(if is_live { view.with_stall(capture.stall) } else { view });
        let progress = Arc::new(Progress::default());
        let post = |kind: &str, place: Place| Post {
            name: format!("{kind}:{name}"),
            cores: place.cores,
            priority: place.priority,
            beat_limit: hung,
        };
        let (poster, taker) = crate::mailbox::mailbox();
        let feed = feed::Feed::new(view.clone(), capture, retry, poster, stop.clone());
        let watch = watch::Watch::new(view.clone(), &engine, look_every, taker, stop.clone(), inbox);
        let encoder = encoder.encoder().map_err(std::io::Error::other)?;
        let shoot = shoot::Shoot::new(view.clone(), encoder, shot_buffers, stop.clone());
        let (own, own_view) = (progress.clone(), view.clone());
        crew.start(post("pose", settings.pose_place), move |beat| {
            watch.run(beat, |_| ());
            own.watched.store(true, Ordering::Release);
            let (name, metrics) = (own_view.name(), own_view.metrics());
            let (captured, inferred) = (metrics.captured.get(), metrics.inferred.get());
            if own_view.is_recording() && captured > 0 {
                log::info!("camera {name}: of the recording {captured} frames were read and {inferred} looked at");
            }
        })?;
        crew.start(post("jpeg", settings.jpeg_place), move |beat| shoot.run(beat))?;
        let own = progress.clone();
        crew.start(post("cap", settings.capture_place), move |beat| {
            let outcome = feed.run(beat);
            // Only this thread sets it, and it does so once.
            let _ = own.outcome.set(outcome);
        })?;
        Ok(Line { view, progress })
    }

    /// What others may read.
    pub fn view(&self) -> &Arc<View> {
        &self.view
    }

    /// How the recording ended, once its last frame has been looked at; nothing for a line that goes on.
    pub fn outcome(&self) -> Option<Outcome> {
        let outcome = self.progress.outcome.get().copied()?;
        self.progress.watched.load(Ordering::Acquire).then_some(outcome)
    }

    /// Wakes the jpeg thread for the last time; to be called after the stop flag is raised.
    pub fn close(&self) {
        self.view.shots().close();
    }

    /// Takes the picture away when the capture thread itself cannot, because a library call hangs. To be called by the
    /// supervisor a few times a second.
    pub fn supervise(&self, now: Mono) {
        self.view.let_go_of_the_old(now, Wall::now());
    }
}

#[cfg(test)]
mod simulation;
