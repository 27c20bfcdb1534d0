//! What changes the log: new sets, what the athlete says of them, and the clock that is set.
//!
//! A set comes with its outbox in one transaction. Each later change puts one more delivery behind it, whose content is
//! looked up only when it is sent; so two corrections in a row are one delivery as long as none was tried.

use rusqlite::{Connection, params};
use serde::Deserialize;

use super::clock::{self, is_plausible};
use super::fault::StoreFault;
use super::inbox::Waiting;
use super::pictures;
use crate::time::Mono;
use crate::workout::is_exercise_name;

/// What the athlete says of a set. What is absent stays as it is; `null` takes an earlier word back.
#[derive(Clone, PartialEq, Default, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Correction {
    /// What it was.
    #[serde(default, deserialize_with = "given")]
    pub exercise: Option<Option<String>>,
    /// How many repetitions, 0 to 1000.
    #[serde(default, deserialize_with = "given")]
    pub reps: Option<Option<u32>>,
    /// The weight, 0 to 2000, in the athlete's own unit.
    #[serde(default, deserialize_with = "given")]
    pub weight: Option<Option<f64>>,
    /// Up to 500 characters.
    #[serde(default, deserialize_with = "given")]
    pub note: Option<Option<String>>,
}

/// Tells `null` from nothing.
fn given<'de, D: serde::Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(from).map(Some)
}

impl Correction {
    /// Whether a set can have these values.
    ///
    /// # Errors
    /// Which cannot be, and what would do.
    pub fn check(&self) -> Result<(), StoreFault> {
        let is_note = |note: &String| note.chars().count() <= 500;
        let refused = |what, want| Err(StoreFault::Refused { what, want });
        if self.exercise.iter().flatten().any(|name| !is_exercise_name(name)) {
            return refused("exercise", "1 to 64 characters");
        }
        if self.reps.iter().flatten().any(|reps| *reps > 1000) {
            return refused("reps", "a whole number from 0 to 1000");
        }
        if self.weight.iter().flatten().any(|weight| !(0.0..=2000.0).contains(weight)) {
            return refused("weight", "a number from 0 to 2000");
        }
        if self.note.iter().flatten().any(|note| !is_note(note)) {
            return refused("note", "at most 500 characters");
        }
        Ok(())
    }
}

/// What a new set is written with.
pub(super) struct Place<'a> {
    /// This start of the machine.
    pub(super) boot: &'a str,
    /// By how much the wall clock is ahead now.
    pub(super) gap_ms: i64,
    /// To whom it shall be delivered.
    pub(super) sinks: &'a [String],
}

/// Writes a set, its repetitions and its outbox; where its picture belongs. One that is there already, from an attempt whose
/// end was not told, stays.
pub(super) fn insert(connection: &Connection, new: &Waiting, place: &Place<'_>) -> rusqlite::Result<String> {
    let set = &new.set;
    // The clock may have been set while it waited.
    let gap_ms = clock::step_ms(new.gap_ms, place.gap_ms).map_or(new.gap_ms, |step| new.gap_ms + step);
    let ended_ms = gap_ms.saturating_add(ms(new.ended.as_ns()));
    let started_ms = ended_ms.saturating_sub(i64::try_from(set.ended.since(set.started).as_millis()).unwrap_or(0));
    let started_ns = new.ended.as_ns().saturating_sub(set.ended.as_ns().saturating_sub(set.started.as_ns()));
    let mark = if is_plausible(ended_ms.max(0).unsigned_abs()) { "good" } else { "unsure" };
    let picture = pictures::place(started_ms.max(0).unsigned_abs(), set.exercise.as_deref(), &new.key);
    let inserted = connection
        .prepare_cached(
            "INSERT INTO sets (key, camera, exercise_machine, chosen, reps_machine, recount, confidence, pending, \
             started_ms, ended_ms, clock, boot, started_ns, ended_ns, picture, form) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16) ON CONFLICT (key) DO NOTHING",
        )?
        .execute(params![
            new.key,
            new.camera,
            set.exercise.as_deref(),
            set.chosen,
            i64::try_from(set.reps.len()).unwrap_or(i64::MAX),
            set.recount,
            f64::from(set.confidence),
            set.pending,
            started_ms,
            ended_ms,
            mark,
            place.boot,
            signed(started_ns),
            signed(new.ended.as_ns()),
            new.beside.picture.as_ref().map(|_| &picture),
            new.beside.form,
        ])?;
    if inserted == 0 {
        return Ok(picture);
    }
    let id = connection.last_insert_rowid();
    insert_reps(connection, id, new)?;
    for sink in place.sinks {
        enqueue(connection, id, sink, "set", ended_ms)?;
    }
    Ok(picture)
}

