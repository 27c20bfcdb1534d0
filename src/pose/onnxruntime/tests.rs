//! Libraries that are none, too old, broken or absent, made with the system's compiler; and the real one, where it is.
//!
//! `make test` fetches the real one and sets `SPOTTER_NEED_ONNXRUNTIME`, with which its absence is a failure.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::*;
use crate::pose::onnx::tests::{first_numbers, softmax, softmax_in_the_way};
use crate::pose::{Chosen, Eye, Limits, Shared, Wanted};

/// Where `make onnxruntime` puts it.
fn fetched() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/onnxruntime/libonnxruntime.so");
    let needed = std::env::var_os("SPOTTER_NEED_ONNXRUNTIME").is_some();
    assert!(path.exists() || !needed, "{} is not there: make onnxruntime", path.display());
    path.exists().then_some(path)
}

fn named(path: &Path) -> Places {
    Places { named: Some(path.to_path_buf()), ..Places::default() }
}

/// A library with this source, in `folder`.
fn compiled(folder: &Path, name: &str, source: &str) -> PathBuf {
    let (file, library) = (folder.join("source.c"), folder.join(name));
    std::fs::write(&file, source).unwrap();
    // `CC` names that for the machine which the tests run on, where it is not that of the build.
    let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    let done = Command::new(compiler).args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&file).status().unwrap();
    assert!(done.success());
    library
}

/// One that says it is ONNX Runtime of this version, and has no functions.
fn of_version(folder: &Path, name: &str, version: &str) -> PathBuf {
    let source = format!(
        "static const void *api(unsigned v) {{ return 0; }} static const char *text(void) {{ return {version}; }}
         static const struct {{ const void *(*a)(unsigned); const char *(*t)(void); }} base = {{ api, text }};
         const void *OrtGetApiBase(void) {{ return &base; }}"
    );
    compiled(folder, name, &source)
}

#[test]
fn only_a_library_that_can_be_told_for_how_long_spins() {
    for (version, spins) in [("1.31.9", false), ("1.32.0", true), ("1.40", true), ("2.0", true), ("", false)] {
        assert_eq!(super::library::spins_briefly(version), spins, "{version}");
    }
}

#[test]
fn a_library_that_does_not_fit_is_refused_with_one_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let said = |path: &Path| named(path).find().unwrap_err().to_string().replace(&folder.display().to_string(), "DIR");
    let text = folder.join("text.so");
    std::fs::write(&text, "text").unwrap();
    assert_eq!(said(&text), "the ONNX Runtime DIR/text.so cannot be loaded: it is no library of 64 bit");
    let nowhere = said(&folder.join("nowhere.so"));
    assert_eq!(nowhere, "the ONNX Runtime DIR/nowhere.so cannot be loaded: No such file or directory (os error 2)");
    assert_eq!(said(folder), "the ONNX Runtime DIR cannot be loaded: it is no file");
    let other = compiled(folder, "other.so", "int answer(void) { return 42; }");
    assert_eq!(said(&other), "DIR/other.so is no ONNX Runtime");
    let nothing = compiled(folder, "nothing.so", "void *OrtGetApiBase(void) { return 0; }");
    assert_eq!(said(&nothing), "DIR/nothing.so is no ONNX Runtime");
    assert_eq!(said(&of_version(folder, "mute.so", "0")), "DIR/mute.so is no ONNX Runtime");
    let missing = compiled(folder, "missing.so", "extern int no_such(void); int answer(void) { return no_such(); }");
    let undefined = said(&missing);
    assert!(undefined.starts_with("the ONNX Runtime DIR/missing.so cannot be loaded: undefined symbol"), "{undefined}");
    for (version, found) in [("\"1.16.3\"", "1.16.3"), ("\"2.0.0\"", "2.0.0"), ("\"new\"", "new"), ("\"\"", "")] {
        let path = of_version(folder, "old.so", version);
        let want = format!("the ONNX Runtime DIR/old.so has version {found}; expected 1.17 or a newer 1");
        assert_eq!(said(&path), want);
        std::fs::remove_file(path).unwrap();
    }
    // Its version is right, and yet it has not the functions of that version.
    assert!(said(&of_version(folder, "hollow.so", "\"1.99.0\"")).contains("has version 1.99.0; expected"));
}

#[test]
fn a_library_that_is_cut_short_anywhere_is_refused_before_it_is_loaded() {
    let dir = tempfile::tempdir().unwrap();
    let whole = compiled(dir.path(), "whole.so", "int table[5000] = {1}; int answer(void) { return table[3]; }");
    let bytes = std::fs::read(&whole).unwrap();
    let cut = dir.path().join("cut.so");
    for kept in [64, 65, 700, 4096, 8192, 20_000] {
        std::fs::write(&cut, &bytes[..kept]).unwrap();
        let fault = named(&cut).find().unwrap_err().to_string();
        assert!(fault.ends_with("cut.so cannot be loaded: it is cut short"), "{kept}: {fault}");
    }
}

