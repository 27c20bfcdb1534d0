//! A disk that is slow: what the box does there, and one that the kernel slows, a file system in a file. Another is a
//! stand-in's, `shimmed`.

use std::os::unix::fs::MetadataExt;
use std::process::Command;
use std::time::{Duration, Instant};

use super::common::until;
use super::full::set;
use super::group::Group;
use super::rig::{Rig, SHOWN, TRAINS};

/// What a write of the box may take of it, bytes a second: half a page of the log. The least that the log writes, a page with its head
/// in blocks of 1 KiB, takes longer so than the two seconds that a question is waited for.
const SLOW: u32 = 2048;

/// Has the disk under the box made slow, and quick again.
pub fn makes_sets_late_and_nothing_else(rig: &Rig, make: impl Fn(bool)) {
    rig.has_picture();
    answers(rig);
    make(true);
    is_told(rig);
    // Meanwhile he is counted, and everybody sees him.
    let mut newest = 0;
    until("a set is over and waits for the disk", || {
        newest = newer_picture(rig, newest);
        let waits = rig.spotter.metric("spotter_store_waiting_sets ") > 0.0;
        if waits { Ok(()) } else { Err(rig.spotter.json("/api/v1/state").to_string()) }
    });
    rig.metric_is("spotter_store_written_sets_total ", |written| written >= 1.0);
    make(false);
    is_over(rig);
    assert_eq!(rig.sets()[0]["reps"], 3);
}

/// What is asked of the log while it writes is answered that it takes too long, and the answer itself does not.
fn is_told(rig: &Rig) {
    until("a question is not waited for any longer", || {
        let asked = Instant::now();
        let (status, said) = set(rig);
        assert!(asked.elapsed() < Duration::from_secs(5), "{status} {said}");
        if status == 503 { Ok(()) } else { Err(format!("{status} {said}")) }
    });
    rig.says("spotter.db is slow: a write took ");
    rig.metric_is("spotter_store_slow ", |slow| slow == 1.0);
}

/// One that is not open yet refuses as one does that takes too long.
fn answers(rig: &Rig) {
    until("the log answers", || {
        let (status, said) = set(rig);
        if status == 200 { Ok(()) } else { Err(said) }
    });
}

fn is_over(rig: &Rig) {
    answers(rig);
    rig.says("spotter.db is quick again");
    rig.metric_is("spotter_store_slow ", |slow| slow == 0.0);
}

/// The frame of the picture there is, which comes at once and is not older than `newest`.
fn newer_picture(rig: &Rig, newest: u64) -> u64 {
    let begun = Instant::now();
    let reply = rig.spotter.get("/snapshot");
    let id = reply.header("x-frame-id").and_then(|id| id.parse().ok()).unwrap_or(0);
    assert!(reply.status == 200 && id >= newest && begun.elapsed() < Duration::from_secs(2), "{}", reply.head);
    id
}

/// A box in a group, whose folder lies on a disk of its own.
fn on_a_disk(config: &str, group: &Group) -> Rig {
    Rig::start_as(config, |folder, program| {
        let (data, image) = (folder.join("data"), folder.join("image"));
        std::fs::create_dir(&data).expect("there is room");
        std::fs::File::create(&image).and_then(|file| file.set_len(32 << 20)).expect("there is room");
        let mut make = Command::new("mkfs.ext4");
        assert!(make.arg("-q").arg(&image).status().expect("it is part of e2fsprogs").success());
        let mut command = group.command();
        let script = "mount -o loop \"$1\" \"$2\" && shift 2 && exec \"$@\"";
        command.args(["unshare", "-m", "sh", "-c", script, "sh"]).arg(image).arg(data).arg(program);
        command
    })
}

/// Slows that disk for the box, and lets it go.
fn slow_down(rig: &Rig, group: &Group, is_slow: bool) {
    // The box's own, as it sees it.
    let data = format!("/proc/{}/root{}/data", rig.pid(), rig.folder.path().display());
    let device = std::fs::metadata(data).expect("it is mounted").dev();
    let device = format!("{}:{}", rustix::fs::major(device), rustix::fs::minor(device));
    match (group.is_old, is_slow) {
        (true, true) => group.write("blkio.throttle.write_bps_device", &format!("{device} {SLOW}")),
        (true, false) => group.write("blkio.throttle.write_bps_device", &format!("{device} 0")),
        (false, true) => group.write("io.max", &format!("{device} wbps={SLOW}")),
        (false, false) => group.write("io.max", &format!("{device} wbps=max")),
    }
}

#[test]
fn a_disk_that_writes_half_a_page_a_second_makes_sets_late_and_nothing_else() {
    let Some(group) = Group::new("blkio", "io") else { return };
    let rig = on_a_disk(TRAINS, &group);
    makes_sets_late_and_nothing_else(&rig, |is_slow| slow_down(&rig, &group, is_slow));
}

/// Without anybody who trains: where no engine looks often enough to count, the rest can be seen all the same.
#[test]
fn a_disk_that_writes_half_a_page_a_second_is_told_and_pictures_go_on() {
    let Some(group) = Group::new("blkio", "io") else { return };
    let rig = on_a_disk(SHOWN, &group);
    rig.has_picture();
    answers(&rig);
    slow_down(&rig, &group, true);
    is_told(&rig);
    let first = newer_picture(&rig, 0);
    let mut newest = first;
    until("pictures go on", || {
        newest = newer_picture(&rig, newest);
        if newest >= first + 15 { Ok(()) } else { Err(format!("{newest} after {first}")) }
    });
    slow_down(&rig, &group, false);
    is_over(&rig);
}
