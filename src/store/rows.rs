//! What stands in the log, as the API tells it, and how it is read.
//!
//! A row that is damaged, or that another program wrote, is told as well as it can be: it must not take the others with it.
//!
//! *machine*: what was counted and recognised · *human*: what the athlete says instead · what a row calls `exercise` and
//! `reps` is the human's word where there is one, else the machine's.

use rusqlite::{Connection, OptionalExtension, Row, ToSql};
use serde::Serialize;

use super::pictures::PictureRow;
use crate::workout::Phases;

/// A set.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct SetRow {
    /// Its number in this log.
    pub id: i64,
    /// The name by which every receiver recognises it.
    pub key: String,
    /// The camera that saw it.
    pub camera: String,
    /// What was done; nothing when it is unknown.
    pub exercise: Option<String>,
    /// How many repetitions count.
    pub reps: u32,
    /// Kilograms or pounds, as the athlete has it; the machine knows none.
    pub weight: Option<f64>,
    /// The athlete's words.
    pub note: Option<String>,
    /// What was recognised or chosen.
    pub exercise_machine: Option<String>,
    /// What was counted.
    pub reps_machine: u32,
    /// The machine wanted it to be confirmed.
    pub pending_machine: bool,
    /// The second, unhurried count.
    pub recount: u32,
    /// The athlete had said before what he would do.
    pub chosen: bool,
    /// The athlete's correction of the exercise.
    pub exercise_human: Option<String>,
    /// The athlete's correction of the count.
    pub reps_human: Option<u32>,
    /// How sure the machine was, 0 to 1.
    pub confidence: f64,
    /// It wants to be confirmed, and was not yet.
    pub pending: bool,
    /// When the athlete confirmed it, Unix milliseconds.
    pub confirmed_ms: Option<u64>,
    /// The start of its first repetition, Unix milliseconds.
    pub started_ms: u64,
    /// The end of its last one.
    pub ended_ms: u64,
    /// Whether these times can be believed.
    pub clock: ClockMark,
    /// Of a set whose time was lost: it was before this, Unix milliseconds.
    pub known_ms: Option<u64>,
    /// Its picture's place below `/api/v1/snapshots/`, if one was made; it may have been cleared away.
    pub picture: Option<String>,
}

/// Whether a set's times can be believed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ClockMark {
    /// Yes.
    Good,
    /// The clock was not set yet; they are mended when it is.
    Unsure,
    /// The machine was switched off before its clock was set: only the order is known.
    Lost,
}

/// One repetition of a set. Times are seconds from the set's start.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct RepRow {
    /// From 1.
    pub n: u32,
    /// It left its start.
    pub started_s: f64,
    /// It was as far as it went.
    pub turned_s: f64,
    /// It was back.
    pub ended_s: f64,
    /// The least angle, degrees.
    pub min_deg: f64,
    /// The greatest.
    pub max_deg: f64,
    /// Its tempo.
    #[serde(flatten)]
    pub phases: Phases,
}

/// Where a set stands with one sink.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct DeliveryRow {
    /// The sink's name.
    pub sink: String,
    /// `set`, `correct`, `confirm` or `delete`.
    pub op: String,
    /// `waiting`, `delivered`, `parked` or `dropped`.
    pub state: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried next, Unix milliseconds.
    pub next_ms: Option<u64>,
    /// What went wrong last, one sentence.
    pub error: Option<String>,
}

/// A set with all that belongs to it.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct SetDetail {
    /// The set.
    #[serde(flatten)]
    pub set: SetRow,
    /// Its repetitions, in order; the key is not `reps`, which is their number.
    pub repetitions: Vec<RepRow>,
    /// Its deliveries, in order.
    pub deliveries: Vec<DeliveryRow>,
}

/// Which sets, the newest first.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Page {
    /// Begun at this moment or later, Unix milliseconds.
    pub since_ms: u64,
    /// Only those with a smaller number: the page after the one that ended with it.
    pub before: Option<i64>,
    /// How many at most; the store has a limit of its own.
    pub limit: usize,
}

const COLUMNS: &str = "id, key, camera, exercise_machine, chosen, reps_machine, recount, confidence, pending, \
    exercise_human, reps_human, weight_human, note, confirmed_ms, started_ms, ended_ms, clock, known_ms, picture";

/// A text, if there is one; what is not UTF-8 in it becomes `\u{fffd}`.
fn words(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<String>> {
    let bytes = row.get_ref(at)?.as_bytes_or_null()?;
    Ok(bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned()))
}

fn text(row: &Row<'_>, at: usize) -> rusqlite::Result<String> {
    Ok(words(row, at)?.unwrap_or_default())
}