#[test]
fn folders_are_gone_through_in_order_and_the_first_fault_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let [first, second, none] = ["first", "second", "none"].map(|name| dir.path().join(name));
    std::fs::create_dir(&first).unwrap();
    std::fs::create_dir(&second).unwrap();
    let places =
        |folders: &[&PathBuf]| Places { folders: folders.iter().copied().cloned().collect(), ..Places::default() };
    assert_eq!(places(&[&none, &first]).find(), Err(LibraryFault::Absent));
    let old = of_version(&first, "libonnxruntime.so.1.9.1", "\"1.9.1\"");
    of_version(&second, "libonnxruntime.so", "\"1.10.0\"");
    std::fs::write(second.join("libonnxruntime_providers_shared.so"), "").unwrap();
    std::fs::write(first.join("libonnxruntime.so.debug"), "").unwrap();
    let fault = places(&[&none, &first, &second]).find().unwrap_err();
    assert_eq!(fault, LibraryFault::Version { path: old, found: "1.9.1".into() });
    // Within a folder the plain name comes first, then the newest.
    of_version(&first, "libonnxruntime.so.1.16.0", "\"1.16.0\"");
    let told = |folders: &[&PathBuf]| places(folders).find().unwrap_err().to_string();
    assert!(told(&[&first]).contains("has version 1.16.0"), "{}", told(&[&first]));
    of_version(&first, "libonnxruntime.so", "\"1.2.0\"");
    assert!(told(&[&first]).contains("has version 1.2.0"), "{}", told(&[&first]));
    let Some(real) = fetched() else { return };
    // What does not fit is no obstacle for what does.
    std::os::unix::fs::symlink(real, second.join("libonnxruntime.so.1.99")).unwrap();
    assert_eq!(places(&[&first, &second]).find().unwrap().path, second.join("libonnxruntime.so.1.99"));
}

#[test]
fn auto_says_why_it_took_the_cpu_and_what_is_named_is_taken_or_refused() {
    let chosen = Chosen::of(Wanted::Auto, &Places::default()).unwrap();
    assert_eq!((chosen.name(), chosen.why()), ("cpu", "there is no ONNX Runtime: no libonnxruntime.so was found"));
    let text = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let auto = Chosen::of(Wanted::Auto, &named(&text)).unwrap();
    assert!(auto.name() == "cpu" && auto.why().ends_with("it is no library of 64 bit"), "{}", auto.why());
    let refused = Chosen::of(Wanted::OnnxRuntime, &named(&text)).unwrap_err().to_string();
    assert_eq!(refused, auto.why());
    assert_eq!(Chosen::of(Wanted::Cpu, &named(&text)).unwrap().name(), "cpu");
}

#[test]
fn the_real_library_answers_as_the_cpu_does_in_32_and_16_bit() {
    let Some(real) = fetched() else { return };
    let chosen = Chosen::of(Wanted::Auto, &named(&real)).unwrap();
    assert_eq!(chosen.name(), "onnxruntime");
    let at = format!(" of {}", real.display());
    assert!(chosen.why().starts_with("version 1.") && chosen.why().ends_with(&at), "{}", chosen.why());
    let dir = tempfile::tempdir().unwrap();
    // Sixteenths have an exact form in 16 bits.
    let input: Vec<f32> = (0..3 * 64 * 64).map(|n| (n % 160) as f32 / 16.0).collect();
    for element in [1, 10] {
        let path = dir.path().join(format!("{element}.onnx"));
        std::fs::write(&path, first_numbers(element)).unwrap();
        for chosen in [chosen.clone(), Chosen::of(Wanted::Cpu, &Places::default()).unwrap()] {
            let shared = Shared::open(&path, Limits::default(), chosen, 2).unwrap();
            let mut answer = vec![7.0; 3];
            for _ in 0..3 {
                shared.load().unwrap().infer(&input, &mut answer).unwrap();
                assert_eq!(answer, input[..56 * 84], "{} {element}", shared.chosen().name());
            }
            let mut eye = Eye::new(shared);
            eye.look_at_rgb(&[0; 12], (2, 2), &mut Vec::new()).unwrap();
        }
    }
}

