//! What the box holds and how it does, looked at every few seconds.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::common::{SpotterBox, until};
use super::faults::Faults;
use super::watchdog::Watchdog;
use super::{JUDGED_H, SLOPE_MOST};

/// Before this, caches fill: ten minutes, or a sixth of a short run.
const WARM_UP: Duration = Duration::from_secs(600);
const MINUTE: Duration = Duration::from_secs(60);

/// One look.
#[derive(Clone, Copy)]
struct Sample {
    at_s: f64,
    rss: f64,
    anonymous: f64,
    threads: usize,
    descriptors: usize,
}

pub struct Samples {
    begun: Instant,
    process: String,
    all: Vec<Sample>,
    /// With all cameras there and before any fault, viewers on their way.
    first: (usize, usize),
    newest: BTreeMap<String, u64>,
    stands: BTreeMap<String, u32>,
    told: Instant,
    oldest_beat: (u64, String),
    wrong: Vec<String>,
}

impl Samples {
    pub fn new(spotter: &SpotterBox) -> Samples {
        let (begun, process) = (Instant::now(), format!("/proc/{}", spotter.child.id()));
        // Everybody is there: two listeners, and a stream for each of six.
        until("the viewers are there", || {
            let streams: u64 = cameras(spotter).iter().map(|camera| camera["viewers"].as_u64().unwrap_or(0)).sum();
            let listeners = spotter.metric("spotter_event_listeners");
            if streams == 6 && listeners == 2.0 { Ok(()) } else { Err(format!("{streams} and {listeners}")) }
        });
        let first = look(&process, 0.0);
        let first = (first.threads, first.descriptors);
        let (all, newest, stands, wrong) = (Vec::new(), BTreeMap::new(), BTreeMap::new(), Vec::new());
        Samples { begun, process, all, first, newest, stands, told: begun, oldest_beat: (0, String::new()), wrong }
    }

    pub fn take(&mut self, spotter: &SpotterBox, faults: &Faults, watchdog: &Watchdog) {
        let sample = look(&self.process, self.begun.elapsed().as_secs_f64());
        self.all.push(sample);
        for camera in cameras(spotter) {
            self.look_at(&camera);
        }
        for thread in spotter.json("/api/v1/admin")["threads"].as_array().expect("a list") {
            let (name, age) =
                (thread["name"].as_str().unwrap_or_default(), thread["beat_age_ms"].as_u64().unwrap_or(0));
            if age > self.oldest_beat.0 {
                self.oldest_beat = (age, name.to_string());
            }
            if thread["health"] != "well" {
                self.wrong.push(format!("at {:.0} s {name} is {}", sample.at_s, thread["health"]));
            }
        }
        if self.told.elapsed() >= MINUTE {
            self.told += MINUTE;
            self.tell(sample, spotter, faults, watchdog);
        }
    }

    /// A camera's newest frame never goes back, and two of the three have no reason to stand still.
    fn look_at(&mut self, camera: &Value) {
        let name = camera["name"].as_str().expect("a name").to_string();
        let id = camera["frame_id"].as_u64().unwrap_or(0);
        let newest = self.newest.entry(name.clone()).or_default();
        let stands = self.stands.entry(name.clone()).or_default();
        *stands = if id > *newest { 0 } else { *stands + 1 };
        if id > 0 && id < *newest {
            self.wrong.push(format!("camera {name} shows frame {id} after {newest}"));
        }
        *newest = id.max(*newest);
        if name != "rtsp" && *stands == 4 {
            self.wrong.push(format!("camera {name} stands still: {camera}"));
        }
    }

