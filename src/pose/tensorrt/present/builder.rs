//! Building an engine with `trtexec`, beside the running box.
//!
//! The model is written beside the engine to be, `trtexec` writes into a file of another name, which is given the right
//! one only when it ended well: whoever reads never meets half an engine. It runs with the lowest priority on the cores of
//! the thread that wanted it; nobody waits for it, it is asked now and then. It is ended with the box, also with one that is killed
//! or that leaves a stuck thread behind.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use super::Fault;
use crate::pose::tensorrt::Precision;
use crate::time::Wall;

/// Where NVIDIA's packages put it: JetPack 5 and 6, then 7.
const USUAL: [&str; 2] = ["/usr/src/tensorrt/bin/trtexec", "/usr/bin/trtexec"];
/// So much memory for trying tactics: the boards share theirs with everything else.
const WORKSPACE_MIB: usize = 512;
/// The kernel ends it when the thread that started it has ended: util-linux's way to `PR_SET_PDEATHSIG`.
const WITH_ITS_PARENT: [&str; 3] = ["setpriv", "--pdeathsig", "KILL"];
/// No pose model takes so long.
const LONGEST: Duration = Duration::from_secs(3600);

/// The program: the one that is named, or where it usually is.
pub(super) fn trtexec(named: Option<&Path>) -> Option<PathBuf> {
    match named {
        Some(named) => named.is_file().then(|| named.to_path_buf()),
        None => USUAL.iter().map(PathBuf::from).find(|path| path.is_file()),
    }
}

/// A build under way.
pub(super) struct Build {
    child: Child,
    /// Its parent thread lives as long as this.
    _parent: Sender<()>,
    begun: Instant,
    since: Wall,
    file: PathBuf,
}

/// The file's name with another end.
fn beside(file: &Path, end: &str) -> PathBuf {
    file.with_extension(end)
}

/// The ends of what is there only while this process builds. Another one, `spotter check` say, may build the same.
fn passing() -> [String; 2] {
    ["onnx", "part"].map(|end| format!("{}.{end}", std::process::id()))
}

/// Removes what processes left that were killed while they built.
fn sweep(cache: &Path) {
    for path in std::fs::read_dir(cache).into_iter().flatten().flatten().map(|file| file.path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut ends = name.rsplit('.');
        let (Some("onnx" | "part"), Some(pid)) = (ends.next(), ends.next()) else { continue };
        if pid.parse::<u32>().is_ok() && !Path::new("/proc").join(pid).exists() {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Starts a child from a thread that does nothing else, and lives until what is given beside the child is dropped. Whoever wants an
/// engine may end long before it, as with a camera that is taken away.
fn start_apart(mut command: Command) -> std::io::Result<(Child, Sender<()>)> {
    let ((give, take), (parent, end)) = (channel(), channel());
    std::thread::Builder::new().name("trtexec".into()).spawn(move || {
        if give.send(command.spawn()).is_ok() {
            // Nothing is ever sent.
            let _ = end.recv();
        }
    })?;
    let child = take.recv().map_err(std::io::Error::other)??;
    Ok((child, parent))
}

impl Build {
    /// Starts it.
    pub(super) fn start(trtexec: &Path, model: &[u8], file: &Path, precision: Precision) -> Result<Build, Fault> {
        let not_kept = |why: std::io::Error| Fault::NotKept {
            path: file.parent().unwrap_or(file).to_path_buf(),
            why: why.to_string(),
        };
        file.parent().into_iter().for_each(sweep);
        let [onnx, part] = passing().map(|end| beside(file, &end));
        std::fs::write(&onnx, model).map_err(not_kept)?;
        let log = File::create(beside(file, "log")).map_err(not_kept)?;
        let both = log.try_clone().map_err(not_kept)?;
        let option = |name: &str, value: &Path| {
            let mut option = std::ffi::OsString::from(format!("--{name}="));
            option.push(value);
            option
        };
        let mut command = Command::new(WITH_ITS_PARENT[0]);
        command.args(&WITH_ITS_PARENT[1..]).args(["nice", "-n", "19"]);
        command.arg(trtexec).arg(option("onnx", &onnx)).arg(option("saveEngine", &part));
        command.args(["--skipInference", "--inputIOFormats=fp32:chw", "--outputIOFormats=fp32:chw"]);
        command.arg(format!("--memPoolSize=workspace:{WORKSPACE_MIB}"));
        if precision == Precision::Fp16 {
            command.arg("--fp16");
        }
        command.stdin(Stdio::null()).stdout(log).stderr(both);
        let started = start_apart(command);
        let (child, _parent) = started.map_err(|why| Fault::Build(format!("trtexec cannot be started: {why}")))?;
        Ok(Build { child, _parent, begun: Instant::now(), since: Wall::now(), file: file.to_path_buf() })
    }

    /// Nothing while it goes on; the engine has its name when it is well.
    pub(super) fn poll(&mut self) -> Option<Result<(), Fault>> {
        let status = match self.child.try_wait() {
            Ok(None) if self.begun.elapsed() > LONGEST => {
                return Some(Err(Fault::Build(format!("it took longer than {} s", LONGEST.as_secs()))));
            }
            Ok(None) => return None,
            Ok(Some(status)) => status,
            Err(why) => return Some(Err(Fault::Build(why.to_string()))),
        };
        if !status.success() {
            return Some(Err(Fault::Build(format!("trtexec ended with {status}: {}", self.last_words()))));
        }
        let [_, part] = passing().map(|end| beside(&self.file, &end));
        let named =
            File::open(&part).and_then(|file| file.sync_all()).and_then(|()| std::fs::rename(&part, &self.file));
        Some(named.map_err(|why| Fault::Build(format!("trtexec left no engine: {why}"))))
    }

    /// The last line that it wrote, which says why it failed; the rest stays in the file.
    fn last_words(&self) -> String {
        let text = std::fs::read(beside(&self.file, "log")).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let last = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it says nothing");
        last.trim().chars().take(200).collect()
    }

    pub(super) fn took(&self) -> Duration {
        self.begun.elapsed()
    }

    /// When it began: hour and minute.
    pub(super) fn since(&self) -> String {
        let minutes = self.since.unix_ms() / 60_000;
        format!("{:02}:{:02} UTC", minutes / 60 % 24, minutes % 60)
    }

    pub(super) fn fault(&self) -> Fault {
        Fault::Building { since: self.since() }
    }
}

impl Drop for Build {
    fn drop(&mut self) {
        // Neither does anything to one that has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
        for end in passing() {
            let _ = std::fs::remove_file(beside(&self.file, &end));
        }
    }
}
