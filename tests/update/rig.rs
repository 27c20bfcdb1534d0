//! A system of its own below a folder, with everything real but systemd: the programs, the launcher, the releases and their keys.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use crate::common::{Reply, parse, until};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const UPDATE: &str = env!("CARGO_BIN_EXE_spotter-update");
pub const BASE: &str = env!("CARGO_PKG_VERSION");
const KEY: &str = "abcdef";
const BOARD: &str = "maker,carrier+module\0maker,module\0";
/// One of the names of [`BOARD`].
pub const OWN_BOARD: &str = "maker,module";

/// `sh -c SCRIPT ARGUMENTS`, which must succeed.
pub fn sh(script: &str, arguments: &[&Path]) -> String {
    let out = Command::new("bash").args(["-euo", "pipefail", "-c", script, "sh"]).args(arguments).output();
    let out = out.expect("bash is there");
    assert!(out.status.success(), "{script}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8_lossy(&out.stdout).trim().to_string()
}

/// The real program, without what only a debugger wants, once for all tests.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = PROGRAM.get_or_init(|| {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("there is room");
        let path = folder.path().join("spotter");
        // STRIP names the one for the machine that the tests run on, where it is not that of the build.
        sh("\"${STRIP:-strip}\" -o \"$2\" \"$1\"", &[Path::new(env!("CARGO_BIN_EXE_spotter")), &path]);
        (folder, path)
    });
    path
}

/// How an update ended.
pub struct Outcome {
    pub code: i32,
    pub said: String,
}

pub struct Rig {
    folder: tempfile::TempDir,
    address: SocketAddr,
}

impl Rig {
    /// A box whose package runs.
    pub fn new() -> Rig {
        let rig = Rig::stopped(tempfile::tempdir().expect("there is room"));
        rig.boot();
        rig
    }

    /// The same, not started, in `folder`.
    pub fn stopped(folder: tempfile::TempDir) -> Rig {
        let port = TcpListener::bind("127.0.0.1:0").expect("there is a port").local_addr().expect("it is bound");
        let rig = Rig { folder, address: port };
        let config = format!(
            "[http]\nlisten = \"{port}\"\napi_key = \"${{SPOTTER_API_KEY}}\"\n[pose]\nengine = \"off\"\n\
             [[camera]]\nname = \"rack\"\nsource = \"demo:squat?size=160x120&fps=10\"\n"
        );
        rig.write("etc/spotter/spotter.toml", &config);
        rig.write("etc/spotter/key", &format!("SPOTTER_API_KEY={KEY}\n"));
        rig.write("proc/device-tree/compatible", BOARD);
        fs::create_dir_all(rig.at("usr/bin")).expect("writable");
        fs::create_dir_all(rig.at("usr/lib/spotter")).expect("writable");
        fs::create_dir_all(rig.at("var/lib/spotter")).expect("writable");
        fs::copy(program(), rig.at("usr/bin/spotter")).expect("there is room");
        let launch = format!("{ROOT}/board/rootfs/usr/lib/spotter/launch");
        fs::copy(launch, rig.at("usr/lib/spotter/launch")).expect("it is of the overlay");
        rig.keys("ours");
        rig.keys("theirs");
        let keys = rig.at("etc/spotter/update.pub");
        fs::copy(rig.at("ours.pub"), &keys).expect("it was just made");
        // Whatever the umask of whoever runs the tests.
        fs::set_permissions(keys, fs::Permissions::from_mode(0o644)).expect("it is ours");
        rig
    }

