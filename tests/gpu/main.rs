//! The encoders for graphics processors and boards, carried from end to end by stand-ins: libraries that are made here
//! with the system's compiler and have the real functions' names and signatures, and a GStreamer plugin.
//!
//! `fake-cudart.c` and `fake-nvjpeg.c` tell what they were called with, fail when a test orders it, and encode what they
//! were handed, so that a plane, a pitch or a size that is wrong gives a wrong picture. Whatever they made and was not
//! given back fails the test. What the real libraries export is held against our list by `symbols.sh`.

#[path = "../common/mod.rs"]
mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::{SpotterBox, c_compiler, until};
use spotter::frame::{Frame, Layout, PixelFormat};
use spotter::jpeg::bench::camera_like;
use spotter::jpeg::encoders::measure;
use spotter::jpeg::{Chosen, EncodeFault, Encoder, Settings, Variant, Wanted};

const NVJPEG: &str = "libnvjpeg.so.12";
const CUDART: &str = "libcudart.so.12";
const FFI: &str = include_str!("../../src/jpeg/nvjpeg/ffi.rs");

/// A folder with both stand-ins.
struct Cuda {
    folder: tempfile::TempDir,
}

fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/gpu").join(name)
}

fn compile(file: &Path, library: &Path, more: &[&str]) {
    let mut command = c_compiler();
    command.args(["-Wall", "-Werror", "-shared", "-fPIC", "-o"]).arg(library).arg(file).args(more);
    assert!(command.status().unwrap().success(), "{} is compiled", file.display());
}

impl Cuda {
    fn new() -> Cuda {
        let folder = tempfile::tempdir().unwrap();
        compile(&source("fake-nvjpeg.c"), &folder.path().join(NVJPEG), &["-ljpeg", "-ldl"]);
        compile(&source("fake-cudart.c"), &folder.path().join(CUDART), &["-ldl"]);
        Cuda { folder }
    }

    fn settings(&self, encoder: Wanted) -> Settings {
        Settings { encoder, cuda: Some(self.folder.path().to_path_buf()) }
    }

    fn choose(&self) -> Result<Chosen, EncodeFault> {
        Chosen::of(&self.settings(Wanted::Nvjpeg))
    }

    /// An encoder that has passed its trial; what the trial called is forgotten.
    fn encoder(&self) -> Encoder {
        let encoder = self.choose().unwrap().encoder().unwrap();
        self.is_given_back(4, "a stream, a handle, a state and its parameters");
        encoder
    }

    fn order(&self, orders: &str) {
        std::fs::write(self.folder.path().join("orders"), orders).unwrap();
    }

    fn calls(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.folder.path().join("calls")).unwrap_or_default();
        text.lines().map(str::to_string).collect()
    }

    /// The last call that begins so, without that.
    fn last(&self, start: &str) -> String {
        let calls = self.calls();
        let found = calls.iter().rev().find_map(|call| call.strip_prefix(start));
        found.unwrap_or_else(|| panic!("no {start:?} in {calls:#?}")).to_string()
    }

    /// So many things were made and not destroyed.
    fn is_given_back(&self, but: usize, what: &str) {
        let mut live = Vec::new();
        for call in self.calls() {
            if let Some(made) = call.strip_prefix("+ ") {
                live.push(made.to_string());
            } else if let Some(gone) = call.strip_prefix("- ") {
                let place = live.iter().rposition(|made| made == gone);
                live.remove(place.unwrap_or_else(|| panic!("{gone} was destroyed and is not there")));
            }
        }
        assert_eq!(live.len(), but, "{what}: {live:?}");
    }
}

/// The functions that are loaded, as `ffi.rs` lists them.
fn functions() -> Vec<&'static str> {
    let listed = FFI.lines().filter_map(|line| line.trim().split_once(": fn(")).map(|(name, _)| name);
    let all: Vec<&str> = listed.filter(|name| name.starts_with("cuda") || name.starts_with("nvjpeg")).collect();
    assert_eq!(all.len(), 20, "{all:?}");
    all
}

fn quality(quality: u8) -> Variant {
    Variant { quality: Some(quality), width: None }
}

fn rgb(jpeg: &[u8]) -> (Vec<u8>, usize, usize) {
    let picture = turbojpeg::decompress(jpeg, turbojpeg::PixelFormat::RGB).unwrap();
    (picture.pixels, picture.width, picture.height)
}

