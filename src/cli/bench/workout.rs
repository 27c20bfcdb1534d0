//! `spotter bench workout`: what it costs to follow and to count, one frame after the other, on the poses of a real recording.
//!
//! The file is read before the clock starts. Each round counts it anew from its beginning. What is measured is the thread's own
//! processor time, so that other work on the machine does not count.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use serde::Serialize;

use crate::camera::poses_file::PosesFile;
use crate::camera::recording::Sighting;
use crate::skeleton::Pose;
use crate::time::{Mono, thread_time};
use crate::workout::{Settings, Workout};

/// What it costs, and what it was taken of.
#[derive(Serialize)]
pub struct Measured {
    /// One update, microseconds of processor time, the mean of all.
    pub update_us: f64,
    /// Frames in a round.
    pub frames: usize,
    /// Happenings that were told in a round: a count that counts nothing is no measure.
    pub told: usize,
}

/// Counts the recording `rounds` times, with `between` frames put between each two of it.
///
/// # Errors
/// One sentence: the file cannot be read, or does not fit.
pub fn measure(path: &Path, between: u32, rounds: usize) -> Result<Measured, String> {
    let file = File::open(path).map_err(|why| format!("{} cannot be read: {why}", path.display()))?;
    let shots: Result<Vec<Sighting>, _> = PosesFile::new(BufReader::new(file)).collect();
    let shots = thicker(shots.map_err(|fault| format!("{}: {fault}", path.display()))?, between);
    if shots.is_empty() {
        return Err(format!("{} has no frame", path.display()));
    }
    let (mut told, begun) = (Vec::new(), thread_time());
    for _ in 0..rounds {
        told.clear();
        let mut workout = Workout::new(Settings::default());
        for Sighting { stamp, size, poses } in &shots {
            std::hint::black_box(workout.update(*stamp, *size, poses, &mut told));
        }
    }
    let update_us = (thread_time() - begun).as_secs_f64() * 1e6 / (rounds * shots.len()) as f64;
    Ok(Measured { update_us, frames: shots.len(), told: told.len() })
}

/// With so many frames between each two, at equal times, everybody straight on his way.
fn thicker(shots: Vec<Sighting>, between: u32) -> Vec<Sighting> {
    let mut all = Vec::with_capacity(shots.len() * (between as usize + 1));
    for pair in shots.windows(2) {
        let (a, b) = (&pair[0], &pair[1]);
        all.extend((0..=between).map(|n| {
            let part = n as f32 / (between + 1) as f32;
            let poses = a.poses.iter().zip(&b.poses).map(|(a, b)| mixed(a, b, part));
            let stamp = Mono::from_ns(
                a.stamp.as_ns() + b.stamp.since(a.stamp).as_nanos() as u64 * u64::from(n) / u64::from(between + 1),
            );
            Sighting { stamp, size: a.size, poses: if n == 0 { a.poses.clone() } else { poses.collect() } }
        }));
    }
    all.extend(shots.into_iter().next_back());
    all
}

fn mixed(a: &Pose, b: &Pose, part: f32) -> Pose {
    let mut pose = *a;
    let mix = |a: &mut f32, b: f32| *a += part * (b - *a);
    pose.bbox.iter_mut().zip(b.bbox).for_each(|(a, b)| mix(a, b));
    for (a, b) in pose.keypoints.iter_mut().zip(&b.keypoints) {
        mix(&mut a.x, b.x);
        mix(&mut a.y, b.y);
    }
    pose
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_frame_of_a_recording_is_counted_and_timed() {
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/demo_squat.jsonl");
        let lines = std::fs::read_to_string(&golden).unwrap().lines().filter(|line| line.contains("poses")).count();
        for (between, frames) in [(0, lines), (3, 4 * lines - 3)] {
            let measured = measure(&golden, between, 1).unwrap();
            assert_eq!(measured.frames, frames);
            // At least the repetitions of its two sets of five.
            assert!(measured.told >= 10 && measured.update_us > 0.0, "{} told", measured.told);
        }
        assert!(measure(Path::new("/dev/null"), 0, 1).is_err_and(|why| why == "/dev/null has no frame"));
    }
}
