//! Finding ONNX Runtime's library: where it is looked for, and what is taken.
//!
//! A file that the config names is the only one that is looked at. Otherwise the usual folders are gone through in order,
//! then the system's linker is asked; the first library that fits is taken, and the first that did not fit is what is
//! told when none does. Nothing is loaded of a file that is cut short: the linker would map what is not there.

use std::ffi::OsString;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::sys;

/// The file's name, to which a version may be added.
const NAME: &str = "libonnxruntime.so";
/// The names that the system's linker knows it by.
const LINKED: [&str; 2] = ["libonnxruntime.so.1", "libonnxruntime.so"];
/// The oldest 1.x whose functions we were written for.
const OLDEST_MINOR: u32 = ort::MINOR_VERSION;

/// Where to look.
#[derive(Clone, Default, Debug)]
pub struct Places {
    /// The one file to look at, and no other.
    pub named: Option<PathBuf>,
    /// Folders, in order.
    pub folders: Vec<PathBuf>,
    /// Whether the system's linker is asked at the end.
    pub linker: bool,
}

/// A library that fits.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Library {
    /// Its file.
    pub path: PathBuf,
    /// Its version, as `1.32.0`.
    pub version: String,
}

/// Why there is no ONNX Runtime.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LibraryFault {
    /// Nowhere.
    #[error("there is no ONNX Runtime: no {NAME} was found")]
    Absent,
    /// The system says why not.
    #[error("the ONNX Runtime {} cannot be loaded: {why}", path.display())]
    Unloadable {
        /// The file.
        path: PathBuf,
        /// From the system.
        why: String,
    },
    /// Some other library.
    #[error("{} is no ONNX Runtime", path.display())]
    Other {
        /// The file.
        path: PathBuf,
    },
    /// Too old, or of another kind.
    #[error("the ONNX Runtime {} has version {found}; expected 1.{OLDEST_MINOR} or a newer 1", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// What it says.
        found: String,
    },
    /// There can be but one in a process.
    #[error("the ONNX Runtime {} cannot be taken: {} is in use", path.display(), other.display())]
    Second {
        /// The file.
        path: PathBuf,
        /// The one that was taken.
        other: PathBuf,
    },
}

impl Places {
    /// The usual ones: beside the program, the package's folder, the data directory, the system's.
    pub fn usual(named: Option<PathBuf>, data_dir: Option<&Path>) -> Places {
        let beside = std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.to_path_buf()));
        let mut folders: Vec<PathBuf> = beside.iter().cloned().collect();
        // Where `make onnxruntime` puts it: beside the folder of the program that was built.
        folders.extend(beside.iter().filter_map(|folder| Some(folder.parent()?.join("onnxruntime"))));
        folders.push("/usr/lib/spotter".into());
        folders.extend(data_dir.map(|folder| folder.join("onnxruntime")));
        folders.push("/usr/local/lib".into());
        folders.push(format!("/usr/lib/{}-linux-gnu", std::env::consts::ARCH).into());
        folders.extend(["/usr/lib64", "/usr/lib"].map(PathBuf::from));
        Places { named, folders, linker: true }
    }

    /// The first library that fits.
    ///
    /// # Errors
    /// Why the first that was found does not, or that there is none.
    pub fn find(&self) -> Result<Library, LibraryFault> {
        if let Some(named) = &self.named {
            // The linker would look for a bare name elsewhere.
            return judge(&std::path::absolute(named).unwrap_or_else(|_| named.clone()));
        }
        let mut first = None;
        for path in self.folders.iter().flat_map(|folder| inside(folder)) {
            match judge(&path) {
                Ok(library) => return Ok(library),
                Err(fault) => first = first.or(Some(fault)),
            }
        }
        for name in LINKED.iter().filter(|_| self.linker) {
            match sys::probe(Path::new(name)) {
                Ok(found) => return Ok(Library { path: found.path, version: found.version }),
                // That it is nowhere is the ordinary case, and the linker's sentence for it is no fault.
                Err(LibraryFault::Unloadable { why, .. }) if why.contains("No such file") => {}
                Err(fault) => first = first.or(Some(fault)),
            }
        }
        Err(first.unwrap_or(LibraryFault::Absent))
    }
}

fn judge(path: &Path) -> Result<Library, LibraryFault> {
    whole(path).map_err(|why| LibraryFault::Unloadable { path: path.to_path_buf(), why })?;
    sys::probe(path).map(|found| Library { path: path.to_path_buf(), version: found.version })
}

/// Whether this version has what we call.
pub(super) fn fits(version: &str) -> Result<(), ()> {
    match numbers(version).as_slice() {
        [1, minor, ..] if *minor >= OLDEST_MINOR => Ok(()),
        _ => Err(()),
    }
}

/// Whether its threads can be told for how long to spin; seen in this version first, and an older one would spin for long.
pub(super) fn spins_briefly(version: &str) -> bool {
    numbers(version) >= vec![1, 32]
}

fn numbers(version: &str) -> Vec<u32> {
    version.split('.').map_while(|part| part.parse().ok()).collect()
}

/// The libraries of this name in a folder: without a version first, then the newest.
fn inside(folder: &Path) -> Vec<PathBuf> {
    let version_of = |name: OsString| {
        let rest = name.to_str()?.strip_prefix(NAME)?;
        let version = numbers(rest.strip_prefix('.').unwrap_or(rest));
        (rest.is_empty() || !version.is_empty()).then_some((version, name))
    };
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<_> = entries.filter_map(|entry| version_of(entry.file_name())).collect();
    found.sort_by(|(a, _), (b, _)| (!a.is_empty(), b).cmp(&(!b.is_empty(), a)));
    found.into_iter().map(|(_, name)| folder.join(name)).collect()
}

/// Whether the file has all the bytes that its ELF header wants loaded (System V ABI, chapter 5, 64 bit).
fn whole(path: &Path) -> Result<(), String> {
    const LOAD: u32 = 1;
    let told = |why: std::io::Error| why.to_string();
    let about = std::fs::metadata(path).map_err(told)?;
    if !about.is_file() {
        return Err("it is no file".into());
    }
    let mut file = std::fs::File::open(path).map_err(told)?;
    let mut head = [0u8; 64];
    let is_elf = file.read_exact(&mut head).is_ok() && head.starts_with(b"\x7fELF\x02\x01");
    if !is_elf {
        return Err("it is no library of 64 bit".into());
    }
    let at = |bytes: &[u8], from: usize| u64::from_le_bytes(std::array::from_fn(|i| bytes[from + i]));
    let (table, count) = (at(&head, 32), u16::from_le_bytes([head[56], head[57]]));
    let mut entries = vec![0u8; usize::from(count) * 56];
    let cut = |_| "it is cut short".to_string();
    file.seek(SeekFrom::Start(table)).and_then(|_| file.read_exact(&mut entries)).map_err(cut)?;
    let is_there = |entry: &[u8]| {
        let kind = u32::from_le_bytes(std::array::from_fn(|i| entry[i]));
        kind != LOAD || at(entry, 8).checked_add(at(entry, 32)).is_some_and(|end| end <= about.len())
    };
    if entries.chunks_exact(56).all(is_there) { Ok(()) } else { Err("it is cut short".into()) }
}
