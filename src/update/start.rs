//! Before each start of the service: which version is it? As root, since the service itself may not write here.
//!
//! It never fails: a box whose disk cannot be written still runs what ran before, and the launcher takes the base where
//! nothing was chosen. A trial is counted on the disk before it is started; what cannot be counted is not tried.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::place::{self, Place};
use super::state::State;

/// Chooses, and writes down the program for the launcher.
pub(super) fn choose(place: &Place, say: &dyn Fn(&str)) {
    let (before, boot) = (State::read(place), place.boot());
    let state = match before.trial {
        None => before.clone(),
        Some(_) => State::change(place, |state| state.start(&boot)).unwrap_or_else(|why| {
            say(&why.to_string());
            State { trial: None, ..before.clone() }
        }),
    };
    if before.trial.is_some() && state.trial.is_none() {
        say(&state.told);
    }
    let programs = state.choices().into_iter().map(|version| place.program(version));
    let program = programs.into_iter().find(|path| is_program(path)).unwrap_or_else(|| place.program(None));
    let chosen = place.chosen();
    let folder = chosen.parent().unwrap_or(Path::new("/"));
    let written = fs::create_dir_all(folder)
        .and_then(|()| place::allow(folder, 0o755))
        .and_then(|()| place::put(&chosen, &program.display().to_string()));
    if let Err(why) = written {
        say(&format!("{} cannot be written: {why}", chosen.display()));
        // What an earlier start chose must not be taken for this one's.
        if let Err(why) = place::remove(&chosen) {
            say(&format!("{} cannot be removed: {why}", chosen.display()));
        }
    }
}

fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0)
}
