//! The calls into CUDA's runtime and nvJPEG, and all that is `unsafe` about them.
//!
//! Both libraries are opened at run time and never closed: their own threads and exit handlers live in them. The
//! signatures are those of `nvjpeg.h` and `cuda_runtime_api.h`, the same in CUDA 12 and 13; `tests/gpu/symbols.sh`
//! holds the names against the real libraries. What is made is owned by a value whose end destroys it, in the reverse
//! order of making, after the stream has run dry.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
use turbojpeg::Subsamp;

use super::super::planes::Picture;
use super::library::LibraryFault;
use crate::error::not_opened;

type Raw = *mut c_void;

/// A library says no.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CallFault {
    /// The CUDA runtime.
    #[error("CUDA cannot be used: {call} answers {code} ({text})")]
    Cuda {
        /// Which function.
        call: &'static str,
        /// Of `cudaError_t`.
        code: c_int,
        /// The runtime's own words.
        text: String,
    },
    /// nvJPEG.
    #[error("nvJPEG fails: {call} answers {code} ({})", words(*code))]
    Nvjpeg {
        /// Which function.
        call: &'static str,
        /// Of `nvjpegStatus_t`.
        code: c_int,
    },
    /// There is no graphics processor.
    #[error("CUDA finds no graphics processor")]
    NoDevice,
    /// A JPEG that cannot be.
    #[error("nvJPEG gives a JPEG of {bytes} bytes")]
    Length {
        /// As it says.
        bytes: usize,
    },
}

/// The names in `nvjpegStatus_t`, as words.
fn words(code: c_int) -> &'static str {
    match code {
        1 => "not initialised",
        2 => "invalid parameter",
        3 => "bad JPEG",
        4 => "JPEG not supported",
        5 => "allocator failure",
        6 => "execution failed",
        7 => "another architecture",
        8 => "internal error",
        9 => "implementation not supported",
        10 => "incomplete bitstream",
        _ => "unknown",
    }
}

/// `nvjpegImage_t`.
#[repr(C)]
struct Image {
    channel: [*mut u8; 4],
    pitch: [usize; 4],
}

/// A table of functions of one library, by their own names.
macro_rules! functions {
    ($name:ident { $($function:ident: fn($($arg:ty),*) -> $out:ty,)* }) => {
        // SAFETY: a call is argued where it is made.
        #[allow(non_snake_case)]
        struct $name { $($function: unsafe extern "C" fn($($arg),*) -> $out,)* }

        impl $name {
            fn of(library: &Library, path: &Path) -> Result<$name, LibraryFault> {
                Ok($name { $($function: {
                    let name = concat!(stringify!($function), "\0").as_bytes();
                    // SAFETY: a function of this name has this signature in the headers of CUDA 12 and 13; that it is
                    // that library and no other was asked before, and the library is never closed.
                    let found = unsafe { library.get::<unsafe extern "C" fn($($arg),*) -> $out>(name) };
                    let lacks = |_| LibraryFault::Lacks { path: path.to_path_buf(), function: stringify!($function) };
                    *found.map_err(lacks)?
                },)* })
            }
        }
    };
}

functions! { Cuda {
    cudaGetErrorString: fn(c_int) -> *const c_char,
    cudaGetDeviceCount: fn(*mut c_int) -> c_int,
    cudaSetDeviceFlags: fn(c_uint) -> c_int,
    cudaStreamCreateWithFlags: fn(*mut Raw, c_uint) -> c_int,
    cudaStreamSynchronize: fn(Raw) -> c_int,
    cudaStreamDestroy: fn(Raw) -> c_int,
    cudaHostAlloc: fn(*mut Raw, usize, c_uint) -> c_int,
    cudaHostGetDevicePointer: fn(*mut Raw, Raw, c_uint) -> c_int,
    cudaFreeHost: fn(Raw) -> c_int,
}}

functions! { Nvjpeg {
    nvjpegCreateEx: fn(c_int, Raw, Raw, c_uint, *mut Raw) -> c_int,
    nvjpegDestroy: fn(Raw) -> c_int,
    nvjpegGetProperty: fn(c_int, *mut c_int) -> c_int,
    nvjpegEncoderStateCreate: fn(Raw, *mut Raw, Raw) -> c_int,
    nvjpegEncoderStateDestroy: fn(Raw) -> c_int,
    nvjpegEncoderParamsCreate: fn(Raw, *mut Raw, Raw) -> c_int,
    nvjpegEncoderParamsDestroy: fn(Raw) -> c_int,
    nvjpegEncoderParamsSetQuality: fn(Raw, c_int, Raw) -> c_int,
    nvjpegEncoderParamsSetSamplingFactors: fn(Raw, c_int, Raw) -> c_int,
    nvjpegEncodeYUV: fn(Raw, Raw, Raw, *const Image, c_int, c_int, c_int, Raw) -> c_int,
    nvjpegEncodeRetrieveBitstream: fn(Raw, Raw, *mut u8, *mut usize, Raw) -> c_int,
}}

