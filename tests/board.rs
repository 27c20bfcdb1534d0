//! What turns the program into a box, held together: the overlay, the package's list, the units, the scripts.
//!
//! Nothing here needs a board or root. What a box does when it boots is shown by tests/image/run.sh.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const SPOTTER: &str = env!("CARGO_BIN_EXE_spotter");
const UNITS: &str = "board/rootfs/usr/lib/systemd/system";
const UNITS_AT: &str = "usr/lib/systemd/system";
const CARGO: &str = include_str!("../Cargo.toml");
/// systemd's own measure of what a service could do if it were taken over, 0 to 10, in tenths.
const MOST_EXPOSED: f64 = 4.0;

/// Runs a program that .ci/setup.sh installs; its absence is a fault, not a reason to look away.
fn run(program: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(ROOT).stdin(Stdio::null());
    command.output().unwrap_or_else(|why| panic!("{program}: {why}; .ci/setup.sh test installs it"))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The files below `folder`, as paths from there.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(&next).expect("the overlay is there").flatten() {
            if entry.path().is_dir() { open.push(entry.path()) } else { found.push(entry.path()) }
        }
    }
    found.into_iter().map(|path| path.strip_prefix(folder).expect("it is below").to_path_buf()).collect()
}

/// The assets of the package, units among them: source and where it goes.
fn assets() -> Vec<(String, String)> {
    let table: toml::Table = CARGO.parse().expect("Cargo.toml is TOML");
    let list = table["package"]["metadata"]["deb"]["assets"].as_array().expect("a list").clone();
    let part = |asset: &toml::Value, n: usize| asset[n].as_str().expect("a text").to_string();
    let units = units_named().into_iter().map(|unit| (format!("{UNITS}/{unit}.service"), UNITS_AT.to_string()));
    list.iter().map(|asset| (part(asset, 0), part(asset, 1))).chain(units).collect()
}

/// The units that the package holds and enables.
fn units_named() -> BTreeSet<String> {
    let table: toml::Table = CARGO.parse().expect("Cargo.toml is TOML");
    let list = table["package"]["metadata"]["deb"]["systemd-units"].as_array().expect("a list").clone();
    list.iter()
        .map(|unit| {
            assert_eq!(unit["unit-scripts"].as_str(), Some(UNITS), "where a unit of the package is");
            unit["unit-name"].as_str().expect("a name").to_string()
        })
        .collect()
}

/// Whether the package holds `file` of the overlay at its own place.
fn is_packed(file: &Path, assets: &[(String, String)]) -> bool {
    let (source, folder) = (Path::new("board/rootfs").join(file), file.parent().expect("it is in a folder"));
    assets.iter().any(|(from, to)| {
        let matches = match from.strip_suffix("/*") {
            Some(parent) => source.parent() == Some(Path::new(parent)),
            None => source == Path::new(from),
        };
        matches && Path::new(to) == folder
    })
}

#[test]
fn every_file_of_the_overlay_is_in_the_package_at_its_own_place() {
    let (all, assets) = (files(&Path::new(ROOT).join("board/rootfs")), assets());
    assert!(all.len() >= 10, "{all:?}");
    let missing: Vec<&PathBuf> = all.iter().filter(|file| !is_packed(file, &assets)).collect();
    assert!(missing.is_empty(), "not in [package.metadata.deb] of Cargo.toml: {missing:?}");
    assert!(!is_packed(Path::new("etc/elsewhere/file"), &assets), "what is in no list is missed");
}

#[test]
fn every_source_of_the_package_is_there_and_every_unit_is_named() {
    for (from, _) in assets().iter().filter(|(from, _)| !from.starts_with("target/")) {
        let path = Path::new(ROOT).join(from.trim_end_matches('*'));
        assert!(path.exists(), "Cargo.toml packs {from}, which is not there");
    }
    let units: BTreeSet<String> = files(&Path::new(ROOT).join(UNITS))
        .iter()
        .map(|file| file.file_stem().expect("a name").to_string_lossy().into_owned())
        .collect();
    assert_eq!(units, units_named(), "units of the overlay against those that are enabled");
}

