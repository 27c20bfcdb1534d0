//! The whole box for hours: three cameras, a model, ten viewers, sets that are delivered, and a world that fails at random.
//!
//! `make endurance HOURS=2`, or `HOURS=0.05` to see that the run itself works. The cameras are the demo's athlete, a real RTSP
//! server that shows bars, and a film of the athlete that GStreamer plays round and round (`file:` ends with its film). Which
//! fault comes when is told by a seed, which is printed; `SPOTTER_SEED` gives it. A line a minute says how the box does.
//!
//! At the end it is judged: resident memory by a straight line through its samples (from an hour on; a shorter run only prints
//! it), threads and descriptors against those of the beginning, every sign of life to what stands for systemd, the frames' ids,
//! and the log against what viewers heard and the receiver took.

#[path = "../common/mod.rs"]
mod common;
mod faults;
#[path = "../film/mod.rs"]
mod film;
#[path = "../helpers/mod.rs"]
mod helpers;
mod ledger;
#[path = "../receiver/mod.rs"]
mod receiver;
mod samples;
mod viewers;
mod watchdog;

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use common::{SpotterBox, until};
use faults::Faults;
use helpers::Server;
use receiver::{Manner, Part, Receiver, SECRET};
use samples::Samples;
use spotter::capture::uri::DemoAddress;
use viewers::Viewers;
use watchdog::Watchdog;

/// Small pictures, few of them: the run shall find leaks, not heat the machine.
const FPS: u32 = 10;
/// Between two looks at the box.
const EVERY: Duration = Duration::from_secs(3);
/// From so many hours on the slope of memory is judged.
const JUDGED_H: f64 = 1.0;
/// Bytes an hour by which resident memory may grow.
const SLOPE_MOST: f64 = 1e6;

fn hours() -> f64 {
    let given = std::env::var("SPOTTER_HOURS").ok().filter(|hours| !hours.is_empty());
    given.map_or(0.05, |hours| hours.parse().expect("HOURS is a number"))
}

fn seed() -> u64 {
    let given = std::env::var("SPOTTER_SEED").ok().filter(|seed| !seed.is_empty());
    let now = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs();
    given.map_or_else(now, |seed| seed.parse().expect("a seed is a whole number"))
}

/// A film of one set and its rest, as a folder of numbered pictures; how many there are.
fn loop_film(folder: &Path) -> usize {
    let whole = folder.join("film.mp4");
    let address = DemoAddress {
        exercise: "curl".into(),
        reps: 6,
        rest_s: 9.0,
        fps: FPS.into(),
        width: 320,
        height: 180,
        seed: 7,
    };
    film::film(&address, &whole);
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-loglevel", "error", "-i"]).arg(&whole).args(["-q:v", "3"]).arg(folder.join("film-%05d.jpg"));
    assert!(ffmpeg.status().expect("ffmpeg is installed").success());
    let names = std::fs::read_dir(folder).expect("it was just made").map(|entry| entry.expect("a file").file_name());
    names.filter(|name| name.to_string_lossy().ends_with(".jpg")).count()
}

fn config(folder: &Path, server: &Server, hook: &Receiver) -> String {
    let pictures = loop_film(folder);
    let film = folder.display();
    format!(
        "confidence_threshold = 0.5\n\
         [[camera]]\nname = \"demo\"\nsource = \"demo:squat?reps=5&rest=8&fps={FPS}&size=320x180&seed=4\"\n\
         [[camera]]\nname = \"rtsp\"\nsource = \"{}/h264\"\n\
         [[camera]]\nname = \"film\"\nsource = \"gst:multifilesrc location={film}/film-%05d.jpg start-index=1 \
         stop-index={pictures} loop=true caps=image/jpeg,framerate={FPS}/1 ! jpegdec\"\n\
         [capture]\nstall_s = 3.0\n[set_boundary]\nquiet_seconds = 4.0\n[pose]\nengine = \"cpu\"\nmax_fps = 6\nmodel = \"demo\"\n\
         [[sink]]\nkind = \"webhook\"\nurl = \"{}\"\nsecret = \"{SECRET}\"\ntimeout_s = 2.0\n",
        server.url,
        hook.url()
    )
}

fn until_it_goes(spotter: &SpotterBox) {
    until("every camera has a picture", || {
        let cameras = spotter.json("/api/v1/cameras");
        let all = cameras.as_array().expect("a list").iter().all(|camera| camera["has_frame"] == true);
        if all { Ok(()) } else { Err(cameras.to_string()) }
    });
}

#[test]
#[ignore = "takes hours: make endurance"]
fn the_box_runs_for_hours_with_faults_at_random_and_stays_as_it_is() {
    let (length, seed) = (Duration::from_secs_f64(hours() * 3600.0), seed());
    println!("{:.2} hours, SPOTTER_SEED={seed}", hours());
    let folder = tempfile::tempdir().expect("there is room");
    let server = Server::start(320, 240, FPS, None);
    let hook = Receiver::start(Part::Webhook(SECRET), |_| Manner::Well);
    let file = folder.path().join("spotter.toml");
    std::fs::write(&file, config(folder.path(), &server, &hook)).expect("there is room");
    let mut watchdog = Watchdog::bind(folder.path());
    let environment = watchdog.environment();
    let environment: Vec<(&str, &str)> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let spotter = SpotterBox::start_with(&["--config", file.to_str().expect("UTF-8")], &environment);
    until_it_goes(&spotter);

    let viewers = Viewers::gather(spotter.address);
    let mut faults = Faults::new(seed, server, &hook);
    let mut samples = Samples::new(&spotter);
    let begun = Instant::now();
    while begun.elapsed() < length {
        std::thread::sleep(EVERY);
        faults.turn(Instant::now(), &viewers);
        watchdog.listen();
        samples.take(&spotter, &faults, &watchdog);
    }
    faults.heal(&viewers);
    until_it_goes(&spotter);

    let mut wrong = samples.judge(&spotter, length);
    wrong.extend(watchdog.judge());
    wrong.extend(ledger::judge(&spotter, &hook, &viewers.heard()));
    wrong.extend(viewers.end());
    for line in &wrong {
        println!("WRONG: {line}");
    }
    assert!(wrong.is_empty(), "{} of the rules were broken", wrong.len());
    println!("all is well");
}
