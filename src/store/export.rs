//! The whole log as CSV (RFC 4180) or JSON, in pieces of bounded size, so that neither memory nor the writer's log of
//! changes grows with it. Each piece is read by itself; a set that comes meanwhile is at the end.

use std::fmt::Write;

use super::fault::StoreFault;
use super::rows::{self, ClockMark, RepRow, SetRow};
use super::{SetDetail, Store};

/// Sets in one piece.
const PIECE: i64 = 100;
const CSV_HEAD: &str = "id,camera,exercise,reps,weight,note,started,ended,clock,exercise_machine,reps_machine,recount,chosen,\
    exercise_human,reps_human,confidence,pending,confirmed,key\r\n";

/// As what.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// A table: one set a line.
    Csv,
    /// A list of sets with their repetitions.
    Json,
}

/// An export under way.
pub struct Export {
    store: Store,
    format: Format,
    since_ms: u64,
    after: i64,
    is_begun: bool,
}

impl Store {
    /// Begins an export of the sets that began at `since_ms` or later, the oldest first.
    pub fn export(&self, format: Format, since_ms: u64) -> Export {
        Export { store: self.clone(), format, since_ms, after: 0, is_begun: false }
    }
}

impl Export {
    /// Adds the next piece to `out`; false when there is none and the text is complete.
    ///
    /// # Errors
    /// Why the log cannot be read; what was given so far is then no whole text.
    pub fn next_piece(&mut self, out: &mut Vec<u8>) -> Result<bool, StoreFault> {
        let (since_ms, after, with_reps) = (self.since_ms, self.after, self.format == Format::Json);
        let sets = self.store.0.read(|connection| {
            let sets = rows::following(connection, since_ms, after, PIECE)?;
            let with = |set: SetRow| {
                let reps = if with_reps { rows::reps(connection, set.id)? } else { Vec::new() };
                Ok((set, reps))
            };
            sets.into_iter().map(with).collect::<rusqlite::Result<Vec<_>>>()
        })?;
        if !self.is_begun {
            out.extend_from_slice(if self.format == Format::Csv { CSV_HEAD.as_bytes() } else { b"[" });
        }
        let is_last = sets.len() < PIECE as usize;
        self.after = sets.last().map_or(self.after, |(set, _)| set.id);
        for (set, reps) in sets {
            match self.format {
                Format::Csv => out.extend_from_slice(line(&set).as_bytes()),
                Format::Json => {
                    if self.is_begun {
                        out.push(b',');
                    }
                    json(set, reps, out);
                }
            }
            self.is_begun = true;
        }
        self.is_begun = true;
        if is_last && self.format == Format::Json {
            out.extend_from_slice(b"\n]\n");
        }
        Ok(!is_last)
    }
}

pub(super) fn json(set: SetRow, repetitions: Vec<RepRow>, out: &mut Vec<u8>) {
    out.push(b'\n');
    let detail = SetDetail { set, repetitions, deliveries: Vec::new() };
    serde_json::to_writer(out, &detail).expect("it holds nothing that JSON lacks, and a Vec takes all");
}

pub(super) fn line(set: &SetRow) -> String {
    let mut out = String::with_capacity(200);
    let mut field = |text: &str| {
        if !out.is_empty() {
            out.push(',');
        }
        // A cell that begins like a formula would be worked out by a spreadsheet.
        let guarded = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.into() };
        if guarded.contains([',', '"', '\r', '\n']) {
            write!(out, "\"{}\"", guarded.replace('"', "\"\"")).expect("a String takes all");
        } else {
            out.push_str(&guarded);
        }
    };
    let text = |word: &Option<String>| word.clone().unwrap_or_default();
    let number = |n: Option<u32>| n.map(|n| n.to_string()).unwrap_or_default();
    field(&set.id.to_string());
    field(&set.camera);
    field(&text(&set.exercise));
    field(&set.reps.to_string());
    field(&set.weight.map(|weight| weight.to_string()).unwrap_or_default());
    field(&text(&set.note));
    field(&utc(set.started_ms));
    field(&utc(set.ended_ms));
    field(match set.clock {
        ClockMark::Good => "good",
        ClockMark::Unsure => "unsure",
        ClockMark::Lost => "lost",
    });
    field(&text(&set.exercise_machine));
    field(&set.reps_machine.to_string());
    field(&set.recount.to_string());
    field(if set.chosen { "true" } else { "false" });
    field(&text(&set.exercise_human));
    field(&number(set.reps_human));
    field(&format!("{:.3}", set.confidence));
    field(if set.pending { "true" } else { "false" });
    field(&set.confirmed_ms.map(utc).unwrap_or_default());
    field(&set.key);
    out.push_str("\r\n");
    out
}

/// Unix milliseconds as `2026-11-26T08:15:30.250Z` (RFC 3339). The day from its number: H. Hinnant, "chrono-compatible
/// low-level date algorithms", `civil_from_days`.
pub(super) fn utc(unix_ms: u64) -> String {
    let (days, ms) = (unix_ms / 86_400_000, unix_ms % 86_400_000);
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", ms % 1000)
}
