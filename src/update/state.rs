//! What runs, what is kept, and what is on trial: one small file, replaced whole.
//!
//! Two programs change it, the updater and the one that runs before each start of the service; a lock is held for the moment
//! of a change. A file that cannot be read counts as none: then the base runs.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::PathBuf;

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use super::fault::{Fault, unwritable};
use super::place::{BASE, Place, put};

/// How often a trial may be started before it counts as failed.
pub(super) const STARTS: u32 = 3;

/// What a box knows of its versions. A version is its number; nothing in its place is the base.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub(super) struct State {
    /// The base when this was written. Another one means that a package was installed since; then it runs.
    pub(super) base: String,
    /// What runs.
    pub(super) runs: Option<String>,
    /// What ran before, and is kept.
    pub(super) previous: Option<String>,
    /// What must still show that it is well.
    pub(super) trial: Option<Trial>,
    /// How the last update ended, for people.
    pub(super) told: String,
}

/// A version on trial.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Trial {
    pub(super) version: Option<String>,
    pub(super) starts_left: u32,
    /// The boot in which it began; it does not outlive it.
    pub(super) boot: String,
}

/// The name of a version for people.
pub(super) fn name(version: Option<&str>) -> &str {
    version.unwrap_or(BASE)
}

impl State {
    /// The state of the disk.
    pub(super) fn read(place: &Place) -> State {
        let text = fs::read_to_string(file(place)).unwrap_or_default();
        serde_json::from_str::<State>(&text).unwrap_or_default().of_this_package()
    }

    /// Changes it, on the disk before anything else happens, and gives the new one.
    ///
    /// # Errors
    /// It cannot be written; the old one is still there.
    pub(super) fn change(place: &Place, change: impl FnOnce(&mut State)) -> Result<State, Fault> {
        let folder = place.own_versions()?;
        let _held =
            lock(&folder.join("state.lock"), FlockOperation::LockExclusive).map_err(|why| unwritable(&folder, &why))?;
        let before = State::read(place);
        let mut after = before.clone();
        change(&mut after);
        if after != before {
            let text = serde_json::to_string_pretty(&after).unwrap_or_default();
            put(&file(place), &text).map_err(|why| unwritable(&folder, &why))?;
        }
        Ok(after)
    }

    /// What it comes to with the package that is installed now.
    fn of_this_package(mut self) -> State {
        if self.base == BASE {
            return self;
        }
        let previous = self.runs.take();
        let told =
            if self.base.is_empty() { String::new() } else { format!("the package {BASE} was installed and runs") };
        State { base: BASE.into(), runs: None, previous, trial: None, told }
    }

    /// One start more: what runs now, first choice first. `boot` is this boot's number.
    pub(super) fn start(&mut self, boot: &str) {
        let Some(trial) = &mut self.trial else { return };
        let (version, back) = (name(trial.version.as_deref()).to_string(), name(self.runs.as_deref()));
        if trial.boot != boot {
            self.told = format!("the update to {version} was cut off, {back} runs");
            self.trial = None;
        } else if trial.starts_left == 0 {
            self.told = format!("{version} ended {STARTS} times, {back} runs");
            self.trial = None;
        } else {
            trial.starts_left -= 1;
        }
    }

    /// The versions in the order in which they are taken, if their programs are there.
    pub(super) fn choices(&self) -> Vec<Option<&str>> {
        let trial = self.trial.as_ref().map(|trial| trial.version.as_deref());
        trial.into_iter().chain([self.runs.as_deref(), self.previous.as_deref(), None]).collect()
    }

    /// The folders that must stay.
    pub(super) fn keeps(&self, version: &str) -> bool {
        self.choices().contains(&Some(version))
    }

    /// The trial went well.
    pub(super) fn commit(&mut self) {
        if let Some(trial) = self.trial.take() {
            self.previous = std::mem::replace(&mut self.runs, trial.version);
        }
    }
}

fn file(place: &Place) -> PathBuf {
    place.versions().join("state.json")
}

/// A lock that ends with what is given, and with its process. Root alone may open it: who can read a file can hold its lock for ever.
pub(super) fn lock(path: &std::path::Path, how: FlockOperation) -> io::Result<File> {
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    flock(&file, how)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on_trial() -> State {
        let trial = Trial { version: Some("2.0.0".into()), starts_left: STARTS, boot: "one".into() };
        State { base: BASE.into(), runs: Some("1.0.0".into()), trial: Some(trial), ..State::default() }
    }

    #[test]
    fn a_trial_has_its_starts_and_then_what_ran_before_is_taken() {
        let mut state = on_trial();
        for _ in 0..STARTS {
            state.start("one");
            assert_eq!(state.choices()[0], Some("2.0.0"));
        }
        state.start("one");
        assert_eq!(state.choices(), [Some("1.0.0"), None, None]);
        assert_eq!(state.told, "2.0.0 ended 3 times, 1.0.0 runs");
    }

    #[test]
    fn nobody_else_can_hold_a_lock_not_even_one_that_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let (new, old) = (folder.path().join("new"), folder.path().join("old"));
        fs::write(&old, "").unwrap();
        fs::set_permissions(&old, Permissions::from_mode(0o666)).unwrap();
        for path in [new, old] {
            let held = lock(&path, FlockOperation::NonBlockingLockExclusive).unwrap();
            assert_eq!(held.metadata().unwrap().permissions().mode() & 0o7777, 0o600);
        }
    }

    #[test]
    fn a_trial_does_not_outlive_its_boot() {
        let mut state = on_trial();
        state.start("two");
        assert_eq!((state.trial.as_ref(), state.told.as_str()), (None, "the update to 2.0.0 was cut off, 1.0.0 runs"));
    }

    #[test]
    fn what_went_well_runs_and_what_ran_is_kept() {
        let mut state = on_trial();
        state.commit();
        assert_eq!(state.choices(), [Some("2.0.0"), Some("1.0.0"), None]);
        assert!(state.keeps("1.0.0") && !state.keeps("0.9.0"));
    }

    #[test]
    fn a_package_that_was_installed_since_runs_and_what_ran_is_kept() {
        let state = State { base: "0.0.1".into(), ..on_trial() }.of_this_package();
        assert_eq!(state.choices(), [None, Some("1.0.0"), None]);
        assert_eq!(State::default().of_this_package().told, "", "a box that was never updated has nothing to tell");
    }
}
