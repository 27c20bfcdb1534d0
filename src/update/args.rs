//! `spotter-update`: the command line, and what it says to people, to the journal and by its exit code.

use std::ffi::OsString;
use std::io::Write;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{CommandFactory, Parser};
use rustix::fs::FlockOperation;

use super::fault::{Fault, unwritable};
use super::guard::{self, Guard};
use super::place::{BASE, Place};
use super::service::Service;
use super::state::{State, lock, name};
use super::{install, start, trial};
use crate::error::{Exit, redacted};

/// Updates a Spotter box: takes a signed release, installs it beside the version that runs, switches, waits until the box is ready
/// and shows live pictures, and goes back to the version before if it does not.
#[derive(Parser, Debug)]
#[command(name = "spotter-update", version, after_help = AFTER)]
struct Arguments {
    /// The release: a file *.spot, signed by a key of /etc/spotter/update.pub
    #[arg(value_name = "FILE.spot", required_unless_present_any = ["status", "back", "before_start", "guard"])]
    file: Option<PathBuf>,
    /// Say what runs and what is kept
    #[arg(long, conflicts_with_all = ["file", "back"])]
    status: bool,
    /// Go back to the version before, on trial like any other
    #[arg(long, conflicts_with = "file")]
    back: bool,
    /// Take a release that is older than what runs, too
    #[arg(long)]
    allow_older: bool,
    /// How long a new version has to be ready and to show as many live cameras as there were before
    #[arg(long, value_name = "S", default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..=3600))]
    wait_s: u64,
    /// How long it must then stay so without a break before it is kept
    #[arg(long, value_name = "S", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=600))]
    settle_s: u64,
    /// What a release may have, packed and unpacked each
    #[arg(long, value_name = "MIB", default_value_t = 1024, value_parser = clap::value_parser!(u64).range(1..=65536))]
    most_mib: u64,
    /// The system in DIR instead of this one
    #[arg(long, value_name = "DIR", default_value = "/")]
    root: PathBuf,
    /// What restarts the service
    #[arg(long, value_name = "PROGRAM", default_value = "systemctl")]
    systemctl: PathBuf,
    /// Choose the version of this start; for the unit alone
    #[arg(long, hide = true, conflicts_with_all = ["file", "status", "back"])]
    before_start: bool,
    /// Take back a trial whose updater dies; for the updater alone
    #[arg(long, hide = true, conflicts_with_all = ["file", "status", "back", "before_start"])]
    guard: bool,
}

const AFTER: &str = "Exit codes: 0 it was done, 1 it was not taken or was taken back, and one sentence says why, \
2 the arguments are wrong.";

/// The table of arguments, for man pages and completions.
pub fn command() -> clap::Command {
    Arguments::command()
}

/// Does what the arguments say.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage } else { Exit::Done };
        }
    };
    let place = Place::new(&arguments.root);
    if arguments.before_start {
        start::choose(&place, &|sentence| tell(sentence));
        return Exit::Done;
    }
    if arguments.status {
        return status(&place);
    }
    if arguments.guard {
        let service = Service::new(&place, &arguments.systemctl);
        let sentence = guard::watch(&place, &service, Duration::from_secs(arguments.wait_s));
        sentence.iter().for_each(|sentence| journal(&place, sentence));
        return Exit::Done;
    }
    match update(&place, &arguments) {
        Ok(sentence) => {
            tell(&sentence);
            journal(&place, &sentence);
            Exit::Done
        }
        Err(fault) => {
            tell(&fault.to_string());
            journal(&place, &fault.to_string());
            Exit::Failed
        }
    }
}

/// One update or one step back, alone.
fn update(place: &Place, arguments: &Arguments) -> Result<String, Fault> {
    if !rustix::process::geteuid().is_root() {
        return Err(Fault::NotRoot);
    }
    let folder = place.own_versions()?;
    let held = lock(&folder.join("lock"), FlockOperation::NonBlockingLockExclusive);
    let _held = held.map_err(|why| match why.kind() {
        std::io::ErrorKind::WouldBlock => Fault::Busy,
        _ => unwritable(&folder, &why),
    })?;
    let (service, most) = (Service::new(place, &arguments.systemctl), Duration::from_secs(arguments.wait_s));
    install::clear(place)?;
    if let Some(sentence) = trial::end_abandoned(place, &service, most)? {
        tell(&sentence);
        journal(place, &sentence);
    }
    install::forget(place)?;
    trial::countable(place, &service)?;
    let version = match &arguments.file {
        Some(file) => {
            let version = install::take_in(place, file, arguments.allow_older, arguments.most_mib)?;
            tell(&format!("{version} is in its place and is tried"));
            Some(version)
        }
        None => kept(place)?,
    };
    let guard = Guard::start(place, &arguments.systemctl, most);
    let settle = Duration::from_secs(arguments.settle_s);
    let tried = trial::try_out(place, &service, version.as_deref(), most, settle);
    drop(guard);
    let forgotten = install::forget(place);
    let live = tried?;
    forgotten?;
    Ok(format!("{} runs; live cameras: {live}", name(version.as_deref())))
}

/// The version before; nothing: the base.
fn kept(place: &Place) -> Result<Option<String>, Fault> {
    let state = State::read(place);
    if state.previous == state.runs { Err(Fault::NothingKept) } else { Ok(state.previous) }
}

/// For people.
fn status(place: &Place) -> Exit {
    let state = State::read(place);
    let mut text = format!("{} runs\n", name(state.runs.as_deref()));
    if state.previous != state.runs {
        text += &format!("{} is kept\n", name(state.previous.as_deref()));
    }
    text += &format!("{BASE} is the package's\n");
    if let Some(trial) = &state.trial {
        let version = name(trial.version.as_deref());
        text += &format!("{version} is on trial, with {} starts left\n", trial.starts_left);
    }
    if !state.told.is_empty() {
        text += &format!("the last update: {}\n", state.told);
    }
    match std::io::stdout().write_all(text.as_bytes()) {
        Ok(()) => Exit::Done,
        Err(_) => Exit::Failed,
    }
}

/// One sentence for whoever asked. Where it cannot be written nobody reads it, and the exit code still tells.
fn tell(sentence: &str) {
    let _ = writeln!(std::io::stderr(), "spotter-update: {}", redacted(sentence));
}

/// The same for the journal, where it is looked for later. Without one the state still has it.
fn journal(place: &Place, sentence: &str) {
    // Priority 6 of the facility for daemons.
    let line = format!("<30>spotter-update[{}]: {}", std::process::id(), redacted(sentence));
    let socket: &Path = &place.at("/dev/log");
    let _ = UnixDatagram::unbound().and_then(|out| out.send_to(line.as_bytes(), socket));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_arguments_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn the_limits_of_its_waits_are_limits_to_the_second() {
        let taken = |name: &str, value: &str| Arguments::try_parse_from(["spotter-update", "x", name, value]).is_ok();
        for (name, most, more) in [("--wait-s", "3600", "3601"), ("--settle-s", "600", "601")] {
            assert!(taken(name, "1") && taken(name, most), "{name}");
            assert!(!taken(name, "0") && !taken(name, more), "{name}");
        }
        assert_eq!(Arguments::try_parse_from(["spotter-update", "x"]).unwrap().settle_s, 30);
    }
}
