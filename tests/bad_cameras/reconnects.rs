//! Cameras that go and come back again and again leave no thread, descriptor or memory behind.
//!
//! `SPOTTER_CYCLES` says how often all cameras of a box together; `make test-reconnects` takes a thousand of each kind.

use std::time::{Duration, Instant};

use super::common::until;
use super::helpers::Server as Real;
use super::house::{Holdings, House};
use super::http::{good, hangs_up};
use super::relay::honest;
use super::server::Server;
use super::v4l2::Shim;

/// Cameras of one box that go at once.
const CAMERAS: usize = 8;
/// Percent by which memory may have grown.
const MORE: usize = 1;
/// A descriptor that libraries have at one moment of rest and not at another, an eventfd; each reconnect that left one would leave a thousand.
const BREATHES: usize = 1;

fn cycles() -> usize {
    std::env::var("SPOTTER_CYCLES").ok().and_then(|c| c.parse().ok()).unwrap_or(24)
}

fn until_all(house: &House, up: bool) {
    until(&format!("all cameras have a picture: {up}"), || {
        let rows = house.spotter.json("/api/v1/cameras");
        let done = rows.as_array().unwrap().iter().all(|row| row["has_frame"] == up);
        if done { Ok(()) } else { Err(rows.to_string()) }
    });
}

/// What the box holds when no thread has come or gone for so long, the least of it: a library's pools breathe.
fn at_rest(house: &House, calm: Duration) -> Holdings {
    let mut least = house.holdings();
    let mut since = Instant::now();
    until("the threads have settled", || {
        let now = house.holdings();
        if now.0 != least.0 {
            (least, since) = (now, Instant::now());
        }
        least = (now.0, least.1.min(now.1), least.2.min(now.2));
        if since.elapsed() >= calm { Ok(least) } else { Err(format!("{now:?}")) }
    })
}

/// Takes all cameras of the house away and gives them back until there were as many reconnects as are wanted.
fn again_and_again(what: &str, house: &House, mut present: impl FnMut(bool)) {
    until_all(house, true);
    let turns = cycles().div_ceil(CAMERAS);
    // The first turns fill the libraries' own caches, and the allocator's pieces of memory for each thread that ever was.
    let warm_up = turns.min(100);
    // GLib's pool lets a thread go that nobody has wanted for 15 s. After a few turns nothing has settled; a thread or a
    // descriptor that each of them leaves behind is still seen.
    let (calm, idle, percent) = match warm_up {
        100 => (Duration::from_secs(17), 0, MORE),
        _ => (Duration::from_millis(200), 16, 10),
    };
    let mut again = |turns: usize| {
        for _ in 0..turns {
            for up in [false, true] {
                present(up);
                until_all(house, up);
            }
        }
        (at_rest(house, calm), house.descriptors())
    };
    let ((before, had), (after, has)) = (again(warm_up), again(turns));
    println!("{what}: {} reconnects; threads, descriptors, kB {before:?} -> {after:?}", turns * CAMERAS);
    if had != has {
        println!("{what}: descriptors {had:?} -> {has:?}");
    }
    assert!(after.0 <= before.0 + idle, "{what}: {before:?} -> {after:?}");
    assert!(after.1 <= before.1 + idle.max(BREATHES), "{what}: {before:?} -> {after:?}");
    assert!(after.2 <= before.2 + before.2 * percent / 100, "{what}: {before:?} -> {after:?}");
}

#[test]
fn v4l2_cameras_that_are_unplugged_and_plugged_in_leave_nothing_behind() {
    let shim = Shim::new();
    let names: Vec<String> = (0..CAMERAS).map(|n| format!("c{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    names.iter().for_each(|name| shim.behave(name, "fps=30"));
    let house = shim.house(&names);
    let mut turn = 0;
    again_and_again("V4L2", &house, |up| {
        turn += 1;
        for (at, name) in names.iter().enumerate() {
            match up {
                true => shim.behave(name, "fps=30"),
                // Half of them are unplugged, the others break.
                false if (turn + at) % 4 < 2 => shim.unplug(name),
                false => shim.behave(name, "dqbuf=5"),
            }
        }
    });
}

#[test]
fn web_cameras_that_hang_up_and_refuse_leave_nothing_behind() {
    let servers: Vec<Server> = (0..CAMERAS).map(|_| Server::start(good(100))).collect();
    let cameras: Vec<(String, String)> =
        servers.iter().enumerate().map(|(n, s)| (format!("c{n}"), format!("http://{}/stream", s.address))).collect();
    let cameras: Vec<(&str, String)> = cameras.iter().map(|(name, uri)| (name.as_str(), uri.clone())).collect();
    let house = House::start(&cameras, 1, &[]);
    again_and_again("HTTP", &house, |up| {
        servers.iter().for_each(|server| server.behave(if up { good(100) } else { hangs_up() }));
    });
}

#[test]
fn rtsp_cameras_that_hang_up_and_refuse_leave_nothing_behind() {
    let real = Real::start(320, 240, 15, None);
    let servers: Vec<Server> = (0..CAMERAS).map(|_| Server::start(honest(real.port()))).collect();
    let cameras: Vec<(String, String)> =
        servers.iter().enumerate().map(|(n, s)| (format!("c{n}"), format!("rtsp://{}/h264", s.address))).collect();
    let cameras: Vec<(&str, String)> = cameras.iter().map(|(name, uri)| (name.as_str(), uri.clone())).collect();
    let house = House::start(&cameras, 3, &[]);
    again_and_again("RTSP", &house, |up| {
        servers.iter().for_each(|server| server.behave(if up { honest(real.port()) } else { hangs_up() }));
    });
}
