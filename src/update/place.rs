//! Where everything of an update lies, below a root that is `/` on a box, and how it is written so that a power cut leaves the
//! old or the new.

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::fault::{Fault, unwritable};

/// The version of the package that this program came with.
pub(super) const BASE: &str = env!("CARGO_PKG_VERSION");

/// The root of a system.
#[derive(Clone, Debug)]
pub(super) struct Place {
    root: PathBuf,
}

impl Place {
    pub(super) fn new(root: &Path) -> Place {
        // What is started elsewhere must find it, too.
        Place { root: std::path::absolute(root).unwrap_or_else(|_| root.to_path_buf()) }
    }

    /// A path of a box, below this root.
    pub(super) fn at(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// Versions, each in a folder with its number as its name, the state, and the folder of what comes in.
    pub(super) fn versions(&self) -> PathBuf {
        self.at("/var/lib/spotter-versions")
    }

    /// What is being taken in; gone at the next run, whatever is in it.
    pub(super) fn incoming(&self) -> PathBuf {
        self.versions().join("incoming")
    }

    /// The file that the launcher reads: the program of this start. It does not outlive a boot.
    pub(super) fn chosen(&self) -> PathBuf {
        self.at("/run/spotter/program")
    }

    /// The program of a version; nothing: of the package.
    pub(super) fn program(&self, version: Option<&str>) -> PathBuf {
        match version {
            Some(version) => self.versions().join(version).join("bin/spotter"),
            None => self.at("/usr/bin/spotter"),
        }
    }

    /// This boot's own number; empty where the kernel tells none.
    pub(super) fn boot(&self) -> String {
        let text = fs::read_to_string(self.at("/proc/sys/kernel/random/boot_id")).unwrap_or_default();
        text.trim().to_string()
    }

    /// The folder of versions, made if it is not there; it must be root's alone.
    ///
    /// # Errors
    /// Others may write to it, or it cannot be made.
    pub(super) fn own_versions(&self) -> Result<PathBuf, Fault> {
        let folder = self.versions();
        if !folder.exists() {
            fs::create_dir_all(&folder)
                .and_then(|()| allow(&folder, 0o755))
                .map_err(|why| unwritable(&folder, &why))?;
        }
        owned(&folder)?;
        Ok(folder)
    }
}

/// Others than root can change nothing about it.
///
/// # Errors
/// They can.
pub(super) fn owned(path: &Path) -> Result<(), Fault> {
    let is_roots = fs::symlink_metadata(path).is_ok_and(|about| {
        !about.file_type().is_symlink() && about.uid() == 0 && about.permissions().mode() & 0o022 == 0
    });
    if is_roots { Ok(()) } else { Err(Fault::Loose { path: path.display().to_string() }) }
}

/// Exactly this mode, whatever the umask of whoever started the update.
pub(super) fn allow(path: &Path, mode: u32) -> io::Result<()> {
    fs::set_permissions(path, Permissions::from_mode(mode))
}

/// `text` becomes the file `path`, for all to read, whole or not at all, also when the power goes.
pub(super) fn put(path: &Path, text: &str) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file = File::create(&new)?;
    file.write_all(text.as_bytes())?;
    allow(&new, 0o644)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    sync_folder(path.parent().unwrap_or(Path::new("/")))
}

/// What was renamed, made or deleted in `folder` is so on the disk.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Takes away `path`, a file or a folder with all that is in it, if it is there.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    let gone = match fs::symlink_metadata(path) {
        Ok(about) if about.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(why) => Err(why),
    };
    match gone {
        Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
