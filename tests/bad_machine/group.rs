//! A control group of the kernel, with a box in it.
//!
//! It is made below the tests' own where its part of the machine has a hierarchy for itself (cgroup v1), and below the root of the
//! one hierarchy else (v2). Where neither can be, it is said.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::rig::is_root;

pub struct Group {
    pub folder: PathBuf,
    /// Whether it is of the older kind.
    pub is_old: bool,
}

impl Group {
    /// One that nobody is in, over what the older kind and the one hierarchy call so; nothing, said, where the kernel gives none.
    pub fn new(old: &str, new: &str) -> Option<Group> {
        static MADE: AtomicU32 = AtomicU32::new(0);
        if !is_root("a control group") {
            return None;
        }
        let name = format!("spotter-test-{}-{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        let own = std::fs::read_to_string("/proc/self/cgroup").expect("it is procfs");
        let path = own.lines().find_map(|line| line.split_once(&format!(":{old}:")));
        let root = Path::new("/sys/fs/cgroup");
        let folder = match path {
            Some((_, path)) => root.join(old).join(path.trim_start_matches('/')).join(name),
            None => {
                // What a group has written into files is put down to it where it has a say over memory, too.
                for controller in ["memory", new] {
                    let _ = std::fs::write(root.join("cgroup.subtree_control"), format!("+{controller}"));
                }
                root.join(name)
            }
        };
        if let Err(why) = std::fs::create_dir(&folder) {
            println!("not run: {}: {why}", folder.display());
            return None;
        }
        let group = Group { folder, is_old: path.is_some() };
        let controllers = std::fs::read_to_string(group.folder.join("cgroup.controllers")).unwrap_or_default();
        let has = |wanted: &str| controllers.split_whitespace().any(|name| name == wanted);
        if let Some(wanted) = ["memory", new].into_iter().find(|wanted| !group.is_old && !has(wanted)) {
            println!("not run: the kernel gives a group no say over {wanted}");
            return None;
        }
        Some(group)
    }

    pub fn write(&self, file: &str, text: &str) {
        let file = self.folder.join(file);
        std::fs::write(&file, text).unwrap_or_else(|why| panic!("{text} into {}: {why}", file.display()));
    }

    /// The number behind `key` in one of its files.
    pub fn number(&self, file: &str, key: &str) -> u64 {
        let text = std::fs::read_to_string(self.folder.join(file)).expect("the kernel tells");
        let line = text.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_else(|| panic!("{file}: {text}"));
        line.trim().parse().expect("a number")
    }

    /// What puts itself into it and becomes what it is told.
    pub fn command(&self) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", "echo $$ > \"$0/cgroup.procs\" && exec \"$@\""]).arg(&self.folder);
        command
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Who has ended is in it until its parent has heard of it.
        let begun = Instant::now();
        while std::fs::remove_dir(&self.folder).is_err() && begun.elapsed() < Duration::from_secs(10) {
            std::thread::yield_now();
        }
    }
}
