//! Cameras that go and come back again and again leave no thread, descriptor or memory behind.
//!
//! `SPOTTER_CYCLES` says how often all cameras of a box together; `make test-reconnects` takes a thousand of each kind.

use super::common::until;
use super::house::House;
use super::http::{good, hangs_up};
use super::server::Server;
use super::v4l2::Shim;

/// Cameras of one box that go at once.
const CAMERAS: usize = 8;
/// Threads that GLib's pool keeps for a while when nobody wants them.
const GSTREAMER_IDLE: usize = 2;

fn cycles() -> usize {
    std::env::var("SPOTTER_CYCLES").ok().and_then(|c| c.parse().ok()).unwrap_or(40)
}

fn until_all(house: &House, up: bool) {
    until(&format!("all cameras have a picture: {up}"), || {
        let rows = house.spotter.json("/api/v1/cameras");
        let done = rows.as_array().unwrap().iter().all(|row| row["has_frame"] == up);
        if done { Ok(()) } else { Err(rows.to_string()) }
    });
}

/// Takes all cameras of the house away and gives them back until there were as many reconnects as are wanted.
///
/// `idle` is how many threads the camera's library keeps for later; its pool may have as many more or fewer.
fn again_and_again(what: &str, house: &House, idle: usize, mut present: impl FnMut(bool)) {
    until_all(house, true);
    let turns = cycles().div_ceil(CAMERAS);
    // The first turns fill the libraries' own caches and the allocator's.
    let warm_up = (turns / 4).max(3);
    let mut before = house.holdings();
    for turn in 0..warm_up + turns {
        if turn == warm_up {
            before = house.holdings();
        }
        for up in [false, true] {
            present(up);
            until_all(house, up);
        }
    }
    let after = house.holdings();
    println!("{what}: {} reconnects; threads, descriptors, kB {before:?} -> {after:?}", turns * CAMERAS);
    assert!(after.0 <= before.0 + idle, "{what}: {before:?} -> {after:?}");
    assert_eq!(after.1, before.1, "{what}");
    assert!(after.2 <= before.2 + before.2 / 100, "{what}: {before:?} -> {after:?}");
}

#[test]
fn v4l2_cameras_that_are_unplugged_and_plugged_in_leave_nothing_behind() {
    let shim = Shim::new();
    let names: Vec<String> = (0..CAMERAS).map(|n| format!("c{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    names.iter().for_each(|name| shim.behave(name, "fps=30"));
    let house = shim.house(&names);
    let mut turn = 0;
    again_and_again("V4L2", &house, 0, |up| {
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
    again_and_again("HTTP", &house, GSTREAMER_IDLE, |up| {
        servers.iter().for_each(|server| server.behave(if up { good(100) } else { hangs_up() }));
    });
}
