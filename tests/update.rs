//! The update, on a system of its own: the real `spotter-update`, the real program as both versions, real releases made by
//! `board/spot.sh` and minisign. Only systemd is a stand-in. Whatever goes wrong, the box runs one of its versions.

mod common;
#[path = "update/rig.rs"]
mod rig;
#[path = "common/small_disk.rs"]
mod small_disk;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Instant, SystemTime};

use common::until;
use rig::{BASE, OWN_BOARD, Rig, ended, next, sh};
use small_disk::{INSIDE, on_a_small_disk};

const ARCH: &str = std::env::consts::ARCH;

fn text(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

/// `file` with the bytes of `from`, once in it, replaced.
fn changed(file: &Path, name: &str, change: impl Fn(&mut Vec<u8>)) -> PathBuf {
    let mut bytes = std::fs::read(file).expect("it was just made");
    change(&mut bytes);
    let to = file.with_file_name(name);
    std::fs::write(&to, bytes).expect("writable");
    to
}

#[test]
fn a_good_release_is_installed_beside_the_others_and_two_are_kept() {
    let rig = Rig::new();
    assert_eq!(rig.runs(), BASE);
    let first = rig.release("2.0.0");
    let outcome = rig.update(&[text(&first)]);
    assert_eq!(outcome.code, 0, "{}", outcome.said);
    let said = "spotter-update: 2.0.0 is in its place and is tried\nspotter-update: 2.0.0 runs; live cameras: 1\n";
    assert_eq!(outcome.said, said);
    assert_eq!(rig.runs(), "2.0.0");
    rig.until_picture();
    rig.refused(&[text(&first)], "2.0.0 is what runs already");

    // It outlives a restart of the machine.
    rig.cut_power();
    rig.boot();
    assert_eq!(rig.runs(), "2.0.0");

    // Of three, two are kept.
    rig.updated(&rig.release("2.1.0"), &[]);
    rig.updated(&rig.release("2.2.0"), &[]);
    let folders = sh("cd \"$1\" && ls -d */", &[&rig.at("var/lib/spotter-versions")]);
    assert_eq!(folders, "2.1.0/\n2.2.0/");

    // Back, and back again; an older one only when it is said.
    assert_eq!(rig.update(&["--back"]).code, 0);
    assert_eq!(rig.runs(), "2.1.0");
    rig.refused(&[text(&first)], "2.0.0 is older than 2.1.0, which runs; --allow-older takes it all the same");
    rig.updated(&first, &["--allow-older"]);
    assert_eq!(rig.runs(), "2.0.0");
}

#[test]
fn what_is_not_for_this_box_changes_nothing() {
    let rig = Rig::new();
    let stage = rig.stage("2.0.0", "exit 0");
    let good = rig.pack(&stage, "2.0.0", ARCH, "any", "ours");
    let says = |arguments: &[&str], sentence: &str| rig.refused(arguments, &format!("{} {sentence}", arguments[0]));

    let strange = rig.pack(&stage, "2.0.0", ARCH, "any", "theirs");
    says(&[text(&strange)], "is not signed by a key that this box trusts");
    let damaged = "is damaged, or was changed after it was signed";
    let last = changed(&good, "last.spot", |bytes| *bytes.last_mut().expect("it has bytes") ^= 1);
    says(&[text(&last)], damaged);
    let cut = changed(&good, "cut.spot", |bytes| bytes.truncate(bytes.len() - 1));
    says(&[text(&cut)], damaged);
    let longer = changed(&good, "longer.spot", |bytes| bytes.push(0));
    says(&[text(&longer)], damaged);
    // The label is signed, too.
    let label = changed(&good, "label.spot", |bytes| {
        let at = bytes.windows(5).position(|w| w == b"2.0.0").expect("its version");
        bytes[at] = b'3';
    });
    says(&[text(&label)], damaged);
    let other = changed(&good, "other.spot", |bytes| bytes[0] = b'S');
    says(&[text(&other)], "is no update for spotter");
    says(&["/dev/null"], "is no update for spotter");

    let processor = rig.pack(&stage, "2.0.0", "mips", "any", "ours");
    says(&[text(&processor)], &format!("is for mips processors, and this box has {ARCH}"));
    let board = rig.pack(&stage, "2.0.0", ARCH, "maker,other", "ours");
    says(&[text(&board)], "is for the board maker,other, and this box is maker,carrier+module or maker,module");
    let older = rig.pack(&stage, "0.0.9", ARCH, "any", "ours");
    let sentence = format!("0.0.9 is older than {BASE}, which runs; --allow-older takes it all the same");
    rig.refused(&[text(&older)], &sentence);
    let same = rig.pack(&stage, BASE, ARCH, "any", "ours");
    rig.refused(&[text(&same)], &format!("{BASE} is what runs already"));
    rig.refused(&["--back"], "there is no version to go back to");

    // Signed, and still none.
    std::fs::write(stage.join("more"), [0; 1 << 20]).expect("writable");
    let large = rig.pack(&stage, "2.0.1", ARCH, "any", "ours");
    says(&[text(&large), "--most-mib", "1"], "is larger than the 1 MiB that an update may have");
    std::fs::remove_file(stage.join("more")).expect("it is ours");
    std::os::unix::fs::symlink("/etc/shadow", stage.join("link")).expect("writable");
    let link = rig.pack(&stage, "2.0.1", ARCH, "any", "ours");
    says(&[text(&link)], "holds ./link, which no update may: it is no file and no folder");
    std::fs::remove_dir_all(stage.join("bin")).expect("it is ours");
    rig.write("stage-2.0.0/bin/spotter", "no program");
    let without = Command::new(format!("{}/board/spot.sh", env!("CARGO_MANIFEST_DIR")))
        .args(["pack", text(&stage), "2.0.2", ARCH])
        .output()
        .expect("bash is there");
    assert!(String::from_utf8_lossy(&without.stderr).starts_with("there is no program"), "and none is packed");
}

#[test]
fn the_limit_of_a_release_is_a_limit_to_the_byte() {
    let rig = Rig::new();
    let stage = rig.stage("2.0.0", "[ \"$1\" = check ] && exit 1; exit 2");
    let program = std::fs::metadata(stage.join("bin/spotter")).expect("it was just made").len() as usize;
    let filled = |more: usize| {
        std::fs::write(stage.join("filler"), vec![0; (1 << 20) - program + more]).expect("writable");
        rig.pack(&stage, "2.0.0", ARCH, "any", "ours")
    };
    // One that fits is looked at, and this one says no by itself.
    rig.refused(&[text(&filled(0)), "--most-mib", "1"], "2.0.0 does not start on this box: exit status: 1");
    let larger = filled(1);
    let sentence = format!("{} is larger than the 1 MiB that an update may have", larger.display());
    rig.refused(&[text(&larger), "--most-mib", "1"], &sentence);
}

#[test]
fn a_release_for_this_board_is_taken() {
    let rig = Rig::new();
    let release = rig.release("2.0.0");
    assert!(release.exists());
    let stage = rig.at("stage-2.0.0");
    rig.updated(&rig.pack(&stage, "2.0.0", ARCH, OWN_BOARD, "ours"), &[]);
    assert_eq!(rig.runs(), "2.0.0");
}

#[test]
fn keys_are_those_of_a_file_that_is_roots_alone() {
    let rig = Rig::new();
    let release = rig.script("2.0.0", "exit 0");
    let (keys, file) = (rig.at("etc/spotter/update.pub"), text(&release));
    let named = text(&keys);
    sh("chmod g+w \"$1\"", &[&keys]);
    rig.refused(&[file], &format!("{named} must belong to root, and nobody else may write to it"));
    sh("chmod g-w \"$1\"; echo RWQx >>\"$1\"", &[&keys]);
    rig.refused(&[file], &format!("{named} is no list of minisign's public keys"));
    std::fs::remove_file(&keys).expect("it is ours");
    rig.refused(&[file], &format!("there is no key of a release in {named}, so no update can be trusted"));
    sh("mkdir -p \"$1\" && chmod o+w \"$1\"", &[&rig.at("var/lib/spotter-versions")]);
    let folder = rig.at("var/lib/spotter-versions");
    rig.refused(&[file], &format!("{} must belong to root, and nobody else may write to it", folder.display()));
}

#[test]
fn only_root_may_and_one_at_a_time() {
    let rig = Rig::new();
    let release = rig.script("2.0.0", "exit 0");
    // Where somebody else can reach it.
    let updater = rig.at("updater");
    std::fs::copy(env!("CARGO_BIN_EXE_spotter-update"), &updater).expect("there is room");
    sh("chmod 755 \"$1\" \"${1%/*}\"", &[&updater]);
    let mut words = vec![text(&updater), text(&release)];
    if rustix::process::geteuid().is_root() {
        words.splice(0..0, ["setpriv", "--reuid=65534", "--clear-groups"]);
    }
    let out = Command::new(words[0]).args(&words[1..]).output().expect("setpriv is part of util-linux");
    assert_eq!(String::from_utf8_lossy(&out.stderr), "spotter-update: an update wants root: sudo spotter-update\n");
    assert_eq!(out.status.code(), Some(1));

    let folder = rig.at("var/lib/spotter-versions");
    std::fs::create_dir_all(&folder).expect("writable");
    sh("chmod 755 \"$1\"", &[&folder]);
    let lock = std::fs::File::create(folder.join("lock")).expect("writable");
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).expect("nobody else has it");
    rig.refused(&[text(&release)], "another spotter-update is at work");
}

