//! Who holds a device: the process that has it open, found the way `fuser` finds it.

use std::os::unix::fs::MetadataExt;

/// The program and process id that hold the device of this number, or "another program" where it cannot be seen
/// (another user's processes show their files only to root).
pub(super) fn holder(device_number: u64) -> String {
    // Number 0 is what every ordinary file has.
    if device_number == 0 {
        return "another program".into();
    }
    let own = std::process::id();
    let descriptors = |pid: u32| {
        let files = std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        files.filter(|fd| std::fs::metadata(fd.path()).is_ok_and(|m| m.rdev() == device_number)).count()
    };
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    // Our own descriptor, on which the refusal came, does not count; a second one is another camera of ours.
    let found = pids.filter(|pid| *pid != own).find(|pid| descriptors(*pid) > 0);
    match found.or((descriptors(own) > 1).then_some(own)) {
        Some(pid) => {
            let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
            format!("{} (process {pid})", name.trim_end())
        }
        None => "another program".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_that_has_a_device_open_is_named() {
        // A terminal of our own stands for a camera: a character device that nobody else has.
        let terminal = std::fs::OpenOptions::new().read(true).write(true).open("/dev/ptmx").unwrap();
        let number = terminal.metadata().unwrap().rdev();
        let child = std::process::Command::new("sleep").arg("60").stdin(terminal).spawn();
        let mut child = child.unwrap();
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
        let want = format!("(process {})", child.id());
        while !holder(number).contains(&want) && std::time::Instant::now() < deadline {
            std::thread::yield_now();
        }
        let seen = holder(number);
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(seen.contains(&want), "{seen}");
    }

    #[test]
    fn a_device_that_nobody_holds_has_no_name() {
        assert_eq!(holder(u64::MAX), "another program");
        assert_eq!(holder(0), "another program");
    }
}