/// The encoder's picture is the CPU's but for rounding.
fn is_the_cpus(encoder: &mut Encoder, frame: &Frame, variant: Variant, what: &str) {
    let (mut jpeg, mut ours) = (Vec::new(), Vec::new());
    let size = encoder.encode(frame, variant, &mut jpeg).unwrap();
    assert_eq!(size, Encoder::cpu().unwrap().encode(frame, variant, &mut ours).unwrap(), "{what}");
    let ((found, ..), (want, width, height)) = (rgb(&jpeg), rgb(&ours));
    assert_eq!(size, (width, height), "{what}");
    let sum: u64 = found.iter().zip(&want).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    assert_eq!(found.len(), want.len(), "{what}");
    let mean = sum as f64 / want.len() as f64;
    assert!(mean < 0.5, "{what}: {mean} levels");
}

#[test]
fn what_is_no_nvjpeg_is_refused_with_one_sentence() {
    let cuda = Cuda::new();
    let folder = cuda.folder.path();
    let said = || cuda.choose().unwrap_err().to_string().replace(&folder.display().to_string(), "DIR");
    std::fs::rename(folder.join(CUDART), folder.join("away")).unwrap();
    assert_eq!(said(), "there is no CUDA runtime: no libcudart.so was found");
    std::fs::write(folder.join(CUDART), "text").unwrap();
    assert_eq!(said(), "the library DIR/libcudart.so.12 cannot be loaded: file too short");
    let file = folder.join("source.c");
    let made = |folder: &Path, text: &str, name: &str| {
        std::fs::write(&file, text).unwrap();
        let _ = std::fs::remove_file(folder.join(name));
        compile(&file, &folder.join(name), &[]);
    };
    made(folder, "int cudaGetDeviceCount(int *n) { return 0; }", CUDART);
    assert_eq!(said(), "the library DIR/libcudart.so.12 has no function cudaGetErrorString");
    // A library that was found right stays loaded, so what is wrong must lie elsewhere.
    let cuda = Cuda::new();
    let folder = cuda.folder.path();
    let said = || cuda.choose().unwrap_err().to_string().replace(&folder.display().to_string(), "DIR");
    made(folder, "int nvjpegCreateEx(void) { return 0; }", NVJPEG);
    assert_eq!(said(), "the library DIR/libnvjpeg.so.12 has no function nvjpegDestroy");
    // The other library of that name, as it lies in the linker's folders of some boards.
    std::fs::remove_file(folder.join(NVJPEG)).unwrap();
    made(folder, "int jpeg_std_error(void) { return 0; } int jpeg_CreateCompress(void) { return 0; }", "libnvjpeg.so");
    assert_eq!(said(), "DIR/libnvjpeg.so is no CUDA nvJPEG but the libjpeg of the same name");
    std::fs::remove_file(folder.join("libnvjpeg.so")).unwrap();
    assert_eq!(said(), "there is no nvJPEG: no libnvjpeg.so was found");
    let auto = Chosen::of(&cuda.settings(Wanted::Auto)).unwrap();
    let why = "GStreamer has no element nvjpegenc; there is no nvJPEG: no libnvjpeg.so was found";
    assert_eq!((auto.name(), auto.why()), ("cpu", why));
}

#[test]
fn planes_pitches_and_sizes_are_those_of_the_picture() {
    let cuda = Cuda::new();
    let mut encoder = cuda.encoder();
    assert_eq!(cuda.last("cudaSetDeviceFlags "), "12", "wait without spinning, map memory");
    assert_eq!(cuda.last("cudaStreamCreateWithFlags "), "1", "a stream of its own");
    let frame = camera_like(PixelFormat::I420, 323, 241, 2);
    is_the_cpus(&mut encoder, &frame, quality(80), "odd sides");
    let (told, device) = (cuda.last("encode "), cuda.last("device "));
    let luma = 384 * 241;
    let want = format!("css 2 323x241 pitch 384 192 192 at {device} +{luma} +{}", luma + 192 * 121);
    assert_eq!(told, want);
    assert_eq!(cuda.last("cudaHostAlloc "), format!("{} 2", luma + 2 * 192 * 121), "mapped");
    for format in [PixelFormat::Nv12, PixelFormat::Yuyv, PixelFormat::Uyvy] {
        is_the_cpus(&mut encoder, &camera_like(format, 322, 240, 3), quality(60), &format!("{format:?}"));
    }
    is_the_cpus(&mut encoder, &camera_like(PixelFormat::Grey, 100, 75, 3), quality(60), "grey");
    assert!(cuda.last("encode ").starts_with("css 6 100x75 pitch 128 0 0 at "), "{}", cuda.last("encode "));
    assert_eq!((cuda.last("quality "), cuda.last("sampling ")), ("60".into(), "6".into()));
    let smaller = Variant { quality: Some(90), width: Some(160) };
    is_the_cpus(&mut encoder, &camera_like(PixelFormat::I420, 640, 360, 4), smaller, "smaller");
    let allocated = |cuda: &Cuda| cuda.calls().iter().filter(|call| call.starts_with("cudaHostAlloc")).count();
    let before = allocated(&cuda);
    is_the_cpus(&mut encoder, &frame, quality(80), "again");
    assert_eq!(allocated(&cuda), before, "memory is kept");
    cuda.is_given_back(5, "one encoder with its memory");
    drop(encoder);
    cuda.is_given_back(0, "after the encoder");
}