#[test]
fn a_version_that_does_not_start_or_stay_or_see_is_taken_back() {
    let rig = Rig::new();
    let failed = |version: &str, script: &str, wait_s: &str, reason: &str| {
        let release = rig.script(version, script);
        let outcome = rig.update(&[text(&release), "--wait-s", wait_s]);
        let last = outcome.said.lines().last().expect("it says something").to_string();
        assert_eq!((outcome.code, last), (1, format!("spotter-update: {reason}")), "{}", rig.log());
        rig.until_ready();
        assert_eq!(rig.runs(), BASE);
        assert!(!rig.at(&format!("var/lib/spotter-versions/{version}")).exists(), "it is not kept");
    };
    let back = |version: &str, why: &str| format!("{version} was taken back and {BASE} runs again: {why}");
    let check = "[ \"$1\" = check ] && exit 0";
    failed("2.0.0", "echo no such library >&2; exit 127", "60", "2.0.0 does not start on this box: no such library");
    failed("2.0.1", &format!("{check}; exit 1"), "60", &back("2.0.1", "it ended 3 times"));
    failed("2.0.2", &format!("{check}; exit 2"), "60", &back("2.0.2", "it ended and was not started again"));
    failed("2.0.3", &format!("{check}; exec sleep 600"), "5", &back("2.0.3", "it was not ready after 5 s"));
    let by_itself = back("2.0.5", "it ended and was not started again");
    failed("2.0.5", &format!("{check}; exit 0"), "60", &by_itself);
    // The real program, with a camera that is not there.
    let config = std::fs::read_to_string(rig.at("etc/spotter/spotter.toml")).expect("it was just made");
    rig.write("blind.toml", &config.replace("demo:squat?size=160x120&fps=10", "v4l2:/dev/no-such-camera"));
    let blind = format!("exec {0}/usr/bin/spotter \"$1\" --config {0}/blind.toml", rig.at("").display());
    let reason = "live cameras: 0 after 20 s, 1 before";
    failed("2.0.4", &blind, "20", &back("2.0.4", reason));
    let status = String::from_utf8(rig.begin(&[Path::new("--status")]).wait_with_output().expect("it ends").stdout);
    let want = format!("{BASE} runs\n{BASE} is the package's\nthe last update: {}\n", back("2.0.4", reason));
    assert_eq!(status.expect("text"), want);
}

