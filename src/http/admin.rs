//! `/api/v1/admin`: the inside of the box, for the admin page. Made only when asked for, from what others keep.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;

use super::reply::json;
use super::tls::{About, Tls};
use super::{House, tuning};
use crate::camera::Status;
use crate::camera::view::Inside;
use crate::metrics::DROPS;
use crate::metrics::machine::{Cooling, Machine, OverCurrent, Temperature};
use crate::sink;
use crate::store::{self, Store};
use crate::threads::Member;
use crate::time::{Mono, Wall};

/// A thread as the kernel sees it, libraries' threads included.
#[derive(Serialize)]
struct Task {
    tid: u32,
    name: String,
    /// As the kernel writes it: `0-3,5`.
    cores: String,
    /// Started by the box itself rather than by a library.
    own: bool,
}

#[derive(Serialize)]
struct Row {
    #[serde(flatten)]
    status: Status,
    #[serde(flatten)]
    inside: Inside,
    drops: BTreeMap<String, u64>,
    opens: u64,
    losses: u64,
    captured: u64,
    cache_hits: u64,
}

#[derive(Serialize)]
struct Report<'a> {
    version: &'static str,
    arch: &'static str,
    os: &'static str,
    kernel: String,
    boot_id: String,
    uptime_s: f64,
    time_ms: u64,
    threads: Vec<Member>,
    tasks: Vec<Task>,
    cameras: Vec<Row>,
    resident_bytes: Option<i64>,
    open_descriptors: Option<i64>,
    connections: i64,
    refused: u64,
    listeners: i64,
    tls: Option<About>,
    temperatures: Vec<Temperature>,
    coolings: Vec<Cooling>,
    over_currents: Vec<OverCurrent>,
    thresholds: Vec<tuning::Row>,
    log: Option<store::Status>,
    sinks: Vec<sink::Status>,
    config: Option<&'a RawValue>,
}

/// The kernel's list of this process's threads.
fn tasks(members: &[Member]) -> Vec<Task> {
    let folders = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let mut tasks: Vec<Task> = folders
        .filter_map(|folder| {
            let tid = folder.file_name().to_str()?.parse().ok()?;
            let status = std::fs::read_to_string(folder.path().join("status")).ok()?;
            let line = |name: &str| Some(status.lines().find_map(|l| l.strip_prefix(name))?.trim().to_string());
            let own = members.iter().any(|m| m.tid == tid);
            Some(Task { tid, name: line("Name:")?, cores: line("Cpus_allowed_list:")?, own })
        })
        .collect();
    tasks.sort_by_key(|t| t.tid);
    tasks
}

fn row(view: &crate::camera::View, now: Mono) -> Row {
    let metrics = view.metrics();
    Row {
        status: view.status(now),
        inside: view.inside(),
        drops: DROPS.iter().map(|d| (format!("{d:?}"), metrics.drop_of(*d).get())).collect(),
        opens: metrics.opens.get(),
        losses: metrics.losses.get(),
        captured: metrics.captured.get(),
        cache_hits: metrics.cache_hits.get(),
    }
}

/// The whole report.
pub fn report(house: &House, tls: Option<&Tls>, now: Mono, wall: Wall) -> Vec<u8> {
    let machine = Machine::default();
    let threads = house.crew.members(now);
    let http = &house.metrics.http;
    json(&Report {
        version: env!("CARGO_PKG_VERSION"),
        arch: std::env::consts::ARCH,
        os: std::env::consts::OS,
        kernel: rustix::system::uname().release().to_string_lossy().into_owned(),
        boot_id: format!("{:016x}", house.boot_id),
        uptime_s: now.since(house.started).as_secs_f64(),
        time_ms: wall.unix_ms(),
        tasks: tasks(&threads),
        threads,
        cameras: house.views.iter().map(|v| row(v, now)).collect(),
        resident_bytes: machine.resident_bytes(),
        open_descriptors: machine.open_descriptors(),
        connections: http.connections.get(),
        refused: http.refused.get(),
        listeners: http.listeners.get(),
        tls: tls.map(Tls::about),
        temperatures: machine.temperatures(),
        coolings: machine.coolings(),
        over_currents: machine.over_currents(),
        thresholds: tuning::rows(house),
        log: house.store.as_ref().map(Store::status),
        // As last counted: the worker that answers must not wait for the disk.
        sinks: house.sinks.as_ref().map_or_else(Vec::new, |sinks| sinks.counted(wall)),
        config: serde_json::from_str(&house.config_json).ok(),
    })
}
