//! The outbox as a sink sees it: the next delivery, and what became of it.
//!
//! An attempt is noted before it is made. So a set that was perhaps received is told from one that surely was not, whatever
//! happens in between; a delivery whose end was not noted is made again, with the same key.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, params};

use super::clock::Reading;
use super::fault::StoreFault;
use super::rows::{self, RepRow, SetRow};
use super::write::{Fault, Fields};
use super::{Store, unix_ms};

/// How long a sink waits for the store thread; it has nothing else to do.
const PATIENCE: Duration = Duration::from_secs(10);
/// Answers that mean a wrong address or key rather than a wrong set; they may be right after the config was changed.
const OF_THE_CONFIG: &str = "(401, 403, 404, 405, 407)";

/// What is delivered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Op {
    /// A set, as the machine saw it.
    Set,
    /// What changed in it.
    Correct,
    /// It is right as it stands.
    Confirm,
    /// It is no more.
    Delete,
}

impl Op {
    /// All of them.
    pub const ALL: [Op; 4] = [Op::Set, Op::Correct, Op::Confirm, Op::Delete];

    /// Its word in the database and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Op::Set => "set",
            Op::Correct => "correct",
            Op::Confirm => "confirm",
            Op::Delete => "delete",
        }
    }

    fn of(name: &str) -> Op {
        // The table takes no other word.
        Op::ALL.into_iter().find(|op| op.name() == name).unwrap_or(Op::Set)
    }
}

/// One delivery, to be attempted now.
#[derive(Clone, PartialEq, Debug)]
pub struct Delivery {
    /// Its number in the outbox; they grow.
    pub id: i64,
    /// What it is.
    pub op: Op,
    /// Of a correction: what it is about.
    pub fields: Fields,
    /// How often it was attempted, this time included.
    pub attempts: u32,
    /// The same at every attempt of it, and of no other.
    pub key: String,
    /// What the receiver calls the set; known after the set itself was delivered.
    pub remote: Option<String>,
    /// The set as it is now.
    pub set: SetRow,
    /// Its repetitions.
    pub reps: Vec<RepRow>,
}

/// How much there is to deliver to one sink.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Backlog {
    /// Deliveries that wait.
    pub waiting: u64,
    /// Deliveries that were refused.
    pub parked: u64,
    /// When the oldest that waits was made, Unix milliseconds.
    pub oldest_ms: Option<u64>,
    /// When the last was taken.
    pub delivered_ms: Option<u64>,
}

impl Store {
    /// The oldest delivery that waits for `sink`, with this attempt noted.
    ///
    /// # Errors
    /// Why the log cannot be had.
    pub fn next_delivery(&self, sink: &str) -> Result<Option<Delivery>, StoreFault> {
        if self.0.read(|connection| head(connection, sink))?.is_none() {
            return Ok(None);
        }
        let sink = sink.to_string();
        self.0.write(PATIENCE, move |connection| Ok(begin(connection, &sink, None)?))
    }

    /// The oldest that waits for `sink` behind the delivery `id`, which stays where it is, with this attempt noted. Behind a set
    /// it is another set: nothing else tells whether the receiver takes sets. Nothing when `id` does not wait any more.
    ///
    /// # Errors
    /// Why the log cannot be had.
    pub fn delivery_behind(&self, sink: &str, id: i64) -> Result<Option<Delivery>, StoreFault> {
        let sink = sink.to_string();
        self.0.write(PATIENCE, move |connection| Ok(begin(connection, &sink, Some(id))?))
    }

    /// It was taken; `remote` is what the receiver calls the set, if it said so.
    ///
    /// # Errors
    /// Why that cannot be noted: it must be said again, or the delivery will be made again.
    pub fn delivered(&self, id: i64, remote: Option<String>, now: Reading) -> Result<(), StoreFault> {
        let sql = "UPDATE outbox SET state = 'delivered', remote = coalesce(?2, remote), done_ms = ?3, next_ms = NULL, \
            error = NULL, status = NULL WHERE id = ?1";
        self.note(move |connection| connection.execute(sql, params![id, remote, unix_ms(now)]))
    }

    /// It failed with `error` and will be attempted again after `pause`.
    ///
    /// # Errors
    /// Why that cannot be noted.
    pub fn delayed(&self, id: i64, error: String, pause: Duration, now: Reading) -> Result<(), StoreFault> {
        let next_ms = unix_ms(now).saturating_add(i64::try_from(pause.as_millis()).unwrap_or(i64::MAX));
        let sql = "UPDATE outbox SET error = ?2, next_ms = ?3 WHERE id = ?1";
        self.note(move |connection| connection.execute(sql, params![id, error, next_ms]))
    }

    /// The receiver does not want it as it is. One that does not wait any more stays as it is.
    ///
    /// # Errors
    /// Why that cannot be noted.
    pub fn parked(&self, id: i64, status: u16, error: String) -> Result<(), StoreFault> {
        let sql = "UPDATE outbox SET state = 'parked', status = ?2, error = ?3, next_ms = NULL \
            WHERE id = ?1 AND state = 'waiting'";
        self.note(move |connection| connection.execute(sql, params![id, status, error]))
    }

    /// Puts what `sink` refused back in its place in the outbox: all of it, or what a change of the config may have put right.
    /// Says how many.
    ///
    /// # Errors
    /// Why that cannot be noted.
    pub fn unpark(&self, sink: &str, all: bool) -> Result<usize, StoreFault> {
        let sink = sink.to_string();
        let count = self.0.write(PATIENCE, move |connection| Ok(unpark(connection, &sink, all)?))?;
        self.0.news.ring();
        Ok(count)
    }