#[test]
fn a_cameras_own_jpeg_is_handed_on_or_decoded_whatever_its_chroma() {
    let cuda = Cuda::new();
    let mut encoder = cuda.encoder();
    let pixels: Vec<u8> = (0..96 * 64 * 3).map(|n| (n / 3 % 96 + n / 288 + n % 3 * 40) as u8).collect();
    let image = turbojpeg::Image {
        pixels: &pixels[..],
        width: 96,
        pitch: 288,
        height: 64,
        format: turbojpeg::PixelFormat::RGB,
    };
    use turbojpeg::Subsamp::{Gray, None, Sub1x2, Sub2x1, Sub2x2, Sub4x1};
    for subsamp in [None, Sub2x1, Sub2x2, Sub1x2, Sub4x1, Gray] {
        let bytes = turbojpeg::compress(image, 90, subsamp).unwrap().to_vec();
        let frame = Frame { id: 1, layout: Layout::jpeg(96, 64), bytes, ..Frame::default() };
        let mut out = Vec::new();
        encoder.encode(&frame, Variant::default(), &mut out).unwrap();
        assert_eq!(out, frame.bytes, "{subsamp:?}");
        // Both lose the chroma's detail here, which is a slope: what is left is rounding.
        encoder.encode(&frame, quality(95), &mut out).unwrap();
        let css = if subsamp == Gray { "css 6" } else { "css 2" };
        assert!(cuda.last("encode ").starts_with(css), "{subsamp:?}");
        let ((found, width, height), (want, ..)) = (rgb(&out), rgb(&frame.bytes));
        assert_eq!((width, height), (96, 64));
        let sum: u64 = found.iter().zip(&want).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
        assert!((sum as f64) < 2.0 * want.len() as f64, "{subsamp:?}: {}", sum as f64 / want.len() as f64);
    }
}

#[test]
fn each_call_that_fails_is_one_sentence_and_nothing_is_left_behind() {
    let ends = |name: &&str| name.ends_with("Destroy") || name.ends_with("FreeHost");
    for name in functions().into_iter().filter(|name| !ends(name) && *name != "cudaGetErrorString") {
        let cuda = Cuda::new();
        cuda.order(&format!("{name} 2"));
        let said = cuda.choose().unwrap_err().to_string();
        let want = match name.starts_with("cuda") {
            true => format!("CUDA cannot be used: {name} answers 2 (out of memory)"),
            false => format!("nvJPEG fails: {name} answers 2 (invalid parameter)"),
        };
        assert_eq!(said, want);
        cuda.is_given_back(0, name);
    }
    let cuda = Cuda::new();
    cuda.order("cudaGetDeviceCount 35");
    let said = cuda.choose().unwrap_err().to_string();
    let words = "CUDA driver version is insufficient for CUDA runtime version";
    assert_eq!(said, format!("CUDA cannot be used: cudaGetDeviceCount answers 35 ({words})"));
    cuda.order("no_device 1");
    assert_eq!(cuda.choose().unwrap_err().to_string(), "CUDA finds no graphics processor");
    cuda.order("nvjpegCreateEx 9");
    let said = cuda.choose().unwrap_err().to_string();
    assert_eq!(said, "nvJPEG fails: nvjpegCreateEx answers 9 (implementation not supported)");
    cuda.order("length 2000000000");
    assert_eq!(cuda.choose().unwrap_err().to_string(), "nvJPEG gives a JPEG of 2000000000 bytes");
    // Another part of the process was first: its flags are in force, which is no fault.
    cuda.order("cudaSetDeviceFlags 36");
    assert_eq!(cuda.choose().unwrap().name(), "nvjpeg");
    cuda.is_given_back(0, "all of these");
}

