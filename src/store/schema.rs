//! The tables, and how an older file becomes a newer one. Each step is applied once, in order, with the number of the last
//! one kept in the file (`user_version`).
//!
//! What the machine saw and what the human says stand in columns of their own, so that neither overwrites the other. A
//! set's outbox is written in the same transaction as the set: what is in the log is delivered, and nothing else.

use rusqlite::Connection;

/// One step for each version, the first from an empty file. A step that was released is never changed.
const STEPS: [&str; 1] = ["
CREATE TABLE sets (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    camera TEXT NOT NULL,
    exercise_machine TEXT,
    chosen INTEGER NOT NULL,
    reps_machine INTEGER NOT NULL,
    recount INTEGER NOT NULL,
    confidence REAL NOT NULL,
    pending INTEGER NOT NULL,
    exercise_human TEXT,
    reps_human INTEGER,
    weight_human REAL,
    note TEXT,
    confirmed_ms INTEGER,
    started_ms INTEGER NOT NULL,
    ended_ms INTEGER NOT NULL,
    clock TEXT NOT NULL CHECK (clock IN ('good', 'unsure', 'lost')),
    known_ms INTEGER,
    boot TEXT NOT NULL,
    started_ns INTEGER NOT NULL,
    ended_ns INTEGER NOT NULL,
    picture TEXT,
    form TEXT,
    deleted_ms INTEGER
) STRICT;
CREATE INDEX sets_by_start ON sets (started_ms);
CREATE TABLE reps (
    set_id INTEGER NOT NULL REFERENCES sets (id) ON DELETE CASCADE,
    n INTEGER NOT NULL,
    started_s REAL NOT NULL,
    turned_s REAL NOT NULL,
    ended_s REAL NOT NULL,
    min_deg REAL NOT NULL,
    max_deg REAL NOT NULL,
    go_s REAL NOT NULL,
    hold_s REAL NOT NULL,
    back_s REAL NOT NULL,
    pause_s REAL NOT NULL,
    PRIMARY KEY (set_id, n)
) STRICT, WITHOUT ROWID;
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    set_id INTEGER NOT NULL REFERENCES sets (id) ON DELETE CASCADE,
    sink TEXT NOT NULL,
    op TEXT NOT NULL CHECK (op IN ('set', 'correct', 'confirm', 'delete')),
    state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'parked', 'dropped')),
    fields INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    next_ms INTEGER,
    done_ms INTEGER,
    status INTEGER,
    error TEXT,
    remote TEXT,
    made_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX outbox_by_sink ON outbox (sink, state, id);
CREATE INDEX outbox_by_set ON outbox (set_id);
CREATE TABLE prototypes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    exercise TEXT NOT NULL,
    features TEXT NOT NULL,
    source TEXT NOT NULL,
    created_ms INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX prototypes_by_set ON prototypes (exercise, source) WHERE source GLOB 'set *';
CREATE TABLE kv (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
"];

/// The last version known here.
pub(super) const VERSION: i64 = STEPS.len() as i64;

/// The version of the file.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Brings the file up to [`VERSION`], all or nothing.
pub(super) fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Exclusive)?;
    let from = usize::try_from(version(&transaction)?).unwrap_or(0);
    for step in STEPS.iter().skip(from) {
        transaction.execute_batch(step)?;
    }
    if from < STEPS.len() {
        transaction.pragma_update(None, "user_version", VERSION)?;
    }
    transaction.commit()
}
