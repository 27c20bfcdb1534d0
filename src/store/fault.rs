//! Why the log cannot do what is asked: a closed list, one sentence each, the same in the log, the API and on the pages.
//!
//! *of the disk*: the file or its disk is at fault, and all that is asked fails until it is mended; the others concern one
//! question alone.

use std::path::Path;

use rusqlite::ErrorCode;

/// Why the log cannot do what is asked.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum StoreFault {
    /// Nothing was opened yet.
    #[error("the log is being opened")]
    Opening,
    /// No space is left.
    #[error("the disk of {path} is full")]
    DiskFull {
        /// The database.
        path: String,
    },
    /// The file or its file system takes no writes.
    #[error("{path} can only be read")]
    ReadOnly {
        /// The database.
        path: String,
    },
    /// Another process holds it.
    #[error("{path} is in use by another program")]
    InUse {
        /// The database.
        path: String,
    },
    /// Its schema is of a later version.
    #[error("{path} was written by a newer spotter (schema {found}, this one knows {known}); it is left untouched")]
    Newer {
        /// The database.
        path: String,
        /// Its version.
        found: i64,
        /// The last one known here.
        known: i64,
    },
    /// It does not hold together.
    #[error("{path} is damaged")]
    Damaged {
        /// The database.
        path: String,
    },
    /// Everything else that goes wrong with it.
    #[error("{path} failed: {why}")]
    Failed {
        /// The database.
        path: String,
        /// The system's own words.
        why: String,
    },
    /// The disk is slow or many ask.
    #[error("the log did not answer in time; ask again")]
    Late,
    /// There is none, or it was deleted.
    #[error("there is no set of this number")]
    NoSuchSet,
    /// A value that no set can have.
    #[error("{what} wants {want}")]
    Refused {
        /// Its name.
        what: &'static str,
        /// What would do.
        want: &'static str,
    },
}

impl StoreFault {
    /// Whether the file or its disk is at fault.
    pub fn is_of_the_disk(&self) -> bool {
        !matches!(self, StoreFault::Late | StoreFault::NoSuchSet | StoreFault::Refused { .. })
    }

    /// What the system said of `path`.
    pub(super) fn of_io(path: &Path, why: &std::io::Error) -> StoreFault {
        let path = path.display().to_string();
        match why.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => StoreFault::DiskFull { path },
            std::io::ErrorKind::ReadOnlyFilesystem => StoreFault::ReadOnly { path },
            _ => StoreFault::Failed { path, why: why.to_string() },
        }
    }

    /// What SQLite said of `path`.
    pub(super) fn of_sqlite(path: &Path, error: &rusqlite::Error) -> StoreFault {
        let shown = path.display().to_string();
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreFault::Damaged { path: shown },
            Some(ErrorCode::DiskFull) => StoreFault::DiskFull { path: shown },
            Some(ErrorCode::ReadOnly) => StoreFault::ReadOnly { path: shown },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreFault::InUse { path: shown },
            Some(ErrorCode::OperationInterrupted) => StoreFault::Late,
            // A write that finds no space comes as either of these, by where it happened.
            Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen) if is_full(path) => {
                StoreFault::DiskFull { path: shown }
            }
            Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen) if is_read_only(path) => {
                StoreFault::ReadOnly { path: shown }
            }
            _ => StoreFault::Failed { path: shown, why: error.to_string() },
        }
    }
}

/// Whether the file system that `path` lies on has nothing left for this user.
fn is_full(path: &Path) -> bool {
    path.parent().and_then(|folder| rustix::fs::statvfs(folder).ok()).is_some_and(|found| found.f_bavail == 0)
}

fn is_read_only(path: &Path) -> bool {
    let found = path.parent().and_then(|folder| rustix::fs::statvfs(folder).ok());
    found.is_some_and(|found| found.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY))
}