#[test]
fn a_picture_after_a_fault_begins_anew() {
    let cuda = Cuda::new();
    let mut encoder = cuda.encoder();
    let frame = camera_like(PixelFormat::I420, 128, 96, 5);
    for name in ["nvjpegEncodeYUV", "cudaStreamSynchronize", "cudaHostAlloc", "nvjpegEncodeRetrieveBitstream"] {
        is_the_cpus(&mut encoder, &frame, quality(75), "before");
        cuda.order(&format!("{name} 6"));
        let larger = camera_like(PixelFormat::I420, 256, 192, 5);
        let fault = encoder.encode(&larger, quality(75), &mut Vec::new()).unwrap_err().to_string();
        assert!(fault.contains(&format!("{name} answers 6")), "{fault}");
        cuda.is_given_back(0, "after a fault");
        cuda.order("");
        is_the_cpus(&mut encoder, &frame, quality(75), "after");
    }
    drop(encoder);
    cuda.is_given_back(0, "after the encoder");
}

#[test]
fn two_cameras_encode_at_once_each_with_an_encoder_of_its_own() {
    let cuda = Cuda::new();
    let all = measure(2, Some(cuda.folder.path().to_path_buf())).unwrap();
    let nvjpeg = all.iter().find(|one| one.encoder == "nvjpeg").unwrap();
    let runs: Vec<_> = nvjpeg.runs.iter().map(|run| (run.height, run.cameras, run.frames, run.psnr_db)).collect();
    assert_eq!(runs, [(720, 1, 2, None), (720, 2, 2, None), (1080, 1, 2, None), (1080, 2, 2, None)], "{}", nvjpeg.why);
    cuda.is_given_back(0, "after the bench");
    // What fails its trial is not measured.
    cuda.order("swapped 1\n");
    let all = measure(1, Some(cuda.folder.path().to_path_buf())).unwrap();
    let nvjpeg = all.iter().find(|one| one.encoder == "nvjpeg").unwrap();
    assert!(nvjpeg.runs.is_empty() && nvjpeg.why.contains("levels from the CPU's"), "{}", nvjpeg.why);
}

#[test]
fn an_encoder_with_another_picture_is_not_taken() {
    let cuda = Cuda::new();
    let right = cuda.choose().unwrap();
    let about = format!("version 12.4.7 of {}", cuda.folder.path().join(NVJPEG).display());
    assert!(right.why().starts_with(&format!("{about}, whose picture is 0.0")), "{}", right.why());
    for wrong in ["swapped 1", "coarse 1"] {
        cuda.order(wrong);
        let said = cuda.choose().unwrap_err().to_string();
        assert!(said.starts_with("the picture of the encoder nvjpeg is "), "{said}");
        assert!(said.ends_with(" levels from the CPU's, at most 2 are right"), "{said}");
        let auto = Chosen::of(&cuda.settings(Wanted::Auto)).unwrap();
        let why = format!("GStreamer has no element nvjpegenc; {said}");
        assert_eq!((auto.name(), auto.why()), ("cpu", why.as_str()));
    }
    cuda.is_given_back(0, "those that were not taken");
}

/// A box with these lines in `[jpeg]`.
struct Written {
    folder: tempfile::TempDir,
}

impl Written {
    fn new(lines: &str) -> Written {
        let folder = tempfile::tempdir().unwrap();
        let camera = "[[camera]]\nname = \"rack\"\nsource = \"demo:squat?size=322x242&fps=30\"\npose = false\n";
        std::fs::write(folder.path().join("box.toml"), format!("{camera}[jpeg]\n{lines}\n")).unwrap();
        Written { folder }
    }

    fn path(&self) -> String {
        self.folder.path().join("box.toml").display().to_string()
    }

    /// The box, with the plugin's folder if there is one.
    fn start(&self, env: &[(&str, &str)]) -> SpotterBox {
        SpotterBox::start_with(&["--config", &self.path()], env)
    }

    /// What `spotter check` and `spotter run` say to it, which both refuse it.
    fn refused(&self, env: &[(&str, &str)]) -> String {
        let said = ["check", "run"].map(|subcommand| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_spotter"));
            command.args([subcommand, "--config", &self.path()]).envs(env.iter().copied());
            let out = command.output().unwrap();
            assert_eq!(out.status.code(), Some(1), "{subcommand}");
            let text = String::from_utf8(out.stderr).unwrap();
            text.lines().last().unwrap_or_default().trim_start_matches("spotter: ").to_string()
        });
        assert_eq!(said[0], said[1]);
        said[0].clone()
    }
}

