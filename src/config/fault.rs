//! What is wrong with a config: all of it at once, each fault one sentence with its place.
//!
//! A fault never repeats a value that may be a secret: its line is enough to find it.

use std::cell::RefCell;
use std::fmt;

/// Where a fault stands. The order is the order of the report.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Place {
    /// The file as a whole.
    File,
    /// A line of the file, the first is 1.
    Line(usize),
    /// An option of the command line.
    Option(&'static str),
}

/// One thing that is wrong.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Fault {
    /// Where.
    pub place: Place,
    /// One sentence, without a full stop.
    pub sentence: String,
}

/// Everything that is wrong, in the order of the lines.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Faults {
    /// The file's name as given.
    pub file: String,
    /// Never empty.
    pub list: Vec<Fault>,
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, fault) in self.list.iter().enumerate() {
            if i > 0 {
                writeln!(f)?;
            }
            match fault.place {
                Place::File => write!(f, "{}: {}", self.file, fault.sentence)?,
                Place::Line(line) => write!(f, "{}:{line}: {}", self.file, fault.sentence)?,
                Place::Option(name) => write!(f, "{name}: {}", fault.sentence)?,
            }
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

/// Where faults are gathered while a config is read.
#[derive(Default)]
pub(super) struct Gathered(RefCell<Vec<Fault>>);

impl Gathered {
    pub(super) fn add(&self, place: Place, sentence: impl Into<String>) {
        self.0.borrow_mut().push(Fault { place, sentence: sentence.into() });
    }

    /// What was gathered, in order.
    pub(super) fn report(self, file: &str) -> Faults {
        let mut list = self.0.into_inner();
        list.sort();
        Faults { file: file.to_string(), list }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }
}