/// The units with the programs where they are in this tree, so that systemd can look at them.
fn units_here(folder: &Path) -> Vec<String> {
    let mut written = Vec::new();
    for unit in files(&Path::new(ROOT).join(UNITS)) {
        let text = std::fs::read_to_string(Path::new(ROOT).join(UNITS).join(&unit)).expect("a unit is text");
        let text =
            text.replace("/usr/bin/spotter", SPOTTER).replace("=/usr/lib/", &format!("={ROOT}/board/rootfs/usr/lib/"));
        std::fs::write(folder.join(&unit), text).expect("the test folder is writable");
        written.push(folder.join(&unit).to_str().expect("a plain path").to_string());
    }
    written
}

#[test]
fn systemd_finds_no_fault_in_the_units() {
    let folder = tempfile::tempdir().expect("there is room");
    let units = units_here(folder.path());
    let verify = |units: &[String]| {
        let mut arguments = vec!["verify", "--man=no"];
        arguments.extend(units.iter().map(String::as_str));
        let out = run("systemd-analyze", &arguments);
        // It looks at everything that these units name as well; what it finds there is not ours.
        let said = text(&out.stderr);
        said.lines().filter(|line| line.contains("spotter")).map(String::from).collect::<Vec<_>>()
    };
    assert_eq!(verify(&units), Vec::<String>::new());
    let wrong = folder.path().join("spotter-wrong.service");
    std::fs::write(&wrong, "[Service]\nExecStart=/bin/true\nRestarts=always\n").expect("writable");
    assert_ne!(verify(&[wrong.to_str().expect("a plain path").into()]), Vec::<String>::new(), "it can find faults");
}

#[test]
fn the_service_has_few_rights() {
    let unit = format!("{ROOT}/{UNITS}/spotter.service");
    let out = run("systemd-analyze", &["security", "--offline=true", "--no-pager", &unit]);
    let said = text(&out.stdout);
    let level = said.lines().last().and_then(|line| line.split_once("spotter.service: "));
    let level: f64 =
        level.and_then(|(_, rest)| rest.split(' ').next()?.parse().ok()).unwrap_or_else(|| panic!("{said}"));
    assert!(level <= MOST_EXPOSED, "{said}");
    // What it still has must be explained in the unit, by the name that systemd gives it.
    let comments = std::fs::read_to_string(&unit).expect("a unit is text");
    for line in said.lines().filter(|line| line.starts_with('✗')) {
        let name = line.trim_start_matches('✗').split_whitespace().next().expect("a name");
        let name = name.split('=').next().expect("a name");
        assert!(comments.contains(name), "spotter.service does not say why it keeps {name}");
    }
}

#[test]
fn the_boxs_config_is_right_before_and_after_make_box() {
    let root = tempfile::tempdir().expect("there is room");
    let at = |path: &str| root.path().join(path);
    for file in files(&Path::new(ROOT).join("board/rootfs")) {
        let to = at(file.to_str().expect("a plain path"));
        std::fs::create_dir_all(to.parent().expect("a folder")).expect("writable");
        std::fs::copy(Path::new(ROOT).join("board/rootfs").join(&file), to).expect("writable");
    }
    std::fs::write(at("etc/fstab"), "LABEL=SPOTTER-ROOT / ext4 rw 0 1\n").expect("writable");
    let config = at("etc/spotter/spotter.toml");
    let check = |key: Option<&str>| {
        let mut command = Command::new(SPOTTER);
        command.args(["check", "--config", config.to_str().expect("a plain path")]).env_remove("SPOTTER_API_KEY");
        command.env("RUST_LOG", "warn").envs(key.map(|key| ("SPOTTER_API_KEY", key)));
        let out = command.output().expect("the binary was just built");
        (out.status.code(), text(&out.stdout), text(&out.stderr))
    };
    let (code, shown, said) = check(None);
    assert_eq!((code, said.as_str()), (Some(0), ""));
    assert!(shown.contains("listen = \"127.0.0.1:8080\""), "{shown}");

    let make_box = || {
        let root = root.path().to_str().expect("a plain path");
        let out = run("board/rootfs/usr/lib/spotter/make-box", &["--data-partition", "--read-only", "--root", root]);
        assert!(out.status.success(), "{}", text(&out.stderr));
        (std::fs::read_to_string(&config).expect("text"), std::fs::read_to_string(at("etc/fstab")).expect("text"))
    };
    let once = make_box();
    assert_eq!(make_box(), once, "a second time changes nothing");
    let (code, shown, said) = check(Some("abcdef"));
    assert_eq!((code, said.as_str()), (Some(0), ""));
    assert!(shown.contains("listen = \"0.0.0.0:80\"") && shown.contains("api_key = \"***\""), "{shown}");
    let (code, _, said) = check(None);
    assert_eq!(code, Some(2), "without its key a box must not serve: {said}");
    assert!(once.1.contains("LABEL=SPOTTER-ROOT / ext4 ro,"), "{}", once.1);
    assert!(once.1.contains("LABEL=SPOTTER-DATA /var/lib/spotter-data ext4 "), "{}", once.1);
    for (folder, place) in
        [("spotter", "lib/spotter"), ("versions", "lib/spotter-versions"), ("journal", "log/journal")]
    {
        let line = format!("/var/lib/spotter-data/{folder} /var/{place} none bind,nofail,");
        assert!(once.1.contains(&line), "{line}: {}", once.1);
    }
    assert!(at("etc/avahi/services/spotter.service").exists());
}

