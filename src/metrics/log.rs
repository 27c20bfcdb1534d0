//! The numbers of the log and of its deliveries.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

/// What the log counts. Cheap to clone: clones count the same.
#[derive(Clone)]
pub struct StoreMetrics {
    /// 1 while it can be written.
    pub up: Gauge,
    /// 1 while the disk is slow.
    pub slow: Gauge,
    /// Seconds of one write.
    pub write_s: Histogram,
    /// 1 while the wall clock shows a time that can be right.
    pub clock_plausible: Gauge,
    /// Times that the wall clock was set.
    pub clock_steps: Counter,
    /// Sets that wait in memory for the disk.
    pub waiting: Gauge,
    /// Sets written.
    pub written: Counter,
    /// Sets that came when no more could wait, and are lost.
    pub refused: Counter,
    /// Attempts to write that failed.
    pub failures: Counter,
    /// Damaged files that were moved aside.
    pub damaged: Counter,
}

impl Default for StoreMetrics {
    fn default() -> StoreMetrics {
        StoreMetrics {
            up: Gauge::default(),
            slow: Gauge::default(),
            // 1 ms to half a minute, each bucket twice the one before.
            write_s: Histogram::new(exponential_buckets(0.001, 2.0, 16)),
            clock_plausible: Gauge::default(),
            clock_steps: Counter::default(),
            waiting: Gauge::default(),
            written: Counter::default(),
            refused: Counter::default(),
            failures: Counter::default(),
            damaged: Counter::default(),
        }
    }
}

/// What one sink counts.
#[derive(Clone, Default)]
pub struct SinkMetrics {
    /// Deliveries that were taken.
    pub delivered: Counter,
    /// Attempts that failed and will be repeated.
    pub failed: Counter,
    /// Deliveries that were refused and wait for a person.
    pub parked: Gauge,
    /// Deliveries that wait.
    pub backlog: Gauge,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct OfSink {
    sink: String,
}

/// The families of [`SinkMetrics`].
#[derive(Default)]
pub(super) struct Sinks {
    delivered: Family<OfSink, Counter>,
    failed: Family<OfSink, Counter>,
    parked: Family<OfSink, Gauge>,
    backlog: Family<OfSink, Gauge>,
}

impl StoreMetrics {
    pub(super) fn register(registry: &mut Registry) -> StoreMetrics {
        let store = StoreMetrics::default();
        registry.register("store_up", "1 while the log can be written", store.up.clone());
        registry.register("store_slow", "1 while a write takes a second or longer", store.slow.clone());
        registry.register_with_unit("store_write", "Time of one write", Unit::Seconds, store.write_s.clone());
        let help = "1 while the wall clock shows a time that can be right";
        registry.register("clock_plausible", help, store.clock_plausible.clone());
        registry.register("clock_steps", "Times that the wall clock was set", store.clock_steps.clone());
        registry.register("store_waiting_sets", "Sets that wait for the disk", store.waiting.clone());
        registry.register("store_written_sets", "Sets written", store.written.clone());
        registry.register("store_refused_sets", "Sets lost because no more could wait", store.refused.clone());
        registry.register("store_failures", "Attempts to write that failed", store.failures.clone());
        registry.register("store_damaged_files", "Damaged files that were moved aside", store.damaged.clone());
        store
    }
}

impl Sinks {
    pub(super) fn register(registry: &mut Registry) -> Sinks {
        let sinks = Sinks::default();
        registry.register("sink_delivered", "Deliveries that were taken", sinks.delivered.clone());
        registry.register("sink_failed", "Attempts to deliver that failed", sinks.failed.clone());
        registry.register("sink_parked", "Deliveries that were refused", sinks.parked.clone());
        registry.register("sink_backlog", "Deliveries that wait", sinks.backlog.clone());
        sinks
    }

    pub(super) fn sink(&self, name: &str) -> SinkMetrics {
        let of = OfSink { sink: name.to_string() };
        SinkMetrics {
            delivered: self.delivered.get_or_create(&of).clone(),
            failed: self.failed.get_or_create(&of).clone(),
            parked: self.parked.get_or_create(&of).clone(),
            backlog: self.backlog.get_or_create(&of).clone(),
        }
    }
}
