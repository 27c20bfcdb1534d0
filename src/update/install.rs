//! A release, from the file to a folder beside the others: copied, verified, unpacked, tried whether it starts at all.
//!
//! All of it happens in a folder that the next run clears, so that a process that was killed, a full disk or a power cut leaves what
//! was there. Only a version that is whole on the disk gets its name.

use std::fs::{self, File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use semver::Version;

use super::fault::{Fault, unreadable, unwritable};
use super::place::{Place, allow, remove, sync_folder};
use super::release::{self, Label};
use super::state::{State, name};
use super::{check, keys, unpack};

/// MiB that the disk must have left when a version is in its place: for the log.
const SPARE_MIB: u64 = 16;
const MIB: u64 = 1024 * 1024;

/// Takes in the release `file` and gives its version, which lies in its folder and does not run yet. `most_mib`: what it may have,
/// packed and unpacked each.
///
/// # Errors
/// It is not taken; everything is as it was.
pub(super) fn take_in(place: &Place, file: &Path, allow_older: bool, most_mib: u64) -> Result<String, Fault> {
    let taken = brought(place, file, allow_older, most_mib);
    let cleared = clear(place);
    let version = taken?;
    cleared?;
    Ok(version)
}

fn brought(place: &Place, file: &Path, allow_older: bool, most_mib: u64) -> Result<String, Fault> {
    let keys = keys::trusted(place)?;
    let incoming = place.incoming();
    fs::create_dir(&incoming).and_then(|()| allow(&incoming, 0o711)).map_err(|why| unwritable(&incoming, &why))?;
    // What is verified is what is unpacked: the copy, which nobody else can reach. The service's user passes on to what was unpacked.
    let mut copy = copied(file, &incoming, most_mib)?;
    let label = release::verified(&mut copy, file, &keys)?;
    fits(place, file, &label, allow_older)?;
    if label.bytes > most_mib * MIB {
        return Err(Fault::Large { path: file.display().to_string(), mib: most_mib });
    }
    room(&incoming, label.bytes)?;
    let (new, version) = (incoming.join("new"), label.version.to_string());
    unpack::unpack(&mut copy, file, label.bytes, &new)?;
    if !new.join("bin/spotter").is_file() {
        return Err(Fault::NoProgram { path: file.display().to_string() });
    }
    check::starts(place, &new.join("bin/spotter"), &version, file)?;
    let to = place.versions().join(&version);
    let settled = moved_aside(&to, &incoming).and_then(|()| fs::rename(&new, &to));
    settled.and_then(|()| sync_folder(&place.versions())).map_err(|why| unwritable(&to, &why))?;
    Ok(version)
}

/// A version of this number that is there and does not run gives way.
fn moved_aside(to: &Path, incoming: &Path) -> std::io::Result<()> {
    if to.exists() { fs::rename(to, incoming.join("old")) } else { Ok(()) }
}

/// A copy of `file` in `folder`.
fn copied(file: &Path, folder: &Path, most_mib: u64) -> Result<File, Fault> {
    let mut from = File::open(file).map_err(|why| unreadable(file, &why))?;
    let bytes = from.metadata().map_err(|why| unreadable(file, &why))?.len();
    let too_large = || Fault::Large { path: file.display().to_string(), mib: most_mib };
    // Something else altogether is not copied first.
    if release::head(&mut from).map_err(|why| unreadable(file, &why))?.is_none() {
        return Err(Fault::NotRelease { path: file.display().to_string() });
    }
    if bytes > most_mib * MIB {
        return Err(too_large());
    }
    room(folder, bytes)?;
    let mut from = File::open(file).map_err(|why| unreadable(file, &why))?.take(most_mib * MIB + 1);
    let path = folder.join("release");
    let mut to = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path);
    let to = to.as_mut().map_err(|why| unwritable(&path, why))?;
    let copied = std::io::copy(&mut from, to).map_err(|why| unwritable(&path, &why))?;
    if copied > most_mib * MIB {
        return Err(too_large());
    }
    to.try_clone().map_err(|why| unwritable(&path, &why))
}

/// It is for this box, and newer than what runs.
fn fits(place: &Place, file: &Path, label: &Label, allow_older: bool) -> Result<(), Fault> {
    let path = file.display().to_string();
    let own = std::env::consts::ARCH;
    if label.arch != own {
        return Err(Fault::Processor { path, wanted: label.arch.clone(), own: own.into() });
    }
    let boards = boards(place);
    if label.board != "any" && !boards.contains(&label.board) {
        let own = if boards.is_empty() { "none that says its name".into() } else { boards.join(" or ") };
        return Err(Fault::Board { path, wanted: label.board.clone(), own });
    }
    let state = State::read(place);
    let version = label.version.to_string();
    let runs = name(state.runs.as_deref());
    // Its folder is in use; the base may be replaced by one of its number.
    if version == runs && (state.runs.is_some() || !allow_older) {
        return Err(Fault::Same { version });
    }
    let is_older = Version::parse(runs).is_ok_and(|runs| label.version.cmp_precedence(&runs).is_le());
    if is_older && !allow_older {
        return Err(Fault::Older { version, runs: runs.into() });
    }
    Ok(())
}

/// The names of this board in its device tree, from the most to the least exact; none on a PC.
fn boards(place: &Place) -> Vec<String> {
    let bytes = fs::read(place.at("/proc/device-tree/compatible")).unwrap_or_default();
    let names = bytes.split(|byte| *byte == 0).filter(|name| !name.is_empty());
    names.map(|name| String::from_utf8_lossy(name).into_owned()).collect()
}

/// The disk of `folder` takes `bytes` more.
fn room(folder: &Path, bytes: u64) -> Result<(), Fault> {
    let about = rustix::fs::statvfs(folder).map_err(|why| unreadable(folder, &why.into()))?;
    let (free_mib, mib) = (about.f_bavail.saturating_mul(about.f_frsize) / MIB, bytes.div_ceil(MIB) + SPARE_MIB);
    let path = folder.display().to_string();
    if free_mib >= mib { Ok(()) } else { Err(Fault::NoRoom { path, free_mib, mib }) }
}

/// Takes away what a run left that did not come to its end.
///
/// # Errors
/// It cannot be removed.
pub(super) fn clear(place: &Place) -> Result<(), Fault> {
    let incoming = place.incoming();
    remove(&incoming).map_err(|why| unwritable(&incoming, &why))
}

/// Takes away the versions that neither run nor are kept.
///
/// # Errors
/// One cannot be removed.
pub(super) fn forget(place: &Place) -> Result<(), Fault> {
    let (folder, state) = (place.versions(), State::read(place));
    let listed = fs::read_dir(&folder).map_err(|why| unreadable(&folder, &why))?;
    let old: Vec<PathBuf> = listed
        .flatten()
        .filter(|entry| {
            entry.file_name().to_str().is_some_and(|name| Version::parse(name).is_ok() && !state.keeps(name))
        })
        .map(|entry| entry.path())
        .collect();
    for version in old {
        // It loses its name first, so that no half of it is ever taken for a version.
        let going = folder.join("incoming");
        fs::rename(&version, &going).and_then(|()| remove(&going)).map_err(|why| unwritable(&version, &why))?;
    }
    Ok(())
}
