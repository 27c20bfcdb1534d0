//! The face: an HTTP/1.1 server on two fixed groups of threads.
//!
//! (Provisional body: the server comes here.)

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::camera::{Event, View};
use crate::events::Board;
use crate::metrics::Metrics;
use crate::threads::{Crew, Stop};
use crate::time::Mono;

/// Every limit of the face. Config fills it.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where to listen, `host:port`.
    pub listen: String,
    /// The key that `/api` wants; nothing: no key.
    pub api_key: Option<String>,
    /// Threads for short requests.
    pub workers: usize,
    /// Threads for streams and events.
    pub stream_workers: usize,
    /// Streams open at once, of all cameras.
    pub stream_viewers: usize,
    /// Listeners of events at once.
    pub event_viewers: usize,
    /// Connections open at once.
    pub connections: usize,
    /// Connections open at once from one address.
    pub connections_per_peer: usize,
    /// A request head may be this long.
    pub head_bytes: usize,
    /// A JSON or form body may be this long.
    pub body_bytes: usize,
    /// A recorded clip may be this long; it goes to disk.
    pub clip_bytes: u64,
    /// A whole request head must come within this time.
    pub head_timeout: Duration,
    /// An idle connection is closed after this time.
    pub idle_timeout: Duration,
    /// A write that makes no progress for this time ends the connection.
    pub write_timeout: Duration,
    /// A snapshot that is not there after this time is answered 503.
    pub shot_timeout: Duration,
    /// `/healthz` fails when every live camera's newest frame is older.
    pub stale: Duration,
    /// Cores of the workers.
    pub cores: Vec<usize>,
    /// Where clips are kept while they come in.
    pub data_dir: PathBuf,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            listen: "127.0.0.1:8080".into(),
            api_key: None,
            workers: 2,
            stream_workers: 2,
            stream_viewers: 20,
            event_viewers: 16,
            connections: 256,
            connections_per_peer: 64,
            head_bytes: 8 * 1024,
            body_bytes: 64 * 1024,
            clip_bytes: 256 * 1024 * 1024,
            head_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(15),
            write_timeout: Duration::from_secs(10),
            shot_timeout: Duration::from_secs(2),
            stale: Duration::from_secs(10),
            cores: Vec::new(),
            data_dir: PathBuf::from("."),
        }
    }
}

/// What the face may know of the box.
pub struct House {
    /// The cameras, in the config's order.
    pub views: Vec<Arc<View>>,
    /// What is announced.
    pub events: &'static Board<Event>,
    /// The numbers.
    pub metrics: Arc<Metrics>,
    /// The threads, for the admin page and `/readyz`.
    pub crew: Arc<Crew>,
    /// Different at every start: part of every ETag.
    pub boot_id: u64,
    /// The config as resolved, secrets hidden, as JSON.
    pub config_json: String,
    /// When the box started.
    pub started: Mono,
}

/// Binds and starts the face's threads on `house.crew`. Returns the address it listens on.
///
/// # Errors
/// When the address cannot be bound or a thread cannot be started; the sentence names the address.
pub fn start(_settings: Settings, _house: Arc<House>, _stop: Stop) -> std::io::Result<std::net::SocketAddr> {
    Err(std::io::Error::other("the face is not built yet"))
}
