//! The log: every set with its repetitions, what the athlete says of it, and what still has to be delivered, in one SQLite
//! file. One thread writes; whoever counts hands a set over and goes on at once; whoever reads has a connection of his own.
//!
//! ```text
//! who counts ─► Inbox ─► [sets that wait] ─► store thread ─► spotter.db ─► readers (list, one set, export)
//!                                               ▲    └─ one transaction: set, repetitions, outbox ─► sink
//! who edits ─► Store::correct, confirm, delete ─┘
//! ```
//!
//! A set that is in the file is there after a power cut. While the disk takes nothing (full, read-only, locked, gone) sets wait
//! in memory, as many as the settings allow, and counting goes on.
//!
//! *outbox*: what has to be delivered, by sink, in order · *op*: one delivery: of the set, of its correction, of its
//! confirmation, of its deletion · *parked*: refused by the receiver, waiting for a person · *aside*: where a damaged file goes.

mod clock;
mod export;
mod fault;
mod file;
#[cfg(fuzzing)]
pub mod fuzz;
mod inbox;
mod keeper;
mod key;
mod outbox;
mod pictures;
mod reader;
mod retention;
mod rows;
mod schema;
mod shelf;
mod write;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::time::Duration;

use serde::Serialize;

pub use clock::{Reading, is_plausible};
pub use export::{Export, Format};
pub use fault::StoreFault;
pub use inbox::{Beside, Full, Inbox};
pub use outbox::{Backlog, Delivery, Op};
pub use pictures::PictureRow;
pub use retention::{Pruned, Retention, prune};
pub use rows::{ClockMark, DeliveryRow, Page, RepRow, SetDetail, SetRow};
pub use shelf::PrototypeRow;
pub use write::{Correction, Fields};

use crate::metrics::StoreMetrics;
use crate::threads::{Crew, Post, Stop};
use inbox::Queue;
#[doc(hidden)]
pub use keeper::Keeper;
use write::Fault;

/// Questions that may wait for the store thread at once; each is of a worker that waits for its answer.
const QUESTIONS: usize = 64;

/// The limits of the log. Config fills it.
#[derive(Clone, PartialEq, Debug)]
pub struct Settings {
    /// Where its file lies.
    pub folder: PathBuf,
    /// Sets that may wait for the disk.
    pub waiting: usize,
    /// How long a question may take.
    pub patience: Duration,
    /// Sets in one page of an answer.
    pub page_most: usize,
    /// How long things are kept.
    pub retention: Retention,
    /// Where the pictures of sets lie.
    pub snapshots: PathBuf,
    /// The names of those to whom every new set is delivered.
    pub sinks: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            folder: PathBuf::from("."),
            waiting: 1000,
            patience: Duration::from_secs(2),
            page_most: 500,
            retention: Retention { sets_days: 0, snapshots_days: 30, snapshots_bytes: 1024 * 1024 * 1024 },
            snapshots: PathBuf::from("./snapshots"),
            sinks: Vec::new(),
        }
    }
}

/// A bell that remembers how often it was rung, for those who sleep until there is something new to deliver.
#[derive(Default)]
pub(crate) struct News {
    rung: Mutex<u64>,
    bell: Condvar,
}

impl News {
    fn ring(&self) {
        *self.rung.lock().expect("nothing panics under this lock") += 1;
        self.bell.notify_all();
    }
}

/// What the handles and the thread share.
pub(crate) struct Shared {
    settings: Settings,
    metrics: StoreMetrics,
    keys: key::Keys,
    queue: Queue,
    news: News,
    is_open: AtomicBool,
    /// Goes up with every file that is opened: readers of an earlier one are let go.
    generation: AtomicU64,
    /// A reader saw damage.
    suspicious: AtomicBool,
    readers: Mutex<Vec<reader::Reader>>,
    fault: Mutex<Option<StoreFault>>,
}

