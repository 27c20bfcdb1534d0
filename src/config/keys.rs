//! Every key that a config may hold, in one table.
//!
//! The reader refuses what does not stand here, and `tests/config` holds the box's own file against it, so a key
//! can be neither undocumented nor documented in vain.

/// The keys, with their sections. `camera` and `sink` are lists of tables.
pub const KEYS: &[&str] = &[
    "data_dir",
    "confidence_threshold",
    "http.listen",
    "http.api_key",
    "http.wrong_keys_per_minute",
    "http.hosts",
    "http.open",
    "http.workers",
    "http.stream_workers",
    "http.stream_viewers",
    "http.stream_viewers_per_peer",
    "http.event_viewers",
    "http.event_viewers_per_peer",
    "http.connections",
    "http.connections_per_peer",
    "http.head_bytes",
    "http.body_bytes",
    "http.clip_mb",
    "http.head_timeout_s",
    "http.idle_timeout_s",
    "http.write_timeout_s",
    "http.shot_timeout_s",
    "http.cores",
    "http.tls.listen",
    "http.tls.certificate",
    "http.tls.key",
    "camera.name",
    "camera.source",
    "camera.transport",
    "camera.pace",
    "camera.pose",
    "camera.privacy",
    "camera.zone",
    "camera.cores.capture",
    "camera.cores.pose",
    "camera.cores.jpeg",
    "camera.priority.capture",
    "camera.priority.pose",
    "camera.priority.jpeg",
    "capture.stall_s",
    "capture.retry_first_s",
    "capture.retry_most_s",
    "health.stale_s",
    "jpeg.encoder",
    "jpeg.cuda",
    "pose.engine",
    "pose.model",
    "pose.onnxruntime",
    "pose.tensorrt",
    "pose.trtexec",
    "pose.precision",
    "pose.meanwhile",
    "pose.threads",
    "pose.max_fps",
    "pose.most_people",
    "pose.score",
    "pose.overlap",
    "rep.min_amplitude_deg",
    "rep.min_period_s",
    "rep.smoothing_s",
    "set_boundary.quiet_seconds",
    "store.waiting",
    "store.patience_s",
    "store.page_most",
    "store.clock_wait_s",
    "retention.sets_days",
    "retention.snapshots_days",
    "retention.snapshots_mb",
    "sink.kind",
    "sink.url",
    "sink.name",
    "sink.api_key",
    "sink.secret",
    "sink.timeout_s",
    "sink.tries",
    "threads.hung_s",
    "threads.main_cores",
];

/// What the reader finds a key to be.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Known {
    /// It has a value.
    Key,
    /// It holds keys.
    Section,
    /// It is not known, and this is what to say.
    Not(String),
}

/// What the key at `path` (its section's name and a dot before it) is.
pub(super) fn look_up(path: &str) -> Known {
    let below = |section: &str, key: &str| key.strip_prefix(section).is_some_and(|rest| rest.starts_with('.'));
    if KEYS.contains(&path) {
        return Known::Key;
    }
    if KEYS.iter().any(|key| below(path, key)) {
        return Known::Section;
    }
    let (section, name) = path.rsplit_once('.').unwrap_or(("", path));
    let mut siblings: Vec<&str> = KEYS
        .iter()
        .filter_map(|key| if section.is_empty() { Some(*key) } else { key.strip_prefix(section)?.strip_prefix('.') })
        .map(|key| key.split('.').next().unwrap_or(key))
        .collect();
    siblings.dedup();
    let place = if section.is_empty() { "the config".to_string() } else { format!("[{section}]") };
    Known::Not(format!("unknown key `{name}`; {place} knows {}", siblings.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_sections_and_strangers_are_told_apart() {
        assert_eq!(look_up("http.listen"), Known::Key);
        assert_eq!(look_up("camera.cores"), Known::Section);
        assert_eq!(look_up("data_dir"), Known::Key);
        assert_eq!(look_up("rep"), Known::Section);
        assert_eq!(look_up("health.stale"), Known::Not("unknown key `stale`; [health] knows stale_s".into()));
        assert_eq!(
            look_up("htp"),
            Known::Not(
                "unknown key `htp`; the config knows data_dir, confidence_threshold, http, camera, capture, health, \
                 jpeg, pose, rep, set_boundary, store, retention, sink, threads"
                    .into()
            )
        );
    }
}