#[test]
fn the_maps_of_cores_are_keys_of_the_config() {
    let maps = files(&Path::new(ROOT).join("board/cores"));
    assert!(maps.len() >= 3, "{maps:?}");
    for map in maps {
        let text = std::fs::read_to_string(Path::new(ROOT).join("board/cores").join(&map)).expect("text");
        let is_key = |rest: &str| rest.starts_with(|c: char| c.is_ascii_lowercase() || c == '[');
        let keys: Vec<&str> =
            text.lines().filter_map(|line| line.strip_prefix('#')).filter(|rest| is_key(rest)).collect();
        assert!(keys.len() >= 8, "{map:?}: {keys:?}");
        let whole = format!("[[camera]]\nname = \"a\"\nsource = \"demo:\"\n{}\n", keys.join("\n"));
        let folder = tempfile::tempdir().expect("there is room");
        let file = folder.path().join("cores.toml");
        std::fs::write(&file, whole).expect("writable");
        let out = run(SPOTTER, &["check", "--config", file.to_str().expect("a plain path")]);
        assert!(out.status.success(), "{map:?}: {}", text_of(&out));
    }
}

fn text_of(out: &Output) -> String {
    text(&out.stdout) + &text(&out.stderr)
}

#[test]
fn every_shell_script_is_clean() {
    let out = run("tests/shellcheck.sh", &[]);
    assert!(out.status.success(), "{}", text_of(&out));
}

/// As `cross/debian.sh test-all` runs a program. This one has three tests; the second never ends, and what it started neither.
#[test]
fn a_test_that_never_ends_is_named_and_the_others_are_run() {
    let folder = tempfile::tempdir().unwrap();
    let (program, pid) = (folder.path().join("tests"), folder.path().join("pid"));
    let script = format!(
        "case \"$*\" in\n  *--list*) printf '%s: test\\n' a b c ;;\n  '--exact c') printf 'test c ... ok\\n' ;;\n  \
        *) printf 'test a ... ok\\ntest b ... '; sleep 1000 & echo $! >'{}'; wait ;;\nesac\n",
        pid.display()
    );
    std::fs::write(&program, format!("#!/bin/bash\n{script}")).unwrap();
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let out = run("env", &["SILENCE_S=10", ".ci/bounded.py", program.to_str().unwrap(), "--skip", "d"]);
    let said = text(&out.stdout);
    assert_eq!(out.status.code(), Some(101), "{}", text_of(&out));
    assert!(
        said.contains("\ntest b ... NOT ENDED\n") && !said.contains("a ... NOT") && said.contains("\ntest c ... ok\n"),
        "{said}"
    );
    let sleeper = std::fs::read_to_string(pid).unwrap();
    // A process that was killed is gone a moment later.
    let (its_program, began) = (Path::new("/proc").join(sleeper.trim()).join("exe"), std::time::Instant::now());
    while its_program.exists() {
        assert!(began.elapsed().as_secs() < 90, "what it started still runs");
        std::thread::yield_now();
    }
}

/// As systemd starts it: as root, and told the number of its own process. `unshare` makes whoever runs this root, in a
/// namespace of his own, where that is allowed.
fn as_root(arguments: &str, its_own: bool) -> (Option<i32>, String) {
    let pid = if its_own { "$$" } else { "1" };
    let script = format!("SYSTEMD_EXEC_PID={pid} exec '{SPOTTER}' run {arguments}");
    let is_root = rustix::process::geteuid().is_root();
    let out = if is_root { run("sh", &["-c", &script]) } else { run("unshare", &["-r", "sh", "-c", &script]) };
    (out.status.code(), text(&out.stderr))
}

