//! One model for all cameras: read once, loaded once, one frame at a time and every camera in its turn.
//!
//! The file's header is judged when the box starts, which takes a millisecond; the weights are loaded by the first pose
//! thread that comes, while the cameras already serve their pictures. Turns are given in the order of asking, so that
//! no camera starves beside a faster one.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, OnceLock};
use std::time::{Duration, Instant};

use super::PoseFault;
use super::decode::{Decoder, Limits};
use super::engine::{Chosen, Loaded};
use super::layout::Layout;
use super::onnx::Header;
use super::preprocess::{Letterbox, Preprocess, PreprocessFault, Tensor};
use super::tensorrt::Fault;
use crate::frame::Frame;
use crate::skeleton::Pose;

/// A larger file is no pose model; the largest of the family has 230 MB.
pub const FILE_MAX_BYTES: u64 = 512 * 1024 * 1024;

/// What the config and messages call the model inside the binary.
pub const DEMO: &str = "demo";
/// Made by `board/models/train.py`; it knows the rendered athlete and nobody else.
const DEMO_BYTES: &[u8] = include_bytes!("../../board/models/demo-pose.onnx");

/// A model that all cameras look with.
pub struct Shared {
    path: PathBuf,
    layout: Layout,
    limits: Limits,
    chosen: Chosen,
    threads: usize,
    bytes: Mutex<Vec<u8>>,
    loaded: OnceLock<Result<Loaded, PoseFault>>,
    turn: Turn,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("Shared").field("path", &self.path).field("layout", &self.layout).finish_non_exhaustive()
    }
}

impl Shared {
    /// Reads the file and judges its header. `threads` of 0 is as many as there are cores for the thread that loads it.
    ///
    /// # Errors
    /// When it cannot be read or is no pose model: one sentence that says what was found and expected.
    pub fn open(path: &Path, limits: Limits, chosen: Chosen, threads: usize) -> Result<Arc<Shared>, PoseFault> {
        let unreadable = |why| PoseFault::Unreadable { path: path.to_path_buf(), why: Arc::new(why) };
        let length = std::fs::metadata(path).map_err(unreadable)?.len();
        if length > FILE_MAX_BYTES {
            return Err(PoseFault::TooLarge { path: path.to_path_buf(), megabytes: length >> 20 });
        }
        Shared::judge(path, std::fs::read(path).map_err(unreadable)?, limits, chosen, threads)
    }

    /// The demo model, which is part of the binary. It is so small that more threads than one wait for each other:
    /// `threads` of 0 is one.
    ///
    /// # Errors
    /// As in [`Shared::open`], which a test shows not to happen.
    pub fn demo(limits: Limits, chosen: Chosen, threads: usize) -> Result<Arc<Shared>, PoseFault> {
        Shared::judge(Path::new(DEMO), DEMO_BYTES.to_vec(), limits, chosen, threads.max(1))
    }

    fn judge(
        path: &Path,
        bytes: Vec<u8>,
        limits: Limits,
        chosen: Chosen,
        threads: usize,
    ) -> Result<Arc<Shared>, PoseFault> {
        let header = Header::read(&bytes).map_err(|why| PoseFault::not_ours(path, &why))?;
        let layout = Layout::of(&header).map_err(|why| PoseFault::not_ours(path, &why))?;
        Ok(Arc::new(Shared {
            path: path.to_path_buf(),
            layout,
            limits,
            chosen,
            threads,
            bytes: Mutex::new(bytes),
            loaded: OnceLock::new(),
            turn: Turn::default(),
        }))
    }

    /// The file, or [`DEMO`].
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How it is laid out.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// What it is loaded in.
    pub fn chosen(&self) -> &Chosen {
        &self.chosen
    }

    /// What it is loaded in and why, with how far that is when it is not all there yet.
    pub fn why(&self) -> String {
        let progress = self.loaded.get().and_then(|loaded| loaded.as_ref().ok()?.progress());
        progress.map_or_else(|| self.chosen.why().to_string(), |how_far| format!("{}; {how_far}", self.chosen.why()))
    }

    /// Whether what it is loaded in is being built.
    pub fn is_building(&self) -> bool {
        self.loaded.get().is_some_and(|loaded| loaded.as_ref().is_ok_and(Loaded::is_building))
    }

    /// Whether it can be asked; nothing while it is being loaded.
    pub fn state(&self) -> Option<Result<(), PoseFault>> {
        self.loaded.get().map(|loaded| loaded.as_ref().map(|_| ()).map_err(Clone::clone))
    }

    /// Loads it unless it is loaded, and lets it look at nothing once, since a first inference is many times slower.
    ///
    /// # Errors
    /// When the engine cannot load it or fails at once. It is not tried again.
    pub fn load(&self) -> Result<&Loaded, PoseFault> {
        let loaded = self.loaded.get_or_init(|| {
            let begun = Instant::now();
            let bytes = std::mem::take(&mut *self.bytes.lock().expect("nothing panics under this lock"));
            let engine = self.chosen.load(bytes, &self.layout, self.threads)?;
            let blank = Tensor::new(self.layout.input);
            match engine.infer(&blank, &mut Vec::new()) {
                Err(PoseFault::TensorRt(Fault::Building { .. })) => return Ok(engine),
                answered => answered?,
            }
            let (engine_name, took) = (self.chosen.name(), begun.elapsed().as_millis());
            log::info!("pose: {} is ready in {engine_name} after {took} ms", self.path.display());
            Ok(engine)
        });
        loaded.as_ref().map_err(Clone::clone)
    }
}