#[test]
fn a_version_that_is_well_for_a_moment_only_is_taken_back() {
    let rig = Rig::new();
    let real = format!("{0}/usr/bin/spotter \"$@\"", rig.at("").display());
    let failed = |version: &str, script: &str, wait_s: &str, why: &str| {
        let release = rig.script(version, &format!("[ \"$1\" = check ] && exit 0; {script}"));
        let outcome = rig.update(&[text(&release), "--settle-s", "60", "--wait-s", wait_s]);
        let sentence = format!("{version} was taken back and {BASE} runs again: {why}\n");
        assert!(outcome.code == 1 && outcome.said.ends_with(&sentence), "{}{}", outcome.said, rig.log());
    };
    let killed = |after_s: u32| format!("timeout --foreground -s KILL {after_s} {real}; exit 1");
    failed("2.0.0", &killed(5), "600", "it ended 3 times");
    // It is seen to be well, and hangs when it is started again.
    let mark = rig.at("mark");
    let once = format!("[ -e {0} ] && exec sleep 600; touch {0}; {1}", mark.display(), killed(20));
    failed("2.0.1", &once, "30", "it was well at times, but never for 60 s without a break");
    rig.until_ready();
    assert_eq!(rig.runs(), BASE);
}

#[test]
fn a_box_whose_cameras_cannot_be_counted_is_not_updated() {
    let rig = Rig::new();
    let release = rig.script("2.0.0", "exit 0");
    rig.write("etc/spotter/key", "SPOTTER_API_KEY=another\n");
    let config = rig.at("etc/spotter/spotter.toml");
    let why = format!("the box answers 401 to the key of {}, so its live cameras cannot be counted", config.display());
    rig.refused(&[text(&release)], &why);
}

