//! What is old is cleared away: sets after so many days, pictures after so many days or bytes, the oldest first.
//!
//! It touches nothing but plain files and folders inside the folder it is given: links are neither followed nor removed,
//! and neither are devices or sockets. While the clock is not plausible nothing counts as old, and neither for an hour after
//! the start and after every step of the clock: one that is wrong by a year for a moment must not empty the log. What is
//! too large goes at once, and on a full disk some of the oldest pictures: a set is worth more than they are.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, params};

use super::Settings;
use super::clock::{Reading, is_plausible};
use crate::time::Mono;

/// How often is looked for what is old.
const EVERY: Duration = Duration::from_secs(6 * 3600);
/// Sets or files removed in one turn; the rest waits for the next, so that sets and questions come in between.
const AT_ONCE: usize = 500;
/// Pictures removed for each time that the disk was found full. One has some hundred kilobytes, a set a few.
const FOR_ROOM: usize = 16;
/// So long a clock must have gone on before what is old by it is removed. The network tells the time within minutes.
const SETTLES: Duration = Duration::from_secs(3600);
const DAY_MS: u64 = 24 * 3600 * 1000;
/// Folders in folders that are looked into.
const DEEP: usize = 8;

/// How long things are kept. Zero: for ever, or as many as there are.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Retention {
    /// Days that sets are kept.
    pub sets_days: usize,
    /// Days that pictures are kept.
    pub snapshots_days: usize,
    /// Bytes that pictures may take together.
    pub snapshots_bytes: u64,
}

/// When it was looked last.
#[derive(Default)]
pub(super) struct Sweep {
    next: Mono,
    /// From when on the clock is believed.
    ages_from: Option<Mono>,
}

impl Sweep {
    /// The clock was set: for a while nothing counts as old by it.
    pub(super) fn clock_was_set(&mut self, now: Reading) {
        self.ages_from = Some(now.mono.plus(SETTLES));
    }

    /// Clears away what is due, if it is time to.
    pub(super) fn turn(&mut self, connection: &Connection, settings: &Settings, now: Reading) -> rusqlite::Result<()> {
        if now.mono < self.next {
            return Ok(());
        }
        let (keep, ages_in) = self.keep(settings.retention, now);
        let gone = remove_sets(connection, keep.sets_days, &settings.sinks, now)?;
        let pruned = prune(&settings.snapshots, keep.snapshots_days, keep.snapshots_bytes, now, AT_ONCE);
        if pruned.failed > 0 {
            log::warn!("{} old pictures cannot be removed from {}", pruned.failed, settings.snapshots.display());
        }
        let is_more = gone >= AT_ONCE || pruned.removed >= AT_ONCE;
        let rest = if ages_in.is_zero() { EVERY } else { EVERY.min(ages_in) };
        self.next = now.mono.plus(if is_more { Duration::from_millis(1) } else { rest });
        Ok(())
    }

    /// What is kept now, and how long it is until ages count.
    fn keep(&mut self, all: Retention, now: Reading) -> (Retention, Duration) {
        let ages_in = self.ages_from.get_or_insert(now.mono.plus(SETTLES)).since(now.mono);
        let keep = match ages_in.is_zero() {
            true => all,
            false => Retention { sets_days: 0, snapshots_days: 0, ..all },
        };
        (keep, ages_in)
    }

    /// The disk of the log is full: removes the pictures that are due, or else some of the oldest, and says how many.
    pub(super) fn make_room(&mut self, settings: &Settings, now: Reading) -> usize {
        let device = |path: &Path| path.metadata().map(|found| found.dev()).ok();
        // On another disk they are in nobody's way.
        if device(&settings.folder) != device(&settings.snapshots) {
            return 0;
        }
        let (keep, _) = self.keep(settings.retention, now);
        let due = prune(&settings.snapshots, keep.snapshots_days, keep.snapshots_bytes, now, AT_ONCE);
        if due.removed > 0 {
            return due.removed;
        }
        // Down to a byte means all of them; the number sets the limit.
        prune(&settings.snapshots, 0, 1, now, FOR_ROOM).removed
    }
}

