//! Who looks at the athlete: from a frame to the people in it.
//!
//! [`preprocess`] makes the model's input of a frame, an engine answers, [`decode`] reads the answer; neither of the two
//! knows an engine. What a model file is stands in [`layout`], read by [`onnx`]; [`model`] shares one model between
//! cameras. `replay` is a stand-in for tests and benches that behaves like a model in time only.

pub mod cpu;
pub mod decode;
pub mod engine;
pub mod layout;
pub mod model;
pub mod onnx;
pub mod onnxruntime;
pub mod preprocess;
pub mod tensorrt;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub use self::decode::Limits;
pub use self::engine::{Chosen, Wanted};
pub use self::model::{DEMO, Eye, Shared, Spent};
use self::onnxruntime::LibraryFault;
pub use self::onnxruntime::Places;
use self::preprocess::PreprocessFault;
use crate::frame::Frame;
use crate::skeleton::Pose;

/// What looks at frames.
#[derive(Clone, Debug)]
pub enum Engine {
    /// Frames are taken and let go.
    Off,
    /// Each inference takes this long and finds nobody; a stand-in that behaves like a model in time only.
    Replay {
        /// How long one inference takes.
        takes: Duration,
    },
    /// A model, in the engine that was chosen for it.
    Model(Arc<Shared>),
    /// A stand-in of a test.
    #[cfg(test)]
    StandIn(StandIn),
}

/// How a stand-in looks.
#[cfg(test)]
pub(crate) type StandIn = fn(&Frame, &mut Vec<Pose>) -> Result<Spent, PoseFault>;

/// Why nobody can be found.
#[derive(Clone, Debug, thiserror::Error)]
pub enum PoseFault {
    /// The system says why.
    #[error("the model {} cannot be read: {why}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// From the system.
        #[source]
        why: Arc<std::io::Error>,
    },
    /// It is no pose model.
    #[error("the model {} has {megabytes} MB; the largest that is loaded has {}", path.display(), model::FILE_MAX_BYTES >> 20)]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        megabytes: u64,
    },
    /// Another kind of file or of model; says what was found and expected.
    #[error("the model {} is no model for spotter: {why}", path.display())]
    NotOurs {
        /// The file.
        path: PathBuf,
        /// What was found and expected.
        why: String,
    },
    /// The engine that was asked for is not there.
    #[error(transparent)]
    Library(#[from] LibraryFault),
    /// TensorRT does not look.
    #[error(transparent)]
    TensorRt(#[from] tensorrt::Fault),
    /// The engine cannot load it.
    #[error("the engine cannot load the model: {0}")]
    Load(String),
    /// The engine fails with it.
    #[error("the engine fails with the model: {0}")]
    Infer(String),
    /// The frame is at fault.
    #[error(transparent)]
    Picture(#[from] PreprocessFault),
}

impl PoseFault {
    fn not_ours(path: &Path, why: &dyn std::fmt::Display) -> PoseFault {
        PoseFault::NotOurs { path: path.to_path_buf(), why: why.to_string() }
    }
}

/// An answer of another length would be read past its end, or as somebody else's.
fn expect_len(found: usize, expected: usize) -> Result<(), PoseFault> {
    if found == expected {
        return Ok(());
    }
    Err(PoseFault::Infer(format!("it answers with {found} numbers, and its header says {expected}")))
}

impl Engine {
    /// Its name in the state and in metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Engine::Off => "off",
            Engine::Replay { .. } => "replay",
            Engine::Model(shared) => shared.chosen().name(),
            #[cfg(test)]
            Engine::StandIn(_) => "stand-in",
        }
    }

    /// Which version of it from where, or why it is not a faster one; nothing where there was nothing to choose.
    pub fn why(&self) -> Option<String> {
        match self {
            Engine::Model(shared) => Some(shared.why()),
            Engine::Off | Engine::Replay { .. } => None,
            #[cfg(test)]
            Engine::StandIn(_) => None,
        }
    }

    /// Loads the model now, which the first camera would do later.
    ///
    /// # Errors
    /// When the engine cannot load it or fails at once.
    pub fn load(&self) -> Result<(), PoseFault> {
        match self {
            Engine::Model(shared) => shared.load().map(|_| ()),
            Engine::Off | Engine::Replay { .. } => Ok(()),
            #[cfg(test)]
            Engine::StandIn(_) => Ok(()),
        }
    }

    /// Why it will never find anybody; nothing while it is being loaded, or once it is.
    pub fn fault(&self) -> Option<PoseFault> {
        match self {
            Engine::Model(shared) => shared.state()?.err(),
            _ => None,
        }
    }

    /// Whether what it looks with is being built.
    pub fn is_building(&self) -> bool {
        matches!(self, Engine::Model(shared) if shared.is_building())
    }

    /// One camera's own way of looking with it.
    pub fn looker(&self) -> Looker {
        match self {
            Engine::Off => Looker::Off,
            Engine::Replay { takes } => Looker::Replay { takes: *takes },
            Engine::Model(shared) => Looker::Eye(Box::new(Eye::new(shared.clone()))),
            #[cfg(test)]
            Engine::StandIn(look) => Looker::StandIn(*look),
        }
    }
}

/// An engine with one camera's buffers.
pub enum Looker {
    /// Sees nobody, at once.
    Off,
    /// Sees nobody after a while.
    Replay {
        /// How long it takes.
        takes: Duration,
    },
    /// Looks with a model.
    Eye(Box<Eye>),
    /// A stand-in of a test.
    #[cfg(test)]
    StandIn(StandIn),
}

impl Looker {
    /// Gets ready: loads the model unless another camera has done so. It takes as long as it takes.
    ///
    /// # Errors
    /// When the engine cannot load the model.
    pub fn prepare(&self) -> Result<(), PoseFault> {
        match self {
            Looker::Eye(eye) => eye.shared().load().map(|_| ()),
            _ => Ok(()),
        }
    }

    /// The people in one frame, by falling score, in place of what was in `out`.
    ///
    /// # Errors
    /// When the frame cannot be read or the engine fails.
    pub fn look(&mut self, frame: &Frame, out: &mut Vec<Pose>) -> Result<Spent, PoseFault> {
        out.clear();
        match self {
            Looker::Off => Ok(Spent::default()),
            Looker::Replay { takes } => {
                std::thread::sleep(*takes);
                Ok(Spent { infer: *takes, ..Spent::default() })
            }
            Looker::Eye(eye) => eye.look(frame, out),
            #[cfg(test)]
            Looker::StandIn(look) => look(frame, out),
        }
    }
}