#[test]
fn a_new_version_is_tried_as_the_service_and_in_its_folder() {
    let rig = Rig::new();
    let data = rig.at("var/lib/spotter");
    let say = "[ \"$1\" = check ] && { echo \"$(id -u) $(id -G) $PWD\" >&2; exit 1; }";
    let release = rig.script("2.0.0", say);
    let refused = |says: &str| {
        rig.refused(&[text(&release)], &format!("2.0.0 does not start on this box: {says}"));
    };
    // What belongs to root is tried as root, away from the folder of whoever asks.
    let own = sh("id -u; id -G", &[]).replace('\n', " ");
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        // Root of a namespace has nobody else there.
        let groups = sh("unshare -r id -G", &[]);
        return refused(&format!("0 {groups} /"));
    }
    refused(&format!("{own} /"));
    rig.write("etc/group", "root:x:0:\nvideo:x:44:\n");
    sh("chmod 755 \"$2\"; chown 65534:65533 \"$1\"", &[&data, &rig.at("")]);
    refused(&format!("65534 65533 44 {}", data.display()));
    std::fs::remove_file(rig.at("etc/group")).expect("it is ours");
    refused(&format!("65534 65533 {}", data.display()));
}

#[test]
fn a_program_that_is_another_version_than_its_label_is_no_update() {
    let rig = Rig::new();
    let stage = rig.stage("2.0.0", "exit 0");
    let release = rig.pack(&stage, "2.0.1", ARCH, "any", "ours");
    let why = "its label says 2.0.1, its program 2.0.0";
    rig.refused(&[text(&release)], &format!("what was signed of {} is no update: {why}", text(&release)));
    // What the real program answers.
    std::fs::copy(rig.at("usr/bin/spotter"), stage.join("bin/spotter")).expect("there is room");
    let release = rig.pack(&stage, "2.0.1", ARCH, "any", "ours");
    let why = format!("its label says 2.0.1, its program {BASE}");
    rig.refused(&[text(&release)], &format!("what was signed of {} is no update: {why}", text(&release)));
}

/// An update on trial whose version hangs.
fn hanging(rig: &Rig) -> std::process::Child {
    let release = rig.script("2.0.0", "[ \"$1\" = check ] && exit 0; exec sleep 600");
    let child = rig.begin(&[&release]);
    until("it is on trial", || {
        let chosen = std::fs::read_to_string(rig.at("run/spotter/program")).unwrap_or_default();
        if chosen.ends_with("2.0.0/bin/spotter") { Ok(()) } else { Err(chosen) }
    });
    child
}