    /// How much there is to deliver to `sink`.
    ///
    /// # Errors
    /// Why there is no answer.
    pub fn backlog(&self, sink: &str) -> Result<Backlog, StoreFault> {
        self.0.read(|connection| backlog(connection, sink))
    }

    /// Sleeps until something was put into the outbox after `seen`, or `timeout` is over; what to call `seen` next time.
    pub fn wait_for_news(&self, seen: u64, timeout: Duration) -> u64 {
        let rung = self.0.news.rung.lock().expect("nothing panics under this lock");
        let waited = self.0.news.bell.wait_timeout_while(rung, timeout, |rung| *rung == seen);
        *waited.expect("nothing panics under this lock").0
    }

    fn note(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<usize> + Send + 'static,
    ) -> Result<(), StoreFault> {
        self.0.write(PATIENCE, move |connection| work(connection).map(|_| ()).map_err(Fault::from))
    }
}

type Head = (i64, i64, String, u8, u32);

const HEAD: &str = "SELECT id, set_id, op, fields, attempts FROM outbox WHERE sink = ?1 AND state = 'waiting'";

fn head(connection: &Connection, sink: &str) -> rusqlite::Result<Option<Head>> {
    connection.prepare_cached(&format!("{HEAD} ORDER BY id LIMIT 1"))?.query_row([sink], found).optional()
}

/// What was refused before is passed over: that it is not taken either would say nothing.
fn behind(connection: &Connection, sink: &str, id: i64) -> rusqlite::Result<Option<Head>> {
    let sql = format!(
        "{HEAD} AND id > ?2 AND status IS NULL AND EXISTS (SELECT 1 FROM outbox AS first \
         WHERE first.id = ?2 AND first.state = 'waiting' AND (first.op <> 'set' OR outbox.op = 'set')) ORDER BY id LIMIT 1"
    );
    connection.prepare_cached(&sql)?.query_row(params![sink, id], found).optional()
}

fn found(row: &rusqlite::Row<'_>) -> rusqlite::Result<Head> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
}

/// Notes an attempt of the head, or of the first one behind the delivery `first`.
fn begin(connection: &Connection, sink: &str, first: Option<i64>) -> rusqlite::Result<Option<Delivery>> {
    let next = || match first {
        None => head(connection, sink),
        Some(first) => behind(connection, sink, first),
    };
    while let Some((id, set_id, op, fields, attempts)) = next()? {
        let op = Op::of(&op);
        let sql = "SELECT state, remote FROM outbox WHERE set_id = ?1 AND sink = ?2 AND op = 'set'";
        let found = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
        let (state, remote): (String, Option<String>) = connection.query_row(sql, params![set_id, sink], found)?;
        // What follows a set that was not taken has nothing to be about; it waits for the set's own fate.
        if op != Op::Set && state != "delivered" {
            let sql = "UPDATE outbox SET state = ?2, error = 'its set was not taken' WHERE id = ?1";
            connection.execute(sql, params![id, if state == "dropped" { "dropped" } else { "parked" }])?;
            continue;
        }
        let Some(set) = rows::set(connection, set_id, true)? else { return Ok(None) };
        connection.execute("UPDATE outbox SET attempts = attempts + 1 WHERE id = ?1", [id])?;
        let key = if op == Op::Set { set.key.clone() } else { format!("{}-{}-{id}", set.key, op.name()) };
        let reps = rows::reps(connection, set_id)?;
        return Ok(Some(Delivery { id, op, fields: Fields(fields), attempts: attempts + 1, key, remote, set, reps }));
    }
    Ok(None)
}

fn unpark(connection: &Connection, sink: &str, all: bool) -> rusqlite::Result<usize> {
    // Who never had a set is not told of it now that it is deleted.
    let back = "UPDATE outbox SET state = 'waiting', next_ms = NULL WHERE sink = ?1 AND state = 'parked' \
        AND NOT EXISTS (SELECT 1 FROM sets JOIN outbox AS first ON first.set_id = sets.id AND first.sink = outbox.sink \
        AND first.op = 'set' WHERE sets.id = outbox.set_id AND deleted_ms IS NOT NULL AND first.state <> 'delivered')";
    let refused = connection.execute(&format!("{back} AND (?2 OR status IN {OF_THE_CONFIG})"), params![sink, all])?;
    let followers = "AND status IS NULL AND NOT EXISTS (SELECT 1 FROM outbox AS first WHERE first.set_id = outbox.set_id \
        AND first.sink = outbox.sink AND first.op = 'set' AND first.state = 'parked')";
    Ok(refused + connection.execute(&format!("{back} {followers}"), [sink])?)
}

fn backlog(connection: &Connection, sink: &str) -> rusqlite::Result<Backlog> {
    let count = |state: &str| -> rusqlite::Result<u64> {
        let sql = "SELECT count(*) FROM outbox WHERE sink = ?1 AND state = ?2";
        connection.prepare_cached(sql)?.query_row([sink, state], |row| row.get(0))
    };
    let moment = |sql: &str| -> rusqlite::Result<Option<u64>> {
        let found: Option<Option<i64>> =
            connection.prepare_cached(sql)?.query_row([sink], |row| row.get(0)).optional()?;
        Ok(found.flatten().map(|ms| ms.max(0).unsigned_abs()))
    };
    Ok(Backlog {
        waiting: count("waiting")?,
        parked: count("parked")?,
        oldest_ms: moment("SELECT made_ms FROM outbox WHERE sink = ?1 AND state = 'waiting' ORDER BY id LIMIT 1")?,
        // By the index: the last one made is, but for what was parked meanwhile, the last one taken.
        delivered_ms: moment(
            "SELECT done_ms FROM outbox WHERE sink = ?1 AND state = 'delivered' ORDER BY id DESC LIMIT 1",
        )?,
    })
}
