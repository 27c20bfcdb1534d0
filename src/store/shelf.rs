//! What the log's file keeps beside sets: prototypes of exercises, and words under a name (the thresholds, for one) that
//! outlive a restart.

use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;

use super::clock::Reading;
use super::fault::StoreFault;
use super::write::Fault;
use super::{Store, rows, unix_ms};

/// Prototypes that are kept at most.
const PROTOTYPES: i64 = 500;
/// The longest text of a prototype's features or of a word, bytes.
const TEXT_BYTES: usize = 4 * 1024 * 1024;

/// A recorded example of an exercise.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct PrototypeRow {
    /// Its number.
    pub id: i64,
    /// Of which exercise.
    pub exercise: String,
    /// What is compared, as JSON that its maker understands.
    #[serde(skip)]
    pub features: String,
    /// What it was made from.
    pub source: String,
    /// When, Unix milliseconds.
    pub created_ms: u64,
}

impl Store {
    /// All prototypes, in the order of their making.
    ///
    /// # Errors
    /// Why there is no answer.
    pub fn prototypes(&self) -> Result<Vec<PrototypeRow>, StoreFault> {
        self.0.read(|connection| {
            let sql = "SELECT id, exercise, features, source, created_ms FROM prototypes ORDER BY id LIMIT ?1";
            let row = |row: &rusqlite::Row<'_>| {
                Ok(PrototypeRow {
                    id: row.get(0)?,
                    exercise: row.get(1)?,
                    features: row.get(2)?,
                    source: row.get(3)?,
                    created_ms: row.get(4)?,
                })
            };
            connection.prepare_cached(sql)?.query_map([PROTOTYPES], row)?.collect()
        })
    }

    /// Keeps one more prototype; its number. One exercise has one of each set (`source` is `set` and its number): another of
    /// the same set takes the place of the first. Clips are as many as there were.
    ///
    /// # Errors
    /// That there are too many or it is too long, or why it cannot be written.
    pub fn add_prototype(&self, exercise: &str, features: &str, source: &str, now: Reading) -> Result<i64, StoreFault> {
        if features.len() > TEXT_BYTES {
            return Err(StoreFault::Refused { what: "a prototype", want: "at most 4 MiB" });
        }
        let (exercise, features, source) = (exercise.to_string(), features.to_string(), source.to_string());
        let added = self.0.write(self.0.settings.patience, move |connection| {
            let sql = "INSERT INTO prototypes (exercise, features, source, created_ms) \
                SELECT ?1, ?2, ?3, ?4 WHERE (SELECT count(*) FROM prototypes) < ?5 \
                    OR EXISTS (SELECT 1 FROM prototypes WHERE exercise = ?1 AND source = ?3 AND source GLOB 'set *') \
                ON CONFLICT (exercise, source) WHERE source GLOB 'set *' \
                DO UPDATE SET features = excluded.features, created_ms = excluded.created_ms RETURNING id";
            let values = params![exercise, features, source, unix_ms(now), PROTOTYPES];
            Ok(connection.query_row(sql, values, |row| row.get(0)).optional()?)
        })?;
        added.ok_or(StoreFault::Refused { what: "the log", want: "at most 500 prototypes; delete some first" })
    }

    /// Removes the prototypes of `exercise`, or all without one; how many there were.
    ///
    /// # Errors
    /// Why it cannot be written.
    pub fn delete_prototypes(&self, exercise: Option<&str>) -> Result<usize, StoreFault> {
        let exercise = exercise.map(str::to_string);
        self.0.write(self.0.settings.patience, move |connection| {
            Ok(connection.execute("DELETE FROM prototypes WHERE ?1 IS NULL OR exercise = ?1", [exercise])?)
        })
    }

    /// The word that is kept under `name`.
    ///
    /// # Errors
    /// Why there is no answer.
    pub fn recall(&self, name: &str) -> Result<Option<String>, StoreFault> {
        self.0.read(|connection| rows::recall(connection, name))
    }

    /// Keeps a word under `name` in place of the one before; it is there after a restart and a power cut.
    ///
    /// # Errors
    /// That it is too long, or why it cannot be written.
    pub fn keep(&self, name: &str, word: &str) -> Result<(), StoreFault> {
        if word.len() > TEXT_BYTES {
            return Err(StoreFault::Refused { what: "a word", want: "at most 4 MiB" });
        }
        let (name, word) = (name.to_string(), word.to_string());
        let patience = self.0.settings.patience;
        self.0.write(patience, move |connection: &Connection| rows::keep(connection, &name, &word).map_err(Fault::from))
    }
}