#[test]
fn an_update_that_is_interrupted_is_taken_back() {
    let rig = Rig::new();
    let child = hanging(&rig);
    common::kill(child.id(), "HUP");
    let outcome = ended(child);
    let sentence = format!("2.0.0 was taken back and {BASE} runs again: the update was interrupted\n");
    assert!(outcome.code == 1 && outcome.said.ends_with(&sentence), "{}", outcome.said);
    rig.until_ready();
    assert_eq!(rig.runs(), BASE);
}

#[test]
fn a_trial_whose_updater_is_killed_is_taken_back() {
    let rig = Rig::new();
    let mut child = hanging(&rig);
    child.kill().expect("it runs");
    child.wait().expect("it is our child");
    rig.until_ready();
    assert_eq!(rig.runs(), BASE);
    let told = format!("2.0.0 was taken back and {BASE} runs again: the update was interrupted");
    until("it is told", || {
        let state = std::fs::read_to_string(rig.at("var/lib/spotter-versions/state.json")).unwrap_or_default();
        if state.contains(&told) { Ok(()) } else { Err(state) }
    });
    rig.updated(&rig.release("2.1.0"), &[]);
    assert_eq!(rig.runs(), "2.1.0");
}

#[test]
fn a_trial_that_nobody_guards_ends_with_the_next_update() {
    let rig = Rig::new();
    let mut child = hanging(&rig);
    rig.kill_guard();
    child.kill().expect("it runs");
    child.wait().expect("it is our child");
    let release = rig.release("2.1.0");
    let outcome = rig.update(&[text(&release)]);
    assert_eq!(outcome.code, 0, "{}", outcome.said);
    let first = format!("spotter-update: 2.0.0 was taken back and {BASE} runs again: the update was interrupted\n");
    assert!(outcome.said.starts_with(&first), "{}", outcome.said);
    assert_eq!(rig.runs(), "2.1.0");
}

// ---- A full disk ----

/// A box whose folder of versions is the small disk, and that folder.
fn on_the_disk() -> Option<(Rig, PathBuf)> {
    let disk = PathBuf::from(std::env::var_os(INSIDE)?);
    let rig = Rig::stopped(tempfile::tempdir().expect("there is room"));
    let versions = rig.at("var/lib/spotter-versions");
    sh("mkdir -p \"$1\" && mount --bind \"$2\" \"$1\"", &[&versions, &disk]);
    rig.boot();
    Some((rig, versions))
}

fn remount(disk: &Path, options: &str) {
    // Else mount repeats the owner, by a number that a user namespace does not know.
    sh(&format!("mount --options-mode ignore -o remount,{options} \"$1\""), &[disk]);
}

#[test]
fn a_disk_without_room_is_seen_before_anything_is_written() {
    let Some((rig, versions)) = on_the_disk() else {
        return on_a_small_disk(
            "a_disk_without_room_is_seen_before_anything_is_written",
            "size=17m,nr_inodes=1000,mode=755",
        );
    };
    let release = rig.release("2.0.0");
    let packed = std::fs::metadata(&release).expect("it was just made").len().div_ceil(1 << 20) + 16;
    let disk = format!("the disk of {}/incoming", versions.display());
    rig.refused(
        &[text(&release)],
        &format!("{disk} has 17 MiB free, and the update wants {packed}; nothing was changed"),
    );
    // The copy fits, what is in it does not.
    remount(&versions, &format!("size={}m", packed + 1));
    let outcome = rig.update(&[text(&release)]);
    assert!(outcome.code == 1 && outcome.said.contains("MiB free, and the update wants"), "{}", outcome.said);
    remount(&versions, "size=500m");
    rig.updated(&release, &[]);
    assert_eq!(rig.runs(), "2.0.0");
    sh("umount \"$1\" || umount -l \"$1\"", &[&versions]);
}

