//! The small JSON answers: health, readiness, cameras, state.

use std::time::Duration;

use serde::Serialize;
use serde_json::json;

use super::House;
use super::reply::json as bytes;
use super::tls::Tls;
use crate::camera::view::Seen;
use crate::camera::{Status, View};
use crate::time::{Mono, Wall};

/// How long this camera has shown nothing new.
fn silence(view: &View, house: &House, now: Mono, wall: Wall) -> Duration {
    if let Some(age_ms) = view.frame_age_ms(now) {
        return Duration::from_secs_f64(age_ms / 1e3);
    }
    let up = now.since(house.started);
    // A box that has just started, or a camera that has just been lost, is given the same time as one that stands still.
    match view.fault() {
        Some(fault) => up.min(Duration::from_millis(wall.unix_ms().saturating_sub(fault.since_ms))),
        None => up,
    }
}

/// `/healthz`: a box of recordings only is always well.
pub fn health(house: &House, stale: Duration, now: Mono, wall: Wall) -> (u16, Vec<u8>) {
    let mut live = house.views.iter().filter(|v| !v.is_recording()).peekable();
    if live.peek().is_none() || live.any(|v| silence(v, house, now, wall) <= stale) {
        return (200, bytes(&json!({"status": "ok"})));
    }
    let detail = format!("no camera has had a new picture for {} s", stale.as_secs());
    (503, bytes(&json!({"status": "stale", "detail": detail})))
}

/// `/readyz`
pub fn ready(house: &House, now: Mono) -> (u16, Vec<u8>) {
    match house.crew.all_beat(now) {
        true => (200, bytes(&json!({"status": "ready"}))),
        false => (503, bytes(&json!({"status": "starting", "detail": "not every thread beats"}))),
    }
}

/// `/api/v1/cameras`
pub fn cameras(house: &House, now: Mono, wall: Wall) -> Vec<u8> {
    house.views.iter().for_each(|v| v.let_go_of_the_old(now, wall));
    let rows: Vec<Status> = house.views.iter().map(|v| v.status(now)).collect();
    bytes(&rows)
}

#[derive(Serialize)]
struct Row<'a> {
    name: &'a str,
    connected: bool,
    newest_id: u64,
    #[serde(flatten)]
    seen: Seen,
}

/// `/api/v1/state`
pub fn state(house: &House, tls: Option<&Tls>, now: Mono, wall: Wall) -> Vec<u8> {
    house.views.iter().for_each(|v| v.let_go_of_the_old(now, wall));
    let row = |v: &'_ std::sync::Arc<View>| (v.newest_id(), v.seen(now));
    let rows: Vec<_> = house
        .views
        .iter()
        .map(|v| {
            let (newest_id, seen) = row(v);
            Row { name: v.name(), connected: newest_id > 0, newest_id, seen }
        })
        .collect();
    let tls = tls.map(Tls::about);
    bytes(&json!({"uptime_s": now.since(house.started).as_secs(), "cameras": rows, "tls": tls}))
}
