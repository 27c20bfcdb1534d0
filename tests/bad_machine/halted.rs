//! The whole box halted for seconds, as by a debugger, a hypervisor or a lid that was closed, and let go on.

use std::time::{Duration, Instant};

use super::common::until;
use super::helpers::Server;
use super::rig::{Rig, TRAINS};

fn wait(time: Duration) {
    let begun = Instant::now();
    until("time passes", || if begun.elapsed() >= time { Ok(()) } else { Err("not yet".into()) });
}

fn config(source: &str) -> String {
    format!(
        "[capture]\nstall_s = 2.0\n[threads]\nhung_s = 5.0\n[[camera]]\nname = \"rack\"\nsource = \"{source}\"\n\
         pose = false\n"
    )
}

#[test]
fn after_a_halt_an_old_picture_is_shown_to_nobody() {
    let server = Server::start(160, 120, 15, None);
    let rig = Rig::start(&config(&format!("{}/mjpeg", server.url)));
    rig.has_picture();
    // The camera is silent when the box goes on: whatever it shows is from before.
    rig.spotter.signal("STOP");
    server.signal("STOP");
    wait(Duration::from_secs(4));
    rig.spotter.signal("CONT");
    let camera = &rig.spotter.json("/api/v1/cameras")[0];
    assert_eq!((&camera["has_frame"], &camera["connected"]), (&false.into(), &false.into()), "{camera}");
    let reply = rig.spotter.get("/snapshot");
    assert_eq!((reply.status, reply.text().contains("no picture for 2 s")), (404, true), "{}", reply.text());
    assert_eq!(rig.spotter.get("/stream").status, 404);
    rig.says("the machine gave the box no time for ");
    server.signal("CONT");
    rig.has_picture();
    rig.metric_is("spotter_camera_up{camera=\"rack\"}", |up| up == 1.0);
}

#[test]
fn a_halt_longer_than_a_thread_may_be_silent_is_no_hung_thread_and_opens_the_source_anew() {
    let rig = Rig::start(&config("demo:squat?fps=15&size=160x120&seed=4"));
    rig.has_picture();
    let before: u64 = rig.spotter.get("/snapshot").header("x-frame-id").and_then(|id| id.parse().ok()).expect("an id");
    rig.spotter.signal("STOP");
    wait(Duration::from_secs(7));
    rig.spotter.signal("CONT");
    // At once it is a 404 or new.
    let reply = rig.spotter.get("/snapshot");
    if reply.status == 200 {
        let header = |name: &str| reply.header(name).and_then(|value| value.parse::<u64>().ok()).expect("a number");
        assert!(header("x-frame-id") > before && header("x-frame-age-ms") < 2500, "{}", reply.head);
    }
    rig.says("the machine gave the box no time for ");
    rig.metric_is("spotter_source_opens_total{camera=\"rack\"}", |opens| opens == 2.0);
    rig.has_picture();
    assert_eq!(rig.spotter.metric("spotter_pauses_total "), 1.0);
    assert!(rig.spotter.metric("spotter_paused_seconds_total ") >= 6.5);
    // Long enough for the supervisor to have judged everybody.
    wait(Duration::from_secs(3));
    assert!(!rig.log().contains("hung: "), "{}", rig.log());
    assert_eq!(rig.spotter.get("/readyz").status, 200);
}

#[test]
fn a_halt_in_the_middle_of_a_set_makes_no_repetition_that_was_not_done() {
    let rig = Rig::start(&format!("{TRAINS}[capture]\nstall_s = 2.0\n"));
    rig.in_a_set();
    rig.spotter.signal("STOP");
    wait(Duration::from_secs(6));
    rig.spotter.signal("CONT");
    // The source is opened anew, and he begins a set from its beginning: three curls of three seconds each.
    let sets = until("a set is over", || match rig.sets() {
        sets if sets.is_empty() => Err(rig.spotter.json("/api/v1/state").to_string()),
        sets => Ok(sets),
    });
    for set in &sets {
        let reps = set["repetitions"].as_array().expect("a list");
        let second = |rep: &serde_json::Value, name: &str| rep[name].as_f64().expect("a number");
        let quick = reps.iter().find(|rep| second(rep, "ended_s") - second(rep, "started_s") < 1.5);
        // What was begun before the halt may be told with what came after it, and no more than was shown.
        assert!(reps.len() <= 5 && quick.is_none(), "{set}");
    }
}
