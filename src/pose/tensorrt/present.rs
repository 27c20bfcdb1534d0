//! The engine of boards with NVIDIA's graphics processors: TensorRT, through a small library of ours.
//!
//! `board/tensorrt/shim.cpp` is compiled for the TensorRT of the board and opened when the box starts, so the program is
//! the same with and without it. An *engine file* is what TensorRT makes of a model; it fits one version on one kind of
//! graphics processor, so its name says for what it is: the model's hash, TensorRT's version, the processor, the
//! precision. When there is none of that name, or it cannot be read, `trtexec` makes one beside the running box, in
//! minutes, with the lowest priority and into a file of another name. Until then an engine of another precision looks, or
//! the CPU where the config says so, or nobody; which it is, is told. Nothing waits for it but the poses.

mod builder;
mod engine_file;
#[allow(unsafe_code)]
mod ffi;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use self::builder::Build;
use self::ffi::{Session, Shim};
use super::{Fault, Settings};
use crate::pose::cpu::Cpu;
use crate::pose::layout::Layout;
use crate::pose::preprocess::tensor_len;
use crate::pose::{PoseFault, expect_len};

/// The shim's file, where it is installed.
const USUAL: &str = "/usr/lib/spotter/libspotter_trt.so";

/// A TensorRT that is ready to load engines.
#[derive(Clone)]
pub struct Runtime {
    shim: Arc<Shim>,
    settings: Settings,
    trtexec: Option<PathBuf>,
}

impl std::fmt::Debug for Runtime {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(to, "Runtime({})", self.about())
    }
}

impl Runtime {
    /// Opens TensorRT, and sees whether engines could be built and kept.
    ///
    /// # Errors
    /// When one of these is not so.
    pub fn open(settings: &Settings) -> Result<Runtime, Fault> {
        let path = settings.library.clone().unwrap_or_else(|| USUAL.into());
        let path = std::path::absolute(&path).unwrap_or(path);
        if settings.library.is_none() && !path.exists() {
            return Err(Fault::Absent);
        }
        let shim = Arc::new(Shim::open(&path)?);
        engine_file::may_be_kept(&settings.cache)?;
        let trtexec = builder::trtexec(settings.trtexec.as_deref());
        if trtexec.is_none() && !engine_file::any(&settings.cache) {
            return Err(Fault::NoTrtexec);
        }
        Ok(Runtime { shim, settings: settings.clone(), trtexec })
    }

    /// Version and graphics processor.
    pub fn about(&self) -> String {
        let Shim { version, device, .. } = &*self.shim;
        format!("version {version} on {device}, {}", self.settings.precision.name())
    }
}

/// A model in TensorRT, or on its way there.
pub struct TensorRt {
    inner: Mutex<Inner>,
    told: Told,
    answer_len: usize,
}

/// How far it is, for those who must not wait for an inference.
#[derive(Default)]
struct Told {
    building: AtomicBool,
    progress: Mutex<Option<String>>,
}

struct Inner {
    stage: Stage,
    runtime: Runtime,
    file: PathBuf,
    lengths: (usize, usize),
    /// Who looks until the engine is there.
    meanwhile: Meanwhile,
}

enum Stage {
    Building(Build),
    Ready(Session),
    Failed(Fault),
}

enum Meanwhile {
    Nobody,
    Other(Session),
    Cpu(Box<Cpu>),
}

