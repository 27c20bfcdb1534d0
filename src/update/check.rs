//! The first run of a new version, before anything is switched: does it start, is it what its label says, does it take this box's config?
//!
//! It runs as the service will, never with more rights: a config may name libraries and models, some by a path that is relative to the
//! folder, and what the service or whoever asks could plant must not be opened by root.

use std::fs;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::fault::Fault;
use super::place::Place;
use super::service::{CONFIG, environment};

/// How long a version may think about the config.
const CHECK: Duration = Duration::from_secs(120);
/// How long its last words may take when it has ended.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// Bytes that are kept of what it says.
const SAID_BYTES: usize = 64 * 1024;
/// The data of the service, whose owner is the service's user.
const DATA: &str = "/var/lib/spotter";
/// The unit's SupplementaryGroups.
const GROUPS: [&str; 2] = ["video", "render"];
const PAUSE: Duration = Duration::from_millis(20);

/// `program` starts, is the `version` that the label of `release` names, and takes this box's config.
///
/// # Errors
/// It does not.
pub(super) fn starts(place: &Place, program: &Path, version: &str, release: &Path) -> Result<(), Fault> {
    let fault = |why: String| Fault::NoStart { version: version.into(), why };
    let mut asked = as_the_service(place, program);
    asked.arg("--version");
    // `spotter 0.2.0 (what the build is)`
    let said = heard(asked, Stream::Stdout, CHECK).map_err(fault)?;
    let own = said.split_whitespace().nth(1).unwrap_or("nothing");
    if own != version {
        let why = format!("its label says {version}, its program {own}");
        return Err(Fault::Label { path: release.display().to_string(), why });
    }
    let mut asked = as_the_service(place, program);
    asked.arg("check").arg("--config").arg(place.at(CONFIG));
    heard(asked, Stream::Stderr, CHECK).map_err(fault)?;
    Ok(())
}

/// `program` with the user, the groups, the environment and the folder of the service. Where the data is root's, so is the user, and
/// the folder is one in which nobody else can put anything.
fn as_the_service(place: &Place, program: &Path) -> Command {
    let data = place.at(DATA);
    let (user, group) = fs::metadata(&data).map_or((0, 0), |about| (about.uid(), about.gid()));
    let mut command = if user == 0 {
        let mut command = Command::new(program);
        command.current_dir("/");
        command
    } else {
        let mut command = Command::new("setpriv");
        command.arg(format!("--reuid={user}")).arg(format!("--regid={group}")).arg("--no-new-privs");
        // Not those of root, and those without which hardware that the config names could not be tried.
        let text = fs::read_to_string(place.at("/etc/group")).unwrap_or_default();
        let groups = groups(&text);
        command.arg(if groups.is_empty() { "--clear-groups".into() } else { format!("--groups={}", groups.join(",")) });
        command.arg(program).current_dir(data);
        command
    };
    command.env_clear().envs(environment(place)).envs([("PATH", "/usr/bin:/bin"), ("RUST_LOG", "error")]);
    command
}

/// The numbers of the unit's SupplementaryGroups in `text`, a file like `/etc/group`.
fn groups(text: &str) -> Vec<&str> {
    let fields = text.lines().map(|line| line.split(':').collect::<Vec<_>>());
    fields.filter_map(|f| GROUPS.contains(f.first()?).then(|| f.get(2).copied())?).collect()
}

/// Where a program says what is wanted of it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stream {
    Stdout,
    Stderr,
}

/// What `command` says on the `wanted` stream, if it ends well within `most`.
///
/// # Errors
/// What it says on stderr, or how it ended.
fn heard(mut command: Command, wanted: Stream, most: Duration) -> Result<String, String> {
    let stdout = if wanted == Stream::Stdout { Stdio::piped() } else { Stdio::null() };
    let mut child =
        command.stdin(Stdio::null()).stdout(stdout).stderr(Stdio::piped()).spawn().map_err(|why| why.to_string())?;
    let (stdout, stderr) = (child.stdout.take().map(Ear::new), child.stderr.take().map(Ear::new));
    let begun = Instant::now();
    let status = loop {
        match child.try_wait().map_err(|why| why.to_string())? {
            Some(status) => break status,
            None if begun.elapsed() < most => std::thread::sleep(PAUSE),
            None => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("it thinks for longer than {} s", most.as_secs()));
            }
        }
    };
    let said = |ear: Option<Ear>| ear.map_or_else(String::new, Ear::said);
    let complaint = said(stderr);
    if status.success() {
        return Ok(if wanted == Stream::Stdout { said(stdout) } else { complaint });
    }
    let complaint = crate::error::redacted(&crate::error::one_line(&complaint));
    Err(if complaint.is_empty() { status.to_string() } else { complaint })
}

/// Hears a program to the end, so that it never waits for a full pipe, and keeps the beginning.
struct Ear {
    thread: std::thread::JoinHandle<()>,
    said: Arc<Mutex<Vec<u8>>>,
}

impl Ear {
    fn new(mut from: impl Read + Send + 'static) -> Ear {
        let said = Arc::new(Mutex::new(Vec::new()));
        let kept = said.clone();
        let thread = std::thread::spawn(move || {
            let mut piece = vec![0; 4096];
            while let Ok(len @ 1..) = from.read(&mut piece) {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                let room = SAID_BYTES.saturating_sub(kept.len());
                kept.extend_from_slice(&piece[..len.min(room)]);
            }
        });
        Ear { thread, said }
    }

    /// What was heard. A child of the program may hold the pipe for longer than the program lives; that is not waited for.
    fn said(self) -> String {
        let begun = Instant::now();
        while !self.thread.is_finished() && begun.elapsed() < LAST_WORDS {
            std::thread::sleep(PAUSE);
        }
        String::from_utf8_lossy(&self.said.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_program_that_says_more_than_a_pipe_holds_is_heard_to_its_end() {
        let long = "head -c 1000000 /dev/zero | tr '\\0' x >&2; echo done; exit 3";
        let said = heard(shell(long), Stream::Stderr, CHECK).unwrap_err();
        assert!(
            !said.is_empty() && said.len() <= SAID_BYTES && said.bytes().all(|byte| byte == b'x'),
            "{}",
            said.len()
        );
        assert_eq!(heard(shell("echo one; echo two >&2"), Stream::Stdout, CHECK).as_deref(), Ok("one\n"));
        assert_eq!(heard(shell("exit 3"), Stream::Stdout, CHECK).unwrap_err(), "exit status: 3");
    }

    #[test]
    fn what_does_not_end_is_ended_and_what_it_leaves_behind_is_not_waited_for() {
        let slow = heard(shell("exec sleep 600"), Stream::Stderr, Duration::from_secs(1));
        assert_eq!(slow.unwrap_err(), "it thinks for longer than 1 s");
        let begun = Instant::now();
        let said = heard(shell("sleep 60 & echo gone >&2; exit 3"), Stream::Stderr, CHECK);
        assert_eq!(said.unwrap_err(), "gone");
        assert!(begun.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn the_groups_are_those_of_the_unit_that_are_there() {
        let text = "root:x:0:\nvideo:x:44:spotter,other\nvideos:x:45:\nrender:x:105:\nvideo\n";
        assert_eq!(groups(text), ["44", "105"]);
        assert!(groups("").is_empty());
        let unit = include_str!("../../board/rootfs/usr/lib/systemd/system/spotter.service");
        assert!(unit.contains(&format!("\nSupplementaryGroups={}\n", GROUPS.join(" "))));
    }
}
