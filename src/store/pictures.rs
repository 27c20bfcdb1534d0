//! The pictures of sets: one JPEG for each, in a folder for each day, listed and read by their place in that folder.
//!
//! A picture is written after its set is in the log and goes before it, so there may be a set without its picture and never
//! the other way round. It must never read, list or write anything outside its folder: places are taken apart here, not by the system,
//! and links are not followed.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Mode, OFlags};
use serde::Serialize;

use super::export::utc;
use super::fault::StoreFault;
use super::{Store, rows};

/// No picture of a set is larger, bytes; what is larger was put there by somebody else.
const PICTURE_BYTES: u64 = 8 * 1024 * 1024;

/// A picture that is there.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct PictureRow {
    /// Its place in the folder, such as `2026-11-26/18-03-20__squat__0c…1f.jpg`.
    pub path: String,
    /// Of this set.
    pub set: i64,
    /// When that set began, Unix milliseconds.
    pub started_ms: u64,
}

/// The place of a set's picture.
pub(super) fn place(started_ms: u64, exercise: Option<&str>, key: &str) -> String {
    let moment = utc(started_ms);
    let (day, time) = (moment.get(..10).unwrap_or("day"), moment.get(11..19).unwrap_or("time").replace(':', "-"));
    format!("{day}/{time}__{}__{key}.jpg", slug(exercise.unwrap_or("unknown")))
}

/// The key of the set that a place is made for.
fn key_of(place: &str) -> Option<&str> {
    Some(place.strip_suffix(".jpg")?.rsplit_once("__")?.1)
}

/// Lower case letters and digits, all else as one `-`.
fn slug(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for letter in name.chars().take(64) {
        if letter.is_ascii_alphanumeric() {
            out.push(letter.to_ascii_lowercase());
        } else if !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
    }
    let out = out.trim_end_matches('-');
    if out.is_empty() { "exercise".into() } else { out.into() }
}

/// Writes a picture whole or not at all.
pub(super) fn write(root: &Path, place: &str, bytes: &[u8]) -> std::io::Result<()> {
    let path = root.join(place);
    let folder = path.parent().unwrap_or(root);
    std::fs::create_dir_all(folder)?;
    let beside = path.with_extension("part");
    let written = std::fs::File::create(&beside)
        // Else a power cut may leave the name without what it stands for.
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_data()))
        .and_then(|()| std::fs::rename(&beside, &path));
    if written.is_err() {
        // It may never have been made; what matters is that it is not there.
        let _ = std::fs::remove_file(&beside);
    }
    written
}

/// A day and a name, as [`place`] makes them; nothing else is ever looked for.
fn taken_apart(place: &str) -> Option<(&str, &str)> {
    let (day, name) = place.split_once('/')?;
    let is_day = day.len() == 10 && day.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_');
    let stem = name.strip_suffix(".jpg")?;
    (is_day && !stem.is_empty() && stem.len() <= 200 && stem.bytes().all(is_plain)).then_some((day, name))
}

/// Opens one name in a folder without following a link.
fn step(folder: &std::os::fd::OwnedFd, name: &str, flags: OFlags) -> rustix::io::Result<std::os::fd::OwnedFd> {
    rustix::fs::openat(folder, name, flags | OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())
}

/// Opens the folder of a day.
fn open_day(root: &Path, day: &str) -> rustix::io::Result<std::os::fd::OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    step(&rustix::fs::open(root, flags, Mode::empty())?, day, OFlags::DIRECTORY)
}

/// Removes a picture; one that is not there is removed.
pub(super) fn remove(root: &Path, place: &str) -> std::io::Result<()> {
    let Some((day, name)) = taken_apart(place) else { return Ok(()) };
    let removed = open_day(root, day).and_then(|day| rustix::fs::unlinkat(&day, name, AtFlags::empty()));
    match removed {
        Err(rustix::io::Errno::NOENT) => Ok(()),
        removed => Ok(removed?),
    }
}

fn read(root: &Path, place: &str) -> Option<Vec<u8>> {
    let (day, name) = taken_apart(place)?;
    let day = open_day(root, day).ok()?;
    // A pipe in its place must not be waited for.
    let file = std::fs::File::from(step(&day, name, OFlags::NONBLOCK).ok()?);
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    let read = file.take(PICTURE_BYTES + 1).read_to_end(&mut bytes).ok()?;
    // An empty one was not written to its end.
    (1..=PICTURE_BYTES).contains(&(read as u64)).then_some(bytes)
}

