//! The config as it was understood, for people: every key with its value, every secret as `***`.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{CameraConfig, Config, Engine, PerThread, PoseConfig};
use crate::jpeg::{self, Wanted as Encoder};
use crate::sink::{Kind, Settings as Sink};

const HIDDEN: &str = "***";

impl Config {
    /// As JSON, for the admin page.
    pub fn resolved_json(&self) -> String {
        self.resolved().to_string()
    }

    /// As TOML, for `spotter check`. It is a valid config but for the secrets.
    pub fn resolved_toml(&self) -> String {
        toml::to_string(&self.resolved()).expect("it holds nothing that TOML lacks: no null, no mixed keys")
    }

    fn resolved(&self) -> Value {
        let http = &self.http;
        let mut face = json!({
            "listen": http.listen,
            "wrong_keys_per_minute": http.wrong_keys_per_minute,
            "hosts": http.hosts,
            "workers": http.workers,
            "stream_workers": http.stream_workers,
            "stream_viewers": http.stream_viewers,
            "stream_viewers_per_peer": http.stream_viewers_per_peer,
            "event_viewers": http.event_viewers,
            "event_viewers_per_peer": http.event_viewers_per_peer,
            "connections": http.connections,
            "connections_per_peer": http.connections_per_peer,
            "head_bytes": http.head_bytes,
            "body_bytes": http.body_bytes,
            "clip_mb": http.clip_bytes / (1024 * 1024),
            "head_timeout_s": seconds(http.head_timeout),
            "idle_timeout_s": seconds(http.idle_timeout),
            "write_timeout_s": seconds(http.write_timeout),
            "shot_timeout_s": seconds(http.shot_timeout),
            "cores": http.cores,
            "open": self.open,
            "tls": { "listen": http.tls.listen },
        });
        if let Some(given) = &http.tls.given {
            face["tls"]["certificate"] = given.certificate.display().to_string().into();
            face["tls"]["key"] = given.key.display().to_string().into();
        }
        if http.api_key.is_some() {
            face["api_key"] = HIDDEN.into();
        }
        let mut out = json!({
            "data_dir": self.data_dir.display().to_string(),
            "camera": self.cameras.iter().map(camera).collect::<Vec<_>>(),
            "http": face,
            "capture": {
                "stall_s": seconds(self.capture.stall),
                "retry_first_s": seconds(self.capture.retry_first),
                "retry_most_s": seconds(self.capture.retry_most),
            },
            "health": { "stale_s": seconds(http.stale) },
            "threads": { "hung_s": seconds(self.threads.hung), "main_cores": self.threads.main_cores },
            "jpeg": jpeg(&self.jpeg),
            "pose": pose(&self.pose),
            "store": {
                "waiting": self.store.waiting,
                "patience_s": seconds(self.store.patience),
                "page_most": self.store.page_most,
                "clock_wait_s": seconds(self.clock_wait),
            },
            "retention": {
                "sets_days": self.store.retention.sets_days,
                "snapshots_days": self.store.retention.snapshots_days,
                "snapshots_mb": self.store.retention.snapshots_bytes / (1024 * 1024),
            },
            "sink": self.sinks.iter().map(sink).collect::<Vec<_>>(),
        });
        for (name, value) in self.thresholds.by_name() {
            match name.split_once('.') {
                Some((section, key)) => out[section][key] = share(value).into(),
                None => out[name] = share(value).into(),
            }
        }
        out
    }
}

fn jpeg(jpeg: &jpeg::Settings) -> Value {
    let encoder = match jpeg.encoder {
        Encoder::Auto => "auto",
        Encoder::Cpu => "cpu",
        Encoder::Nvjpeg => "nvjpeg",
        Encoder::Nvjpegenc => "nvjpegenc",
    };
    let mut out = json!({ "encoder": encoder });
    if let Some(folder) = &jpeg.cuda {
        out["cuda"] = folder.display().to_string().into();
    }
    out
}

fn pose(pose: &PoseConfig) -> Value {
    let engine = match pose.engine {
        Engine::Auto => "auto",
        Engine::TensorRt => "tensorrt",
        Engine::OnnxRuntime => "onnxruntime",
        Engine::Cpu => "cpu",
        Engine::Off => "off",
    };
    let mut out = json!({
        "engine": engine,
        "precision": pose.tensorrt.precision.name(),
        "meanwhile": if pose.tensorrt.meanwhile_cpu { "cpu" } else { "nobody" },
        "threads": pose.threads,
        "max_fps": pose.max_fps,
        "most_people": pose.most_people,
        "score": share(pose.score),
        "overlap": share(pose.overlap),
    });
    if let Some(model) = &pose.model {
        out["model"] = model.display().to_string().into();
    }
    let files =
        [("onnxruntime", &pose.onnxruntime), ("tensorrt", &pose.tensorrt.library), ("trtexec", &pose.tensorrt.trtexec)];
    for (key, file) in files {
        if let Some(file) = file {
            out[key] = file.display().to_string().into();
        }
    }
    out
}

/// As it was written: 0.7 is not exactly a 32-bit number.
fn share(value: f32) -> f64 {
    (f64::from(value) * 1e6).round() / 1e6
}

fn sink(sink: &Sink) -> Value {
    let (kind, key) = match sink.kind {
        Kind::Pump => ("pump", "api_key"),
        Kind::Webhook => ("webhook", "secret"),
    };
    let mut out = json!({
        "kind": kind,
        "name": sink.name,
        "url": sink.shown_url(),
        "timeout_s": seconds(sink.timeout),
        "tries": sink.tries,
    });
    if sink.key.is_some() {
        out[key] = HIDDEN.into();
    }
    out
}

fn seconds(span: Duration) -> f64 {
    span.as_secs_f64()
}

fn camera(camera: &CameraConfig) -> Value {
    let PerThread { capture, pose, jpeg } = &camera.cores;
    let mut out = json!({
        "name": camera.name,
        "source": camera.source.to_string(),
        "pose": camera.pose,
        "privacy": camera.privacy,
        "cores": { "capture": capture, "pose": pose, "jpeg": jpeg },
    });
    if let Some(zone) = &camera.zone {
        out["zone"] = json!(zone);
    }
    if matches!(camera.source, crate::capture::Address::Rtsp(_)) {
        out["transport"] = if camera.rtsp_udp { "udp" } else { "tcp" }.into();
    }
    if camera.source.is_recording() {
        out["pace"] = if camera.full_speed { "full" } else { "real" }.into();
    }
    let PerThread { capture, pose, jpeg } = camera.priority;
    let given = [("capture", capture), ("pose", pose), ("jpeg", jpeg)];
    let priority: Map<String, Value> =
        given.into_iter().filter_map(|(name, value)| Some((name.to_string(), value?.into()))).collect();
    if !priority.is_empty() {
        out["priority"] = priority.into();
    }
    out
}
