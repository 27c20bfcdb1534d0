//! From the config of a camera to the settings of its line.

use super::{CameraConfig, Config, PerThread};
use crate::camera::{self, Place, Retry};
use crate::jpeg::shots::VARIANTS;
use crate::pose;

impl Config {
    /// The settings of every camera's line, in order.
    pub fn lines(&self) -> Vec<camera::Settings> {
        self.cameras.iter().map(|camera| self.line(camera)).collect()
    }

    fn line(&self, camera: &CameraConfig) -> camera::Settings {
        let PerThread { capture, pose, jpeg } = camera.cores.clone();
        let place = |cores, priority| Place { cores, priority };
        camera::Settings {
            name: camera.name.clone(),
            capture: camera.capture(self.capture.stall),
            retry: Retry { first: self.capture.retry_first, most: self.capture.retry_most },
            // Neither `auto` nor `off` has an engine behind it in this version.
            engine: pose::Engine::Off,
            capture_place: place(capture, camera.priority.capture),
            pose_place: place(pose, camera.priority.pose),
            jpeg_place: place(jpeg, camera.priority.jpeg),
            hung: self.threads.hung,
            // Each connection holds one at most, and so does each entry of the variant table; one is being made.
            shot_buffers: self.http.connections + VARIANTS + 1,
        }
    }
}
