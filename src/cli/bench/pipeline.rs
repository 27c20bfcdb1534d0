//! `spotter bench pipeline`: the real capture and pose threads with a paced source and an engine that sleeps.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::Serialize;

use crate::camera::feed::Feed;
use crate::camera::watch::Watch;
use crate::camera::{Event, Retry, View};
use crate::capture::paced::PacedAddress;
use crate::capture::{Address, Settings};
use crate::events::Board;
use crate::metrics::{Drop, Metrics};
use crate::pose::Engine;
use crate::threads::{Crew, Post, Stop};
use crate::time::{Mono, as_ms};

/// What `bench pipeline --json` prints.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Report {
    /// Frames published, a second.
    pub publish_fps: f64,
    /// Frames looked at, a second.
    pub pose_fps: f64,
    /// Frames that were replaced in the mailbox.
    pub replaced: u64,
    /// Age of a frame at the start of its inference: median.
    pub age_ms_p50: f64,
    /// The same: 99th percentile.
    pub age_ms_p99: f64,
}

/// Runs the line for `run` and reports.
///
/// # Errors
/// When a thread cannot be started.
pub fn measure(camera_fps: f64, infer: Duration, run: Duration) -> std::io::Result<Report> {
    let events: &'static Board<Event> = Box::leak(Box::default());
    let (metrics, crew, stop) = (Metrics::default(), Crew::default(), Stop::default());
    let numbers = metrics.camera("bench");
    let view = Arc::new(View::new("bench".into(), "paced:".into(), false, "replay", numbers.clone(), events));
    let settings = Settings {
        address: Address::Paced(PacedAddress { fps: camera_fps }),
        rtsp_udp: false,
        stall: Duration::from_secs(5),
        full_speed: false,
    };
    let (poster, taker) = crate::mailbox::mailbox();
    let feed = Feed::new(view.clone(), settings, Retry::default(), poster, stop.clone());
    let watch = Watch::new(view, &Engine::Replay { takes: infer }, Duration::ZERO, taker, stop.clone(), None);
    let ages = Arc::new(Mutex::new(Vec::with_capacity(1 << 20)));
    let own_ages = ages.clone();
    crew.start(Post::named("pose:bench"), move |beat| {
        watch.run(beat, |age| own_ages.lock().expect("nothing panics under this lock").push(age));
    })?;
    let begun = Mono::now();
    crew.start(Post::named("cap:bench"), move |beat| {
        feed.run(beat);
    })?;
    stop.wait(run);
    let took_s = Mono::now().since(begun).as_secs_f64();
    let (published, inferred) = (numbers.published.get(), numbers.inferred.get());
    stop.raise();
    crew.join(Duration::from_secs(5) + infer);
    let mut ages = std::mem::take(&mut *ages.lock().expect("nothing panics under this lock"));
    ages.sort();
    let percentile = |p: f64| {
        let last = ages.len().checked_sub(1)?;
        ages.get((last as f64 * p).round() as usize).copied()
    };
    Ok(Report {
        publish_fps: published as f64 / took_s,
        pose_fps: inferred as f64 / took_s,
        replaced: numbers.drop_of(Drop::Replaced).get(),
        age_ms_p50: percentile(0.5).map_or(0.0, as_ms),
        age_ms_p99: percentile(0.99).map_or(0.0, as_ms),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_published_frame_is_looked_at_or_counted_as_replaced() {
        let report = measure(100.0, Duration::from_millis(25), Duration::from_millis(500)).unwrap();
        assert!(report.publish_fps > 0.0 && report.pose_fps > 0.0, "{report:?}");
        assert!(report.replaced > 0, "a camera four times as fast as the engine must replace frames: {report:?}");
        assert!(report.age_ms_p50 <= report.age_ms_p99, "{report:?}");
    }
}
