//! What the C API of ONNX Runtime says before anything else of it is used.
//!
//! The library is opened, asked for its version and for the table of functions that we were written for, and stays open
//! only when it fits. What is called here has not changed since version 1.0: `OrtGetApiBase` of `onnxruntime_c_api.h`.

use std::ffi::{CStr, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
use ort::sys::{ORT_API_VERSION, OrtApiBase};

use super::library::LibraryFault;
use crate::error::not_opened;

/// A library that fits; it stays loaded until the process ends.
pub(super) struct Probed {
    /// As it says it.
    pub(super) version: String,
    /// The file that the linker took.
    pub(super) path: PathBuf,
}

/// Opens `name`, a path or a bare name for the system's linker, and asks for its version.
///
/// # Errors
/// When it cannot be opened, is something else, or is older than what we need.
pub(super) fn probe(name: &Path) -> Result<Probed, LibraryFault> {
    let fault = |why: String| LibraryFault::Unloadable { path: name.to_path_buf(), why };
    // SAFETY: opening a library runs its constructors. ONNX Runtime's only register tables of its own. Another program's
    // library under this name could do anything, as could any other library that the system lets us load.
    // Everything it needs is looked for now: what is missing is told here, and does not end the box at the first call.
    let library =
        unsafe { Library::open(Some(name), RTLD_NOW | RTLD_LOCAL) }.map_err(|why| fault(not_opened(&why, name)))?;
    let other = || LibraryFault::Other { path: name.to_path_buf() };
    // SAFETY: the symbol has had this type in every version of ONNX Runtime.
    let getter = unsafe { library.get::<unsafe extern "C" fn() -> *const OrtApiBase>(b"OrtGetApiBase\0") };
    let getter = *getter.map_err(|_| other())?;
    // SAFETY: it takes nothing and returns a static table, or nothing.
    let base = unsafe { getter().as_ref() }.ok_or_else(other)?;
    // SAFETY: the table's functions may be called at any time; this one returns a static text.
    let text = unsafe { (base.GetVersionString)() };
    if text.is_null() {
        return Err(other());
    }
    // SAFETY: it is not null, and a text of C that lives as long as the library, which is open.
    let version = unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned();
    let path = file_of(getter as *const std::ffi::c_void).unwrap_or_else(|| name.to_path_buf());
    super::library::fits(&version)
        .map_err(|()| LibraryFault::Version { path: path.clone(), found: version.clone() })?;
    // SAFETY: as above; for a version that it does not have it returns nothing.
    let table = unsafe { (base.GetApi)(ORT_API_VERSION) };
    if table.is_null() {
        return Err(LibraryFault::Version { path, found: version });
    }
    // What was found right must not be unloaded and found wrong later.
    std::mem::forget(library);
    Ok(Probed { version, path })
}

/// The file that the code at this address was loaded from.
fn file_of(address: *const std::ffi::c_void) -> Option<PathBuf> {
    let mut found = std::mem::MaybeUninit::<libc::Dl_info>::zeroed();
    // SAFETY: any address may be asked about; the answer is written to the whole of `found`, which all zeros is valid for.
    let found = unsafe { (libc::dladdr(address, found.as_mut_ptr()) != 0).then(|| found.assume_init()) }?;
    if found.dli_fname.is_null() {
        return None;
    }
    // SAFETY: it is not null, and a text of the linker's that lives as long as the library, which the caller holds open.
    let name = unsafe { CStr::from_ptr(found.dli_fname) };
    Some(PathBuf::from(OsStr::from_bytes(name.to_bytes())))
}
