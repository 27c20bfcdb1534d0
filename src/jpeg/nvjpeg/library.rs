//! Finding CUDA's nvJPEG and the CUDA runtime.
//!
//! The name is not enough. Where JetPack 5 and 6 are installed, the `libnvjpeg.so` that the system's linker knows is
//! NVIDIA's libjpeg, and CUDA's own lies in CUDA's folder, which the linker does not look into. So the folders are
//! gone through first and only versioned names are asked of the linker; what `ffi.rs` opens must have nvJPEG's
//! functions. A folder that the config names is the only one that is looked at.

use std::path::{Path, PathBuf};

/// The names in a folder, best first.
const NVJPEG: [&str; 3] = ["libnvjpeg.so.13", "libnvjpeg.so.12", "libnvjpeg.so"];
const CUDART: [&str; 3] = ["libcudart.so.13", "libcudart.so.12", "libcudart.so"];

/// Why there is no nvJPEG.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LibraryFault {
    /// Nowhere.
    #[error("there is no nvJPEG: no libnvjpeg.so was found")]
    Absent,
    /// nvJPEG without the runtime that it needs.
    #[error("there is no CUDA runtime: no libcudart.so was found")]
    NoRuntime,
    /// The system says why not.
    #[error("the library {} cannot be loaded: {why}", path.display())]
    Unloadable {
        /// The file.
        path: PathBuf,
        /// From the system.
        why: String,
    },
    /// The other library of that name.
    #[error("{} is no CUDA nvJPEG but the libjpeg of the same name", path.display())]
    Libjpeg {
        /// The file.
        path: PathBuf,
    },
    /// Some other library, or a version that we were not written for.
    #[error("the library {} has no function {function}", path.display())]
    Lacks {
        /// The file.
        path: PathBuf,
        /// The first that is missing.
        function: &'static str,
    },
}

/// Where to look.
#[derive(Clone, Default, Debug)]
pub struct Places {
    /// Folders, in order.
    pub folders: Vec<PathBuf>,
    /// Whether the system's linker is asked at the end.
    pub linker: bool,
}

impl Places {
    /// The folder that is named, or CUDA's usual ones and the system's linker.
    pub fn usual(named: Option<&Path>) -> Places {
        if let Some(named) = named {
            let folder = std::path::absolute(named).unwrap_or_else(|_| named.to_path_buf());
            return Places { folders: vec![folder], linker: false };
        }
        let cuda = Path::new("/usr/local/cuda");
        // CUDA 13 counts a small arm board among the servers; CUDA 12 had a folder of its own for it.
        let targets: &[&str] = if cfg!(target_arch = "aarch64") {
            &["targets/sbsa-linux/lib", "targets/aarch64-linux/lib"]
        } else {
            &["targets/x86_64-linux/lib"]
        };
        let folders = targets.iter().chain(&["lib64"]).map(|folder| cuda.join(folder)).collect();
        Places { folders, linker: true }
    }

    /// The first nvJPEG: a path, or a name that the system's linker knows.
    pub(super) fn nvjpeg(&self) -> Result<PathBuf, LibraryFault> {
        self.first(&NVJPEG, &self.folders).ok_or(LibraryFault::Absent)
    }

    /// The same of the runtime: the one beside `nvjpeg` if there is one.
    pub(super) fn cudart(&self, nvjpeg: &Path) -> Result<PathBuf, LibraryFault> {
        let beside = nvjpeg.parent().filter(|folder| !folder.as_os_str().is_empty()).map(Path::to_path_buf);
        let folders: Vec<PathBuf> = beside.into_iter().chain(self.folders.iter().cloned()).collect();
        self.first(&CUDART, &folders).ok_or(LibraryFault::NoRuntime)
    }

    fn first(&self, names: &[&str], folders: &[PathBuf]) -> Option<PathBuf> {
        let inside = |folder: &PathBuf| names.iter().map(|name| folder.join(name)).find(|path| path.is_file());
        // Never by the bare name: that is the other library.
        let known = || names[..2].iter().map(PathBuf::from).find(|name| super::ffi::is_known(name));
        folders.iter().find_map(inside).or_else(|| if self.linker { known() } else { None })
    }
}
