//! The engine that is nearly twice as fast where it is installed: Microsoft's ONNX Runtime, opened when the box starts.
//!
//! Nothing of it is needed to build the box. [`library`] finds it, [`sys`] asks for its version; after that the `ort`
//! crate speaks to it. A process can have but one, so the first that is taken stays. Its threads are made by the thread
//! that loads the model and inherit that thread's cores; they sleep when there is nothing to do. It must never be asked
//! for two frames at once; [`super::Shared`] sees to that.

mod library;
#[allow(unsafe_code)]
mod sys;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, OnceLock};

use half::f16;
use half::slice::HalfFloatSliceExt;
use ort::environment::Environment;
use ort::logging::LogLevel;
use ort::session::Session;
use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};
use ort::value::{DynValue, TensorRef};

pub use self::library::{Library, LibraryFault, Places};
use super::layout::Layout;
use super::{PoseFault, onnx};
use crate::error::one_line;

/// An ONNX Runtime that is ready to load models.
#[derive(Clone)]
pub struct Runtime {
    library: Library,
    environment: Environment,
}

impl std::fmt::Debug for Runtime {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.library.fmt(to)
    }
}

/// The one that was taken.
static TAKEN: OnceLock<Result<Runtime, LibraryFault>> = OnceLock::new();

impl Runtime {
    /// Finds a library that fits and opens it.
    ///
    /// # Errors
    /// When there is none, or this process has taken another.
    pub fn open(places: &Places) -> Result<Runtime, LibraryFault> {
        let library = places.find()?;
        let taken = TAKEN.get_or_init(|| Runtime::take(library.clone())).clone()?;
        if taken.library != library {
            return Err(LibraryFault::Second { path: library.path, other: taken.library.path });
        }
        Ok(taken)
    }

    fn take(library: Library) -> Result<Runtime, LibraryFault> {
        let unloadable =
            |why: &dyn std::fmt::Display| LibraryFault::Unloadable { path: library.path.clone(), why: one_line(why) };
        let builder = ort::init_from(&library.path).map_err(|why| unloadable(&why))?;
        let say = |level: LogLevel, _: &str, _: &str, _: &str, message: &str| match level {
            LogLevel::Fatal | LogLevel::Error => log::warn!("onnxruntime: {}", one_line(&message)),
            LogLevel::Warning => log::debug!("onnxruntime: {}", one_line(&message)),
            LogLevel::Info | LogLevel::Verbose => {}
        };
        let builder = builder.with_name("spotter").with_telemetry(false).with_logger(Arc::new(say));
        let environment = builder.build().map_err(|why| unloadable(&why))?;
        environment.set_log_level(LogLevel::Warning);
        Ok(Runtime { library, environment })
    }

    /// Its library.
    pub fn library(&self) -> &Library {
        &self.library
    }
}

/// A loaded model.
pub struct OnnxRuntime {
    asked: Mutex<Asked>,
    shape: [usize; 4],
    answer_len: usize,
}

struct Asked {
    session: Session,
    /// The input for a model of 16 bits; empty for one of 32.
    halves: Vec<f16>,
}

impl OnnxRuntime {
    /// Loads an ONNX file's bytes.
    ///
    /// # Errors
    /// When the graph is broken or has an operator that this version does not know.
    pub fn load(runtime: &Runtime, bytes: &[u8], layout: &Layout, threads: usize) -> Result<OnnxRuntime, PoseFault> {
        let fault = |why: ort::Error| PoseFault::Load(one_line(&why));
        let open = |bytes: &[u8]| builder(runtime, threads).and_then(|mut builder| builder.commit_from_memory(bytes));
        // It has not all of the operators for numbers of 16 bits, which may be inside, too.
        let quicker = if layout.half { None } else { onnx::spelled_out(bytes) };
        let quicker = quicker.and_then(|other| {
            let refused =
                |why: &ort::Error| log::debug!("onnxruntime: softmax as it stands in the file: {}", one_line(why));
            open(&other).inspect_err(refused).ok()
        });
        let session = quicker.map_or_else(|| open(bytes), Ok).map_err(fault)?;
        let shape = [1, 3, layout.input.1, layout.input.0];
        let halves = vec![f16::ZERO; if layout.half { shape.iter().product() } else { 0 }];
        let asked = Mutex::new(Asked { session, halves });
        Ok(OnnxRuntime { asked, shape, answer_len: layout.answer_len() })
    }

    /// The answer to one input of three planes, in place of what was in `answer`.
    ///
    /// # Errors
    /// When the graph fails, or answers in another size than its header says.
    pub fn infer(&self, tensor: &[f32], answer: &mut Vec<f32>) -> Result<(), PoseFault> {
        let fault = |why: ort::Error| PoseFault::Infer(one_line(&why));
        let mut asked = self.asked.lock().expect("nothing panics under this lock");
        let Asked { session, halves } = &mut *asked;
        let outputs = if halves.is_empty() {
            let input = TensorRef::from_array_view((self.shape, tensor)).map_err(fault)?;
            session.run(ort::inputs![input])
        } else {
            halves.convert_from_f32_slice(tensor);
            let input = TensorRef::from_array_view((self.shape, halves.as_slice())).map_err(fault)?;
            session.run(ort::inputs![input])
        };
        let outputs = outputs.map_err(fault)?;
        read(&outputs[0], answer).map_err(fault)?;
        super::expect_len(answer.len(), self.answer_len)
    }
}

fn builder(runtime: &Runtime, threads: usize) -> ort::Result<SessionBuilder> {
    let builder = Session::builder(&runtime.environment)?.with_optimization_level(GraphOptimizationLevel::All)?;
    // One graph at a time; its threads share the work within each operator.
    let builder = builder.with_intra_threads(threads)?.with_inter_threads(1)?;
    // Numbers next to nothing take a core many times as long as others; and a share of the work that is cut small at its end
    // waits less for a core that had something else to do.
    let builder = builder.with_config_entry("session.set_denormal_as_zero", "1")?;
    let builder = builder.with_config_entry("session.dynamic_block_base", "4")?;
    if !library::spins_briefly(&runtime.library.version) {
        return Ok(builder.with_intra_op_spinning(false)?);
    }
    // As long as from one operator to the next, so that nobody need be woken for it (6 % faster on two idle cores); the
    // default spins for so long that a box that is busy otherwise too looks half as often.
    let builder = builder.with_intra_op_spinning(true)?.with_config_entry("session.intra_op.spin_duration_us", "30")?;
    Ok(builder.with_config_entry("session.force_spinning_stop", "1")?)
}

fn read(output: &DynValue, answer: &mut Vec<f32>) -> ort::Result<()> {
    answer.clear();
    if let Ok((_, values)) = output.try_extract_tensor::<f32>() {
        answer.extend_from_slice(values);
        return Ok(());
    }
    let (_, halves) = output.try_extract_tensor::<f16>()?;
    answer.resize(halves.len(), 0.0);
    halves.convert_to_f32_slice(answer);
    Ok(())
}
