//! A recording of poses, read and counted: every line is a shot or refused, and nothing that a stranger writes stops the count.
#![no_main]

use spotter::camera::poses_file::PosesFile;
use spotter::workout::{Settings, Workout};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let (mut workout, mut told) = (Workout::new(Settings::default()), Vec::new());
    for shot in PosesFile::new(bytes) {
        let Ok(shot) = shot else { break };
        workout.update(shot.stamp, shot.size, &shot.poses, &mut told);
    }
    workout.finish(&mut told);
});
