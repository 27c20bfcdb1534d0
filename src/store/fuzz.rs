//! A door for the fuzzer to what reads the log's rows: whatever the tables let in must be told, as JSON and as a line of CSV.
//!
//! Built only with `--cfg fuzzing` (`make fuzz`); see `tests/fuzz`.

use rusqlite::{Connection, params};

use super::{export, rows, schema};
use crate::store::Page;

thread_local! {
    static LOG: Connection = {
        let mut connection = Connection::open_in_memory().expect("there is memory");
        schema::migrate(&mut connection).expect("an empty file takes every step");
        connection
    };
}

/// Values from the fuzzer's bytes; zeros and empty texts when they are used up.
struct Values<'a>(&'a [u8]);

impl<'a> Values<'a> {
    fn eight(&mut self) -> [u8; 8] {
        let (head, rest) = self.0.split_at(self.0.len().min(8));
        self.0 = rest;
        std::array::from_fn(|n| head.get(n).copied().unwrap_or(0))
    }

    fn integer(&mut self) -> i64 {
        i64::from_le_bytes(self.eight())
    }

    /// Not a NaN, which SQLite takes for nothing.
    fn real(&mut self) -> f64 {
        let real = f64::from_le_bytes(self.eight());
        if real.is_nan() { f64::INFINITY } else { real }
    }

    fn text(&mut self) -> &'a [u8] {
        let Some((len, rest)) = self.0.split_first() else { return &[] };
        let (text, rest) = rest.split_at(rest.len().min(usize::from(*len)));
        self.0 = rest;
        text
    }
}

/// One set with one repetition and one delivery, of any values.
pub fn rows(bytes: &[u8]) {
    let mut v = Values(bytes);
    LOG.with(|log| {
        log.execute_batch("DELETE FROM sets").expect("it is no more than one row");
        // Texts go in as they are, UTF-8 or not.
        log.execute(
            "INSERT INTO sets (key, camera, exercise_machine, chosen, reps_machine, recount, confidence, pending, \
             exercise_human, reps_human, weight_human, note, confirmed_ms, started_ms, ended_ms, clock, known_ms, boot, \
             started_ns, ended_ns, picture) VALUES (CAST(?1 AS TEXT), CAST(?2 AS TEXT), CAST(?3 AS TEXT), ?4, ?5, ?6, ?7, ?8, \
             CAST(?9 AS TEXT), ?10, ?11, CAST(?12 AS TEXT), ?13, ?14, ?15, 'good', ?16, '', 0, 0, CAST(?17 AS TEXT))",
            params![
                v.text(), v.text(), v.text(), v.integer(), v.integer(), v.integer(), v.real(), v.integer(), v.text(),
                v.integer(), v.real(), v.text(), v.integer(), v.integer(), v.integer(), v.integer(), v.text(),
            ],
        )
        .expect("all columns have their types");
        let id = log.last_insert_rowid();
        log.execute(
            "INSERT INTO reps VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            params![
                id, v.integer(), v.real(), v.real(), v.real(), v.real(), v.real(), v.real(), v.real(), v.real(), v.real(),
            ],
        )
        .expect("all columns have their types");
        log.execute(
            "INSERT INTO outbox (set_id, sink, op, attempts, next_ms, error, made_ms) \
             VALUES (?1, CAST(?2 AS TEXT), 'set', ?3, ?4, CAST(?5 AS TEXT), 0)",
            params![id, v.text(), v.integer(), v.integer(), v.text()],
        )
        .expect("all columns have their types");
        told(log, id);
    });
}

fn told(log: &Connection, id: i64) {
    let mut sets = rows::page(log, &Page { limit: 10, ..Page::default() }, 10).expect("a page has every row");
    assert_eq!(sets.len(), 1);
    let reps = rows::reps(log, id).expect("a set has its repetitions");
    assert_eq!((reps.len(), rows::deliveries(log, id).expect("and its deliveries").len()), (1, 1));
    rows::pictures(log, 0, 10).expect("and its picture");
    let (set, mut out) = (sets.remove(0), Vec::new());
    // Outside of quotes a line ends once.
    let line = export::line(&set);
    let bare: String = line.split('"').step_by(2).collect();
    assert!(bare.ends_with("\r\n") && bare.matches(['\r', '\n']).count() == 2, "{line:?}");
    assert_eq!(bare.matches(',').count(), 18, "{line:?}");
    export::json(set, reps, &mut out);
    serde_json::from_slice::<serde_json::Value>(&out).expect("it is JSON");
}