    pub fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().expect("it is in a folder")).expect("writable");
        fs::write(path, text).expect("writable");
    }

    fn keys(&self, name: &str) {
        let (public, secret) = (self.at(&format!("{name}.pub")), self.at(&format!("{name}.key")));
        sh("minisign -G -W -f -p \"$1\" -s \"$2\"", &[&public, &secret]);
    }

    /// A release whose program is the real one, but for what it answers to `--version`: there is only one to test with.
    pub fn release(&self, version: &str) -> PathBuf {
        let folder = self.stage(version, "exec \"${0%/*}/real\" \"$@\"");
        fs::copy(program(), folder.join("bin/real")).expect("there is room");
        self.pack(&folder, version, std::env::consts::ARCH, "any", "ours")
    }

    /// A release whose program is a script. To `--version` it answers as it should.
    pub fn script(&self, version: &str, script: &str) -> PathBuf {
        self.pack(&self.stage(version, script), version, std::env::consts::ARCH, "any", "ours")
    }

    /// What is packed for one of these.
    pub fn stage(&self, version: &str, script: &str) -> PathBuf {
        let program = format!("stage-{version}/bin/spotter");
        let answer = format!("[ \"$1\" = --version ] && {{ echo spotter {version}; exit; }}");
        self.write(&program, &format!("#!/bin/sh\n{answer}\n{script}\n"));
        fs::set_permissions(self.at(&program), fs::Permissions::from_mode(0o755)).expect("it is ours");
        self.at(&format!("stage-{version}"))
    }

    pub fn pack(&self, stage: &Path, version: &str, arch: &str, board: &str, key: &str) -> PathBuf {
        let out = Command::new(format!("{ROOT}/board/spot.sh"))
            .arg("pack")
            .arg(stage)
            .args([version, arch, board])
            .env("KEY", self.at(&format!("{key}.key")))
            .env("OUT", self.at(&format!("out-{key}")))
            .env("GZIP_LEVEL", "1")
            .stdin(Stdio::null())
            .output()
            .expect("bash is there");
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8_lossy(&out.stdout).trim().into()
    }

    /// A command of root's on this system; where the tests are somebody else's, in a namespace where he is root.
    fn as_root(&self, program: &str) -> Command {
        let mut command = match rustix::process::geteuid().is_root() {
            true => Command::new(program),
            false => Command::new("unshare"),
        };
        if !rustix::process::geteuid().is_root() {
            command.args(["-r", program]);
        }
        command.env("FAKE_ROOT", self.folder.path()).env("SPOTTER_UPDATE", UPDATE).stdin(Stdio::null());
        command
    }

    /// `spotter-update ARGUMENTS`, running.
    pub fn begin(&self, arguments: &[&Path]) -> Child {
        let mut command = self.as_root(UPDATE);
        command.arg("--root").arg(self.folder.path());
        command.arg("--systemctl").arg(format!("{ROOT}/tests/update/fake-systemctl")).args(arguments);
        if !arguments.contains(&Path::new("--settle-s")) && !arguments.contains(&Path::new("--status")) {
            command.args(["--settle-s", "1"]);
        }
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program was just built")
    }

    /// The same to its end.
    pub fn update(&self, arguments: &[&str]) -> Outcome {
        let paths: Vec<&Path> = arguments.iter().map(Path::new).collect();
        ended(self.begin(&paths))
    }

    /// An update that must go well.
    pub fn updated(&self, release: &Path, more: &[&str]) {
        let outcome = self.update(&[&[release.to_str().expect("a plain path")], more].concat());
        assert_eq!(outcome.code, 0, "{}\n{}", outcome.said, self.log());
    }

    /// An update that must be refused with `sentence`, and leave everything as it was.
    pub fn refused(&self, arguments: &[&str], sentence: &str) {
        let before = (self.pids(), self.tree());
        let outcome = self.update(arguments);
        assert_eq!((outcome.code, outcome.said.as_str()), (1, format!("spotter-update: {sentence}\n").as_str()));
        assert_eq!((self.pids(), self.tree()), before, "after \"{sentence}\"");
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.at("log")).unwrap_or_default()
    }

    /// What lies in the folder of versions, but for the locks.
    pub fn tree(&self) -> String {
        let folder = self.at("var/lib/spotter-versions");
        if !folder.exists() {
            return String::new();
        }
        sh("cd \"$1\" && find . -mindepth 1 ! -name '*lock' -printf '%p %m %s\\n' | sort", &[&folder])
    }

    /// Switched on: another boot, an empty `/run`, and the service is started.
    pub fn boot(&self) {
        let _ = fs::remove_dir_all(self.at("run"));
        let boot = fs::read_to_string("/proc/sys/kernel/random/uuid").expect("the kernel makes numbers");
        self.write("proc/sys/kernel/random/boot_id", &boot);
        let mut command = self.as_root(&format!("{ROOT}/tests/update/fake-systemctl"));
        assert!(command.args(["restart", "spotter.service"]).status().expect("bash is there").success());
        self.until_ready();
    }

    pub fn until_ready(&self) {
        until("the box is ready", || match self.get("/readyz") {
            Some(reply) if reply.status == 200 => Ok(()),
            other => Err(format!("{other:?}\n{}", self.log())),
        });
    }

    /// An answer; nothing where nobody listens, or where whoever did is dying.
    fn get(&self, path: &str) -> Option<Reply> {
        let mut stream = std::net::TcpStream::connect(self.address).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
        let head = format!("GET {path} HTTP/1.1\r\nHost: x\r\nX-Api-Key: {KEY}\r\nConnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).ok()?;
        let mut all = Vec::new();
        stream.read_to_end(&mut all).ok()?;
        all.windows(4).any(|w| w == b"\r\n\r\n").then(|| parse(&all))
    }

    /// The camera shows a picture.
    pub fn until_picture(&self) {
        until("a picture", || match self.get("/api/v1/cameras/rack/snapshot") {
            Some(reply) if reply.status == 200 && reply.body.starts_with(&[0xff, 0xd8]) => Ok(()),
            other => Err(format!("{:?}\n{}", other.map(|reply| reply.head), self.log())),
        });
    }

    /// The processes of this system with what they run.
    fn processes(&self) -> Vec<(u32, PathBuf)> {
        let mark = format!("FAKE_ROOT={}", self.folder.path().display());
        let listed = fs::read_dir("/proc").expect("there is a /proc").flatten();
        let pids = listed.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        pids.filter(|pid| environment(*pid).split(|byte| *byte == 0).any(|line| line == mark.as_bytes()))
            .filter_map(|pid| Some((pid, run_by(pid)?)))
            .filter(|(pid, _)| *pid != std::process::id())
            .collect()
    }

    /// The numbers of the boxes that run, which should be one.
    fn pids(&self) -> Vec<u32> {
        self.processes().into_iter().filter(|(_, exe)| is_box(exe)).map(|(pid, _)| pid).collect()
    }

    /// The version that runs, by the file that the kernel says it runs.
    pub fn runs(&self) -> String {
        let running: Vec<PathBuf> =
            self.processes().into_iter().map(|(_, exe)| exe).filter(|exe| is_box(exe)).collect();
        let [exe] = running.as_slice() else { panic!("there should be one box: {running:?}\n{}", self.log()) };
        match exe.strip_prefix(self.at("var/lib/spotter-versions")) {
            Ok(inside) => inside.iter().next().expect("a version").to_string_lossy().into_owned(),
            Err(_) => BASE.into(),
        }
    }

    /// The guard of an update is gone.
    pub fn kill_guard(&self) {
        self.kill_all(|pid| {
            let arguments = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            arguments.split(|byte| *byte == 0).any(|word| word == b"--guard")
        });
    }

    fn kill_all(&self, is_meant: impl Fn(u32) -> bool) {
        let mut seen_none = 0;
        until("nothing of it runs any more", || {
            let left: Vec<_> = self.processes().into_iter().filter(|(pid, _)| is_meant(*pid)).collect();
            for (pid, _) in &left {
                let _ = Command::new("kill").args(["-KILL", &pid.to_string()]).stderr(Stdio::null()).status();
            }
            // Seen twice: one that began while the others were listed is found by the second look.
            seen_none = if left.is_empty() { seen_none + 1 } else { 0 };
            if seen_none == 2 { Ok(()) } else { Err(format!("{left:?}")) }
        });
    }

    /// Every process of this system is gone at once, updater and service alike.
    pub fn cut_power(&self) {
        self.kill_all(|_| true);
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.cut_power();
    }
}