/// Sleep while waiting for the stream instead of spinning, and let memory be mapped: `cudaDeviceScheduleBlockingSync`
/// and `cudaDeviceMapHost`.
const DEVICE_FLAGS: c_uint = 0x04 | 0x08;
/// The context was made by somebody else of this process, with his flags.
const CUDA_ALREADY_ACTIVE: c_int = 36;
const STREAM_NON_BLOCKING: c_uint = 1;
const HOST_ALLOC_MAPPED: c_uint = 2;
const BACKEND_DEFAULT: c_int = 0;
/// `NVJPEG_CSS_420` and `NVJPEG_CSS_GRAY`.
const CSS: [c_int; 2] = [2, 6];
/// Rows begin at multiples of this, so that neighbouring threads of the graphics processor read whole lines.
const PITCH: usize = 64;

/// Both libraries' functions.
pub(super) struct Functions {
    cuda: Cuda,
    nvjpeg: Nvjpeg,
    version: String,
}

/// Opens a library for good, with everything that it needs.
fn open(path: &Path) -> Result<Library, LibraryFault> {
    // SAFETY: opening a library runs its constructors. Those of both libraries only register tables of their own.
    // Another program's library under their names could do anything, as could any library that the system lets us load.
    unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL) }
        .map_err(|why| LibraryFault::Unloadable { path: path.to_path_buf(), why: not_opened(&why, path) })
}

/// Whether the system's linker finds a library of this name.
pub(super) fn is_known(name: &Path) -> bool {
    // It stays open: what was found must not be gone when it is opened again.
    open(name).map(std::mem::forget).is_ok()
}

/// Whether the library has a symbol of this name, whatever it is.
fn has(library: &Library, name: &[u8]) -> bool {
    // SAFETY: the address is not used.
    unsafe { library.get::<Raw>(name) }.is_ok()
}

impl Functions {
    /// Opens both and asks CUDA for a device.
    ///
    /// # Errors
    /// When one of them cannot be opened or is another library, or when there is no device.
    pub(super) fn load(
        nvjpeg_path: &Path,
        cudart: impl FnOnce() -> Result<PathBuf, LibraryFault>,
    ) -> Result<Functions, super::EncodeFault> {
        let library = open(nvjpeg_path)?;
        if !has(&library, b"nvjpegCreateEx\0") && has(&library, b"jpeg_std_error\0") {
            return Err(LibraryFault::Libjpeg { path: PathBuf::from(nvjpeg_path) }.into());
        }
        let nvjpeg = Nvjpeg::of(&library, nvjpeg_path)?;
        std::mem::forget(library);
        let cudart_path = cudart()?;
        let library = open(&cudart_path)?;
        let cuda = Cuda::of(&library, &cudart_path)?;
        std::mem::forget(library);
        let mut functions = Functions { cuda, nvjpeg, version: String::new() };
        functions.version = functions.asked_version()?;
        functions.find_device()?;
        Ok(functions)
    }

    pub(super) fn version(&self) -> &str {
        &self.version
    }

    fn asked_version(&self) -> Result<String, CallFault> {
        let mut parts = [0; 3];
        for (property, part) in parts.iter_mut().enumerate() {
            // SAFETY: the property is one of three, and the answer is written to a number that is there.
            let code = unsafe { (self.nvjpeg.nvjpegGetProperty)(property as c_int, part) };
            nvjpeg_ok("nvjpegGetProperty", code)?;
        }
        Ok(parts.map(|part| part.to_string()).join("."))
    }

    fn find_device(&self) -> Result<(), CallFault> {
        let mut count = 0;
        // SAFETY: the answer is written to a number that is there.
        self.cuda_ok("cudaGetDeviceCount", unsafe { (self.cuda.cudaGetDeviceCount)(&mut count) })?;
        if count < 1 {
            return Err(CallFault::NoDevice);
        }
        // SAFETY: it takes flags by value.
        match unsafe { (self.cuda.cudaSetDeviceFlags)(DEVICE_FLAGS) } {
            CUDA_ALREADY_ACTIVE => Ok(()),
            code => self.cuda_ok("cudaSetDeviceFlags", code),
        }
    }

    fn cuda_ok(&self, call: &'static str, code: c_int) -> Result<(), CallFault> {
        if code == 0 {
            return Ok(());
        }
        // SAFETY: any code may be asked for; the answer is a static text, or nothing.
        let text = unsafe { (self.cuda.cudaGetErrorString)(code) };
        let text = if text.is_null() {
            "unknown".to_string()
        } else {
            // SAFETY: it is not null, and a text of C that lives as long as the library, which is never closed.
            unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
        };
        Err(CallFault::Cuda { call, code, text })
    }
}

