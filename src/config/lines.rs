//! From the config of a camera to the settings of its line.

use std::time::Duration;

use super::{CameraConfig, Config, Engine, PerThread};
use crate::camera::{self, Place, Retry};
use crate::jpeg::{self, shots::VARIANTS};
use crate::pose::{self, Chosen, Limits, Places, PoseFault, Shared, Wanted, tensorrt};

/// A model that knows only the rendered athlete would not see people, or see them where there are none.
const NOBODY_LOOKS: &str =
    "nobody looks: [pose] has no `model`, and the one in this program knows only the athlete of demo: sources";

impl Config {
    /// What looks at the athlete: the engine is chosen, the model's file is read and judged; its weights are not loaded
    /// yet. Says so when nobody looks although nobody forbade it.
    ///
    /// # Errors
    /// When the engine that is named is not there, or the model cannot be read or is no pose model.
    pub fn engine(&self) -> Result<pose::Engine, PoseFault> {
        if self.pose.engine == Engine::Off {
            return Ok(pose::Engine::Off);
        }
        let Some(model) = &self.pose.model else {
            if self.cameras.iter().any(|camera| camera.pose) {
                log::warn!("{NOBODY_LOOKS}");
            }
            return Ok(pose::Engine::Off);
        };
        let places = Places::usual(self.pose.onnxruntime.clone(), Some(&self.data_dir));
        let settings = tensorrt::Settings { cache: self.data_dir.join("engines"), ..self.pose.tensorrt.clone() };
        let chosen = match self.pose.engine {
            Engine::TensorRt => Chosen::tensorrt(&settings)?,
            Engine::OnnxRuntime => Chosen::of(Wanted::OnnxRuntime, &places)?,
            Engine::Cpu => Chosen::of(Wanted::Cpu, &places)?,
            Engine::Auto | Engine::Off => Chosen::fastest(&places, &settings)?,
        };
        let limits = Limits { score: self.pose.score, overlap: self.pose.overlap, most: self.pose.most_people };
        let threads = self.pose.threads;
        let shared = if model.as_os_str() == pose::DEMO {
            Shared::demo(limits, chosen, threads)
        } else {
            Shared::open(model, limits, chosen, threads)
        };
        shared.map(pose::Engine::Model)
    }

    /// The settings of every camera's line, in order. All look with the same engine and encode with the same encoder.
    pub fn lines(&self, engine: &pose::Engine, encoder: &jpeg::Chosen) -> Vec<camera::Settings> {
        self.cameras.iter().map(|camera| self.line(camera, engine, encoder)).collect()
    }

    fn line(&self, camera: &CameraConfig, engine: &pose::Engine, encoder: &jpeg::Chosen) -> camera::Settings {
        let PerThread { capture, pose, jpeg } = camera.cores.clone();
        let place = |cores, priority| Place { cores, priority };
        let max_fps = u32::try_from(self.pose.max_fps).unwrap_or(0);
        camera::Settings {
            name: camera.name.clone(),
            capture: camera.capture(self.capture.stall),
            retry: Retry { first: self.capture.retry_first, most: self.capture.retry_most },
            engine: if camera.pose { engine.clone() } else { pose::Engine::Off },
            encoder: encoder.clone(),
            privacy: camera.privacy,
            zone: camera.zone,
            look_every: Duration::from_secs(1).checked_div(max_fps).unwrap_or_default(),
            capture_place: place(capture, camera.priority.capture),
            pose_place: place(pose, camera.priority.pose),
            jpeg_place: place(jpeg, camera.priority.jpeg),
            hung: self.threads.hung,
            // Each connection holds one at most, and so does each entry of the variant table; one is being made.
            shot_buffers: self.http.connections + VARIANTS + 1,
        }
    }
}