#[test]
fn systemd_must_say_why_it_starts_the_box_as_root() {
    let refused = "spotter is started as root by systemd; set User= in its unit, or say why with --as-root WHY\n";
    // A config that is not there ends what was not refused before.
    let config = "--config /nowhere/spotter.toml";
    assert_eq!(as_root(config, true), (Some(2), refused.into()));
    assert_eq!(as_root(&format!("{config} --as-root ' '"), false), (Some(2), refused.into()));
    let (_, said) = as_root(config, false);
    assert!(said.contains("the config cannot be read") && !said.contains("root"), "a shell's child: {said}");
    let (_, said) = as_root(&format!("{config} --as-root 'a test of it'"), true);
    assert!(said.contains("running as root: a test of it") && said.contains("the config cannot be read"), "{said}");
}

#[test]
fn a_binary_that_wants_a_newer_glibc_is_refused() {
    let out = run("cross/glibc.sh", &[SPOTTER, "9.99"]);
    assert!(out.status.success(), "{}", text_of(&out));
    let newest = text(&out.stdout);
    let newest = newest.strip_prefix("newest GLIBC symbol: 2.").expect("a version").trim();
    assert!(newest.parse::<u32>().is_ok(), "{newest}");
    let out = run("cross/glibc.sh", &[SPOTTER, "2.17"]);
    assert_eq!(out.status.code(), Some(1));
    assert!(text(&out.stderr).contains("its system has 2.17"), "{}", text_of(&out));
}

// ---- The flash script, on a made-up Linux_for_Tegra ----

/// A copy of the made-up BSP and of the board that lies in recovery mode, and a package for arm64 with some small program in it.
struct Bench {
    folder: tempfile::TempDir,
    usb: &'static str,
    root_gib: &'static str,
}

impl Bench {
    fn new() -> Bench {
        let folder = tempfile::tempdir().expect("there is room");
        let bench = Bench { folder, usb: "ID 0955:7523 NVIDIA Corp. APX", root_gib: "" };
        let to = bench.folder.path().to_str().expect("a plain path");
        assert!(run("cp", &["-r", "tests/board/fake-linux-for-tegra", to]).status.success());
        bench.package("arm64");
        bench
    }

    fn bsp(&self, path: &str) -> PathBuf {
        self.folder.path().join("fake-linux-for-tegra").join(path)
    }

    fn package(&self, arch: &str) {
        self.package_of(arch, &std::fs::read("/bin/true").expect("there is a small program"));
    }

    fn package_of(&self, arch: &str, program: &[u8]) {
        let tree = self.folder.path().join("package");
        std::fs::create_dir_all(tree.join("DEBIAN")).expect("writable");
        std::fs::create_dir_all(tree.join("usr/bin")).expect("writable");
        std::fs::write(tree.join("usr/bin/spotter"), program).expect("writable");
        let control =
            format!("Package: spotter\nVersion: 0\nArchitecture: {arch}\nMaintainer: a test\nDescription: made up\n");
        std::fs::write(tree.join("DEBIAN/control"), control).expect("writable");
        let to = self.folder.path().join("spotter.deb");
        let out = run(
            "dpkg-deb",
            &["-Znone", "--root-owner-group", "--build", tree.to_str().expect("plain"), to.to_str().expect("plain")],
        );
        assert!(out.status.success(), "{}", text_of(&out));
    }

    /// A rehearsal: whether it went well, and what was said.
    fn flash(&self) -> (bool, String) {
        let path = format!("{ROOT}/tests/board/fake-bin:{}", std::env::var("PATH").expect("there is a PATH"));
        let mut command = Command::new(format!("{ROOT}/board/flash.sh"));
        command.arg(self.bsp("")).arg(self.folder.path().join("spotter.deb"));
        command.envs([("DRY_RUN", "1"), ("PATH", &path), ("FAKE_USB", self.usb), ("ROOT_GIB", self.root_gib)]);
        let out = command.output().expect("bash is there");
        (out.status.success(), text_of(&out))
    }

    fn refused(&self, why: &str) {
        let (well, said) = self.flash();
        assert!(!well && said.contains(why) && !said.contains("+ "), "instead of \"{why}\": {said}");
    }
}