impl Shared {
    fn new(settings: Settings, metrics: StoreMetrics) -> Arc<Shared> {
        Arc::new(Shared {
            settings,
            metrics,
            keys: key::Keys::default(),
            queue: Queue::default(),
            news: News::default(),
            is_open: AtomicBool::new(false),
            generation: AtomicU64::new(0),
            suspicious: AtomicBool::new(false),
            readers: Mutex::new(Vec::new()),
            fault: Mutex::new(Some(StoreFault::Opening)),
        })
    }

    fn path(&self) -> PathBuf {
        self.settings.folder.join(file::NAME)
    }

    fn set_open(&self, open: bool) {
        if open {
            self.generation.fetch_add(1, Ordering::AcqRel);
        }
        self.is_open.store(open, Ordering::Release);
        self.metrics.up.set(open.into());
    }

    /// Why the log cannot be had.
    fn fault(&self) -> StoreFault {
        self.fault.lock().expect("nothing panics under this lock").clone().unwrap_or(StoreFault::Opening)
    }

    /// Remembers how the log is, and says it when it changes.
    fn say(&self, fault: Option<StoreFault>) {
        let mut known = self.fault.lock().expect("nothing panics under this lock");
        if *known == fault {
            return;
        }
        match (&fault, &*known) {
            (Some(fault), _) => log::error!("{fault}; counting goes on, and sets wait in memory"),
            (None, Some(StoreFault::Opening)) => {}
            (None, _) => log::info!("the log can be written again"),
        }
        *known = fault;
    }

    /// Has the store thread do `work` in one transaction, and waits for it at most `patience`.
    fn write<T: Send + 'static>(
        self: &Arc<Self>,
        patience: Duration,
        work: impl FnOnce(&rusqlite::Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreFault> {
        let (answer, wait) = mpsc::sync_channel(1);
        let shared = self.clone();
        let whole = move |database: Result<&mut rusqlite::Connection, StoreFault>| {
            let outcome = database.and_then(|connection| {
                let done = (|| {
                    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
                    let done = work(&transaction)?;
                    transaction.commit()?;
                    Ok(done)
                })();
                done.map_err(|fault| match fault {
                    Fault::Sqlite(error) => StoreFault::of_sqlite(&shared.path(), &error),
                    Fault::NoSuchSet => StoreFault::NoSuchSet,
                })
            });
            let of_the_disk = outcome.as_ref().err().filter(|fault| fault.is_of_the_disk()).cloned();
            // Who asked may have lost patience; what was done stays done.
            let _ = answer.send(outcome);
            of_the_disk.map_or(Ok(()), Err)
        };
        let mut desk = self.queue.lock();
        if desk.work.len() >= QUESTIONS {
            return Err(StoreFault::Late);
        }
        desk.work.push_back(Box::new(whole));
        drop(desk);
        self.queue.ring();
        wait.recv_timeout(patience).unwrap_or(Err(StoreFault::Late))
    }
}

/// How the log is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Status {
    /// Why it cannot be written, one sentence; nothing when it can.
    pub fault: Option<String>,
    /// Sets that wait for the disk.
    pub waiting: usize,
    /// Sets written since the start.
    pub written: u64,
    /// Sets lost because no more could wait.
    pub refused: u64,
}

/// The log. Clones are the same log.
#[derive(Clone)]
pub struct Store(Arc<Shared>);

