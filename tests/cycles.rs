//! A camera that dies and comes back, again and again, leaves no thread, descriptor or memory behind.
//!
//! Alone in its process, which it measures. `SPOTTER_CYCLES` sets the number of turns.

mod helpers;

use helpers::{Server, end_of, holdings, open, picture};
use spotter::capture::Next;
use spotter::frame::Frame;

#[test]
fn killed_and_restarted_cameras_leave_nothing_behind() {
    let cycles: usize = std::env::var("SPOTTER_CYCLES").ok().and_then(|c| c.parse().ok()).unwrap_or(6);
    let mut port = None;
    let mut before = (0, 0, 0);
    let mut frame = Frame::default();
    // The first turns fill the library's own caches and pools.
    for turn in 0..cycles + 3 {
        let server = Server::start(320, 240, 15, port);
        port = Some(server.port());
        let mut source = open(&format!("{}/h264", server.url), 15).unwrap_or_else(|f| panic!("turn {turn}: {f}"));
        assert_eq!(picture(&mut source, &mut frame), Ok(Next::Frame));
        drop(server);
        end_of(&mut source);
        drop(source);
        if turn == 2 {
            before = holdings();
        }
    }
    let after = holdings();
    // Pools may keep a few; what leaks, leaks with every cycle.
    assert!(after.0 <= before.0 + 4 && after.1 <= before.1 + 5, "{before:?} -> {after:?}");
    assert!(after.2 <= before.2 + 16 * 1024, "{before:?} -> {after:?}");
    println!("{cycles} cycles: threads, descriptors, kB {before:?} -> {after:?}");
}
