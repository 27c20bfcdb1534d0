//! What `spotter bench http` measures: the whole face with one camera that shows one picture for ever.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::{House, Settings, start};
use crate::camera::View;
use crate::events::Board;
use crate::frame::{Frame, Layout};
use crate::jpeg::{Shot, Variant};
use crate::metrics::Metrics;
use crate::threads::{Crew, Stop};
use crate::time::{Mono, Wall};

/// Keeps the server alive; dropping it ends the server.
pub struct Guard {
    stop: Stop,
    crew: Arc<Crew>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.stop.raise();
        self.crew.join(Duration::from_secs(5));
    }
}

/// Serves `body_len` bytes as the picture of the only camera, at `/snapshot`, on `listen`.
///
/// # Errors
/// When there is no port or no thread.
pub fn serve_fixed(listen: &str, body_len: usize, workers: usize) -> std::io::Result<(SocketAddr, Guard)> {
    let metrics = Arc::new(Metrics::default());
    // A board lives as long as the program, as in the box itself.
    let events = Box::leak(Box::<Board<_>>::default());
    let view = View::new("bench".into(), "bench:".into(), false, "off", metrics.camera("bench"), events);
    let now = Mono::now();
    let layout = Layout::jpeg(1280, 720);
    view.publish(
        Arc::new(Frame { id: view.next_id(), captured: now, captured_wall: Wall::now(), layout, ..Frame::default() }),
        now,
    );
    let _ = view.look(Variant::default(), 1);
    if let Some(job) = view.shots().next_job(Duration::ZERO) {
        let (frame_id, captured_wall) = (job.frame.id, job.frame.captured_wall);
        let bytes = (0..body_len).map(|i| ((i * 31) >> 3) as u8).collect();
        let shot = Shot { bytes, frame_id, captured: now, captured_wall, width: 1280, height: 720, ..Shot::default() };
        view.shots().deliver(job, Some(Arc::new(shot)));
    }
    let (crew, stop) = (Arc::new(Crew::default()), Stop::default());
    let house = House {
        views: vec![Arc::new(view)],
        events,
        orders: Arc::default(),
        store: None,
        sinks: None,
        reference: None,
        metrics,
        crew: crew.clone(),
        boot_id: 1,
        config_json: "{}".into(),
        started: now,
    };
    let settings = Settings { listen: listen.into(), workers, connections_per_peer: 256, ..Settings::default() };
    let at = start(settings, Arc::new(house), None, stop.clone()).map_err(std::io::Error::other)?;
    let address = at.plain.ok_or_else(|| std::io::Error::other("the bench server listens nowhere"))?;
    Ok((address, Guard { stop, crew }))
}