/// Removes sets that are too old, and deleted ones of which every sink knows. What still has to be delivered stays, and so does a
/// deletion that was refused: without its row nothing would ever take the set out of that receiver.
fn remove_sets(connection: &Connection, days: usize, sinks: &[String], now: Reading) -> rusqlite::Result<usize> {
    let oldest = now.wall.unix_ms().saturating_sub(days as u64 * DAY_MS);
    let oldest = if days == 0 || !now.is_plausible() { 0 } else { oldest };
    let sinks = serde_json::Value::from(sinks).to_string();
    connection.execute(
        "DELETE FROM sets WHERE id IN (SELECT id FROM sets WHERE \
         (deleted_ms IS NOT NULL OR clock = 'good' AND ended_ms < ?1 OR clock = 'lost' AND known_ms < ?1) \
         AND NOT EXISTS (SELECT 1 FROM outbox WHERE set_id = sets.id \
             AND (state = 'waiting' OR state = 'parked' AND op = 'delete' AND status IS NOT NULL) \
             AND sink IN (SELECT value FROM json_each(?2))) \
         ORDER BY id LIMIT ?3)",
        params![i64::try_from(oldest).unwrap_or(i64::MAX), sinks, AT_ONCE],
    )
}

/// What a look through a folder came to.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Pruned {
    /// Files removed.
    pub removed: usize,
    /// Files that could not be.
    pub failed: usize,
    /// Bytes of the files that are left.
    pub bytes: u64,
}

struct Found {
    path: PathBuf,
    modified: SystemTime,
    bytes: u64,
}

/// Removes files below `root` that are older than `days`, then the oldest until the rest is at most `bytes`; at most
/// `at_once` of them. Folders that are empty go too, `root` stays. Zero `days` or `bytes`: no such limit.
pub fn prune(root: &Path, days: usize, bytes: u64, now: Reading, at_once: usize) -> Pruned {
    let mut files = Vec::new();
    // `root` itself must be a folder and no link to one.
    if !root.symlink_metadata().is_ok_and(|found| found.is_dir()) {
        return Pruned::default();
    }
    gather(root, DEEP, &mut files);
    files.sort_by(|a, b| a.modified.cmp(&b.modified).then_with(|| a.path.cmp(&b.path)));
    let mut pruned = Pruned { bytes: files.iter().map(|file| file.bytes).sum(), ..Pruned::default() };
    let oldest_ms = now.wall.unix_ms().saturating_sub(days as u64 * DAY_MS);
    // A picture from before the clock was set is not old for that.
    let is_old = |file: &Found| {
        let ms = file.modified.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64);
        days > 0 && now.is_plausible() && is_plausible(ms) && ms < oldest_ms
    };
    for file in &files {
        if pruned.removed >= at_once {
            break;
        }
        if !is_old(file) && (bytes == 0 || pruned.bytes <= bytes) {
            continue;
        }
        match fs::remove_file(&file.path) {
            Ok(()) => {
                pruned.removed += 1;
                pruned.bytes -= file.bytes;
            }
            Err(_) => pruned.failed += 1,
        }
    }
    if pruned.removed > 0 {
        remove_empty(root, DEEP);
    }
    pruned
}

/// Plain files and folders of `folder`, links and the rest left out.
fn entries(folder: &Path) -> impl Iterator<Item = (PathBuf, Metadata)> {
    let all = fs::read_dir(folder).into_iter().flatten().flatten();
    // The metadata of an entry is its own, not that of what it links to.
    all.filter_map(|entry| Some((entry.path(), entry.metadata().ok()?)))
}

fn gather(folder: &Path, deep: usize, into: &mut Vec<Found>) {
    for (path, found) in entries(folder) {
        if found.is_dir() && deep > 0 {
            gather(&path, deep - 1, into);
        } else if found.is_file() {
            into.push(Found { path, modified: found.modified().unwrap_or(UNIX_EPOCH), bytes: found.len() });
        }
    }
}

fn remove_empty(folder: &Path, deep: usize) {
    for (path, found) in entries(folder) {
        if found.is_dir() && deep > 0 {
            remove_empty(&path, deep - 1);
            // It is refused where something is left, which is what is wanted.
            let _ = fs::remove_dir(&path);
        }
    }
}
