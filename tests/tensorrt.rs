//! Pose on TensorRT, carried from end to end by stand-ins for the shim and for `trtexec`: engines are built beside the
//! running box, kept, refused and built again, and what looks meanwhile is told.

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::{SpotterBox, c_compiler, until};
use spotter::pose::tensorrt::{Fault, Precision, Settings};
use spotter::pose::{Chosen, Limits, PoseFault, Shared};

/// Its input has 3 x 64 x 64 numbers, its answer is the first 56 x 84 of them.
const MODEL: &str = "tests/golden/first_numbers.onnx";
const ENGINE: &str = "FAKE 10.3.0 12288 4704";

/// A folder with the stand-ins and a cache.
struct Made {
    folder: tempfile::TempDir,
}

fn at(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn compile(file: &Path, library: &Path) {
    let mut command = c_compiler();
    command.args(["-Wall", "-Werror", "-shared", "-fPIC", "-o"]).arg(library).arg(file).arg("-ldl");
    assert!(command.status().unwrap().success(), "{} is compiled", file.display());
}

impl Made {
    fn new() -> Made {
        let made = Made { folder: tempfile::tempdir().unwrap() };
        compile(&at("tests/gpu/fake-tensorrt.c"), &made.path("libspotter_trt.so"));
        std::fs::copy(at("tests/gpu/fake-trtexec"), made.path("trtexec")).unwrap();
        made.put("engine", ENGINE);
        made
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn put(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn settings(&self) -> Settings {
        Settings {
            library: Some(self.path("libspotter_trt.so")),
            trtexec: Some(self.path("trtexec")),
            cache: self.path("engines"),
            ..Settings::default()
        }
    }

    fn said(&self, settings: &Settings) -> String {
        let fault = Chosen::tensorrt(settings).unwrap_err().to_string();
        fault.replace(&self.folder.path().display().to_string(), "DIR")
    }

    fn shared(&self, settings: &Settings) -> std::sync::Arc<Shared> {
        let shared = Shared::open(&at(MODEL), Limits::default(), Chosen::tensorrt(settings).unwrap(), 1).unwrap();
        shared.load().unwrap();
        shared
    }

    /// What is in the cache.
    fn kept(&self) -> Vec<String> {
        let files = std::fs::read_dir(self.path("engines")).unwrap().flatten();
        let mut names: Vec<String> = files.map(|file| file.file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn engine(&self) -> PathBuf {
        let is_engine = |name: &String| name.ends_with("-fp16.engine");
        self.path("engines").join(self.kept().into_iter().find(is_engine).unwrap())
    }

    fn calls(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.path("called")).unwrap_or_default();
        text.lines().map(str::to_string).collect()
    }

    /// It has not ended; one that has and is not counted yet by whoever inherited it is state Z in proc(5).
    fn trtexec_runs(&self) -> bool {
        let pid = std::fs::read_to_string(self.path("pid")).unwrap();
        let stat = std::fs::read_to_string(Path::new("/proc").join(pid.trim()).join("stat"));
        stat.is_ok_and(|stat| !stat.rsplit(')').next().unwrap().trim_start().starts_with('Z'))
    }

    /// Engines that were loaded and not given back.
    fn live(&self) -> usize {
        let text = std::fs::read_to_string(self.path("calls")).unwrap_or_default();
        let count = |sign: &str| text.lines().filter(|line| line.starts_with(sign)).count();
        count("+ ") - count("- ")
    }
}

/// The model's answer, from whatever looks.
fn answer(shared: &Shared) -> Result<Vec<f32>, PoseFault> {
    let input: Vec<f32> = (0..3 * 64 * 64).map(|n| n as f32).collect();
    let mut answer = Vec::new();
    shared.load()?.infer(&input, &mut answer)?;
    assert_eq!(answer, input[..4704]);
    Ok(answer)
}

fn is_built(shared: &Shared) {
    until("the engine is built", || match (answer(shared), shared.is_building()) {
        (Ok(_), false) => Ok(()),
        (Err(PoseFault::TensorRt(Fault::Building { .. })) | Ok(_), true) => Err("it is being built".into()),
        (other, _) => panic!("{other:?}"),
    });
}

#[test]
fn what_is_not_there_is_told_in_one_sentence() {
    let made = Made::new();
    let good = made.settings();
    let with = |library: &str| Settings { library: Some(made.path(library)), ..good.clone() };
    let nowhere = "the TensorRT shim DIR/nowhere.so cannot be loaded: cannot open shared object file: No such file or \
                   directory";
    assert_eq!(made.said(&with("nowhere.so")), nowhere);
    made.put("source.c", "int answer(void) { return 42; }");
    compile(&made.path("source.c"), &made.path("other.so"));
    assert_eq!(made.said(&with("other.so")), "DIR/other.so is no TensorRT shim of this version");
    made.put("orders", "abi 2\n");
    assert_eq!(made.said(&good), "DIR/libspotter_trt.so is no TensorRT shim of this version");
    made.put("orders", "no_gpu 1\n");
    let refused = "TensorRT cannot be used: cudaDeviceGetAttribute answers 100 (no CUDA-capable device is detected)";
    assert_eq!(made.said(&good), refused);
    made.put("orders", "");
    made.put("file", "");
    let no_folder = Settings { cache: made.path("file"), ..good.clone() };
    assert!(made.said(&no_folder).starts_with("TensorRT's engines cannot be kept in DIR/file: "));
    let no_trtexec = Settings { trtexec: Some(made.path("nowhere")), ..good.clone() };
    assert_eq!(made.said(&no_trtexec), "there is no trtexec to build the TensorRT engine with");
    assert_eq!(made.kept(), [""; 0], "nothing is left of the trial");
}

#[test]
fn an_engine_is_built_beside_the_box_and_kept() {
    let made = Made::new();
    let shared = made.shared(&made.settings());
    let fault = answer(&shared).unwrap_err().to_string();
    let (start, end) = ("the TensorRT engine is being built since ", " UTC; nobody is looked for until it is ready");
    assert!(fault.starts_with(start) && fault.ends_with(end), "{fault}");
    assert!(shared.why().starts_with("version 10.3.0 on sm87x8, fp16; building since "), "{}", shared.why());
    assert!(shared.why().ends_with(", meanwhile nobody looks"), "{}", shared.why());
    until("trtexec runs", || if made.calls().len() == 1 { Ok(()) } else { Err("it does not".into()) });
    assert!(shared.is_building());
    assert!(made.kept().iter().all(|name| !name.ends_with(".engine")), "half an engine has another name");
    made.put("go", "");
    is_built(&shared);
    assert_eq!(shared.why(), "version 10.3.0 on sm87x8, fp16");
    let call = &made.calls()[0];
    let model = std::fs::metadata(at(MODEL)).unwrap().len();
    assert!(call.starts_with(&format!("nice 19 onnx {model} --onnx=")), "{call}");
    assert!(call.contains(" --skipInference ") && call.ends_with(" --fp16"), "{call}");
    let kept = made.kept();
    assert_eq!(kept.len(), 2, "the engine and trtexec's words: {kept:?}");
    assert!(kept[0].ends_with("-trt10.3.0-sm87x8-fp16.engine"), "{kept:?}");
    assert_eq!(made.live(), 1);
    drop(shared);
    assert_eq!(made.live(), 0);
    // The next start takes it, and so does one with Ultralytics' text before it.
    let again = made.shared(&Settings { trtexec: Some(made.path("nowhere")), ..made.settings() });
    answer(&again).unwrap();
    let json = "{\"task\":\"pose\"}";
    std::fs::write(made.engine(), [&(json.len() as u32).to_le_bytes(), json.as_bytes(), ENGINE.as_bytes()].concat())
        .unwrap();
    answer(&made.shared(&made.settings())).unwrap();
    assert_eq!(made.calls().len(), 1);
}

#[test]
fn an_engine_that_does_not_fit_is_built_again() {
    let made = Made::new();
    made.put("go", "");
    is_built(&made.shared(&made.settings()));
    let mut calls = 1;
    for broken in ["", "FAKE 10.2.0 12288 4704", "FAKE 10.3.0 12288 4705", "FAKE 10.3.0 3 4704"] {
        std::fs::write(made.engine(), broken).unwrap();
        is_built(&made.shared(&made.settings()));
        calls += 1;
        assert_eq!(made.calls().len(), calls, "{broken:?}");
        assert_eq!(std::fs::read_to_string(made.engine()).unwrap(), ENGINE);
    }
    // Another version has another name; the old one stays for the way back.
    made.put("orders", "minor 16\n");
    made.put("engine", "FAKE 10.16.0 12288 4704");
    is_built(&made.shared(&made.settings()));
    assert_eq!(made.kept().iter().filter(|name| name.ends_with(".engine")).count(), 2);
    assert_eq!(made.live(), 0);
}

#[test]
fn the_old_engine_or_the_cpu_looks_meanwhile_where_it_may() {
    let made = Made::new();
    let cpu = Settings { meanwhile_cpu: true, ..made.settings() };
    let shared = made.shared(&cpu);
    answer(&shared).unwrap();
    assert!(shared.is_building() && shared.why().ends_with("meanwhile the CPU looks"), "{}", shared.why());
    made.put("go", "");
    is_built(&shared);
    std::fs::remove_file(made.path("go")).unwrap();
    let exact = Settings { precision: Precision::Fp32, ..made.settings() };
    let other = made.shared(&exact);
    answer(&other).unwrap();
    let why = other.why();
    assert!(other.is_building() && why.ends_with("meanwhile the engine of another precision looks"), "{why}");
    made.put("go", "");
    is_built(&other);
    assert!(!made.calls().last().unwrap().contains("--fp16"));
}

#[test]
fn a_build_that_fails_says_so_and_one_that_is_left_ends_with_the_box() {
    let made = Made::new();
    made.put("go", "");
    made.put("fail", "[E] Error[4]: no such operator\n\n");
    let shared = made.shared(&made.settings());
    let want = "the TensorRT engine cannot be built: trtexec ended with exit status: 3: [E] Error[4]: no such operator";
    until("it has failed", || match answer(&shared).unwrap_err().to_string() {
        said if said == want => Ok(()),
        said => Err(said),
    });
    assert_eq!(shared.why(), format!("version 10.3.0 on sm87x8, fp16; {want}; nobody looks"));
    std::fs::remove_file(made.path("fail")).unwrap();
    made.put("engine", "FAKE 10.3.0 1 1");
    let shared = made.shared(&made.settings());
    until("its engine is refused", || match answer(&shared).unwrap_err().to_string() {
        said if said.contains("cannot be used: it takes 1 numbers and gives 1; the model 12288 and 4704") => Ok(()),
        said => Err(said),
    });
    std::fs::remove_file(made.path("go")).unwrap();
    // Left by a process that was killed, of a number that the kernel never gives; and by one that lives.
    std::fs::write(made.path("engines/a.4194999.part"), "").unwrap();
    std::fs::write(made.path("engines/a.1.part"), "").unwrap();
    let shared = made.shared(&made.settings());
    assert!(!made.kept().contains(&"a.4194999.part".into()) && made.kept().contains(&"a.1.part".into()));
    std::fs::remove_file(made.path("engines/a.1.part")).unwrap();
    until("trtexec runs", || if made.calls().len() == 3 { Ok(()) } else { Err("it does not".into()) });
    assert!(made.trtexec_runs());
    drop(shared);
    assert!(!made.trtexec_runs());
    let left: Vec<String> = made.kept().into_iter().filter(|n| n.ends_with(".part") || n.ends_with(".onnx")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_build_ends_with_a_box_that_is_killed_and_not_with_the_thread_that_wanted_it() {
    let made = Made::new();
    let shared = std::thread::scope(|scope| scope.spawn(|| made.shared(&made.settings())).join().unwrap());
    until("trtexec runs", || if made.calls().len() == 1 { Ok(()) } else { Err("it does not".into()) });
    made.put("go", "");
    is_built(&shared);
    std::fs::remove_file(made.path("go")).unwrap();
    std::fs::remove_file(made.engine()).unwrap();
    let camera = "[[camera]]\nname = \"rack\"\nsource = \"demo:squat?size=320x240&fps=30\"\n";
    let pose = format!("[pose]\nengine = \"tensorrt\"\nmodel = \"{}\"\n", at(MODEL).display());
    let (library, trtexec) = (made.path("libspotter_trt.so"), made.path("trtexec"));
    let files = format!("tensorrt = \"{}\"\ntrtexec = \"{}\"\n", library.display(), trtexec.display());
    made.put("box.toml", &format!("{camera}{pose}{files}"));
    let (config, data) = (made.path("box.toml").display().to_string(), made.path("data").display().to_string());
    let mut spotter = SpotterBox::start(&["--config", &config, "--data-dir", &data]);
    until("trtexec runs", || if made.calls().len() == 2 { Ok(()) } else { Err("it does not".into()) });
    assert!(made.trtexec_runs());
    spotter.signal("KILL");
    spotter.wait();
    until("it has ended", || if made.trtexec_runs() { Err("it runs".into()) } else { Ok(()) });
}

#[test]
fn a_box_shows_pictures_while_the_engine_is_built_and_tells_how_far_it_is() {
    let made = Made::new();
    let (library, trtexec) = (made.path("libspotter_trt.so"), made.path("trtexec"));
    let written = |engine: &str| {
        let camera = "[[camera]]\nname = \"rack\"\nsource = \"demo:squat?size=320x240&fps=30\"\n";
        let pose = format!("[pose]\nengine = \"{engine}\"\nmodel = \"{}\"\n", at(MODEL).display());
        let files = format!("tensorrt = \"{}\"\ntrtexec = \"{}\"\n", library.display(), trtexec.display());
        made.put("box.toml", &format!("{camera}{pose}{files}onnxruntime = \"{}\"\n", at("Cargo.toml").display()));
        made.path("box.toml").display().to_string()
    };
    let data = made.path("data").display().to_string();
    let config = written("auto");
    let spotter = SpotterBox::start(&["--config", &config, "--data-dir", &data]);
    let building = |spotter: &SpotterBox| spotter.metric("spotter_pose_engine_building{camera=\"rack\"}");
    until("it says that it builds", || match building(&spotter) {
        1.0 => Ok(()),
        n => Err(n.to_string()),
    });
    until("there is a picture", || match spotter.get("/api/v1/cameras/rack/snapshot").status {
        200 => Ok(()),
        status => Err(status.to_string()),
    });
    assert_eq!(spotter.get("/").status, 200);
    let row = |spotter: &SpotterBox| spotter.json("/api/v1/state")["cameras"][0].clone();
    let state = row(&spotter);
    assert_eq!(state["engine"], "tensorrt");
    let why = state["engine_why"].as_str().unwrap();
    assert!(why.contains("building since ") && why.ends_with(" UTC, meanwhile nobody looks"), "{why}");
    assert!(state["pose_fault"].as_str().unwrap().starts_with("the TensorRT engine is being built"), "{state}");
    made.put("go", "");
    until("it looks", || match (building(&spotter), row(&spotter)["pose_fault"].clone()) {
        (0.0, serde_json::Value::Null) => Ok(()),
        other => Err(format!("{other:?}")),
    });
    let state = row(&spotter);
    assert_eq!(
        (state["engine_why"].as_str(), state["pose_fault"].as_str()),
        (Some("version 10.3.0 on sm87x8, fp16"), None)
    );
    drop(spotter);
    std::fs::remove_file(made.path("go")).unwrap();
    let mut spotter =
        SpotterBox::start(&["--config", &config, "--data-dir", &made.path("other").display().to_string()]);
    until("trtexec runs", || if made.calls().len() == 2 { Ok(()) } else { Err("it does not".into()) });
    assert!(made.trtexec_runs());
    spotter.signal("TERM");
    assert_eq!(spotter.wait(), 0);
    // At once, or by the kernel's hand where the camera did not end in its time.
    until("it ends with the box", || if made.trtexec_runs() { Err("it runs".into()) } else { Ok(()) });
    // Without a graphics processor the named engine ends the start, and auto says why it took another.
    made.put("orders", "no_gpu 1\n");
    let refused = "TensorRT cannot be used: cudaDeviceGetAttribute answers 100 (no CUDA-capable device is detected)";
    let check = |config: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_spotter"));
        let out = command.args(["check", "--config", config]).current_dir(made.folder.path()).output().unwrap();
        (out.status.code(), String::from_utf8(out.stdout).unwrap() + &String::from_utf8(out.stderr).unwrap())
    };
    let (code, said) = check(&written("auto"));
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains(&format!("it is no library of 64 bit; {refused}\n")), "{said}");
    let (code, said) = check(&written("tensorrt"));
    assert_eq!((code, said.trim()), (Some(1), refused));
}