fn nvjpeg_ok(call: &'static str, code: c_int) -> Result<(), CallFault> {
    if code == 0 { Ok(()) } else { Err(CallFault::Nvjpeg { call, code }) }
}

/// Something that a library made, destroyed when this ends.
struct Owned {
    raw: Raw,
    // SAFETY: it is called once, when this ends.
    destroy: unsafe extern "C" fn(Raw) -> c_int,
}

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: `raw` was made by the library that `destroy` is of, for it, and nobody has it after this. What it answers
        // is of no use: there is nothing left to do about it.
        unsafe { (self.destroy)(self.raw) };
    }
}

/// Memory that the graphics processor reads where it lies.
struct Pinned {
    host: Owned,
    device: *mut u8,
    length: usize,
}

/// One encoder: its stream and its states. The fields end in this order.
pub(super) struct Session {
    pinned: Option<Pinned>,
    params: Owned,
    state: Owned,
    handle: Owned,
    stream: Owned,
    functions: Arc<Functions>,
    /// What the parameters were set to.
    set: Option<(u8, c_int)>,
}

// SAFETY: what it points to belongs to no thread. The CUDA runtime may be called from every thread, all of which share
// the device's context; a handle may be used by one thread at a time, and `Session` has one owner and is not `Sync`.
unsafe impl Send for Session {}

impl Session {
    /// Makes everything that is needed for pictures of any size.
    pub(super) fn open(functions: &Arc<Functions>) -> Result<Session, CallFault> {
        let (cuda, nvjpeg) = (&functions.cuda, &functions.nvjpeg);
        let mut raw: Raw = std::ptr::null_mut();
        // SAFETY: the answer is written to `raw`.
        let code = unsafe { (cuda.cudaStreamCreateWithFlags)(&mut raw, STREAM_NON_BLOCKING) };
        functions.cuda_ok("cudaStreamCreateWithFlags", code)?;
        let stream = Owned { raw, destroy: cuda.cudaStreamDestroy };
        let none = std::ptr::null_mut();
        // SAFETY: without allocators of ours the library takes its own; the answer is written to `raw`.
        nvjpeg_ok("nvjpegCreateEx", unsafe { (nvjpeg.nvjpegCreateEx)(BACKEND_DEFAULT, none, none, 0, &mut raw) })?;
        let handle = Owned { raw, destroy: nvjpeg.nvjpegDestroy };
        // SAFETY: handle and stream are alive; the answer is written to `raw`.
        let code = unsafe { (nvjpeg.nvjpegEncoderStateCreate)(handle.raw, &mut raw, stream.raw) };
        nvjpeg_ok("nvjpegEncoderStateCreate", code)?;
        let state = Owned { raw, destroy: nvjpeg.nvjpegEncoderStateDestroy };
        // SAFETY: as above.
        let code = unsafe { (nvjpeg.nvjpegEncoderParamsCreate)(handle.raw, &mut raw, stream.raw) };
        nvjpeg_ok("nvjpegEncoderParamsCreate", code)?;
        let params = Owned { raw, destroy: nvjpeg.nvjpegEncoderParamsDestroy };
        Ok(Session { pinned: None, params, state, handle, stream, functions: functions.clone(), set: None })
    }

    /// The JPEG of a 4:2:0 or grey picture, at most `longest` bytes, in place of what was in `out`. After a fault the
    /// session must not be used again.
    pub(super) fn encode(
        &mut self,
        picture: &Picture,
        quality: u8,
        longest: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), CallFault> {
        let grey = picture.subsamp == Subsamp::Gray;
        let css = CSS[usize::from(grey)];
        self.set(quality, css)?;
        let image = self.upload(picture, if grey { 1 } else { 3 })?;
        let Functions { nvjpeg, .. } = &*self.functions;
        let (width, height) = (picture.width as c_int, picture.height as c_int);
        let (handle, state, params, stream) = (self.handle.raw, self.state.raw, self.params.raw, self.stream.raw);
        // SAFETY: all four are alive and of one library. `image` has a plane of the right size for each channel, in
        // memory that stays until the stream has run dry, which is waited for before it is written or freed.
        let code = unsafe { (nvjpeg.nvjpegEncodeYUV)(handle, state, params, &image, css, width, height, stream) };
        nvjpeg_ok("nvjpegEncodeYUV", code)?;
        let mut length = 0;
        // SAFETY: without a place for bytes it only tells their number.
        let code =
            unsafe { (nvjpeg.nvjpegEncodeRetrieveBitstream)(handle, state, std::ptr::null_mut(), &mut length, stream) };
        nvjpeg_ok("nvjpegEncodeRetrieveBitstream", code)?;
        self.wait()?;
        if length == 0 || length > longest {
            return Err(CallFault::Length { bytes: length });
        }
        out.clear();
        out.resize(length, 0);
        let told = length;
        // SAFETY: there is room for `length` bytes, which is what it was told.
        let code =
            unsafe { (nvjpeg.nvjpegEncodeRetrieveBitstream)(handle, state, out.as_mut_ptr(), &mut length, stream) };
        nvjpeg_ok("nvjpegEncodeRetrieveBitstream", code)?;
        self.wait()?;
        if length == 0 || length > told {
            return Err(CallFault::Length { bytes: length });
        }
        out.truncate(length);
        Ok(())
    }