fn insert_reps(connection: &Connection, id: i64, new: &Waiting) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO reps (set_id, n, started_s, turned_s, ended_s, min_deg, max_deg, go_s, hold_s, back_s, pause_s) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?;
    let since_start = |moment: Mono| moment.since(new.set.started).as_secs_f64();
    // Counted here, since two with one number would make the whole set unwritable.
    for (n, rep) in (1_i64..).zip(&new.set.reps) {
        let tempo = rep.phases;
        statement.execute(params![
            id,
            n,
            since_start(rep.started),
            since_start(rep.turned),
            since_start(rep.ended),
            finite(rep.min_deg),
            finite(rep.max_deg),
            finite(tempo.go_s),
            finite(tempo.hold_s),
            finite(tempo.back_s),
            finite(tempo.pause_s),
        ])?;
    }
    Ok(())
}

/// SQLite keeps a number that is none as NULL, which the columns refuse.
fn finite(value: f32) -> f64 {
    if value.is_finite() { f64::from(value) } else { 0.0 }
}

fn ms(ns: u64) -> i64 {
    signed(ns / 1_000_000)
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn enqueue(connection: &Connection, id: i64, sink: &str, op: &str, now_ms: i64) -> rusqlite::Result<()> {
    let sql = "INSERT INTO outbox (set_id, sink, op, made_ms) VALUES (?1, ?2, ?3, ?4)";
    connection.prepare_cached(sql)?.execute(params![id, sink, op, now_ms]).map(|_| ())
}

/// Which parts of a set a correction is about, as bits of a number in the outbox.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Fields(pub(super) u8);

impl Fields {
    /// What it was.
    pub const EXERCISE: Fields = Fields(1);
    /// How many.
    pub const REPS: Fields = Fields(2);
    /// How heavy.
    pub const WEIGHT: Fields = Fields(4);
    /// The athlete's words.
    pub const NOTE: Fields = Fields(8);
    /// When.
    pub const TIMES: Fields = Fields(16);

    /// Whether it is about all of `other`.
    pub fn has(self, other: Fields) -> bool {
        self.0 & other.0 == other.0
    }

    fn with(self, other: Fields, is_given: bool) -> Fields {
        if is_given { Fields(self.0 | other.0) } else { self }
    }
}

/// Puts `op` behind what was or will be delivered of a set, for each sink that has it. One that waits untried takes a second
/// one of its kind in.
fn enqueue_for_all(connection: &Connection, id: i64, op: &str, fields: Fields, now_ms: i64) -> rusqlite::Result<()> {
    let untried = "op = ?2 AND state = 'waiting' AND attempts = 0";
    let join = format!("UPDATE outbox SET fields = fields | ?3 WHERE set_id = ?1 AND {untried}");
    connection.prepare_cached(&join)?.execute(params![id, op, fields.0])?;
    let sql = format!(
        "INSERT INTO outbox (set_id, sink, op, fields, made_ms) \
         SELECT set_id, sink, ?2, ?3, ?4 FROM outbox AS first WHERE set_id = ?1 AND op = 'set' AND state <> 'dropped' \
         AND sink NOT IN (SELECT sink FROM outbox WHERE set_id = ?1 AND {untried})"
    );
    connection.prepare_cached(&sql)?.execute(params![id, op, fields.0, now_ms]).map(|_| ())
}

/// Writes down what the athlete says.
pub(super) fn correct(connection: &Connection, id: i64, said: &Correction, now_ms: i64) -> Result<(), Fault> {
    exists(connection, id)?;
    if let Some(exercise) = &said.exercise {
        connection.execute("UPDATE sets SET exercise_human = ?2 WHERE id = ?1", params![id, exercise])?;
    }
    if let Some(reps) = said.reps {
        connection.execute("UPDATE sets SET reps_human = ?2 WHERE id = ?1", params![id, reps])?;
    }
    if let Some(weight) = said.weight {
        connection.execute("UPDATE sets SET weight_human = ?2 WHERE id = ?1", params![id, weight])?;
    }
    if let Some(note) = &said.note {
        connection.execute("UPDATE sets SET note = ?2 WHERE id = ?1", params![id, note])?;
    }
    let fields = Fields::default()
        .with(Fields::EXERCISE, said.exercise.is_some())
        .with(Fields::REPS, said.reps.is_some())
        .with(Fields::WEIGHT, said.weight.is_some())
        .with(Fields::NOTE, said.note.is_some());
    if fields == Fields::default() {
        return Ok(());
    }
    Ok(enqueue_for_all(connection, id, "correct", fields, now_ms)?)
}

/// The athlete says that it is right as it stands. Saying it twice changes nothing.
pub(super) fn confirm(connection: &Connection, id: i64, now_ms: i64) -> Result<(), Fault> {
    exists(connection, id)?;
    let sql = "UPDATE sets SET confirmed_ms = ?2 WHERE id = ?1 AND confirmed_ms IS NULL";
    if connection.execute(sql, params![id, now_ms])? > 0 {
        enqueue_for_all(connection, id, "confirm", Fields::default(), now_ms)?;
    }
    Ok(())
}

/// Takes it out of the log. Where it was never sent it never will be; elsewhere its deletion is delivered, and only then
/// is the row itself removed. Says where its picture is.
pub(super) fn delete(connection: &Connection, id: i64, now_ms: i64) -> Result<Option<String>, Fault> {
    exists(connection, id)?;
    connection.execute("UPDATE sets SET deleted_ms = ?2 WHERE id = ?1", params![id, now_ms])?;
    let untried = "UPDATE outbox SET state = 'dropped', error = 'deleted before it was sent' WHERE set_id = ?1 \
        AND sink IN (SELECT sink FROM outbox WHERE set_id = ?1 AND op = 'set' AND attempts = 0 AND state = 'waiting')";
    connection.execute(untried, [id])?;
    // What waits to be corrected or confirmed need not be any more.
    let void =
        "UPDATE outbox SET state = 'dropped' WHERE set_id = ?1 AND op IN ('correct', 'confirm') AND state = 'waiting'";
    connection.execute(void, [id])?;
    enqueue_for_all(connection, id, "delete", Fields::default(), now_ms)?;
    Ok(connection.query_row("SELECT picture FROM sets WHERE id = ?1", [id], |row| row.get(0))?)
}

/// Of this room's writes: SQLite's word, or that there is no such set.
pub(super) enum Fault {
    Sqlite(rusqlite::Error),
    NoSuchSet,
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Fault {
        Fault::Sqlite(error)
    }
}

fn exists(connection: &Connection, id: i64) -> Result<(), Fault> {
    let sql = "SELECT EXISTS (SELECT 1 FROM sets WHERE id = ?1 AND deleted_ms IS NULL)";
    match connection.query_row(sql, [id], |row| row.get(0))? {
        true => Ok(()),
        false => Err(Fault::NoSuchSet),
    }
}

/// The clock was set by `step_ms`: moves what was noted in this start of the machine, and tells those who have it.
pub(super) fn mend(connection: &Connection, boot: &str, step_ms: i64, now_ms: i64) -> rusqlite::Result<usize> {
    let mended = connection.execute(
        "UPDATE sets SET started_ms = started_ms + ?2, ended_ms = ended_ms + ?2 WHERE boot = ?1",
        params![boot, step_ms],
    )?;
    connection.execute(
        "UPDATE sets SET clock = CASE WHEN ended_ms BETWEEN ?2 AND ?3 THEN 'good' ELSE 'unsure' END WHERE boot = ?1",
        params![boot, clock::PLAUSIBLE_MS.start, clock::PLAUSIBLE_MS.end - 1],
    )?;
    let mut tried = connection.prepare(
        "SELECT DISTINCT outbox.set_id FROM outbox JOIN sets ON sets.id = set_id \
         WHERE boot = ?1 AND deleted_ms IS NULL AND op = 'set' AND attempts > 0 ORDER BY outbox.set_id",
    )?;
    let tried: Vec<i64> = tried.query_map([boot], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    for id in tried {
        enqueue_for_all(connection, id, "correct", Fields::TIMES, now_ms)?;
    }
    Ok(mended)
}

/// What other starts of the machine noted without a clock keeps its order and is marked; `known_ms`: it was before this.
pub(super) fn mark_lost(connection: &Connection, boot: &str, known_ms: Option<i64>) -> rusqlite::Result<usize> {
    let lost = "UPDATE sets SET clock = 'lost' WHERE clock = 'unsure' AND boot <> ?1";
    let marked = connection.execute(lost, [boot])?;
    if let Some(known) = known_ms {
        connection.execute("UPDATE sets SET known_ms = ?1 WHERE clock = 'lost' AND known_ms IS NULL", [known])?;
    }
    Ok(marked)
}
