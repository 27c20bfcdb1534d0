//! TensorRT: what the config says of it and why it may not be there, in every build; the rest in those with the feature.

#[cfg(feature = "tensorrt")]
mod present;
#[cfg(not(feature = "tensorrt"))]
#[path = "absent.rs"]
mod present;

use std::path::PathBuf;

pub use self::present::{Runtime, TensorRt};

/// How exact an engine calculates.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Precision {
    /// 16 bit, where it is faster.
    #[default]
    Fp16,
    /// 32 bit.
    Fp32,
}

impl Precision {
    /// Its name in the config and in file names.
    pub fn name(self) -> &'static str {
        match self {
            Precision::Fp16 => "fp16",
            Precision::Fp32 => "fp32",
        }
    }

    /// Not this one.
    pub fn other(self) -> Precision {
        match self {
            Precision::Fp16 => Precision::Fp32,
            Precision::Fp32 => Precision::Fp16,
        }
    }
}

/// What the config says.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Settings {
    /// The shim's file; nothing: where it is installed.
    pub library: Option<PathBuf>,
    /// `trtexec`; nothing: where NVIDIA's packages put it.
    pub trtexec: Option<PathBuf>,
    /// Of the engine.
    pub precision: Precision,
    /// The CPU looks while the engine is built.
    pub meanwhile_cpu: bool,
    /// The folder of engine files.
    pub cache: PathBuf,
}

/// Why TensorRT does not look.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Fault {
    /// It is a build without it.
    #[error("this program was built without TensorRT")]
    NotBuilt,
    /// The shim is nowhere.
    #[error("there is no TensorRT: no libspotter_trt.so was found")]
    Absent,
    /// The system says why not.
    #[error("the TensorRT shim {} cannot be loaded: {why}", path.display())]
    Unloadable {
        /// The file.
        path: PathBuf,
        /// From the system.
        why: String,
    },
    /// Some other library, or the shim of another version of the program.
    #[error("{} is no TensorRT shim of this version", path.display())]
    Other {
        /// The file.
        path: PathBuf,
    },
    /// TensorRT or CUDA says no.
    #[error("TensorRT cannot be used: {0}")]
    Refused(String),
    /// The folder cannot be written to.
    #[error("TensorRT's engines cannot be kept in {}: {why}", path.display())]
    NotKept {
        /// The folder.
        path: PathBuf,
        /// From the system.
        why: String,
    },
    /// There is neither an engine nor what builds one.
    #[error("there is no trtexec to build the TensorRT engine with")]
    NoTrtexec,
    /// The file is there and of no use.
    #[error("the TensorRT engine {} cannot be used: {why}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// It takes minutes.
    #[error("the TensorRT engine is being built since {since}; nobody is looked for until it is ready")]
    Building {
        /// Hour and minute.
        since: String,
    },
    /// The build failed.
    #[error("the TensorRT engine cannot be built: {0}")]
    Build(String),
}