    fn set(&mut self, quality: u8, css: c_int) -> Result<(), CallFault> {
        if self.set == Some((quality, css)) {
            return Ok(());
        }
        let nvjpeg = &self.functions.nvjpeg;
        let (params, stream) = (self.params.raw, self.stream.raw);
        // SAFETY: both are alive; the quality is passed by value.
        let code = unsafe { (nvjpeg.nvjpegEncoderParamsSetQuality)(params, c_int::from(quality), stream) };
        nvjpeg_ok("nvjpegEncoderParamsSetQuality", code)?;
        // SAFETY: as above.
        let code = unsafe { (nvjpeg.nvjpegEncoderParamsSetSamplingFactors)(params, css, stream) };
        nvjpeg_ok("nvjpegEncoderParamsSetSamplingFactors", code)?;
        self.set = Some((quality, css));
        Ok(())
    }

    /// Copies the planes to where the graphics processor reads them.
    fn upload(&mut self, picture: &Picture, planes: usize) -> Result<Image, CallFault> {
        let sizes = picture.sizes();
        let pitch = sizes.map(|(width, _)| width.next_multiple_of(PITCH));
        let lengths: Vec<usize> = (0..planes).map(|plane| pitch[plane] * sizes[plane].1).collect();
        let pinned = self.pinned(lengths.iter().sum())?;
        let mut image = Image { channel: [std::ptr::null_mut(); 4], pitch: [0; 4] };
        let mut offset = 0;
        for plane in 0..planes {
            let (width, height) = sizes[plane];
            // SAFETY: all planes together are no longer than the memory, see `lengths`. Nothing else reads or writes it:
            // the stream has run dry since the last picture, and a session that failed is not used again.
            let to =
                unsafe { std::slice::from_raw_parts_mut(pinned.host.raw.cast::<u8>().add(offset), lengths[plane]) };
            for (y, row) in to.chunks_exact_mut(pitch[plane]).enumerate().take(height) {
                row[..width].copy_from_slice(&picture.planes[plane].row(y)[..width]);
            }
            image.channel[plane] = pinned.device.wrapping_add(offset);
            image.pitch[plane] = pitch[plane];
            offset += lengths[plane];
        }
        Ok(image)
    }

    /// Memory of at least this length, kept for the next picture.
    fn pinned(&mut self, length: usize) -> Result<&Pinned, CallFault> {
        if self.pinned.as_ref().is_none_or(|pinned| pinned.length < length) {
            self.pinned = None;
            let cuda = &self.functions.cuda;
            let mut raw: Raw = std::ptr::null_mut();
            // SAFETY: the answer is written to `raw`.
            let code = unsafe { (cuda.cudaHostAlloc)(&mut raw, length, HOST_ALLOC_MAPPED) };
            self.functions.cuda_ok("cudaHostAlloc", code)?;
            let host = Owned { raw, destroy: cuda.cudaFreeHost };
            // SAFETY: it was just made with the flag for this, and rows that are shorter than their pitch leave bytes that
            // are read by nobody but must have a value.
            unsafe { raw.cast::<u8>().write_bytes(0, length) };
            let mut device: Raw = std::ptr::null_mut();
            // SAFETY: the answer is written to `device`.
            let code = unsafe { (cuda.cudaHostGetDevicePointer)(&mut device, host.raw, 0) };
            self.functions.cuda_ok("cudaHostGetDevicePointer", code)?;
            self.pinned = Some(Pinned { host, device: device.cast(), length });
        }
        Ok(self.pinned.as_ref().expect("it was made above"))
    }

    /// Until the stream has run dry.
    fn wait(&self) -> Result<(), CallFault> {
        // SAFETY: the stream is alive.
        let code = unsafe { (self.functions.cuda.cudaStreamSynchronize)(self.stream.raw) };
        self.functions.cuda_ok("cudaStreamSynchronize", code)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Nothing may be freed that the graphics processor still reads. If it fails, nothing runs any more.
        let _ = self.wait();
    }
}