/// By the definition in the ONNX operators' specification; before and after version 18 the axes are told otherwise.
#[test]
fn a_softmax_across_channels_answers_as_its_definition_says() {
    let Some(real) = fetched() else { return };
    let runtime = Runtime::open(&named(&real)).unwrap();
    // Some so large that what is raised without the greatest taken off would be infinite.
    let input: Vec<f32> = (0..3 * 64 * 64).map(|n| (n * 37 % 4001) as f32 / 10.0 - 200.0).collect();
    let at = |channel: usize, place: usize| f64::from(input[channel * 84 + place]);
    let files = [(1, 13), (1, 17), (1, 18), (1, 20), (2, 18)].map(|(axis, operators)| (axis, softmax(axis, operators)));
    // What the library does not take spelled out it is given as it is.
    for (axis, bytes) in files.into_iter().chain([(1, softmax_in_the_way())]) {
        assert_eq!(onnx::spelled_out(&bytes).is_some(), axis == 1);
        let layout = Layout::of(&onnx::Header::read(&bytes).unwrap()).unwrap();
        let (engine, mut answer) = (OnnxRuntime::load(&runtime, &bytes, &layout, 2).unwrap(), Vec::new());
        engine.infer(&input, &mut answer).unwrap();
        for (channel, place) in (0..56).flat_map(|channel| (0..84).map(move |place| (channel, place))) {
            let all: Vec<f64> = match axis {
                1 => (0..56).map(|channel| at(channel, place)).collect(),
                _ => (0..84).map(|place| at(channel, place)).collect(),
            };
            let most = all.iter().copied().fold(f64::MIN, f64::max);
            let want = (at(channel, place) - most).exp() / all.iter().map(|x| (x - most).exp()).sum::<f64>();
            let off = (f64::from(answer[channel * 84 + place]) - want).abs();
            assert!(off < 1e-6, "axis {axis}, at {channel},{place}: off by {off}");
        }
    }
}

#[test]
fn the_real_library_refuses_a_broken_graph_and_another_answer_than_the_header_says() {
    let Some(real) = fetched() else { return };
    let chosen = Chosen::of(Wanted::OnnxRuntime, &named(&real)).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("m.onnx");
    let good = first_numbers(1);
    let swap = |from: &[u8], to: &[u8]| {
        let at = good.windows(from.len()).position(|window| window == from).unwrap();
        [&good[..at], to, &good[at + from.len()..]].concat()
    };
    std::fs::write(&path, swap(b"Slice", b"Slyce")).unwrap();
    let load = || {
        let shared = Shared::open(&path, Limits::default(), chosen.clone(), 1).unwrap();
        shared.load().map(|_| ()).unwrap_err().to_string()
    };
    let said = load();
    assert!(said.starts_with("the engine cannot load the model: ") && said.contains("Slyce"), "{said}");
    assert!(!said.contains('\n'), "{said}");
    // The last side of the graph's answer is 84; the header is made to say 42.
    let sides = |last: u8| [&[0x08, 56][..], &[0x0a, 2, 0x08, last]].concat();
    std::fs::write(&path, swap(&sides(84), &sides(42))).unwrap();
    assert_eq!(load(), "the engine fails with the model: it answers with 4704 numbers, and its header says 2352");
}

#[test]
fn a_second_library_in_one_process_is_refused() {
    let Some(real) = fetched() else { return };
    let dir = tempfile::tempdir().unwrap();
    let copy = dir.path().join("libonnxruntime.so");
    Runtime::open(&named(&real)).unwrap();
    std::os::unix::fs::symlink(&real, &copy).unwrap();
    let fault = Runtime::open(&named(&copy)).unwrap_err().to_string();
    assert!(fault.ends_with(&format!("cannot be taken: {} is in use", real.display())), "{fault}");
}

#[test]
fn its_threads_run_where_the_thread_that_loads_the_model_may_run() {
    let Some(real) = fetched() else { return };
    let runtime = Runtime::open(&named(&real)).unwrap();
    let bytes = first_numbers(1);
    let header = crate::pose::onnx::Header::read(&bytes).unwrap();
    let layout = Layout::of(&header).unwrap();
    let threads = || -> std::collections::BTreeSet<u32> {
        let folders = std::fs::read_dir("/proc/self/task").unwrap().flatten();
        folders.filter_map(|folder| folder.file_name().to_str()?.parse().ok()).collect()
    };
    let loader = std::thread::Builder::new().name("loads".into());
    let body = move || {
        use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
        let all = sched_getaffinity(None).unwrap();
        let first = (0..CpuSet::MAX_CPU).find(|core| all.is_set(*core)).unwrap();
        let mut one = CpuSet::new();
        one.set(first);
        sched_setaffinity(None, &one).unwrap();
        let engine = OnnxRuntime::load(&runtime, &bytes, &layout, 3).unwrap();
        // Other tests start threads too; the library's carry the name of the one that made them.
        let own = threads().into_iter().filter(|tid| {
            let name = std::fs::read_to_string(format!("/proc/self/task/{tid}/comm")).unwrap_or_default();
            name.trim() == "loads"
        });
        let affinities: Vec<CpuSet> =
            own.map(|tid| sched_getaffinity(rustix::thread::Pid::from_raw(tid.cast_signed())).unwrap()).collect();
        drop(engine);
        (affinities, one)
    };
    let (affinities, one) = loader.spawn(body).unwrap().join().unwrap();
    assert_eq!(affinities, vec![one; 3], "two threads of the library's beside the one that loaded");
}