/// What a process was given as its environment. While it is being given another program it seems to have neither that nor arguments;
/// who seems so for longer has hidden both.
fn environment(pid: u32) -> Vec<u8> {
    let read = |what: &str| fs::read(format!("/proc/{pid}/{what}")).unwrap_or_default();
    let mut found = read("environ");
    for _ in 0..1000 {
        if !found.is_empty() || fs::read_link(format!("/proc/{pid}/exe")).is_err() {
            break;
        }
        let is_settled = !read("cmdline").is_empty();
        found = read("environ");
        if is_settled {
            break;
        }
        std::thread::yield_now();
    }
    found
}

/// The file that a process runs. Of a program for another processor the kernel says that it runs qemu, to which it gives the program.
fn run_by(pid: u32) -> Option<PathBuf> {
    let exe = fs::read_link(format!("/proc/{pid}/exe")).ok()?;
    if !exe.file_name()?.to_str()?.starts_with("qemu-") {
        return Some(exe);
    }
    let arguments = String::from_utf8(fs::read(format!("/proc/{pid}/cmdline")).ok()?).ok()?;
    arguments.split('\0').nth(1).map(PathBuf::from)
}

/// The real program, of the package or of a release.
fn is_box(exe: &Path) -> bool {
    exe.ends_with("bin/spotter") || exe.ends_with("bin/real")
}

/// Waits for the end of an update.
pub fn ended(child: Child) -> Outcome {
    let out = child.wait_with_output().expect("it is our child");
    Outcome { code: out.status.code().unwrap_or(-1), said: String::from_utf8_lossy(&out.stderr).into_owned() }
}

/// SplitMix64, by Sebastiano Vigna.
pub fn next(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *seed;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