impl Store {
    /// Starts the store thread. A file that cannot be opened is no reason not to start: it is tried again.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn start(settings: Settings, metrics: StoreMetrics, crew: &Crew, stop: &Stop) -> std::io::Result<Store> {
        let shared = Shared::new(settings, metrics);
        let keeper = Keeper::new(shared.clone(), clock::boot_id());
        // A slow card may take long over one transaction.
        let post = Post { beat_limit: Duration::from_secs(60), ..Post::named("store") };
        let stop = stop.clone();
        crew.start(post, move |beat| keeper.run(beat, &stop))?;
        Ok(Store(shared))
    }

    /// A log whose turns somebody makes by hand, with times of his own: months are tested in seconds.
    #[doc(hidden)]
    pub fn by_hand(settings: Settings, boot: &str) -> (Store, Keeper) {
        let shared = Shared::new(settings, StoreMetrics::default());
        (Store(shared.clone()), Keeper::new(shared, boot.to_string()))
    }

    /// A way in for closed sets. The store waits a moment for the last ones when it stops, as long as there is an inbox.
    pub fn inbox(&self) -> Inbox {
        Inbox::new(&self.0)
    }

    /// How it is.
    pub fn status(&self) -> Status {
        let metrics = &self.0.metrics;
        Status {
            fault: self.0.fault.lock().expect("nothing panics under this lock").as_ref().map(StoreFault::to_string),
            waiting: self.0.queue.lock().sets.len(),
            written: metrics.written.get(),
            refused: metrics.refused.get(),
        }
    }

    /// A page of sets, the newest first.
    ///
    /// # Errors
    /// Why there is no answer.
    pub fn list(&self, page: &Page) -> Result<Vec<SetRow>, StoreFault> {
        self.0.read(|connection| rows::page(connection, page, self.0.settings.page_most))
    }

    /// One set with all that belongs to it.
    ///
    /// # Errors
    /// That there is none, or why there is no answer.
    pub fn set(&self, id: i64) -> Result<SetDetail, StoreFault> {
        let found = self.0.read(|connection| match rows::set(connection, id, false)? {
            Some(set) => {
                let (repetitions, deliveries) = (rows::reps(connection, id)?, rows::deliveries(connection, id)?);
                Ok(Some(SetDetail { set, repetitions, deliveries }))
            }
            None => Ok(None),
        });
        found?.ok_or(StoreFault::NoSuchSet)
    }

    /// Writes down what the athlete says of a set, beside what the machine saw.
    ///
    /// # Errors
    /// A value that cannot be, that there is no such set, or why it cannot be written.
    pub fn correct(&self, id: i64, said: Correction, now: Reading) -> Result<SetRow, StoreFault> {
        said.check()?;
        self.edit(id, move |connection| write::correct(connection, id, &said, unix_ms(now)))
    }

    /// The athlete says that a set is right as it stands with what is `said` of it: both are written, or neither.
    ///
    /// # Errors
    /// A value that cannot be, that there is no such set, or why it cannot be written.
    pub fn confirm(&self, id: i64, said: Correction, now: Reading) -> Result<SetRow, StoreFault> {
        said.check()?;
        self.edit(id, move |connection| {
            write::correct(connection, id, &said, unix_ms(now))?;
            write::confirm(connection, id, unix_ms(now))
        })
    }

    /// Takes a set and its picture out of the log, and out of the receivers' logs.
    ///
    /// # Errors
    /// That there is no such set, or why it cannot be written.
    pub fn delete(&self, id: i64, now: Reading) -> Result<(), StoreFault> {
        let root = self.0.settings.snapshots.clone();
        self.0.write(self.0.settings.patience, move |connection| {
            let place = write::delete(connection, id, unix_ms(now))?;
            if let Some(Err(why)) = place.as_ref().map(|place| pictures::remove(&root, place)) {
                log::warn!("the picture of the deleted set {id} cannot be removed: {why}");
            }
            Ok(())
        })?;
        self.0.news.ring();
        Ok(())
    }

    /// How the movement of a set looked, as JSON that its maker understands; nothing when it was not kept.
    ///
    /// # Errors
    /// That there is no such set, or why there is no answer.
    pub fn form(&self, id: i64) -> Result<Option<String>, StoreFault> {
        self.0.read(|connection| rows::form(connection, id))?.ok_or(StoreFault::NoSuchSet)
    }

    fn edit(
        &self,
        id: i64,
        work: impl FnOnce(&rusqlite::Connection) -> Result<(), Fault> + Send + 'static,
    ) -> Result<SetRow, StoreFault> {
        let row = self.0.write(self.0.settings.patience, move |connection| {
            work(connection)?;
            rows::set(connection, id, false)?.ok_or(Fault::NoSuchSet)
        })?;
        self.0.news.ring();
        Ok(row)
    }
}

fn unix_ms(now: Reading) -> i64 {
    i64::try_from(now.wall.unix_ms()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
