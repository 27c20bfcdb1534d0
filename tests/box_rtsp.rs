//! The whole box on a real RTSP server that is killed, halted and started again: no picture while it is away, a picture
//! soon after it is back, and nothing left behind however often that happens.
//!
//! `SPOTTER_CYCLES` sets how often, `SPOTTER_HALT_S` how long it is halted. The times are printed; `make bench` holds them against their targets.

mod common;
mod helpers;

use std::time::{Duration, Instant};

use common::{SpotterBox, until};
use helpers::Server;

const SNAPSHOT: &str = "/api/v1/cameras/rack/snapshot";

fn watching(url: &str, stall_s: u32) -> (SpotterBox, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("spotter.toml");
    let text = format!("[capture]\nstall_s = {stall_s}\n[[camera]]\nname = \"rack\"\nsource = \"{url}\"\n");
    std::fs::write(&config, text).unwrap();
    (SpotterBox::start(&["--config", config.to_str().unwrap()]), folder)
}

/// Asks until the snapshot answers `status`; how long that took.
fn until_status(spotter: &SpotterBox, status: u16) -> Duration {
    let begun = Instant::now();
    until(&format!("snapshot {status}"), || match spotter.get(SNAPSHOT) {
        reply if reply.status == status => Ok(()),
        reply => Err(format!("{} {}", reply.status, String::from_utf8_lossy(&reply.body[..reply.body.len().min(200)]))),
    });
    begun.elapsed()
}

fn size_of_snapshot(spotter: &SpotterBox) -> (usize, usize) {
    let header = turbojpeg::read_header(&spotter.get(SNAPSHOT).body).unwrap();
    (header.width, header.height)
}

#[test]
fn h264_and_mjpeg_of_two_sizes_reach_the_viewer() {
    for (width, height) in [(640, 480), (1920, 1080)] {
        let server = Server::start(width, height, 10, None);
        for path in ["h264", "mjpeg"] {
            let (spotter, _folder) = watching(&format!("{}/{path}", server.url), 10);
            until_status(&spotter, 200);
            assert_eq!(size_of_snapshot(&spotter), (width as usize, height as usize), "{path}");
        }
    }
}

#[test]
fn the_key_to_a_camera_is_in_no_answer_and_no_log() {
    let server = Server::start(320, 240, 10, None);
    let url = format!("{}/auth", server.url.replace("rtsp://", "rtsp://user:pass@"));
    let (spotter, _folder) = watching(&url, 10);
    until_status(&spotter, 200);
    for path in ["/api/v1/cameras", "/api/v1/admin", "/api/v1/state", "/metrics"] {
        assert!(!spotter.get(path).text().contains("user:pass"), "{path}");
    }
    let wrong = url.replace("user:pass@", "user:planted-word@");
    let (spotter, _folder) = watching(&wrong, 10);
    let said = until("it is refused", || {
        let said = spotter.get(SNAPSHOT).text();
        if said.contains("refuses the user name or password") { Ok(said) } else { Err(said) }
    });
    assert!(!said.contains("planted-word"), "{said}");
}

#[test]
fn a_halted_server_is_no_picture_and_its_return_is_one() {
    let server = Server::start(320, 240, 15, None);
    let (spotter, _folder) = watching(&format!("{}/h264", server.url), 2);
    until_status(&spotter, 200);
    server.signal("STOP");
    let lost = until_status(&spotter, 404);
    let said = spotter.get(SNAPSHOT).text();
    assert!(said.contains("no picture for 2 s"), "{said}");
    // Longer than the wait has grown by then, so that the return falls into a rest or an opening by chance.
    let halt_s: u64 = std::env::var("SPOTTER_HALT_S").ok().and_then(|s| s.parse().ok()).unwrap_or(8);
    let losing = Instant::now();
    until("the halt is long", || if losing.elapsed().as_secs() >= halt_s { Ok(()) } else { Err("not yet".into()) });
    server.signal("CONT");
    let back = until_status(&spotter, 200);
    println!("halted: lost_ms={} back_ms={}", lost.as_millis(), back.as_millis());
}

/// The parts of its memory that the C library keeps for threads beside the main one: each begins at a multiple of 64 MiB.
fn heaps_of_threads(process: &str) -> usize {
    let maps = std::fs::read_to_string(format!("{process}/maps")).unwrap();
    let is_heap = |line: &&str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let start = words[0].split('-').next().and_then(|start| u64::from_str_radix(start, 16).ok()).unwrap();
        start.is_multiple_of(64 << 20) && words[1] == "rw-p" && words.len() == 5
    };
    maps.lines().filter(is_heap).count()
}

#[test]
fn cycles_of_killing_and_restarting_leave_nothing_behind() {
    let cycles: usize = std::env::var("SPOTTER_CYCLES").ok().and_then(|c| c.parse().ok()).unwrap_or(4);
    let mut server = Server::start(320, 240, 15, None);
    let port = server.port();
    let (spotter, _folder) = watching(&format!("{}/h264", server.url), 5);
    until_status(&spotter, 200);
    let process = format!("/proc/{}", spotter.child.id());
    let holdings = || {
        let count = |what: &str| std::fs::read_dir(format!("{process}/{what}")).unwrap().count();
        let status = std::fs::read_to_string(format!("{process}/status")).unwrap();
        let rss = status.lines().find_map(|l| l.strip_prefix("VmRSS:")).unwrap();
        let kb: usize = rss.split_whitespace().next().unwrap().parse().unwrap();
        (count("task"), count("fd"), kb)
    };
    let (mut before, mut lost_ms, mut back_ms) = ((0, 0, 0), Vec::new(), Vec::new());
    // The first turns fill the library's own caches.
    let warm_up = (cycles / 10).clamp(2, 20);
    for turn in 0..cycles + warm_up {
        drop(server);
        lost_ms.push(until_status(&spotter, 404).as_millis());
        server = Server::start(320, 240, 15, Some(port));
        back_ms.push(until_status(&spotter, 200).as_millis());
        if turn + 1 == warm_up {
            before = holdings();
        }
    }
    let after = holdings();
    let most = |times: &[u128]| times.iter().max().copied().unwrap_or(0);
    println!(
        "{cycles} cycles: lost_ms={} back_ms={}; threads, descriptors, kB {before:?} -> {after:?}",
        most(&lost_ms),
        most(&back_ms)
    );
    let heaps = heaps_of_threads(&process);
    assert!(heaps <= 2, "{heaps} parts of memory: threads that come and go each took one");
    // A leak grows with every turn; what a library keeps for good does not.
    assert!(after.0 <= before.0 + 2 && after.1 <= before.1 + 4, "{before:?} -> {after:?}");
    assert!(after.2 <= before.2 + 8 * 1024, "{before:?} -> {after:?}");
}
