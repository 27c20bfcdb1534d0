//! Cores: one that was never there, one that goes away and comes back, all of them taken by others; and the heat.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::thread::{CpuSet, sched_setaffinity};

use super::common::until;
use super::rig::{Rig, SHOWN, is_root, mounted};

#[test]
fn a_core_that_is_not_there_is_said_and_the_thread_runs_on_any() {
    let rig = Rig::start(&format!("{SHOWN}cores = {{ capture = [1023] }}\n"));
    rig.says("cap:rack: cannot run on cores [1023] (");
    rig.has_picture();
}

/// The cores that the kernel lets a thread of the box run on.
fn allowed(rig: &Rig, name: &str) -> String {
    let path = format!("/proc/{}/task/{}/status", rig.pid(), rig.member(name)["tid"]);
    let status = std::fs::read_to_string(path).expect("it runs");
    status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).expect("a list").trim().to_string()
}

fn put(folder: &Path, path: &str, text: &str) {
    let file = folder.join(path);
    std::fs::create_dir_all(file.parent().expect("it has one")).expect("there is room");
    std::fs::write(file, format!("{text}\n")).expect("there is room");
}

#[test]
fn heat_and_a_core_that_goes_away_are_said_told_and_over_when_they_are() {
    if !is_root("a folder over sysfs") || std::thread::available_parallelism().map_or(1, usize::from) < 2 {
        return;
    }
    let config = format!("{SHOWN}cores = {{ capture = [1] }}\n");
    let rig = Rig::start_as(&config, |folder, _| {
        put(folder, "thermal/thermal_zone0/type", "cpu-thermal");
        put(folder, "thermal/thermal_zone0/temp", "48250");
        put(folder, "thermal/cooling_device0/type", "cpu-throttle");
        put(folder, "thermal/cooling_device0/max_state", "3");
        put(folder, "thermal/cooling_device0/cur_state", "0");
        put(folder, "online", "0-1");
        mounted(&[
            (folder.join("thermal"), "/sys/class/thermal"),
            (folder.join("online"), "/sys/devices/system/cpu/online"),
        ])
    });
    rig.has_picture();
    assert_eq!((allowed(&rig, "cap:rack").as_str(), rig.spotter.metric("spotter_online_cores ")), ("1", 2.0));

    put(rig.folder.path(), "thermal/thermal_zone0/temp", "97500");
    put(rig.folder.path(), "thermal/cooling_device0/cur_state", "2");
    // What the kernel does with a thread whose last core goes away.
    let tid = rig.member("cap:rack")["tid"].as_i64().and_then(|tid| i32::try_from(tid).ok()).expect("a number");
    let mut other = CpuSet::new();
    other.set(0);
    sched_setaffinity(rustix::thread::Pid::from_raw(tid), &other).expect("it is ours");
    put(rig.folder.path(), "online", "0");
    rig.says("the machine is too hot and slows down: cpu-throttle");
    rig.says("the machine has lost cores: 1 of 2 are there, [0]");
    let told = ["spotter_online_cores ", "spotter_throttled ", "spotter_temperature_celsius{zone=\"cpu-thermal\"} "];
    assert_eq!(told.map(|line| rig.spotter.metric(line)), [1.0, 1.0, 97.5]);
    let admin = rig.spotter.json("/api/v1/admin");
    assert_eq!((&admin["temperatures"][0]["celsius"], &admin["coolings"][0]["state"]), (&97.5.into(), &2.into()));
    rig.has_picture();

    put(rig.folder.path(), "thermal/cooling_device0/cur_state", "0");
    put(rig.folder.path(), "online", "0-1");
    rig.says("the machine is cool enough again");
    rig.says("the machine has 2 cores again; every thread is put back onto its own");
    until("the capture thread is on its core", || match allowed(&rig, "cap:rack") {
        cores if cores == "1" => Ok(()),
        cores => Err(cores),
    });
    rig.has_picture();
}

/// Those who take every core, until they go.
struct Load(Vec<Child>);

impl Load {
    /// Three for each core, as eager as anybody may be without a priority.
    fn on_every_core() -> Load {
        let count = 3 * std::thread::available_parallelism().map_or(1, usize::from);
        let busy = || {
            let mut command = Command::new("sh");
            command.args(["-c", "while :; do :; done"]).stdin(Stdio::null());
            command.spawn().expect("a shell")
        };
        Load((0..count).map(|_| busy()).collect())
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Frames a second that were captured meanwhile.
fn rate(rig: &Rig, seconds: u64) -> f64 {
    let count = || rig.spotter.metric("spotter_frames_captured_total{camera=\"rack\"}");
    let (before, begun) = (count(), Instant::now());
    until("time passes", || {
        let left = Duration::from_secs(seconds).saturating_sub(begun.elapsed());
        if left.is_zero() { Ok(()) } else { Err(format!("{left:?} are left")) }
    });
    (count() - before) / begun.elapsed().as_secs_f64()
}

#[test]
fn with_a_priority_the_capture_keeps_its_frames_though_others_take_every_core() {
    let rig = Rig::start(&format!("{SHOWN}priority = {{ capture = 50 }}\n"));
    rig.has_picture();
    if rig.member("cap:rack")["priority"] != 50 {
        rig.says("cap:rack: no real-time priority 50 (");
        println!("not run: real-time priorities want a right that is not given here");
        return;
    }
    let alone = rate(&rig, 6);
    let load = Load::on_every_core();
    let beside = rate(&rig, 6);
    let share = beside / alone;
    println!("{alone:.2} frames a second, {beside:.2} beside {} busy processes: {share:.3}", load.0.len());
    assert!(share >= 0.95, "{beside} of {alone} frames a second");
}
