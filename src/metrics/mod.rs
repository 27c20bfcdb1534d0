//! Every number the box tells Prometheus: made once at start, counted with atomics, turned to text only when asked.
//!
//! One name for each drop, so that no lost frame is unexplained. Labels are camera names and closed lists, never
//! anything a client sent: the number of series is fixed at start.

mod log;
pub mod machine;

use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, AtomicU64};

use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

pub use log::{SinkMetrics, StoreMetrics};

/// Why a frame went no further.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, EncodeLabelValue)]
pub enum Drop {
    /// The pose thread was busy and a newer frame took its place.
    Replaced,
    /// Every buffer was being read.
    NoBuffer,
    /// It was truncated or garbled.
    Broken,
    /// It could not be encoded.
    NotEncoded,
    /// A viewer was too slow to be sent it.
    SlowViewer,
}

/// All of [`Drop`].
pub const DROPS: [Drop; 5] = [Drop::Replaced, Drop::NoBuffer, Drop::Broken, Drop::NotEncoded, Drop::SlowViewer];

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct OfEngine {
    camera: String,
    engine: &'static str,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct OfEncoder {
    camera: String,
    encoder: &'static str,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct OfCamera {
    camera: String,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct OfDrop {
    camera: String,
    reason: Drop,
}

/// What an HTTP request was for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, EncodeLabelValue)]
pub enum RouteClass {
    /// Snapshots.
    Snapshot,
    /// Multipart streams.
    Stream,
    /// Server-sent events.
    Events,
    /// Every other JSON route.
    Api,
    /// Pages and their files.
    Page,
    /// Health, readiness, metrics.
    Probe,
    /// What was no route or no request.
    Refused,
}

/// All of [`RouteClass`].
pub const ROUTE_CLASSES: [RouteClass; 7] = [
    RouteClass::Snapshot,
    RouteClass::Stream,
    RouteClass::Events,
    RouteClass::Api,
    RouteClass::Page,
    RouteClass::Probe,
    RouteClass::Refused,
];

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct OfRoute {
    route: RouteClass,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct OfStatus {
    route: RouteClass,
    status: String,
}

/// One camera's numbers. Cheap to clone: clones count the same.
#[derive(Clone)]
pub struct CameraMetrics {
    /// Frames that came whole.
    pub captured: Counter,
    /// Frames shown to viewers.
    pub published: Counter,
    /// Frames looked at by the pose thread.
    pub inferred: Counter,
    /// Repetitions told.
    pub reps: Counter,
    /// Sets that are over.
    pub sets: Counter,
    /// JPEGs made.
    pub encodes: Counter,
    /// JPEGs asked for that were there already.
    pub cache_hits: Counter,
    /// Times the source was opened.
    pub opens: Counter,
    /// Times it was lost.
    pub losses: Counter,
    /// 1 while it gives pictures.
    pub up: Gauge,
    /// 1 while the pose engine is being built.
    pub building: Gauge,
    /// Streams open now.
    pub viewers: Gauge,
    /// Seconds of one encode.
    pub encode_s: Histogram,
    /// Seconds of one inference.
    pub infer_s: Histogram,
    /// Seconds from capture to the start of inference.
    pub infer_age_s: Histogram,
    /// Seconds from capture to the shot's delivery.
    pub shot_age_s: Histogram,
    drops: [Counter; DROPS.len()],
}

impl CameraMetrics {
    /// The counter of this kind of drop.
    pub fn drop_of(&self, reason: Drop) -> &Counter {
        &self.drops[reason as usize]
    }
}

/// What the HTTP face counts.
#[derive(Clone)]
pub struct HttpMetrics {
    /// Connections open now.
    pub connections: Gauge,
    /// Connections refused at a limit.
    pub refused: Counter,
    /// TLS handshakes that did not come to their end.
    pub handshakes_failed: Counter,
    /// Attempts to accept a connection that failed.
    pub unaccepted: Counter,
    /// Bytes sent.
    pub sent_bytes: Counter,
    /// Listeners of events now.
    pub listeners: Gauge,
    seconds: [Histogram; ROUTE_CLASSES.len()],
    statuses: Family<OfStatus, Counter>,
}

impl HttpMetrics {
    /// Seconds from a request's last byte to its answer's last byte.
    pub fn seconds(&self, route: RouteClass) -> &Histogram {
        &self.seconds[route as usize]
    }

    /// The counter of these answers. Looking it up allocates; a worker keeps those it has used.
    pub fn status_counter(&self, route: RouteClass, status: u16) -> Counter {
        self.statuses.get_or_create(&OfStatus { route, status: status.to_string() }).clone()
    }
}

#[derive(Default)]
struct Families {
    captured: Family<OfCamera, Counter>,
    published: Family<OfCamera, Counter>,
    inferred: Family<OfCamera, Counter>,
    reps: Family<OfCamera, Counter>,
    sets: Family<OfCamera, Counter>,
    encodes: Family<OfCamera, Counter>,
    cache_hits: Family<OfCamera, Counter>,
    opens: Family<OfCamera, Counter>,
    losses: Family<OfCamera, Counter>,
    up: Family<OfCamera, Gauge>,
    viewers: Family<OfCamera, Gauge>,
    building: Family<OfCamera, Gauge>,
    drops: Family<OfDrop, Counter>,
    engines: Family<OfEngine, Gauge>,
    encoders: Family<OfEncoder, Gauge>,
}

type Histograms = Family<OfCamera, Histogram, fn() -> Histogram>;

/// All numbers of the box.
pub struct Metrics {
    registry: Mutex<Registry>,
    families: Families,
    encode_s: Histograms,
    infer_s: Histograms,
    infer_age_s: Histograms,
    shot_age_s: Histograms,
    sinks: log::Sinks,
    /// The HTTP face's.
    pub http: HttpMetrics,
    /// The log's.
    pub store: StoreMetrics,
    /// The box's own pauses.
    pub pauses: Pauses,
}

/// When the machine gave the box no time: it was halted, or others took every core.
#[derive(Clone, Default)]
pub struct Pauses {
    /// How often.
    pub times: Counter,
    /// For how long, all together.
    pub seconds: Counter<f64, AtomicU64>,
}

impl Pauses {
    fn register(registry: &mut Registry) -> Pauses {
        let pauses = Pauses::default();
        let help = "Times that the machine gave the box no time for seconds";
        registry.register("pauses", help, pauses.times.clone());
        registry.register_with_unit("paused", "How long these were", Unit::Seconds, pauses.seconds.clone());
        pauses
    }
}

/// 100 µs to 3.3 s, each bucket twice the one before: an encode takes about 1 ms, a stall is seen by its bucket.
fn seconds() -> Histogram {
    Histogram::new(prometheus_client::metrics::histogram::exponential_buckets(0.0001, 2.0, 16))
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("spotter");
        let families = Families::default();
        families.register(&mut registry);
        let mut histograms = |name: &str, help: &str| {
            let family = Histograms::new_with_constructor(seconds);
            registry.register_with_unit(name, help, Unit::Seconds, family.clone());
            family
        };
        let encode_s = histograms("encode", "Time of one JPEG encode");
        let infer_s = histograms("inference", "Time of one pose inference");
        let infer_age_s = histograms("inference_age", "From capture to the start of inference");
        let shot_age_s = histograms("shot_age", "From capture to the JPEG being there");
        let http = register_http(&mut registry);
        let store = StoreMetrics::register(&mut registry);
        let sinks = log::Sinks::register(&mut registry);
        let pauses = Pauses::register(&mut registry);
        let version = Info::new([("version", env!("CARGO_PKG_VERSION")), ("arch", std::env::consts::ARCH)]);
        registry.register("build", "What is running", version);
        registry.register_collector(Box::new(machine::Machine::default()));
        Metrics {
            registry: Mutex::new(registry),
            families,
            encode_s,
            infer_s,
            infer_age_s,
            shot_age_s,
            sinks,
            http,
            store,
            pauses,
        }
    }
}

impl Families {
    fn register(&self, registry: &mut Registry) {
        registry.register("frames_captured", "Frames that came whole from the source", self.captured.clone());
        registry.register("frames_published", "Frames shown to viewers", self.published.clone());
        registry.register("frames_inferred", "Frames looked at by the pose thread", self.inferred.clone());
        registry.register("repetitions", "Repetitions told", self.reps.clone());
        registry.register("sets", "Sets that are over", self.sets.clone());
        registry.register("encodes", "JPEGs made", self.encodes.clone());
        registry.register("cache_hits", "JPEGs asked for that were there already", self.cache_hits.clone());
        registry.register("source_opens", "Times the source was opened", self.opens.clone());
        registry.register("source_losses", "Times the source was lost", self.losses.clone());
        registry.register("camera_up", "1 while the camera gives pictures", self.up.clone());
        registry.register("stream_viewers", "Streams open now", self.viewers.clone());
        registry.register("pose_engine", "1 for the engine that looks at the camera's athlete", self.engines.clone());
        registry.register("jpeg_encoder", "1 for what encodes the camera's pictures", self.encoders.clone());
        registry.register("pose_engine_building", "1 while the pose engine is being built", self.building.clone());
        registry.register("frames_dropped", "Frames that went no further, by reason", self.drops.clone());
    }
}

fn register_http(registry: &mut Registry) -> HttpMetrics {
    let statuses = Family::<OfStatus, Counter>::default();
    registry.register("http_requests", "Answers, by route and status", statuses.clone());
    let family = Family::<OfRoute, Histogram, fn() -> Histogram>::new_with_constructor(seconds);
    registry.register_with_unit("http_request", "From request to answered", Unit::Seconds, family.clone());
    let http = HttpMetrics {
        connections: Gauge::<i64, AtomicI64>::default(),
        refused: Counter::<u64, AtomicU64>::default(),
        handshakes_failed: Counter::<u64, AtomicU64>::default(),
        unaccepted: Counter::<u64, AtomicU64>::default(),
        sent_bytes: Counter::<u64, AtomicU64>::default(),
        listeners: Gauge::<i64, AtomicI64>::default(),
        seconds: ROUTE_CLASSES.map(|route| family.get_or_create(&OfRoute { route }).clone()),
        statuses,
    };
    registry.register("http_connections", "Connections open now", http.connections.clone());
    registry.register("http_refused", "Connections refused at a limit", http.refused.clone());
    let failed = http.handshakes_failed.clone();
    registry.register("tls_handshakes_failed", "TLS handshakes that did not come to their end", failed);
    let help = "Attempts to accept a connection that failed, for want of descriptors";
    registry.register("http_unaccepted", help, http.unaccepted.clone());
    registry.register("http_sent", "Bytes sent", http.sent_bytes.clone());
    registry.register("event_listeners", "Listeners of events now", http.listeners.clone());
    http
}

impl Metrics {
    /// This camera's athlete is looked at with this engine.
    pub fn looks_with(&self, camera: &str, engine: &'static str) {
        self.families.engines.get_or_create(&OfEngine { camera: camera.to_string(), engine }).set(1);
    }

    /// This camera's pictures are encoded with this encoder.
    pub fn encodes_with(&self, camera: &str, encoder: &'static str) {
        self.families.encoders.get_or_create(&OfEncoder { camera: camera.to_string(), encoder }).set(1);
    }

    /// The numbers of the camera of this name; they begin at zero and are shown from now on.
    pub fn camera(&self, name: &str) -> CameraMetrics {
        let of = OfCamera { camera: name.to_string() };
        let f = &self.families;
        let dropped = |reason| f.drops.get_or_create(&OfDrop { camera: name.to_string(), reason }).clone();
        CameraMetrics {
            captured: f.captured.get_or_create(&of).clone(),
            published: f.published.get_or_create(&of).clone(),
            inferred: f.inferred.get_or_create(&of).clone(),
            reps: f.reps.get_or_create(&of).clone(),
            sets: f.sets.get_or_create(&of).clone(),
            encodes: f.encodes.get_or_create(&of).clone(),
            cache_hits: f.cache_hits.get_or_create(&of).clone(),
            opens: f.opens.get_or_create(&of).clone(),
            losses: f.losses.get_or_create(&of).clone(),
            up: f.up.get_or_create(&of).clone(),
            viewers: f.viewers.get_or_create(&of).clone(),
            building: f.building.get_or_create(&of).clone(),
            encode_s: self.encode_s.get_or_create(&of).clone(),
            infer_s: self.infer_s.get_or_create(&of).clone(),
            infer_age_s: self.infer_age_s.get_or_create(&of).clone(),
            shot_age_s: self.shot_age_s.get_or_create(&of).clone(),
            drops: DROPS.map(dropped),
        }
    }

    /// The numbers of the sink of this name.
    pub fn sink(&self, name: &str) -> SinkMetrics {
        self.sinks.sink(name)
    }

    /// The OpenMetrics text.
    pub fn text(&self) -> String {
        let mut out = String::with_capacity(16 * 1024);
        let registry = self.registry.lock().expect("nothing panics under this lock");
        encode(&mut out, &registry).expect("writing to a String cannot fail");
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_drop_has_its_own_counter_and_the_text_says_so() {
        let metrics = Metrics::default();
        let camera = metrics.camera("rack");
        for (i, reason) in DROPS.into_iter().enumerate() {
            camera.drop_of(reason).inc_by(i as u64 + 1);
        }
        camera.encode_s.observe(0.001);
        let text = metrics.text();
        for (i, reason) in DROPS.into_iter().enumerate() {
            let line = format!("spotter_frames_dropped_total{{camera=\"rack\",reason=\"{reason:?}\"}} {}", i + 1);
            assert!(text.contains(&line), "{line}\n{text}");
        }
        assert!(text.contains("spotter_encode_seconds_count{camera=\"rack\"} 1"), "{text}");
        assert!(text.ends_with("# EOF\n"));
    }

    #[test]
    fn a_cameras_numbers_are_there_before_anything_happened() {
        let metrics = Metrics::default();
        metrics.camera("rack");
        assert!(metrics.text().contains("spotter_frames_captured_total{camera=\"rack\"} 0"));
    }
}