impl Store {
    /// The pictures of sets, those of the newest first; `since_ms` and `limit` as for sets.
    ///
    /// # Errors
    /// Why there is no answer.
    pub fn pictures(&self, since_ms: u64, limit: usize) -> Result<Vec<PictureRow>, StoreFault> {
        let most = limit.min(self.0.settings.page_most);
        let mut rows = self.0.read(|connection| rows::pictures(connection, since_ms, most))?;
        let root: PathBuf = self.0.settings.snapshots.clone();
        // What was cleared away, or was never written, is not there.
        rows.retain(|row| root.join(&row.path).symlink_metadata().is_ok_and(|found| found.is_file()));
        Ok(rows)
    }

    /// The JPEG at this place of the folder; nothing when there is none, or when no set has it any more.
    ///
    /// # Errors
    /// Why there is no answer.
    pub fn picture(&self, place: &str) -> Result<Option<Vec<u8>>, StoreFault> {
        let Some(key) = key_of(place) else { return Ok(None) };
        let is_of_a_set = self.0.read(|connection| rows::has_picture(connection, key, place))?;
        Ok(read(&self.0.settings.snapshots, place).filter(|_| is_of_a_set))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_made_of_the_moment_the_exercise_and_the_key() {
        let ms = 1_795_680_200_250;
        assert_eq!(place(ms, Some("Bench Press"), "0c1f"), "2026-11-26/08-03-20__bench-press__0c1f.jpg");
        assert_eq!(key_of(&place(ms, Some("a__b"), "0c1f")), Some("0c1f"));
        assert_eq!(place(ms, None, "0c1f"), "2026-11-26/08-03-20__unknown__0c1f.jpg");
        for (name, want) in [("../../etc", "etc"), ("  ", "exercise"), ("Kniebeuge é!", "kniebeuge"), ("A/B", "a-b")] {
            assert_eq!(slug(name), want);
            assert!(taken_apart(&place(ms, Some(name), "0c1f")).is_some(), "{name}");
        }
    }

    #[test]
    fn what_was_written_is_read_and_nothing_else_ever_is() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("snapshots");
        let good = place(1_795_680_200_250, Some("Squat"), "0c1f");
        write(&root, &good, b"jpeg").unwrap();
        assert_eq!(read(&root, &good).unwrap(), b"jpeg");
        std::fs::write(dir.path().join("secret.jpg"), "key").unwrap();
        std::fs::write(root.join("2026-11-26/secret.txt"), "key").unwrap();
        let day = root.join("2026-11-26");
        std::os::unix::fs::symlink(dir.path().join("secret.jpg"), day.join("link.jpg")).unwrap();
        std::os::unix::fs::symlink(dir.path(), root.join("2026-11-27")).unwrap();
        std::fs::create_dir(day.join("folder.jpg")).unwrap();
        std::fs::write(day.join("empty.jpg"), "").unwrap();
        std::fs::File::create(day.join("huge.jpg")).unwrap().set_len(PICTURE_BYTES + 1).unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, day.join("pipe.jpg"), rustix::fs::FileType::Fifo, Mode::RWXU, 0).unwrap();
        for bad in [
            "",
            "/",
            "secret.jpg",
            "../secret.jpg",
            "2026-11-26/../../secret.jpg",
            "2026-11-26//etc/passwd",
            "2026-11-26/secret.txt",
            "2026-11-26/link.jpg",
            "2026-11-27/secret.jpg",
            "2026-11-26/folder.jpg",
            "2026-11-26/huge.jpg",
            "2026-11-26/empty.jpg",
            "2026-11-26/pipe.jpg",
            "2026-11-26/none.jpg",
            "2026-11-26/.jpg",
            "..........//secret.jpg",
            "2026-11-26/a\0b.jpg",
            "2026-11-26/%2e%2e.jpg",
        ] {
            assert_eq!(read(&root, bad), None, "{bad}");
        }
        assert_eq!(
            std::fs::read_dir(&day).unwrap().filter(|e| e.as_ref().unwrap().path().ends_with("part")).count(),
            0
        );
    }
}
