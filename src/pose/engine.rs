//! Which engine: what the config wants, what this machine has, and why it is the one it is.
//!
//! `auto` takes the fastest that there is and says why it is not a faster one. An engine that is named is that one or a
//! fault: nothing is silently taken in its place. Only the library is chosen by here; a model that the chosen engine cannot
//! load is a fault of the model.

use super::PoseFault;
use super::cpu::Cpu;
use super::layout::Layout;
use super::onnxruntime::{LibraryFault, OnnxRuntime, Places, Runtime};
use super::tensorrt::{self, Settings, TensorRt};

/// What is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Wanted {
    /// The fastest that there is.
    #[default]
    Auto,
    /// ONNX Runtime.
    OnnxRuntime,
    /// The one that is always there.
    Cpu,
}

/// What is taken.
#[derive(Clone, Debug)]
pub struct Chosen {
    engine: Taken,
    why: String,
}

#[derive(Clone, Debug)]
enum Taken {
    TensorRt(tensorrt::Runtime),
    OnnxRuntime(Runtime),
    Cpu,
}

impl Chosen {
    /// Looks for what is wanted.
    ///
    /// # Errors
    /// When ONNX Runtime is wanted and there is none that fits.
    pub fn of(wanted: Wanted, places: &Places) -> Result<Chosen, LibraryFault> {
        let found = match wanted {
            Wanted::Cpu => return Ok(Chosen { engine: Taken::Cpu, why: "the config names it".into() }),
            Wanted::Auto | Wanted::OnnxRuntime => Runtime::open(places),
        };
        match found {
            Ok(runtime) => {
                let library = runtime.library();
                let why = format!("version {} of {}", library.version, library.path.display());
                Ok(Chosen { engine: Taken::OnnxRuntime(runtime), why })
            }
            Err(fault) if wanted == Wanted::Auto => Ok(Chosen { engine: Taken::Cpu, why: fault.to_string() }),
            Err(fault) => Err(fault),
        }
    }

    /// TensorRT.
    ///
    /// # Errors
    /// When it is not there, or engines can neither be built nor kept.
    pub fn tensorrt(settings: &Settings) -> Result<Chosen, tensorrt::Fault> {
        let runtime = tensorrt::Runtime::open(settings)?;
        let why = runtime.about();
        Ok(Chosen { engine: Taken::TensorRt(runtime), why })
    }

    /// TensorRT in a build with it, else what [`Wanted::Auto`] takes.
    ///
    /// # Errors
    /// None that is known: the CPU is always there.
    pub fn fastest(places: &Places, settings: &Settings) -> Result<Chosen, LibraryFault> {
        match Chosen::tensorrt(settings) {
            Ok(chosen) => Ok(chosen),
            Err(tensorrt::Fault::NotBuilt) => Chosen::of(Wanted::Auto, places),
            Err(fault) => {
                let second = Chosen::of(Wanted::Auto, places)?;
                Ok(Chosen { why: format!("{}; {fault}", second.why), ..second })
            }
        }
    }

    /// Its name in the config, the state and the metrics.
    pub fn name(&self) -> &'static str {
        match self.engine {
            Taken::TensorRt(_) => "tensorrt",
            Taken::OnnxRuntime(_) => "onnxruntime",
            Taken::Cpu => "cpu",
        }
    }

    /// Which version from where, or why nothing faster: one sentence.
    pub fn why(&self) -> &str {
        &self.why
    }

    /// Loads an ONNX file's bytes; `threads` of 0 is as many as there are cores for the calling thread.
    ///
    /// # Errors
    /// When the graph is broken or has an operator that the engine does not know.
    pub fn load(&self, bytes: Vec<u8>, layout: &Layout, threads: usize) -> Result<Loaded, PoseFault> {
        let threads = if threads == 0 { std::thread::available_parallelism().map_or(1, usize::from) } else { threads };
        Ok(match &self.engine {
            Taken::TensorRt(runtime) => Loaded::TensorRt(Box::new(TensorRt::load(runtime, bytes, layout, threads)?)),
            Taken::OnnxRuntime(runtime) => Loaded::OnnxRuntime(OnnxRuntime::load(runtime, &bytes, layout, threads)?),
            Taken::Cpu => Loaded::Cpu(Box::new(Cpu::load(bytes, layout, threads)?)),
        })
    }
}

/// A loaded model in its engine.
pub enum Loaded {
    /// In TensorRT, or on its way there.
    TensorRt(Box<TensorRt>),
    /// In ONNX Runtime.
    OnnxRuntime(OnnxRuntime),
    /// In rten.
    Cpu(Box<Cpu>),
}

impl Loaded {
    /// The answer to one input of three planes, in place of what was in `answer`.
    ///
    /// # Errors
    /// When the graph fails, or answers in another size than its header says.
    pub fn infer(&self, tensor: &[f32], answer: &mut Vec<f32>) -> Result<(), PoseFault> {
        match self {
            Loaded::TensorRt(engine) => engine.infer(tensor, answer),
            Loaded::OnnxRuntime(engine) => engine.infer(tensor, answer),
            Loaded::Cpu(engine) => engine.infer(tensor, answer),
        }
    }
    /// How far it is, for people, when it is not all there yet.
    pub fn progress(&self) -> Option<String> {
        match self {
            Loaded::TensorRt(engine) => engine.progress(),
            Loaded::OnnxRuntime(_) | Loaded::Cpu(_) => None,
        }
    }

    /// Whether an engine is being built.
    pub fn is_building(&self) -> bool {
        matches!(self, Loaded::TensorRt(engine) if engine.is_building())
    }
}