/// Where the time of one look went.
#[derive(Clone, Copy, Default, Debug)]
pub struct Spent {
    /// From the frame to the input.
    pub preprocess: Duration,
    /// In the engine.
    pub infer: Duration,
    /// From the answer to poses.
    pub decode: Duration,
}

/// One camera's way of looking with the shared model: its own buffers and tables.
pub struct Eye {
    shared: Arc<Shared>,
    preprocess: Preprocess,
    tensor: Tensor,
    answer: Vec<f32>,
    decoder: Decoder,
}

impl Eye {
    /// Buffers for this model.
    pub fn new(shared: Arc<Shared>) -> Eye {
        let (width, height) = shared.layout.input;
        let preprocess = Preprocess::new(width, height);
        let tensor = Tensor::new(shared.layout.input);
        let decoder = Decoder::new(shared.layout.clone(), shared.limits);
        Eye { shared, preprocess, tensor, answer: Vec::new(), decoder }
    }

    /// The model.
    pub fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Finds the people in a frame: poses in its pixels, by falling score, in place of what was in `out`.
    ///
    /// # Errors
    /// When the frame cannot be read or the engine fails; `out` is then empty.
    pub fn look(&mut self, frame: &Frame, out: &mut Vec<Pose>) -> Result<Spent, PoseFault> {
        self.look_with(|preprocess, tensor| preprocess.run(frame, tensor), out)
    }

    /// The same for rows of R, G, B without padding; `size` in pixels.
    ///
    /// # Errors
    /// As in [`Eye::look`].
    pub fn look_at_rgb(&mut self, rgb: &[u8], size: (usize, usize), out: &mut Vec<Pose>) -> Result<Spent, PoseFault> {
        self.look_with(|preprocess, tensor| preprocess.run_rgb(rgb, size, tensor), out)
    }

    fn look_with(
        &mut self,
        fill: impl FnOnce(&mut Preprocess, &mut Tensor) -> Result<Letterbox, PreprocessFault>,
        out: &mut Vec<Pose>,
    ) -> Result<Spent, PoseFault> {
        out.clear();
        let engine = self.shared.load()?;
        let begun = Instant::now();
        let letterbox = fill(&mut self.preprocess, &mut self.tensor)?;
        let filled = Instant::now();
        let turn = self.shared.turn.wait();
        let asked = Instant::now();
        engine.infer(&self.tensor, &mut self.answer)?;
        let answered = Instant::now();
        drop(turn);
        self.decoder.run(&self.answer, &letterbox, out);
        Ok(Spent { preprocess: filled - begun, infer: answered - asked, decode: answered.elapsed() })
    }
}

/// A lock that is given in the order of asking.
#[derive(Default)]
struct Turn {
    /// The next number to be handed out, and the one whose turn it is.
    numbers: Mutex<(u64, u64)>,
    changed: Condvar,
}

/// It is somebody's turn until this is dropped.
struct Held<'a>(&'a Turn);

impl Turn {
    fn wait(&self) -> Held<'_> {
        let mut numbers = self.numbers.lock().expect("nothing panics under this lock");
        let own = numbers.0;
        numbers.0 += 1;
        while numbers.1 != own {
            numbers = self.changed.wait(numbers).expect("nothing panics under this lock");
        }
        Held(self)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.numbers.lock().expect("nothing panics under this lock").1 += 1;
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pose::onnx::tests::file;
    use crate::pose::{Places, Wanted};

    fn cpu() -> Chosen {
        Chosen::of(Wanted::Cpu, &Places::default()).unwrap()
    }

    #[test]
    fn a_wrong_model_is_refused_with_its_name_and_one_sentence() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("m.onnx");
        let open = || Shared::open(&path, Limits::default(), cpu(), 1).unwrap_err().to_string();
        assert!(open().contains("m.onnx cannot be read: "), "{}", open());
        std::fs::write(&path, "text").unwrap();
        assert!(
            open().ends_with("m.onnx is no model for spotter: it is no ONNX file, or it is cut short"),
            "{}",
            open()
        );
        std::fs::write(&path, file(&[1, 3, 64, 64], &[1, 84, 84], 1, &[("task", "detect")])).unwrap();
        assert!(open().ends_with("its task is detect; expected pose"), "{}", open());
    }

    #[test]
    fn a_graph_that_cannot_be_loaded_is_told_once_and_for_all() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("m.onnx");
        std::fs::write(&path, file(&[1, 3, 64, 64], &[1, 56, 84], 1, &[])).unwrap();
        let shared = Shared::open(&path, Limits::default(), cpu(), 1).unwrap();
        assert!(shared.state().is_none());
        let mut eye = Eye::new(shared.clone());
        let fault = eye.look_at_rgb(&[0; 12], (2, 2), &mut Vec::new()).unwrap_err();
        assert!(fault.to_string().starts_with("the engine "), "{fault}");
        assert_eq!(shared.state().unwrap().unwrap_err().to_string(), fault.to_string());
    }

    #[test]
    fn turns_are_given_in_the_order_of_asking() {
        let (turn, order) = (Turn::default(), Mutex::new(Vec::new()));
        let first = turn.wait();
        std::thread::scope(|scope| {
            for n in 1..=5u64 {
                let (turn, order) = (&turn, &order);
                scope.spawn(move || {
                    let _held = turn.wait();
                    order.lock().unwrap().push(n);
                });
                // The next one asks only when this one has its number.
                while turn.numbers.lock().unwrap().0 <= n {
                    std::thread::yield_now();
                }
            }
            drop(first);
        });
        assert_eq!(*order.lock().unwrap(), [1, 2, 3, 4, 5]);
    }
}