#[test]
fn a_rehearsed_flash_prints_every_command_and_changes_nothing() {
    let mut bench = Bench::new();
    let before = files(&bench.bsp(""));
    let (well, said) = bench.flash();
    assert!(well, "{said}");
    let commands: Vec<&str> = said.lines().filter(|line| line.starts_with("+ ")).collect();
    let flash = "+ ./tools/kernel_flash/l4t_initrd_flash.sh --external-device nvme0n1p1 -c tools/kernel_flash/\
                 flash_l4t_t234_nvme.xml -p -c\\ bootloader/generic/cfg/flash_t234_qspi.xml --showlogs --network usb0 \
                 jetson-orin-nano-devkit internal";
    assert_eq!(commands.last(), Some(&flash));
    let place = |what: &str| commands.iter().position(|line| line.contains(what)).unwrap_or_else(|| panic!("{said}"));
    assert!(place("apt-get install --yes /spotter.deb") < place("/usr/lib/spotter/make-box"));
    assert!(!commands[place("make-box")].contains("--data-partition"), "there is no room for one");
    assert_eq!(files(&bench.bsp("")), before, "a rehearsal changes nothing");
    bench.root_gib = "16";
    let (_, said) = bench.flash();
    assert!(said.contains("make-box --data-partition") && said.contains(" -S 16GiB "), "{said}");
}

#[test]
fn each_precondition_of_a_flash_has_its_sentence() {
    let without = |path: &str, why: &str| {
        let bench = Bench::new();
        std::fs::remove_file(bench.bsp(path)).expect("it was there");
        bench.refused(why);
    };
    without("tools/kernel_flash/l4t_initrd_flash.sh", "so it is not a whole Linux_for_Tegra");
    without("jetson-orin-nano-devkit.conf", "knows no board jetson-orin-nano-devkit");
    without("tools/kernel_flash/flash_l4t_t234_nvme.xml", "the layout of an NVMe drive");
    without("bootloader/generic/cfg/flash_t234_qspi.xml", "the layout of the boot flash");
    without("rootfs/bin/bash", "unpack NVIDIA's sample root file system into it");
    without("rootfs/etc/nv_tegra_release", "run apply_binaries.sh");
    let with = |path: &str, text: &str, why: &str| {
        let bench = Bench::new();
        std::fs::write(bench.bsp(path), text).expect("writable");
        bench.refused(why);
    };
    with(
        "rootfs/etc/nv_tegra_release",
        "# R35 (release), REVISION: 6.1\n",
        "release 35 in etc/nv_tegra_release is none",
    );
    with("rootfs/etc/passwd", "root:x:0:0:root:/root:/bin/bash\n", "has no user, so nobody could ever log in");
    let mut bench = Bench::new();
    std::fs::remove_file(bench.folder.path().join("spotter.deb")).expect("it was there");
    bench.refused("make deb-arm64 makes it");
    bench.package("amd64");
    bench.refused("is not for arm64");
    // The names of glibc's versions that it wants, each made one of a glibc that nobody has.
    let mut program = std::fs::read("/bin/true").expect("there is a small program");
    for at in 0..program.len() {
        if program[at..].starts_with(b"GLIBC_2.") {
            program[at + b"GLIBC_".len()] = b'9';
        }
    }
    bench.package_of("arm64", &program);
    bench.refused("was built for a newer system than release 36 has");
    bench.package("arm64");
    bench.usb = "ID 0955:7020 NVIDIA Corp. L4T running on Tegra";
    bench.refused("no board in recovery mode is on USB");
    bench.usb = "ID 0955:7523 NVIDIA Corp. APX";
    bench.root_gib = "many";
    bench.refused("ROOT_GIB wants a whole number of GiB");
    bench.root_gib = "7";
    bench.refused("8 or more, not 7");
    std::fs::remove_dir_all(bench.bsp("")).expect("it was there");
    bench.refused("name its Linux_for_Tegra");
}

#[test]
fn a_flash_without_the_bsps_folder_is_refused_before_anything_is_built() {
    // These tests themselves may have been called by make, whose words to the makes below it are none of this one's.
    let out = run("env", &["-u", "MAKEFLAGS", "-u", "MAKELEVEL", "make", "flash", "BSP=/nowhere", "DRY_RUN=1"]);
    assert_eq!(out.status.code(), Some(2));
    assert!(text(&out.stderr).contains("there is no folder '/nowhere'"), "{}", text_of(&out));
    assert_eq!(text(&out.stdout), "", "nothing was begun");
}
