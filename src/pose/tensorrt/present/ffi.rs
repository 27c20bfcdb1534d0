//! The calls into our own shim, `board/tensorrt/spotter_trt.h`, and all that is `unsafe` about them.
//!
//! The shim is opened at run time and never closed: TensorRT's and CUDA's own threads live in what it opened.

use std::ffi::{c_char, c_int, c_void};
use std::path::Path;
use std::sync::Arc;

use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};

use super::Fault;
use crate::error::{not_opened, one_line};
use crate::pose::PoseFault;

/// `SPOTTER_TRT_ABI`.
const ABI: c_int = 1;
/// Room for a sentence.
const ROOM: usize = 512;

type Raw = *mut c_void;
type Text = [u8; ROOM];
// SAFETY: the types of `spotter_trt.h`; a call is argued where it is made.
type OpenFn = unsafe extern "C" fn(*mut c_char, *mut c_char, *mut c_char, usize) -> c_int;
type LoadFn = unsafe extern "C" fn(*const c_void, usize, *mut Raw, *mut usize, *mut usize, *mut c_char, usize) -> c_int;
type InferFn = unsafe extern "C" fn(Raw, *const f32, *mut f32, *mut c_char, usize) -> c_int;
type FreeFn = unsafe extern "C" fn(Raw);

/// The shim with TensorRT behind it.
pub(super) struct Shim {
    load: LoadFn,
    infer: InferFn,
    free: FreeFn,
    /// TensorRT's.
    pub(super) version: String,
    /// What of the graphics processor an engine is bound to.
    pub(super) device: String,
}

fn text(bytes: &Text) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(ROOM);
    one_line(&String::from_utf8_lossy(&bytes[..end]))
}

fn place(text: &mut Text) -> *mut c_char {
    text.as_mut_ptr().cast()
}

impl Shim {
    /// Opens it, and TensorRT.
    pub(super) fn open(path: &Path) -> Result<Shim, Fault> {
        // SAFETY: opening a library runs its constructors; the shim's only make empty tables. Another library under this
        // name could do anything, as could any library that the system lets us load.
        let library = unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL) }
            .map_err(|why| Fault::Unloadable { path: path.to_path_buf(), why: not_opened(&why, path) })?;
        let other = |_| Fault::Other { path: path.to_path_buf() };
        // SAFETY: the symbol has this type in every version of the shim.
        let abi = *unsafe { library.get::<unsafe extern "C" fn() -> c_int>(b"spotter_trt_abi\0") }.map_err(other)?;
        // SAFETY: it takes nothing and returns a number.
        if unsafe { abi() } != ABI {
            return Err(Fault::Other { path: path.to_path_buf() });
        }
        // SAFETY: with this number the functions have the types of the header that we were written for.
        let open = *unsafe { library.get::<OpenFn>(b"spotter_trt_open\0") }.map_err(other)?;
        // SAFETY: as above.
        let load = *unsafe { library.get::<LoadFn>(b"spotter_trt_load\0") }.map_err(other)?;
        // SAFETY: as above.
        let infer = *unsafe { library.get::<InferFn>(b"spotter_trt_infer\0") }.map_err(other)?;
        // SAFETY: as above.
        let free = *unsafe { library.get::<FreeFn>(b"spotter_trt_free\0") }.map_err(other)?;
        std::mem::forget(library);
        let (mut version, mut device, mut why) = ([0; ROOM], [0; ROOM], [0; ROOM]);
        // SAFETY: each of the three has room for `ROOM` bytes.
        if unsafe { open(place(&mut version), place(&mut device), place(&mut why), ROOM) } != 0 {
            return Err(Fault::Refused(text(&why)));
        }
        Ok(Shim { load, infer, free, version: text(&version), device: text(&device) })
    }
}

/// A loaded engine.
pub(super) struct Session {
    raw: Raw,
    inputs: usize,
    outputs: usize,
    shim: Arc<Shim>,
}

// SAFETY: the shim's handle belongs to no thread and may be used by one at a time; `Session` has one owner and is not
// `Sync`.
unsafe impl Send for Session {}

impl Session {
    /// Loads an engine.
    ///
    /// # Errors
    /// The shim's own words.
    pub(super) fn load(shim: &Arc<Shim>, engine: &[u8]) -> Result<Session, String> {
        let (mut raw, mut inputs, mut outputs, mut why) = (std::ptr::null_mut(), 0, 0, [0; ROOM]);
        let bytes = engine.as_ptr().cast();
        // SAFETY: the engine's bytes are only read, and only now; the rest are places for the answers.
        let code =
            unsafe { (shim.load)(bytes, engine.len(), &mut raw, &mut inputs, &mut outputs, place(&mut why), ROOM) };
        if code != 0 {
            return Err(text(&why));
        }
        Ok(Session { raw, inputs, outputs, shim: shim.clone() })
    }

    /// Numbers of the input and of the answer.
    pub(super) fn lengths(&self) -> (usize, usize) {
        (self.inputs, self.outputs)
    }

    /// One answer, in place of what was in `answer`.
    pub(super) fn infer(&mut self, tensor: &[f32], answer: &mut Vec<f32>) -> Result<(), PoseFault> {
        super::expect_len(tensor.len(), self.inputs)?;
        answer.resize(self.outputs, 0.0);
        let mut why = [0; ROOM];
        // SAFETY: the handle is alive, and both arrays have as many numbers as it told when it was loaded.
        let code = unsafe { (self.shim.infer)(self.raw, tensor.as_ptr(), answer.as_mut_ptr(), place(&mut why), ROOM) };
        if code == 0 { Ok(()) } else { Err(PoseFault::Infer(text(&why))) }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // SAFETY: it was made by this shim, and nobody has it after this.
        unsafe { (self.shim.free)(self.raw) };
    }
}
