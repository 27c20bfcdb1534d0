//! Memory: a control group of the kernel that gives the box no more, as the unit of the service has one.

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use super::common::{Parts, SpotterBox, request, until};
use super::group::Group;
use super::limits::status_of;
use super::rig::{Line, Rig, SHOWN, program};

const MIB: u64 = 1 << 20;

/// A camera whose pictures take some memory.
static LARGE: LazyLock<String> = LazyLock::new(|| SHOWN.replace("160x120", "1280x720"));

/// What the kernel calls them, in the older kind of groups and in the one hierarchy.
struct Memory(Group);

impl Memory {
    fn new() -> Option<Memory> {
        Group::new("memory", "memory").map(Memory)
    }

    /// What it may have, as its limit is read again; some of it may be in use that cannot be taken back at once.
    fn allow(&self, bytes: u64) -> u64 {
        let file = if self.0.is_old { "memory.limit_in_bytes" } else { "memory.max" };
        let _ = std::fs::write(self.0.folder.join(file), bytes.to_string());
        self.0.number(file, "")
    }

    /// What it may have before the kernel does something about it: slows it, where there is such a limit.
    fn allow_easily(&self, bytes: u64) -> u64 {
        if self.0.is_old {
            return self.allow(bytes);
        }
        self.0.write("memory.high", &bytes.to_string());
        self.0.number("memory.high", "")
    }

    /// Who is in it waits where he would be ended: the older kind knows no limit that only slows. Until there is more.
    fn spare_them(&self) {
        if self.0.is_old {
            self.0.write("memory.oom_control", "1");
        }
    }

    /// Whether somebody in it waits for memory.
    fn waits(&self) -> bool {
        self.0.is_old && self.0.number("memory.oom_control", "under_oom ") > 0
    }

    /// Bytes that the kernel cannot take back from those in it.
    fn used(&self) -> u64 {
        // The whole is read last: what more is kept of a file meanwhile makes this more, and not less.
        let spare = if self.0.is_old { 0 } else { self.0.number("memory.stat", "slab_reclaimable ") };
        let kept = self.0.number("memory.stat", "active_file ") + self.0.number("memory.stat", "inactive_file ");
        let used = self.0.number(if self.0.is_old { "memory.usage_in_bytes" } else { "memory.current" }, "");
        used.saturating_sub(spare + kept)
    }

    /// Those in it that the kernel ended for want of memory.
    fn killed(&self) -> u64 {
        self.0.number(if self.0.is_old { "memory.oom_control" } else { "memory.events" }, "oom_kill ")
    }

    fn command(&self) -> Command {
        let mut command = self.0.command();
        command.arg(env!("CARGO_BIN_EXE_spotter"));
        command
    }
}

#[test]
#[ignore = "wants the machine for itself, or the box waits for memory longer than a viewer does: make test-memory"]
fn memory_that_gets_short_is_said_and_told_and_pictures_and_the_log_go_on_until_there_is_more() {
    let Some(group) = Memory::new() else { return };
    let rig = Rig::start_as(&LARGE, |_, _| group.command());
    rig.has_picture();
    let text = rig.spotter.get("/metrics").text();
    assert!(!text.contains("spotter_memory_limit_bytes"), "there is no limit yet");
    group.spare_them();
    let mut most = u64::MAX;
    until("it says that memory is short", || {
        // The kernel counts in lots, and finds things to take back when it has to.
        if group.waits() {
            most = group.allow_easily(most + MIB / 4);
        } else if group.used() < most / 100 * 92 {
            most = group.allow_easily(group.used() / 94 * 100);
        }
        if rig.log().contains("memory is short: the box has ") {
            Ok(())
        } else {
            Err(format!("{} of {most}, {} ended", group.used(), group.killed()))
        }
    });
    // A little more, so that it need not wait, and less than it calls enough.
    most = group.allow_easily(most + most / 25);
    rig.metric_is("spotter_memory_limit_bytes ", |bytes| bytes == most as f64);
    rig.metric_is("spotter_memory_used_bytes ", |bytes| bytes > most as f64 * 0.8);
    let mut stream = Parts::open(rig.spotter.address, "/stream");
    let mut newest = 0;
    for _ in 0..30 {
        let id = stream.next_part().expect("pictures go on").frame_id;
        assert!(id > newest, "{id} after {newest}");
        newest = id;
    }
    let reply = request(rig.spotter.address, "PATCH", "/api/v1/thresholds", &[], br#"{"rep.smoothing_s":0.3}"#);
    assert_eq!(reply.status, 200, "{}", reply.text());
    group.allow_easily(4 * most);
    rig.says("there is memory enough again");
    assert_eq!((group.killed(), rig.spotter.get("/readyz").status), (0, 200));
    assert_eq!(rig.spotter.metric("spotter_source_opens_total{camera=\"rack\"}"), 1.0);
}

#[test]
fn a_box_that_the_kernel_ends_for_want_of_memory_has_its_log_when_it_starts_again() {
    let Some(group) = Memory::new() else { return };
    let mut rig = Rig::start_as(&LARGE, |_, _| group.command());
    rig.has_picture();
    let mut line = Line::open(&rig);
    assert_eq!(line.ask("PATCH", "/api/v1/thresholds", r#"{"rep.smoothing_s":0.3}"#).0, 200);
    // Above what cannot be taken back, with not much for the program itself.
    group.allow(group.used() + MIB);
    let mut asked = 0;
    let status = until("the kernel ends it", || {
        asked += 1;
        let _ =
            status_of(rig.spotter.address, &format!("/snapshot?q={}&w={}", 30 + asked % 60, 1280 - 64 * (asked % 12)));
        rig.spotter.child.try_wait().expect("it is our child").ok_or_else(|| format!("{asked} pictures\n{}", rig.log()))
    });
    assert_eq!((status.signal(), group.killed()), (Some(9), 1), "{status}\n{}", rig.log());
    println!("it was ended after {asked} pictures");
    let mut again = program();
    again.args(["run", "--listen", "127.0.0.1:0", "--config"]).arg(rig.folder.path().join("spotter.toml"));
    again.arg("--data-dir").arg(rig.folder.path().join("data")).stdout(Stdio::piped()).stderr(Stdio::null());
    let again = SpotterBox::of(again);
    until("what was set is kept", || match &again.json("/api/v1/thresholds")["rep.smoothing_s"] {
        kept if *kept == 0.3 => Ok(()),
        kept => Err(kept.to_string()),
    });
}

/// With huge pages for all, as Debian has them, a box of 53 MB had 156 after two minutes.
#[test]
fn memory_of_which_the_box_has_one_page_is_not_made_two_megabytes_by_the_kernel() {
    let rig = Rig::start(SHOWN);
    rig.has_picture();
    let status = std::fs::read_to_string(format!("/proc/{}/status", rig.pid())).expect("it runs");
    match status.lines().find_map(|line| line.strip_prefix("THP_enabled:")) {
        Some(may) => assert_eq!(may.trim(), "0", "{status}"),
        None => println!("not run: the kernel does not tell of huge pages"),
    }
}