    fn tell(&self, sample: Sample, spotter: &SpotterBox, faults: &Faults, watchdog: &Watchdog) {
        println!(
            "{:4.0} min: {:.1} MB ({:.1} its own), {} threads, {} descriptors, {} signs of life, oldest beat {} ms ({}), \
             {} sets, {} delivered, {} waiting, frames {:?}, fault {}: {}",
            sample.at_s / 60.0,
            sample.rss / 1e6,
            sample.anonymous / 1e6,
            sample.threads,
            sample.descriptors,
            watchdog.kicks(),
            self.oldest_beat.0,
            self.oldest_beat.1,
            spotter.metric("spotter_store_written_sets_total"),
            spotter.metric("spotter_sink_delivered_total"),
            spotter.metric("spotter_sink_backlog"),
            self.newest.values().collect::<Vec<_>>(),
            faults.count,
            faults.last,
        );
    }

    /// To be called when everything is healed.
    pub fn judge(mut self, spotter: &SpotterBox, length: Duration) -> Vec<String> {
        let warm_s = WARM_UP.min(length / 6).as_secs_f64();
        let warm: Vec<Sample> = self.all.iter().copied().filter(|sample| sample.at_s >= warm_s).collect();
        let slope = |of: fn(&Sample) -> f64| slope(&warm, of) * 3600.0;
        let (rss, own) = (slope(|s| s.rss), slope(|s| s.anonymous));
        println!(
            "after {warm_s:.0} s memory grows by {:.3} MB an hour, the program's own by {:.3}",
            rss / 1e6,
            own / 1e6
        );
        let (threads, descriptors) = (slope(|s| s.threads as f64), slope(|s| s.descriptors as f64));
        println!("threads by {threads:.2} an hour, descriptors by {descriptors:.2}");
        let most = [("bytes", rss, SLOPE_MOST), ("threads", threads, 1.0), ("descriptors", descriptors, 1.0)];
        for (what, grows, most) in most.into_iter().filter(|_| length.as_secs_f64() >= JUDGED_H * 3600.0) {
            if grows > most {
                self.wrong.push(format!("{grows:.3} {what} more an hour"));
            }
        }
        // In the state of the beginning it holds what it held then. What libraries close late is waited for.
        until("threads and descriptors are those of the beginning", || {
            let now = look(&self.process, 0.0);
            let (threads, descriptors) = self.first;
            let held = format!("{} threads, {} descriptors; first {:?}", now.threads, now.descriptors, self.first);
            // One connection of this question's own, and one of a picture that is being asked for, on either side.
            if now.threads > threads || now.descriptors > descriptors + 2 {
                return Err(held);
            }
            println!("{held}");
            Ok(())
        });
        for line in ["spotter_frames_captured_total", "spotter_frames_inferred_total", "spotter_frames_dropped_total"] {
            let metrics = spotter.get("/metrics").text();
            metrics.lines().filter(|text| text.starts_with(line)).for_each(|text| println!("{text}"));
        }
        println!("frames {:?} in {:.0} s, oldest beat {:?}", self.newest, length.as_secs_f64(), self.oldest_beat);
        self.wrong
    }
}

fn cameras(spotter: &SpotterBox) -> Vec<Value> {
    spotter.json("/api/v1/cameras").as_array().expect("a list").clone()
}

fn look(process: &str, at_s: f64) -> Sample {
    let count = |what: &str| std::fs::read_dir(format!("{process}/{what}")).expect("the box runs").count();
    let status = std::fs::read_to_string(format!("{process}/status")).expect("the box runs");
    let bytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("the kernel says it");
        line.split_whitespace().next().and_then(|kib| kib.parse::<f64>().ok()).expect("a number") * 1024.0
    };
    let (rss, anonymous) = (bytes("VmRSS:"), bytes("RssAnon:"));
    Sample { at_s, rss, anonymous, threads: count("task"), descriptors: count("fd") }
}

/// By least squares, a second.
fn slope(samples: &[Sample], of: fn(&Sample) -> f64) -> f64 {
    let n = samples.len() as f64;
    let mean = |f: &dyn Fn(&Sample) -> f64| samples.iter().map(f).sum::<f64>() / n;
    let (middle_s, middle) = (mean(&|s| s.at_s), mean(&of));
    let covariance = mean(&|s| (s.at_s - middle_s) * (of(s) - middle));
    covariance / mean(&|s| (s.at_s - middle_s).powi(2))
}
