//! A slow disk and a clock that jumps, by a stand-in between the box and the C library.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::common::{c_compiler, until};
use super::receiver::{Manner, Part, Receiver, SECRET};
use super::rig::{Rig, TRAINS, program};
use super::slow::makes_sets_late_and_nothing_else;

const DAY_MS: i64 = 24 * 3_600_000;

/// The stand-in, compiled once for this program.
fn shim() -> &'static Path {
    static SHIM: OnceLock<PathBuf> = OnceLock::new();
    SHIM.get_or_init(|| {
        let shim = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("bad-machine-{}.so", std::process::id()));
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/bad_machine/shim.c");
        let mut cc = c_compiler();
        cc.args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"]).arg(&shim).arg(source);
        assert!(cc.status().expect("a compiler is installed").success());
        shim
    })
}

/// By how much the clock is wrong, and how long a write takes, milliseconds.
fn order(folder: &Path, clock_ms: i64, sync_ms: i64) {
    let file = std::fs::File::options().create(true).truncate(false).write(true).open(folder.join("orders"));
    let bytes = [clock_ms.to_ne_bytes(), sync_ms.to_ne_bytes()].concat();
    std::os::unix::fs::FileExt::write_all_at(&file.expect("there is room"), &bytes, 0).expect("there is room");
}

fn shimmed(config: &str) -> Rig {
    Rig::start_as(config, |folder, _| {
        order(folder, 0, 0);
        let mut command = program();
        command.env("LD_PRELOAD", shim()).env("SPOTTER_ORDERS", folder.join("orders"));
        command
    })
}

#[test]
fn a_disk_whose_writes_take_seconds_makes_sets_late_and_nothing_else() {
    let rig = shimmed(TRAINS);
    makes_sets_late_and_nothing_else(&rig, |is_slow| order(rig.folder.path(), 0, if is_slow { 2500 } else { 0 }));
}

/// So many sets, the oldest first, each as long as three curls take, none before the one before it was over.
fn in_order(rig: &Rig, count: usize) -> Vec<(i64, i64)> {
    let all = until("the set is in the log", || {
        let all = rig.sets();
        if all.len() >= count { Ok(all) } else { Err(rig.spotter.json("/api/v1/state").to_string()) }
    });
    let times: Vec<(i64, i64)> = all
        .iter()
        .map(|set| (set["started_ms"].as_i64().expect("a number"), set["ended_ms"].as_i64().expect("a number")))
        .collect();
    assert!(times.iter().all(|(from, to)| (5_000..15_000).contains(&(to - from))), "{times:?}");
    assert!(times.windows(2).all(|two| two[0].1 < two[1].0 && two[1].0 - two[0].1 < 60_000), "{times:?}");
    times
}

#[test]
fn a_clock_that_jumps_by_a_day_and_to_1970_takes_no_sets_order_nor_its_length() {
    let hook = Receiver::start(Part::Webhook(SECRET), |_| Manner::Well);
    let sink = format!("[[sink]]\nkind = \"webhook\"\nurl = \"{}\"\nsecret = \"{SECRET}\"\n", hook.url());
    let rig = shimmed(&format!("{TRAINS}{sink}"));
    let now_ms = || {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
        i64::try_from(since.as_millis()).expect("not so late")
    };
    rig.has_picture();
    rig.in_a_set();
    order(rig.folder.path(), DAY_MS, 0);
    rig.says("the clock was set by 86400.0 s");
    let tomorrow = in_order(&rig, 1)[0];
    assert!((now_ms() + DAY_MS - tomorrow.1).abs() < 60_000, "{tomorrow:?}");
    order(rig.folder.path(), 0, 0);
    rig.says("the clock was set by -86400.0 s");
    let today = in_order(&rig, 1)[0];
    assert!((tomorrow.0 - DAY_MS - today.0).abs() < 1_000, "{today:?} after {tomorrow:?}");
    rig.in_a_set();
    order(rig.folder.path(), -now_ms(), 0);
    rig.says("the clock shows 1970-01-01, which cannot be right; times are mended when it is set");
    rig.metric_is("spotter_clock_plausible ", |plausible| plausible == 0.0);
    let all = in_order(&rig, 2);
    assert!((now_ms() - all[1].1).abs() < 60_000, "by the clock before: {all:?}");
    until("sets are delivered whatever the clock shows", || {
        let got = hook.got();
        let taken = |id: i64| got.iter().any(|r| r.body["event"] == "set" && r.body["set"]["id"] == id && r.is_taken);
        if taken(1) && taken(2) { Ok(()) } else { Err(format!("{} requests\n{}", got.len(), rig.log())) }
    });
    order(rig.folder.path(), 0, 0);
    rig.says("the clock shows a time that can be right");
    rig.metric_is("spotter_clock_plausible ", |plausible| plausible == 1.0);
    assert_eq!(rig.spotter.metric("spotter_clock_steps_total "), 2.0, "1970 was no step");
    assert_eq!(in_order(&rig, 2)[..2], all[..2]);
    rig.has_picture();
    assert_eq!(hook.wrong(), Vec::<String>::new());
}
