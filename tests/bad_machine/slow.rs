//! A disk that is slow: what the box does there, and one that the kernel slows, a file system in a file. Another is a
//! stand-in's, `shimmed`.

use std::os::unix::fs::MetadataExt;
use std::process::Command;
use std::time::{Duration, Instant};

use super::common::{request, until};
use super::group::Group;
use super::rig::{Rig, TRAINS};

/// What a write of the box may take of it, bytes a second: a page and a half of the log.
const SLOW: u32 = 6144;

/// Has the disk under the box made slow, and quick again.
pub fn makes_sets_late_and_nothing_else(rig: &Rig, make: impl Fn(bool)) {
    rig.has_picture();
    make(true);
    // What is asked of the log while it writes is answered that it takes too long, and the answer itself does not.
    until("a question is not waited for any longer", || {
        let asked = Instant::now();
        let reply = request(rig.spotter.address, "PATCH", "/api/v1/thresholds", &[], br#"{"rep.smoothing_s":0.3}"#);
        assert!(asked.elapsed() < Duration::from_secs(5), "{} {}", reply.status, reply.text());
        if reply.status == 503 { Ok(()) } else { Err(format!("{} {}", reply.status, reply.text())) }
    });
    rig.says("spotter.db is slow: a write took ");
    rig.metric_is("spotter_store_slow ", |slow| slow == 1.0);
    // Meanwhile he is counted, and everybody sees him.
    let mut newest = 0;
    until("a set is over and waits for the disk", || {
        let begun = Instant::now();
        let reply = rig.spotter.get("/snapshot");
        let id = reply.header("x-frame-id").and_then(|id| id.parse::<u64>().ok()).unwrap_or(0);
        assert!(reply.status == 200 && id >= newest && begun.elapsed() < Duration::from_secs(2), "{}", reply.head);
        newest = id;
        let waits = rig.spotter.metric("spotter_store_waiting_sets ") > 0.0;
        if waits { Ok(()) } else { Err(rig.spotter.json("/api/v1/state").to_string()) }
    });
    rig.metric_is("spotter_store_written_sets_total ", |written| written >= 1.0);
    make(false);
    until("the log answers again", || {
        let reply = request(rig.spotter.address, "PATCH", "/api/v1/thresholds", &[], br#"{"rep.smoothing_s":0.3}"#);
        if reply.status == 200 { Ok(()) } else { Err(reply.text()) }
    });
    rig.says("spotter.db is quick again");
    rig.metric_is("spotter_store_slow ", |slow| slow == 0.0);
    assert_eq!(rig.sets()[0]["reps"], 3);
}

#[test]
fn a_disk_that_writes_a_page_and_a_half_a_second_makes_sets_late_and_nothing_else() {
    let Some(group) = Group::new("blkio", "io") else { return };
    let rig = Rig::start_as(TRAINS, |folder, program| {
        let (data, image) = (folder.join("data"), folder.join("image"));
        std::fs::create_dir(&data).expect("there is room");
        std::fs::File::create(&image).and_then(|file| file.set_len(32 << 20)).expect("there is room");
        let mut make = Command::new("mkfs.ext4");
        assert!(make.arg("-q").arg(&image).status().expect("it is part of e2fsprogs").success());
        let mut command = group.command();
        let script = "mount -o loop \"$1\" \"$2\" && shift 2 && exec \"$@\"";
        command.args(["unshare", "-m", "sh", "-c", script, "sh"]).arg(image).arg(data).arg(program);
        command
    });
    // The box's own, as it sees it.
    let data = format!("/proc/{}/root{}/data", rig.pid(), rig.folder.path().display());
    let device = std::fs::metadata(data).expect("it is mounted").dev();
    let device = format!("{}:{}", rustix::fs::major(device), rustix::fs::minor(device));
    makes_sets_late_and_nothing_else(&rig, |is_slow| match (group.is_old, is_slow) {
        (true, true) => group.write("blkio.throttle.write_bps_device", &format!("{device} {SLOW}")),
        (true, false) => group.write("blkio.throttle.write_bps_device", &format!("{device} 0")),
        (false, true) => group.write("io.max", &format!("{device} wbps={SLOW}")),
        (false, false) => group.write("io.max", &format!("{device} wbps=max")),
    });
}
