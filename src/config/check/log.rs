//! `[store]`, `[retention]` and `[[sink]]`: how the log is kept, and where sets are delivered.

use std::path::Path;
use std::time::Duration;

use super::http::KEY_BYTES;
use super::part::Part;
use crate::config::fault::{Gathered, Place};
use crate::config::raw::Kind as Raw;
use crate::sink::{self, Kind, SINKS, Secret, is_address};
use crate::store::{Retention, Settings};

/// Long enough for a network to come up and tell the time.
pub(super) const CLOCK_WAIT: Duration = Duration::from_secs(300);
const TIMEOUT: Duration = Duration::from_secs(10);
/// With the pauses between them, about an hour.
const TRIES: usize = 20;
const NAME_CHARS: usize = 32;
const MEGABYTE: u64 = 1024 * 1024;

/// The log's settings.
pub(super) fn store(root: &Part, data_dir: &Path, sinks: &[sink::Settings]) -> Settings {
    let (part, keep, or) = (root.part("store"), root.part("retention"), Settings::default());
    let days = |key, or| keep.count(key, 0..=36_500, or);
    let megabytes = keep.whole("snapshots_mb", 0..=1_000_000).and_then(|mb| u64::try_from(mb).ok());
    Settings {
        folder: data_dir.to_path_buf(),
        waiting: part.count("waiting", 1..=100_000, or.waiting),
        patience: part.seconds("patience_s", 0.1..=30.0, or.patience),
        page_most: part.count("page_most", 1..=5000, or.page_most),
        retention: Retention {
            sets_days: days("sets_days", or.retention.sets_days),
            snapshots_days: days("snapshots_days", or.retention.snapshots_days),
            snapshots_bytes: megabytes.map_or(or.retention.snapshots_bytes, |mb| mb * MEGABYTE),
        },
        snapshots: data_dir.join("snapshots"),
        sinks: sinks.iter().map(|sink| sink.name.clone()).collect(),
    }
}

/// All sinks, in order.
pub(super) fn sinks(root: &Part, faults: &Gathered) -> Vec<sink::Settings> {
    let Some(value) = root.find("sink") else { return Vec::new() };
    let Raw::List(list) = &value.kind else {
        faults.add(Place::Line(value.line), format!("`sink` wants [[sink]] tables, not {}", value.kind.name()));
        return Vec::new();
    };
    if let Some(first_over) = list.get(SINKS) {
        let sentence = format!("a box has at most {SINKS} sinks, and here are {}", list.len());
        faults.add(Place::Line(first_over.line), sentence);
    }
    let mut sinks: Vec<(sink::Settings, usize)> = Vec::with_capacity(list.len());
    for item in list {
        let Some(part) = root.item("sink", item) else { continue };
        let Some(sink) = sink(&part, faults) else { continue };
        if let Some((_, line)) = sinks.iter().find(|(known, _)| known.name == sink.name) {
            let at = if part.has("name") { part.line_of("name") } else { part.line };
            faults.add(Place::Line(at), format!("the sink name `{}` is already used in line {line}", sink.name));
            continue;
        }
        sinks.push((sink, if part.has("name") { part.line_of("name") } else { part.line }));
    }
    sinks.into_iter().map(|(sink, _)| sink).collect()
}

fn sink(part: &Part, faults: &Gathered) -> Option<sink::Settings> {
    for key in ["kind", "url"] {
        if !part.has(key) {
            faults.add(Place::Line(part.line), format!("this sink has no `{key}`"));
        }
    }
    let kinds = [("pump", Some(Kind::Pump)), ("webhook", Some(Kind::Webhook))];
    let kind = part.choice("kind", &kinds, None);
    let (url, name) = (part.text("url"), name(part, faults));
    let kind = kind?;
    let key = key(part, kind, faults);
    let timeout = part.seconds("timeout_s", 0.1..=120.0, TIMEOUT);
    let tries = u32::try_from(part.count("tries", 1..=1000, TRIES)).unwrap_or(u32::MAX);
    let (url, line) = url?;
    if !is_address(url, kind) {
        let sentence = "`url` in [[sink]] wants http:// or https:// and a host, without a user; PUMP's without a query";
        faults.add(Place::Line(line), sentence);
        return None;
    }
    let or = if kind == Kind::Pump { "pump" } else { "webhook" };
    Some(sink::Settings { name: name.unwrap_or(or).into(), kind, url: url.into(), key, timeout, tries })
}

fn name<'a>(part: &Part<'a>, faults: &Gathered) -> Option<&'a str> {
    let (name, line) = part.text("name")?;
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if name.is_empty() || name.len() > NAME_CHARS || !name.chars().all(fits) {
        let sentence =
            format!("a sink's name wants 1 to {NAME_CHARS} of the letters a-z, A-Z, the digits, `_` and `-`");
        faults.add(Place::Line(line), sentence);
        return None;
    }
    Some(name)
}

/// PUMP has an `api_key`, a webhook a `secret`.
fn key(part: &Part, kind: Kind, faults: &Gathered) -> Option<Secret> {
    let (own, other, of) = match kind {
        Kind::Pump => ("api_key", "secret", "webhook"),
        Kind::Webhook => ("secret", "api_key", "pump"),
    };
    if part.has(other) {
        faults.add(Place::Line(part.line_of(other)), format!("`{other}` is for sinks of the kind \"{of}\" only"));
    }
    let (word, line) = part.text(own)?;
    if word.is_empty() || word.len() > KEY_BYTES || !word.bytes().all(|byte| byte.is_ascii_graphic()) {
        let sentence = format!("`{own}` in [[sink]] wants 1 to {KEY_BYTES} printable ASCII characters without a space");
        faults.add(Place::Line(line), sentence);
        return None;
    }
    Some(Secret::new(word))
}
