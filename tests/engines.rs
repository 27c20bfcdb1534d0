//! Which engine looks, by the front door: the real program with libraries that are none, and with ONNX Runtime.
//!
//! The model is `tests/golden/first_numbers.onnx`, which a test of the room `pose` keeps as its own writer makes it.
//! `make test` fetches ONNX Runtime and sets `SPOTTER_NEED_ONNXRUNTIME`, with which its absence is a failure.

mod common;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use common::{SpotterBox, until};

fn at(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn model() -> String {
    at("tests/golden/first_numbers.onnx").display().to_string()
}

/// Where `make onnxruntime` puts it.
fn fetched() -> Option<PathBuf> {
    let path = at("target/onnxruntime/libonnxruntime.so");
    let needed = std::env::var_os("SPOTTER_NEED_ONNXRUNTIME").is_some();
    assert!(path.exists() || !needed, "{} is not there: make onnxruntime", path.display());
    path.exists().then_some(path)
}

/// A config with one camera and these lines in `[pose]`.
struct Written {
    folder: tempfile::TempDir,
}

impl Written {
    fn new(pose: &str) -> Written {
        let folder = tempfile::tempdir().unwrap();
        let camera = "[[camera]]\nname = \"rack\"\nsource = \"demo:squat?size=320x240&fps=30\"\n";
        let text = format!("{camera}[pose]\nthreads = 2\n{pose}\n");
        std::fs::write(folder.path().join("box.toml"), text).unwrap();
        Written { folder }
    }

    fn path(&self) -> String {
        self.folder.path().join("box.toml").display().to_string()
    }

    fn spotter(&self, subcommand: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_spotter"));
        command.args([subcommand, "--config", &self.path()]).output().unwrap()
    }

    /// It is refused by `check` and by `run` alike, with this sentence and exit code 1.
    fn is_refused(&self, want: &str) {
        for subcommand in ["check", "run"] {
            let out = self.spotter(subcommand);
            let said = String::from_utf8_lossy(&out.stderr).into_owned();
            assert!(said.lines().any(|line| line.trim_start_matches("spotter: ") == want), "{subcommand}: {said}");
            assert_eq!(out.status.code(), Some(1), "{subcommand}");
        }
    }
}

/// The box looks with this engine, says why wherever it should, and has looked at frames.
fn looks_with(written: &Written, engine: &str, why: &str) {
    let spotter = SpotterBox::start(&["--config", &written.path()]);
    until("frames are looked at", || match spotter.metric("spotter_frames_inferred_total{camera=\"rack\"}") {
        n if n >= 3.0 => Ok(()),
        n => Err(format!("{n} frames")),
    });
    let state = &spotter.json("/api/v1/state")["cameras"][0];
    let admin = &spotter.json("/api/v1/admin")["cameras"][0];
    for said in [state, admin] {
        assert_eq!((&said["engine"], &said["engine_why"]), (&engine.into(), &why.into()));
    }
    assert_eq!(state["pose_fault"], serde_json::Value::Null);
    let line = format!("spotter_pose_engine{{camera=\"rack\",engine=\"{engine}\"}}");
    assert_eq!(spotter.metric(&line), 1.0);
    let shown = String::from_utf8(written.spotter("check").stdout).unwrap();
    assert!(shown.ends_with(&format!("\n# [pose] looks with {engine}: {why}\n")), "{shown}");
}

#[test]
fn auto_goes_on_to_the_cpu_and_says_why_and_a_named_engine_does_not() {
    let lines = |engine: &str| {
        format!("engine = \"{engine}\"\nmodel = \"{}\"\nonnxruntime = \"{}\"", model(), at("Cargo.toml").display())
    };
    let file = at("Cargo.toml");
    let why = format!("the ONNX Runtime {} cannot be loaded: it is no library of 64 bit", file.display());
    looks_with(&Written::new(&lines("auto")), "cpu", &why);
    Written::new(&lines("onnxruntime")).is_refused(&why);
    looks_with(&Written::new(&lines("cpu")), "cpu", "the config names it");
}

#[test]
fn onnx_runtime_is_taken_where_it_is_and_a_broken_graph_ends_the_box() {
    let Some(library) = fetched() else { return };
    let folder = tempfile::tempdir().unwrap();
    let version = std::fs::read_to_string(at("target/onnxruntime/version")).unwrap();
    let lines = |engine: &str, model: &str| {
        format!("engine = \"{engine}\"\nmodel = \"{model}\"\nonnxruntime = \"{}\"", library.display())
    };
    let why = format!("version {} of {}", version.trim(), library.display());
    looks_with(&Written::new(&lines("auto", &model())), "onnxruntime", &why);
    looks_with(&Written::new(&lines("onnxruntime", &model())), "onnxruntime", &why);
    // An operator that nobody knows: the header is right, and each engine finds the fault when it loads the graph.
    let mut bytes = std::fs::read(model()).unwrap();
    let place = bytes.windows(5).position(|window| window == b"Slice").unwrap();
    bytes[place..place + 5].copy_from_slice(b"Slyce");
    let broken = folder.path().join("broken.onnx");
    std::fs::write(&broken, bytes).unwrap();
    for engine in ["onnxruntime", "cpu"] {
        let out = Written::new(&lines(engine, &broken.display().to_string())).spotter("check");
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        assert_eq!((out.status.code(), out.stdout.len()), (Some(1), 0), "{engine}: {said}");
        assert!(said.contains("the engine cannot load the model: ") && said.contains("Slyce"), "{engine}: {said}");
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_spotter"));
    let written = Written::new(&lines("onnxruntime", &broken.display().to_string()));
    let out = command.args(["run", "--listen", "127.0.0.1:0", "--config", &written.path()]).output().unwrap();
    assert_eq!(out.status.code(), Some(1), "{}", String::from_utf8_lossy(&out.stderr));
}

#[test]
fn a_picture_is_looked_at_with_either_engine() {
    let image = at("target/tmp").join(format!("engines-{}.png", std::process::id()));
    std::fs::create_dir_all(image.parent().unwrap()).unwrap();
    let mut writer = {
        let mut encoder = png::Encoder::new(std::fs::File::create(&image).unwrap(), 64, 64);
        encoder.set_color(png::ColorType::Rgb);
        encoder.write_header().unwrap()
    };
    writer.write_image_data(&(0..64 * 64 * 3).map(|n| (n % 251) as u8).collect::<Vec<_>>()).unwrap();
    drop(writer);
    let look = |options: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_spotter"));
        command.args(["pose", image.to_str().unwrap(), "--json", "--model", &model()]).args(options).output().unwrap()
    };
    let cpu = look(&["--engine", "cpu"]);
    let seen: serde_json::Value = serde_json::from_slice(&cpu.stdout).unwrap();
    assert!(seen["width"] == 64 && !seen["poses"].as_array().unwrap().is_empty(), "{seen}");
    let refused = look(&["--engine", "onnxruntime", "--onnxruntime", "/no/such.so"]);
    assert_eq!(refused.status.code(), Some(1));
    assert_eq!(look(&["--engine", "best"]).status.code(), Some(2));
    if let Some(library) = fetched() {
        let other = look(&["--engine", "onnxruntime", "--onnxruntime", library.to_str().unwrap()]);
        assert_eq!(String::from_utf8(other.stdout).unwrap(), String::from_utf8(cpu.stdout).unwrap());
    }
    std::fs::remove_file(image).unwrap();
}
