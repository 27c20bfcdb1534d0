//! One section of the config, asked key by key.
//!
//! Each question names what would fit and what holds when the key is absent. An answer that does not fit is reported
//! with its line, and the default is given in its place.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::super::fault::{Gathered, Place};
use super::super::raw::{Kind, Table, Value};

/// The highest core number that may be given; the kernel's own limit on the boards in question.
const CORE_MOST: i64 = 1023;
/// Cores in one list.
const CORES: usize = 64;

/// A section; empty when the file does not have it.
pub(super) struct Part<'a> {
    name: String,
    /// Where it begins.
    pub(super) line: usize,
    table: Option<&'a Table>,
    faults: &'a Gathered,
}

impl<'a> Part<'a> {
    /// The keys outside of every section.
    pub(super) fn root(table: Option<&'a Table>, faults: &'a Gathered) -> Part<'a> {
        Part { name: String::new(), line: 1, table, faults }
    }

    /// A section given as a value in a list, such as one camera; nothing, and a report, when it is no table.
    pub(super) fn item(&self, name: &str, value: &'a Value) -> Option<Part<'a>> {
        let Kind::Table(table) = &value.kind else {
            let sentence = format!("`{name}` wants [[{name}]] tables, not {}", value.kind.name());
            self.faults.add(Place::Line(value.line), sentence);
            return None;
        };
        Some(Part { name: name.into(), line: value.line, table: Some(table), faults: self.faults })
    }

    /// A section below this one.
    pub(super) fn part(&self, key: &str) -> Part<'a> {
        let name = if self.name.is_empty() { key.to_string() } else { format!("{}.{key}", self.name) };
        let table = match self.find(key) {
            Some(Value { kind: Kind::Table(table), .. }) => Some(table),
            Some(value) => {
                let sentence = format!("`{key}` is a section and wants keys of its own, not {}", value.kind.name());
                self.faults.add(Place::Line(value.line), sentence);
                None
            }
            None => None,
        };
        Part { name, line: table.map_or(self.line, |t| t.line), table, faults: self.faults }
    }

    /// The value of a key, if it is given and was complete.
    pub(super) fn find(&self, key: &str) -> Option<&'a Value> {
        self.table?.get(key).filter(|value| !matches!(value.kind, Kind::Spoiled))
    }

    /// Whether the key is given at all.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.is_some_and(|table| table.get(key).is_some())
    }

    /// Where the key stands; 0 when it does not.
    pub(super) fn line_of(&self, key: &str) -> usize {
        self.table.and_then(|table| table.get(key)).map_or(0, |value| value.line)
    }

    fn refuse(&self, key: &str, value: &Value, want: &str, found: &str) {
        let place = if self.name.is_empty() { String::new() } else { format!(" in [{}]", self.name) };
        self.faults.add(Place::Line(value.line), format!("`{key}`{place} wants {want}, not {found}"));
    }

    /// A text and its line.
    pub(super) fn text(&self, key: &str) -> Option<(&'a str, usize)> {
        let value = self.find(key)?;
        match &value.kind {
            Kind::Text(text) => Some((text, value.line)),
            other => {
                self.refuse(key, value, "a text in quotes", other.name());
                None
            }
        }
    }

    /// True or false.
    pub(super) fn flag(&self, key: &str, or: bool) -> bool {
        match self.find(key) {
            None => or,
            Some(Value { kind: Kind::Flag(flag), .. }) => *flag,
            Some(value) => {
                self.refuse(key, value, "true or false", value.kind.name());
                or
            }
        }
    }

    /// A whole number.
    pub(super) fn whole(&self, key: &str, fits: RangeInclusive<i64>) -> Option<i64> {
        let value = self.find(key)?;
        let want = format!("a whole number from {} to {}", fits.start(), fits.end());
        match &value.kind {
            Kind::Whole(n) if fits.contains(n) => return Some(*n),
            Kind::Whole(n) => self.refuse(key, value, &want, &n.to_string()),
            other => self.refuse(key, value, &want, other.name()),
        }
        None
    }

    /// How many.
    pub(super) fn count(&self, key: &str, fits: RangeInclusive<i64>, or: usize) -> usize {
        self.whole(key, fits).and_then(|n| usize::try_from(n).ok()).unwrap_or(or)
    }

    /// A time in seconds.
    pub(super) fn seconds(&self, key: &str, fits: RangeInclusive<f64>, or: Duration) -> Duration {
        let Some(value) = self.find(key) else { return or };
        let want = format!("{} to {} seconds", fits.start(), fits.end());
        let Some(given) = value.kind.number() else {
            self.refuse(key, value, &want, value.kind.name());
            return or;
        };
        if fits.contains(&given) {
            return Duration::from_secs_f64(given);
        }
        self.refuse(key, value, &want, &given.to_string());
        or
    }

    /// A number without a unit.
    pub(super) fn share(&self, key: &str, fits: RangeInclusive<f64>, or: f32) -> f32 {
        let Some(value) = self.find(key) else { return or };
        let want = format!("a number from {} to {}", fits.start(), fits.end());
        match value.kind.number() {
            Some(given) if fits.contains(&given) => return given as f32,
            Some(given) => self.refuse(key, value, &want, &given.to_string()),
            None => self.refuse(key, value, &want, value.kind.name()),
        }
        or
    }

    /// A list of places in the picture, each a list of two numbers, and its line.
    pub(super) fn places(&self, key: &str) -> Option<(Vec<(f32, f32)>, usize)> {
        let value = self.find(key)?;
        let want = "a list of corners, such as [[0.3, 0.6], [0.7, 0.6], [0.8, 1.0], [0.2, 1.0]]";
        let Kind::List(list) = &value.kind else {
            self.refuse(key, value, want, value.kind.name());
            return None;
        };
        let place = |item: &Value| match &item.kind {
            Kind::List(pair) => match pair.as_slice() {
                [x, y] => Some((x.kind.number()? as f32, y.kind.number()? as f32)),
                _ => None,
            },
            _ => None,
        };
        let places: Option<Vec<_>> = list.iter().map(place).collect();
        if places.is_none() {
            self.refuse(key, value, want, "a list of something else");
        }
        Some((places?, value.line))
    }

    /// One word of a few.
    pub(super) fn choice<T: Copy>(&self, key: &str, words: &[(&str, T)], or: T) -> T {
        let Some((text, line)) = self.text(key) else { return or };
        if let Some((_, found)) = words.iter().find(|(word, _)| *word == text) {
            return *found;
        }
        let known = words.iter().map(|(word, _)| format!("\"{word}\"")).collect::<Vec<_>>().join(" or ");
        self.faults.add(Place::Line(line), format!("`{key}` in [{}] wants {known}", self.name));
        or
    }

    /// A list of names, at most `most`, each of which `fits`.
    pub(super) fn names(&self, key: &str, most: usize, fits: fn(&str) -> bool) -> Vec<String> {
        let Some(value) = self.find(key) else { return Vec::new() };
        let want = format!("a list of at most {most} names, such as [\"spotter.gym.example\"]");
        let Kind::List(list) = &value.kind else {
            self.refuse(key, value, &want, value.kind.name());
            return Vec::new();
        };
        if list.len() > most {
            self.refuse(key, value, &want, &list.len().to_string());
        }
        let mut names = Vec::with_capacity(list.len());
        for item in list {
            match &item.kind {
                Kind::Text(name) if fits(name) => names.push(name.clone()),
                Kind::Text(name) => self.refuse(key, item, &want, &format!("{name:?}")),
                other => self.refuse(key, item, &want, other.name()),
            }
        }
        names
    }

    /// A list of cores.
    pub(super) fn cores(&self, key: &str) -> Vec<usize> {
        let Some(value) = self.find(key) else { return Vec::new() };
        let want = format!("a list of core numbers from 0 to {CORE_MOST}, such as [1, 2]");
        let Kind::List(list) = &value.kind else {
            self.refuse(key, value, &want, value.kind.name());
            return Vec::new();
        };
        let mut cores = Vec::with_capacity(list.len());
        for item in list {
            match &item.kind {
                Kind::Whole(n) if (0..=CORE_MOST).contains(n) && !cores.contains(&(*n as usize)) => {
                    cores.push(*n as usize);
                }
                Kind::Whole(n) if (0..=CORE_MOST).contains(n) => self.refuse(key, item, &want, &format!("{n} twice")),
                Kind::Whole(n) => self.refuse(key, item, &want, &n.to_string()),
                other => self.refuse(key, item, &want, other.name()),
            }
        }
        if list.len() > CORES {
            self.refuse(key, value, &format!("at most {CORES} cores"), &list.len().to_string());
        }
        cores
    }
}