/// A number that is never negative, and the nearest to one that is.
fn count(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<u32>> {
    let number: Option<i64> = row.get(at)?;
    Ok(number.map(|n| u32::try_from(n.max(0)).unwrap_or(u32::MAX)))
}

/// Unix milliseconds, not before 1970.
fn moment(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<u64>> {
    let ms: Option<i64> = row.get(at)?;
    Ok(ms.map(|ms| ms.max(0).unsigned_abs()))
}

fn set_row(row: &Row<'_>) -> rusqlite::Result<SetRow> {
    let (exercise_machine, exercise_human) = (words(row, 3)?, words(row, 9)?);
    let (reps_machine, reps_human) = (count(row, 5)?.unwrap_or(0), count(row, 10)?);
    let (pending, confirmed_ms) = (row.get(8)?, moment(row, 13)?);
    Ok(SetRow {
        id: row.get(0)?,
        key: text(row, 1)?,
        camera: text(row, 2)?,
        exercise: exercise_human.clone().or_else(|| exercise_machine.clone()),
        reps: reps_human.unwrap_or(reps_machine),
        weight: row.get(11)?,
        note: words(row, 12)?,
        exercise_machine,
        reps_machine,
        pending_machine: pending,
        recount: count(row, 6)?.unwrap_or(0),
        chosen: row.get(4)?,
        exercise_human,
        reps_human,
        confidence: row.get(7)?,
        pending: pending && confirmed_ms.is_none(),
        confirmed_ms,
        started_ms: moment(row, 14)?.unwrap_or(0),
        ended_ms: moment(row, 15)?.unwrap_or(0),
        clock: match text(row, 16)?.as_str() {
            "good" => ClockMark::Good,
            "unsure" => ClockMark::Unsure,
            _ => ClockMark::Lost,
        },
        known_ms: moment(row, 17)?,
        picture: words(row, 18)?,
    })
}

fn sets(connection: &Connection, rest: &str, values: &[&dyn ToSql]) -> rusqlite::Result<Vec<SetRow>> {
    let mut statement = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM sets WHERE {rest}"))?;
    statement.query_map(values, set_row)?.collect()
}

/// From the beginning on includes what a wrong clock put before 1970.
fn since(since_ms: u64) -> i64 {
    if since_ms == 0 { i64::MIN } else { i64::try_from(since_ms).unwrap_or(i64::MAX) }
}

/// The newest first.
pub(super) fn page(connection: &Connection, page: &Page, most: usize) -> rusqlite::Result<Vec<SetRow>> {
    let (since, before) = (since(page.since_ms), page.before.unwrap_or(i64::MAX));
    let limit = i64::try_from(page.limit.min(most)).unwrap_or(i64::MAX);
    let rest = "deleted_ms IS NULL AND started_ms >= ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3";
    sets(connection, rest, &[&since, &before, &limit])
}

/// Those that follow `after`, the oldest first.
pub(super) fn following(
    connection: &Connection,
    since_ms: u64,
    after: i64,
    limit: i64,
) -> rusqlite::Result<Vec<SetRow>> {
    let since = since(since_ms);
    sets(
        connection,
        "deleted_ms IS NULL AND started_ms >= ?1 AND id > ?2 ORDER BY id LIMIT ?3",
        &[&since, &after, &limit],
    )
}

/// How a set's movement looked; nothing when there is no such set.
pub(super) fn form(connection: &Connection, id: i64) -> rusqlite::Result<Option<Option<String>>> {
    let sql = "SELECT form FROM sets WHERE id = ?1 AND deleted_ms IS NULL";
    connection.query_row(sql, [id], |row| row.get(0)).optional()
}

/// The pictures of sets that were not deleted, those of the newest first.
pub(super) fn pictures(connection: &Connection, since_ms: u64, most: usize) -> rusqlite::Result<Vec<PictureRow>> {
    let mut statement = connection.prepare_cached(
        "SELECT picture, id, started_ms FROM sets \
         WHERE picture IS NOT NULL AND deleted_ms IS NULL AND started_ms >= ?1 ORDER BY id DESC LIMIT ?2",
    )?;
    let row = |row: &Row<'_>| {
        Ok(PictureRow { path: text(row, 0)?, set: row.get(1)?, started_ms: moment(row, 2)?.unwrap_or(0) })
    };
    statement.query_map([since(since_ms), i64::try_from(most).unwrap_or(i64::MAX)], row)?.collect()
}

/// Whether a set that was not deleted has its picture at `place`. Its key is asked for, since by that it is found at once.
pub(super) fn has_picture(connection: &Connection, key: &str, place: &str) -> rusqlite::Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM sets WHERE key = ?1 AND picture = ?2 AND deleted_ms IS NULL)";
    connection.prepare_cached(sql)?.query_row([key, place], |row| row.get(0))
}