#[test]
fn a_disk_that_fills_up_in_the_middle_leaves_everything_as_it_was() {
    // There is room for bytes and none for a seventh file: the kernel says that the disk is full in the middle of unpacking.
    let Some((rig, versions)) = on_the_disk() else {
        return on_a_small_disk(
            "a_disk_that_fills_up_in_the_middle_leaves_everything_as_it_was",
            "size=500m,nr_inodes=6,mode=755",
        );
    };
    let release = rig.release("2.0.0");
    rig.refused(
        &[text(&release)],
        &format!("the disk of {}/incoming/new/bin/real is full; nothing was changed", versions.display()),
    );
    // Unpacked, and then there is no room for the count of its start.
    remount(&versions, "nr_inodes=8");
    let outcome = rig.update(&[text(&release)]);
    let why = "its start could not be counted on the disk, so it was not started";
    let said = format!("2.0.0 was taken back and {BASE} runs again: {why}\n");
    assert!(outcome.code == 1 && outcome.said.ends_with(&said), "{}", outcome.said);
    assert_eq!(rig.runs(), BASE);
    remount(&versions, "nr_inodes=1000");
    rig.updated(&release, &[]);
    assert_eq!(rig.runs(), "2.0.0");
    sh("umount \"$1\" || umount -l \"$1\"", &[&versions]);
}

// ---- Killed ----

fn from_environment(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().expect("a number"))
}

/// Where an update was when the power was cut, by what it had done.
fn step(rig: &Rig, before: &str) -> &'static str {
    let versions = rig.at("var/lib/spotter-versions");
    let state = std::fs::read_to_string(versions.join("state.json")).unwrap_or_default();
    match () {
        () if state.contains("\"starts_left\"") => "on trial",
        () if versions.join("incoming/new").exists() => "unpacking",
        () if versions.join("incoming").exists() => "copying or clearing away",
        () if !state.contains(&format!("\"runs\": \"{before}\"")) => "installed",
        () => "before or between",
    }
}

#[test]
fn killed_at_thirty_random_moments_the_box_runs_one_of_its_two_versions() {
    let kills = from_environment("SPOTTER_KILLS", 30);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("it is later than 1970").as_nanos();
    let mut seed = from_environment("SPOTTER_SEED", now as u64);
    println!("SPOTTER_SEED={seed}");
    let rig = Rig::new();
    let releases = [rig.release("2.0.0"), rig.release("2.1.0")];
    let versions = ["2.0.0", "2.1.0"];
    rig.updated(&releases[0], &[]);
    let begun = Instant::now();
    rig.updated(&releases[1], &[]);
    let whole = begun.elapsed();
    println!("a whole update takes {whole:?}");
    let (mut steps, mut new) = (std::collections::BTreeMap::<&str, u32>::new(), 0);
    for kill in 0..kills {
        let before = rig.runs();
        let other = usize::from(before == versions[0]);
        let updater = rig.begin(&[&releases[other], Path::new("--allow-older")]);
        // One moment in each of as many slices, so that they are random and yet spread over the whole.
        let within = (next(&mut seed) >> 11) as f64 / (1u64 << 53) as f64;
        let moment = whole.mul_f64(1.1 * (kill as f64 + within) / kills as f64);
        let begun = Instant::now();
        std::thread::sleep(moment.saturating_sub(begun.elapsed()));
        rig.cut_power();
        ended(updater);
        let at = step(&rig, &before);
        *steps.entry(at).or_default() += 1;
        rig.boot();
        let runs = rig.runs();
        println!("kill {kill:2} after {moment:>12?}, {at}: {before} before, {runs} after");
        assert!(versions.contains(&runs.as_str()), "{runs}");
        assert!(at != "on trial" || runs == before, "a trial does not outlive its boot");
        new += u32::from(runs != before);
        // It is whole, and the next update goes well.
        let program = rig.at(&format!("var/lib/spotter-versions/{runs}/bin/real"));
        sh("cmp \"$1\" \"$2\"", &[&program, &rig.at("usr/bin/spotter")]);
        let other = usize::from(runs == versions[0]);
        rig.updated(&releases[other], &["--allow-older"]);
        assert_eq!(rig.runs(), versions[other]);
        rig.until_picture();
    }
    println!("{kills} power cuts: {steps:?}; {new} times the new version ran");
    assert!(steps.len() >= 3 || kills < 30, "the moments are spread over the steps: {steps:?}");
}
