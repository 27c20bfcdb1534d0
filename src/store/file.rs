//! The database file: opened, checked, moved aside when it is damaged, and left alone when it is not ours.
//!
//! One process at a time holds it (`spotter.lock`), since a second one would move a file aside that the first still
//! writes. A damaged file is never deleted: it becomes `spotter.db.corrupt-SECONDS` with its companions, and a new one
//! is begun.

use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::fault::StoreFault;
use super::schema;

/// Its name in the data directory.
pub(super) const NAME: &str = "spotter.db";
/// The file that says who holds the directory.
const LOCK: &str = "spotter.lock";
/// SQLite's companions of a database.
const COMPANIONS: [&str; 3] = ["", "-wal", "-shm"];
/// How long a lock of another program (`sqlite3`, a backup) is waited for.
const BUSY: Duration = Duration::from_secs(1);
/// Of its file each connection keeps so much in memory. SQLite's own measure is eight times as much, which a log fills within four
/// hundred sets: the box seemed to grow by a megabyte an hour.
const CACHE_KIB: i64 = 256;
/// The log of changes is cut back to this, and carried over into the database after as many pages of 4 KiB.
const JOURNAL_BYTES: i64 = 4 * 1024 * 1024;

/// An open database.
pub(super) struct Database {
    /// Where it is written; one thread has it.
    pub(super) connection: Connection,
    path: PathBuf,
    device_and_inode: (u64, u64),
    _lock: File,
}

/// What came of opening.
pub(super) struct Opened {
    pub(super) database: Database,
    /// Where a damaged file was moved.
    pub(super) moved: Option<PathBuf>,
}

/// Opens or creates the database in `folder`. `thorough`: something was seen that the quick check may not find.
///
/// # Errors
/// When it cannot be had now; a later attempt may do better.
pub(super) fn open(folder: &Path, unix_s: u64, thorough: bool) -> Result<Opened, StoreFault> {
    let path = folder.join(NAME);
    std::fs::create_dir_all(folder).map_err(|why| StoreFault::of_io(folder, &why))?;
    let lock = lock(folder)?;
    refuse_newer(&path)?;
    match connect(&path, thorough) {
        Err(StoreFault::Damaged { .. }) => {
            let moved = move_aside(&path, unix_s).map_err(|why| StoreFault::of_io(&path, &why))?;
            let database = Database::new(connect(&path, false)?, path, lock)?;
            Ok(Opened { database, moved: Some(moved) })
        }
        connected => Ok(Opened { database: Database::new(connected?, path, lock)?, moved: None }),
    }
}

fn lock(folder: &Path) -> Result<File, StoreFault> {
    let path = folder.join(LOCK);
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(|why| StoreFault::of_io(&path, &why))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(StoreFault::InUse { path: folder.display().to_string() }),
        Err(std::fs::TryLockError::Error(why)) => Err(StoreFault::of_io(&path, &why)),
    }
}

/// Looks at the version through a connection that cannot write, so that a file of the future stays as it is.
fn refuse_newer(path: &Path) -> Result<(), StoreFault> {
    if !path.metadata().is_ok_and(|found| found.len() > 0) {
        return Ok(());
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let found = Connection::open_with_flags(path, flags).and_then(|connection| schema::version(&connection));
    match found {
        Ok(found) if found > schema::VERSION => {
            Err(StoreFault::Newer { path: path.display().to_string(), found, known: schema::VERSION })
        }
        // What else is wrong shows when it is opened for writing, in its own words.
        _ => Ok(()),
    }
}

/// Takes no more memory for the file than it should.
pub(super) fn be_small(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "cache_size", -CACHE_KIB)
}

fn connect(path: &Path, thorough: bool) -> Result<Connection, StoreFault> {
    let of = |error: rusqlite::Error| StoreFault::of_sqlite(path, &error);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(of)?;
    connection.busy_timeout(BUSY).map_err(of)?;
    // What cannot be opened for writing, SQLite opens for reading without a word.
    if connection.is_readonly(rusqlite::MAIN_DB).map_err(of)? {
        return Err(StoreFault::ReadOnly { path: path.display().to_string() });
    }
    let check = if thorough { "PRAGMA integrity_check(1)" } else { "PRAGMA quick_check(1)" };
    let found: String = connection.query_row(check, [], |row| row.get(0)).map_err(of)?;
    if found != "ok" {
        return Err(StoreFault::Damaged { path: path.display().to_string() });
    }
    be_small(&connection).map_err(of)?;
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).map_err(of)?;
    if mode != "wal" {
        let why = format!("its journal stays in the mode {mode}");
        return Err(StoreFault::Failed { path: path.display().to_string(), why });
    }
    // FULL: a set that was written is there after a power cut.
    connection.pragma_update(None, "synchronous", "FULL").map_err(of)?;
    connection.pragma_update(None, "foreign_keys", true).map_err(of)?;
    connection.pragma_update(None, "journal_size_limit", JOURNAL_BYTES).map_err(of)?;
    schema::migrate(&mut connection).map_err(of)?;
    Ok(connection)
}

/// Moves the file and its companions aside and says where.
fn move_aside(path: &Path, unix_s: u64) -> std::io::Result<PathBuf> {
    let with = |suffix: &str| PathBuf::from(format!("{}{suffix}", path.display()));
    // A clock that stands still must not make a second damaged file overwrite the first.
    let free = (0..)
        .map(|n| if n == 0 { format!(".corrupt-{unix_s}") } else { format!(".corrupt-{unix_s}-{n}") })
        .find(|suffix| !with(suffix).exists())
        .unwrap_or_default();
    for companion in COMPANIONS {
        match std::fs::rename(with(companion), with(&format!("{free}{companion}"))) {
            Err(why) if companion.is_empty() || why.kind() != std::io::ErrorKind::NotFound => return Err(why),
            _ => {}
        }
    }
    Ok(with(&free))
}

impl Database {
    fn new(connection: Connection, path: PathBuf, lock: File) -> Result<Database, StoreFault> {
        let found = path.metadata().map_err(|why| StoreFault::of_io(&path, &why))?;
        Ok(Database { connection, path, device_and_inode: (found.dev(), found.ino()), _lock: lock })
    }

    /// Whether the file that is open is the one in the folder. SQLite writes on happily into one that was deleted.
    pub(super) fn is_there(&self) -> bool {
        self.path.metadata().is_ok_and(|found| (found.dev(), found.ino()) == self.device_and_inode)
    }

    /// Writes the log of changes into the database and empties it.
    ///
    /// # Errors
    /// When it stays: somebody else still reads in it, or the disk takes nothing.
    pub(super) fn carry_over(&self) -> Result<(), StoreFault> {
        let is_busy = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, bool>(0));
        match is_busy {
            Ok(false) => Ok(()),
            Ok(true) => Err(StoreFault::InUse { path: self.path.display().to_string() }),
            Err(error) => Err(StoreFault::of_sqlite(&self.path, &error)),
        }
    }
}