impl TensorRt {
    /// Loads the engine of this model, or begins to build it.
    ///
    /// # Errors
    /// When there is none and none can be built.
    pub fn load(runtime: &Runtime, bytes: Vec<u8>, layout: &Layout, threads: usize) -> Result<TensorRt, PoseFault> {
        let Runtime { shim, settings, trtexec } = runtime;
        let lengths = (tensor_len(layout.input), layout.answer_len());
        let key = engine_file::key(&bytes, &shim.version, &shim.device);
        let file = engine_file::path(&settings.cache, &key, settings.precision);
        let inner = |stage, meanwhile| {
            let inner = Inner { stage, runtime: runtime.clone(), file: file.clone(), lengths, meanwhile };
            let told = Told::default();
            inner.tell(&told);
            TensorRt { inner: Mutex::new(inner), told, answer_len: lengths.1 }
        };
        match engine_file::session(shim, &file, lengths) {
            Ok(Some(session)) => return Ok(inner(Stage::Ready(session), Meanwhile::Nobody)),
            Ok(None) => {}
            Err(why) => log::warn!("pose: {why}; it is built again"),
        }
        let trtexec = trtexec.as_deref().ok_or(Fault::NoTrtexec)?;
        let build = Build::start(trtexec, &bytes, &file, settings.precision)?;
        log::info!("pose: the TensorRT engine {} is being built", file.display());
        let other = engine_file::path(&settings.cache, &key, settings.precision.other());
        let meanwhile = match engine_file::session(shim, &other, lengths) {
            Ok(Some(session)) => Meanwhile::Other(session),
            _ if settings.meanwhile_cpu => Meanwhile::Cpu(Box::new(Cpu::load(bytes, layout, threads)?)),
            _ => Meanwhile::Nobody,
        };
        Ok(inner(Stage::Building(build), meanwhile))
    }

    /// The answer to one input of three planes, in place of what was in `answer`.
    ///
    /// # Errors
    /// When the engine fails, is not built yet and nobody looks meanwhile, or could not be built.
    pub fn infer(&self, tensor: &[f32], answer: &mut Vec<f32>) -> Result<(), PoseFault> {
        let mut inner = self.inner.lock().expect("nothing panics under this lock");
        if inner.advance() {
            inner.tell(&self.told);
        }
        let Inner { stage, meanwhile, .. } = &mut *inner;
        match (stage, meanwhile) {
            (Stage::Ready(session), _) | (_, Meanwhile::Other(session)) => session.infer(tensor, answer)?,
            (_, Meanwhile::Cpu(cpu)) => cpu.infer(tensor, answer)?,
            (Stage::Building(build), Meanwhile::Nobody) => return Err(build.fault().into()),
            (Stage::Failed(fault), Meanwhile::Nobody) => return Err(fault.clone().into()),
        }
        expect_len(answer.len(), self.answer_len)
    }

    /// How far the engine is, for people; nothing once it is there.
    pub fn progress(&self) -> Option<String> {
        self.told.progress.lock().expect("nothing panics under this lock").clone()
    }

    /// Whether it is being built.
    pub fn is_building(&self) -> bool {
        self.told.building.load(Ordering::Relaxed)
    }
}

impl Inner {
    fn tell(&self, told: &Told) {
        let looks = match &self.meanwhile {
            Meanwhile::Nobody => "nobody",
            Meanwhile::Other(_) => "the engine of another precision",
            Meanwhile::Cpu(_) => "the CPU",
        };
        told.building.store(matches!(self.stage, Stage::Building(_)), Ordering::Relaxed);
        *told.progress.lock().expect("nothing panics under this lock") = match &self.stage {
            Stage::Ready(_) => None,
            Stage::Building(build) => Some(format!("building since {}, meanwhile {looks} looks", build.since())),
            Stage::Failed(fault) => Some(format!("{fault}; {looks} looks")),
        };
    }

    /// Takes the engine when it has been built; true when something has changed.
    fn advance(&mut self) -> bool {
        let Stage::Building(build) = &mut self.stage else { return false };
        let Some(built) = build.poll() else { return false };
        let took = build.took().as_secs();
        let loaded = built.and_then(|()| {
            let session = engine_file::session(&self.runtime.shim, &self.file, self.lengths)?;
            session.ok_or_else(|| Fault::Build("trtexec ended well and there is no engine".into()))
        });
        self.stage = match loaded {
            Ok(session) => {
                log::info!("pose: the TensorRT engine is ready after {took} s");
                self.meanwhile = Meanwhile::Nobody;
                engine_file::thin(&self.runtime.settings.cache);
                Stage::Ready(session)
            }
            Err(fault) => {
                log::error!("pose: {fault}");
                Stage::Failed(fault)
            }
        };
        true
    }
}
