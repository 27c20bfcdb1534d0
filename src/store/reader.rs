//! Reading the log from other threads: connections that cannot write, never wait for the writer, and stop after a time.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::fault::StoreFault;
use super::{Shared, file};
use crate::time::Mono;

/// Steps of SQLite's machine between two looks at the clock: well below a millisecond.
const STEPS: i32 = 1000;
/// Connections kept for the next question; each worker needs one at most.
const KEPT: usize = 8;
/// A checkpoint of the writer may hold a reader up for a moment.
const BUSY: Duration = Duration::from_millis(200);

/// A connection for reading, with the time until which it may.
pub(super) struct Reader {
    connection: Connection,
    until: Arc<Mutex<Mono>>,
    /// Of which file; another was begun when this differs.
    generation: u64,
}

impl Reader {
    fn open(path: &Path, generation: u64) -> rusqlite::Result<Reader> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY)?;
        file::be_small(&connection)?;
        let until = Arc::new(Mutex::new(Mono::ZERO));
        let watched = until.clone();
        let is_over = move || Mono::now() >= *watched.lock().expect("nothing panics under this lock");
        connection.progress_handler(STEPS, Some(is_over))?;
        Ok(Reader { connection, until, generation })
    }
}

impl Shared {
    /// Asks the database something, for as long as the settings allow. What `question` reads is of one moment.
    ///
    /// # Errors
    /// Why there is no answer.
    pub(super) fn read<T>(&self, question: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreFault> {
        if !self.is_open.load(Ordering::Acquire) {
            return Err(self.fault());
        }
        let path = self.settings.folder.join(file::NAME);
        let of = |error: rusqlite::Error| {
            let fault = StoreFault::of_sqlite(&path, &error);
            if matches!(fault, StoreFault::Damaged { .. }) {
                self.suspicious.store(true, Ordering::Relaxed);
                self.queue.ring();
            }
            fault
        };
        let generation = self.generation.load(Ordering::Acquire);
        let kept = self.readers().pop().filter(|reader| reader.generation == generation);
        let mut reader = match kept {
            Some(reader) => reader,
            None => Reader::open(&path, generation).map_err(of)?,
        };
        *reader.until.lock().expect("nothing panics under this lock") = Mono::now().plus(self.settings.patience);
        let transaction = reader.connection.transaction().map_err(of)?;
        let answer = question(&transaction).map_err(of)?;
        drop(transaction);
        let mut readers = self.readers();
        // Asked under the lock: who comes back after they were let go is not kept.
        if readers.len() < KEPT && self.is_open.load(Ordering::Acquire) {
            readers.push(reader);
        }
        Ok(answer)
    }

    /// Closes the connections that are kept, after the log was closed for new questions.
    pub(super) fn let_readers_go(&self) {
        self.readers().clear();
    }

    fn readers(&self) -> std::sync::MutexGuard<'_, Vec<Reader>> {
        self.readers.lock().expect("nothing panics under this lock")
    }
}
