//! `spotter replay VIDEO`: films of the demo's athlete go the whole way, from H.264 by decoder, model and counting to the
//! events, and every repetition is counted; and so it is while he trains before five cameras at once.

mod common;
mod film;

use std::path::Path;
use std::process::{Command, Output};

use common::{SpotterBox, until};
use film::{SHOWN, film, small};
use serde_json::Value;
use spotter::capture::uri::DemoAddress;

fn replay(arguments: &[&str], path: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spotter"));
    command.arg("replay").arg(path).args(["--engine", "cpu"]).args(arguments).output().expect("the binary is there")
}

fn events(path: &Path) -> Vec<Value> {
    let out = replay(&["--json"], path);
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(0), "{said}");
    assert!(said.contains("without --model only the athlete of demo: sources is known"), "{said}");
    let text = String::from_utf8(out.stdout).expect("events are text");
    text.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
}

/// The sets of a film as name and repetitions, and the frames that were looked at.
fn sets(path: &Path) -> (Vec<(String, u64)>, u64) {
    let all = events(path);
    let ended = all.iter().filter(|event| event["event"] == "set_ended");
    let sets: Vec<_> = ended
        .map(|set| (set["exercise"].as_str().unwrap_or("none").to_string(), set["reps"].as_u64().expect("a number")))
        .collect();
    let summary = all.last().expect("there is a summary");
    assert_eq!(summary["event"], "summary");
    assert_eq!(summary["sets"].as_u64(), Some(sets.len() as u64));
    let reps = all.iter().filter(|event| event["event"] == "rep").count();
    assert_eq!(summary["reps"].as_u64(), Some(reps as u64));
    (sets, summary["frames"].as_u64().expect("a number"))
}

#[test]
fn the_repetitions_in_a_film_are_counted_and_every_frame_is_looked_at() {
    let dir = tempfile::tempdir().unwrap();
    let (mut counted, mut shown_sets) = (Vec::new(), Vec::new());
    for (number, (shown, _)) in (0..).zip(SHOWN) {
        let (path, reps) = (dir.path().join(format!("{shown}.mp4")), 5 + number);
        film(&small(shown, reps, 1), &path);
        let (sets, frames) = sets(&path);
        assert_eq!(frames, pictures(&path), "{shown}: every frame is looked at");
        counted.extend(sets.into_iter().map(|(_, reps)| (shown, reps)));
        shown_sets.push((shown, u64::from(reps)));
    }
    assert_eq!(counted, shown_sets);
}

/// How many pictures ffprobe finds in a film.
fn pictures(path: &Path) -> u64 {
    let out = Command::new("ffprobe")
        .args(["-v", "error", "-count_packets", "-select_streams", "v"])
        .args(["-show_entries", "stream=nb_read_packets", "-of", "csv=p=0"])
        .arg(path)
        .output()
        .expect("ffprobe is installed");
    String::from_utf8_lossy(&out.stdout).trim().parse().expect("a number")
}

#[test]
fn what_is_no_video_is_told_by_the_capture_faults_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let (text, nothing) = (dir.path().join("a.mp4"), dir.path().join("b.mp4"));
    std::fs::write(&text, "this is no film\n".repeat(100)).unwrap();
    for (path, why) in [(&text, "is not a video that can be read"), (&nothing, "there is no ")] {
        let out = replay(&["--json"], path);
        let said = String::from_utf8_lossy(&out.stderr);
        assert_eq!((out.status.code(), out.stdout.len()), (Some(1), 0), "{said}");
        assert!(said.contains(why) && said.contains(&path.display().to_string()), "{said}");
    }
}

/// Five gyms of each exercise, large and at full rate; named, too.
#[test]
#[ignore = "looks at some twenty thousand pictures: make test-demo-sets"]
fn twenty_sets_of_the_demo_are_counted_exactly_and_named() {
    let dir = tempfile::tempdir().unwrap();
    let mut wrong = Vec::new();
    for seed in 1..=5 {
        for (shown, name) in SHOWN {
            let (path, reps) = (dir.path().join(format!("{shown}{seed}.mp4")), 4 + (seed as u32 * 3) % 7);
            let size = small(shown, reps, seed);
            film(&DemoAddress { fps: 30.0, width: 640, height: 360, ..size }, &path);
            let (counted, frames) = sets(&path);
            let right = counted == [(name.to_string(), u64::from(reps))];
            println!("{shown:9} seed {seed}: {reps} shown, {frames} frames, counted {counted:?}");
            if !right {
                wrong.push(format!("{shown} seed {seed}: {reps} shown, counted {counted:?}"));
            }
            std::fs::remove_file(&path).unwrap();
        }
    }
    assert!(wrong.is_empty(), "{} of 20:\n{}", wrong.len(), wrong.join("\n"));
}

/// What a box that shows one exercise in five gyms, so many repetitions a set, has in its log for each camera: the second set,
/// since the first began before anybody looked.
fn live(exercise: &str, reps: u32) -> Vec<u64> {
    let folder = tempfile::tempdir().unwrap();
    let camera = |seed: u64| {
        let source = format!("demo:{exercise}?reps={reps}&rest=8&fps=10&size=320x180&seed={seed}");
        format!("[[camera]]\nname = \"gym{seed}\"\nsource = \"{source}\"\n")
    };
    let cameras: String = (1..=5).map(camera).collect();
    let config = folder.path().join("spotter.toml");
    std::fs::write(&config, format!("{cameras}[set_boundary]\nquiet_seconds = 3.0\n")).unwrap();
    let (config, folder) = (config.display().to_string(), folder.path().display().to_string());
    let a_box = SpotterBox::start(&["--config", &config, "--data-dir", &folder]);
    let of = |seed: u64| {
        let sets = a_box.json("/api/v1/sets?limit=500");
        let sets = sets.as_array().expect("a list").iter().rev();
        sets.filter(|set| set["camera"] == format!("gym{seed}")).cloned().collect::<Vec<Value>>()
    };
    let second = |seed: u64| {
        let set = [1, 2].map(|count| {
            until("another set is in the log", || {
                let sets = of(seed);
                sets.get(count - 1).cloned().ok_or_else(|| a_box.json("/api/v1/state").to_string())
            })
        });
        set[1]["reps_machine"].as_u64().expect("a number")
    };
    (1..=5).map(second).collect()
}

#[test]
#[ignore = "minutes, as long as people take for forty sets: make test-demo-sets"]
fn twenty_sets_of_the_demo_are_counted_exactly_while_they_are_done() {
    let mut wrong = Vec::new();
    for (number, (shown, _)) in (0..).zip(SHOWN) {
        let reps = 4 + number;
        let counted = live(shown, reps);
        println!("{shown:9}: {reps} shown in each of five gyms, counted {counted:?}");
        wrong.extend(counted.iter().filter(|count| **count != u64::from(reps)).map(|count| (shown, reps, *count)));
    }
    assert!(wrong.is_empty(), "{} of 20: {wrong:?}", wrong.len());
}