/// The box encodes with this, says why, and its pictures are whole in several sizes and qualities.
fn encodes_with(spotter: &SpotterBox, encoder: &str, why: &str) {
    until("there is a picture", || match spotter.get("/api/v1/cameras/rack/snapshot").status {
        200 => Ok(()),
        status => Err(status.to_string()),
    });
    for query in ["", "?q=20", "?q=95", "?w=160", "?w=161&q=50", "?q=40", ""] {
        let reply = spotter.get(&format!("/api/v1/cameras/rack/snapshot{query}"));
        assert_eq!(reply.status, 200, "{query}: {}", reply.text());
        let (_, width, height) = rgb(&reply.body);
        let want = match query.contains("w=16") {
            true => usize::from(query.contains("w=161")) + 160,
            false => 322,
        };
        assert_eq!((width, height), (want, (242 * want + 161) / 322), "{query}");
    }
    let state = &spotter.json("/api/v1/state")["cameras"][0];
    let admin = &spotter.json("/api/v1/admin")["cameras"][0];
    for said in [state, admin] {
        assert_eq!(said["encoder"], encoder);
        let told = said["encoder_why"].as_str().unwrap();
        assert!(told.starts_with(why), "{told}");
    }
    let line = format!("spotter_jpeg_encoder{{camera=\"rack\",encoder=\"{encoder}\"}}");
    assert_eq!(spotter.metric(&line), 1.0);
    assert_eq!(spotter.metric("spotter_frames_dropped_total{camera=\"rack\",reason=\"NotEncoded\"}"), 0.0);
}

#[test]
fn a_box_encodes_with_nvjpeg_once_for_each_picture_and_gives_everything_back() {
    let cuda = Cuda::new();
    let folder = cuda.folder.path().display().to_string();
    let written = Written::new(&format!("encoder = \"nvjpeg\"\ncuda = \"{folder}\""));
    let mut spotter = written.start(&[]);
    encodes_with(&spotter, "nvjpeg", &format!("version 12.4.7 of {folder}/{NVJPEG}, whose picture is 0.0"));
    let encodes = spotter.metric("spotter_encodes_total{camera=\"rack\"}");
    let told = cuda.calls().iter().filter(|call| call.starts_with("encode ")).count();
    assert_eq!(told as f64, encodes + 1.0, "and one for the trial");
    spotter.signal("TERM");
    assert_eq!(spotter.wait(), 0);
    cuda.is_given_back(0, "after the box");
    cuda.order("nvjpegCreateEx 9");
    assert_eq!(written.refused(&[]), "nvJPEG fails: nvjpegCreateEx answers 9 (implementation not supported)");
}

#[cfg(feature = "gst")]
#[test]
fn a_box_encodes_with_the_boards_element_and_auto_takes_it_first() {
    let folder = tempfile::tempdir().unwrap();
    let flags = Command::new("pkg-config").args(["--cflags", "--libs", "gstreamer-1.0"]).output().unwrap();
    let flags = String::from_utf8(flags.stdout).unwrap();
    let flags: Vec<&str> = flags.split_whitespace().collect();
    compile(&source("fake-nvjpegenc.c"), &folder.path().join("libgstnvjpeg.so"), &flags);
    let (plugins, registry) = (folder.path().display().to_string(), folder.path().join("registry"));
    let registry = registry.display().to_string();
    // The variable with the version goes before the one without.
    let env = [("GST_PLUGIN_PATH_1_0", plugins.as_str()), ("GST_REGISTRY", registry.as_str())];
    let cuda = Cuda::new();
    let why = "the board's JPEG hardware, whose picture is 0.";
    for encoder in ["nvjpegenc", "auto"] {
        let lines = format!("encoder = \"{encoder}\"\ncuda = \"{}\"", cuda.folder.path().display());
        encodes_with(&Written::new(&lines).start(&env), "nvjpegenc", why);
    }
    assert!(cuda.calls().is_empty(), "nobody asked for the graphics processor");
    let named = Written::new("encoder = \"nvjpegenc\"");
    let broken = [&env[..], &[("FAKE_NVJPEGENC", "fails")]].concat();
    assert_eq!(named.refused(&broken), "GStreamer's nvjpegenc fails: the hardware is away");
    assert_eq!(named.refused(&[]), "GStreamer has no element nvjpegenc");
}