/// One set, deleted ones too if `even_deleted`.
pub(super) fn set(connection: &Connection, id: i64, even_deleted: bool) -> rusqlite::Result<Option<SetRow>> {
    let rest = "id = ?1 AND (?2 OR deleted_ms IS NULL)";
    Ok(sets(connection, rest, &[&id, &even_deleted])?.into_iter().next())
}

/// Its repetitions, in order.
pub(super) fn reps(connection: &Connection, set_id: i64) -> rusqlite::Result<Vec<RepRow>> {
    let mut statement = connection.prepare_cached(
        "SELECT n, started_s, turned_s, ended_s, min_deg, max_deg, go_s, hold_s, back_s, pause_s \
         FROM reps WHERE set_id = ?1 ORDER BY n",
    )?;
    let rep = |row: &Row<'_>| {
        let phases = Phases { go_s: row.get(6)?, hold_s: row.get(7)?, back_s: row.get(8)?, pause_s: row.get(9)? };
        Ok(RepRow {
            n: count(row, 0)?.unwrap_or(0),
            started_s: row.get(1)?,
            turned_s: row.get(2)?,
            ended_s: row.get(3)?,
            min_deg: row.get(4)?,
            max_deg: row.get(5)?,
            phases,
        })
    };
    statement.query_map([set_id], rep)?.collect()
}

/// Its deliveries, in order.
pub(super) fn deliveries(connection: &Connection, set_id: i64) -> rusqlite::Result<Vec<DeliveryRow>> {
    let mut statement = connection
        .prepare_cached("SELECT sink, op, state, attempts, next_ms, error FROM outbox WHERE set_id = ?1 ORDER BY id")?;
    let delivery = |row: &Row<'_>| {
        Ok(DeliveryRow {
            sink: text(row, 0)?,
            op: text(row, 1)?,
            state: text(row, 2)?,
            attempts: count(row, 3)?.unwrap_or(0),
            next_ms: moment(row, 4)?,
            error: words(row, 5)?,
        })
    };
    statement.query_map([set_id], delivery)?.collect()
}

/// What is kept under `key`.
pub(super) fn recall(connection: &Connection, key: &str) -> rusqlite::Result<Option<String>> {
    connection.query_row("SELECT value FROM kv WHERE key = ?1", [key], |row| row.get(0)).optional()
}

/// Keeps `value` under `key`.
pub(super) fn keep(connection: &Connection, key: &str, value: &str) -> rusqlite::Result<()> {
    let upsert = "INSERT INTO kv (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    connection.execute(upsert, [key, value]).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::super::schema;
    use super::*;

    #[test]
    fn a_row_of_numbers_and_bytes_that_cannot_be_does_not_hide_the_others() {
        let mut log = Connection::open_in_memory().unwrap();
        schema::migrate(&mut log).unwrap();
        let columns = "key, camera, chosen, reps_machine, recount, confidence, pending, confirmed_ms, started_ms, ended_ms, \
            clock, known_ms, boot, started_ns, ended_ns, note";
        for (key, row) in [
            ("a", "'rack', 0, 8, 8, 0.9, 0, NULL, 1000, 2000, 'good', NULL, '', 0, 0, 'well'"),
            (
                "b",
                "'rack', 7, -1, 5000000000, 9e999, 9, -5, -1000, -2000, 'good', -1, '', 0, 0, CAST(x'61ff62' AS TEXT)",
            ),
        ] {
            log.execute(&format!("INSERT INTO sets ({columns}) VALUES ('{key}', {row})"), []).unwrap();
        }
        log.execute("INSERT INTO reps VALUES (2, -3, 0, 0, 0, 0, 0, 0, 0, 0, 0)", []).unwrap();
        log.execute(
            "INSERT INTO outbox (set_id, sink, op, attempts, next_ms, made_ms) VALUES (2, 'p', 'set', -1, -1, 0)",
            [],
        )
        .unwrap();
        let rows = page(&log, &Page { limit: 9, ..Page::default() }, 9).unwrap();
        assert_eq!(rows.iter().map(|row| &row.key[..]).collect::<Vec<_>>(), ["b", "a"]);
        let odd = &rows[0];
        assert_eq!((odd.reps, odd.recount, odd.started_ms, odd.ended_ms), (0, u32::MAX, 0, 0));
        assert_eq!((odd.confirmed_ms, odd.known_ms, odd.note.as_deref()), (Some(0), Some(0), Some("a\u{fffd}b")));
        assert_eq!((reps(&log, 2).unwrap()[0].n, deliveries(&log, 2).unwrap()[0].attempts), (0, 0));
    }
}
