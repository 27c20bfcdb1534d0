//! The whole way: a picture file, the program, its poses; and the first part of it, the model's input.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use spotter::pose::layout::Layout;
use spotter::pose::onnx::Header;
use spotter::pose::preprocess::{Preprocess, Tensor};
use spotter::skeleton::Pose;

use super::{apart, made, sorted, told_poses};

/// What the program may be off by.
const PIXELS: f32 = 0.5;
const SCORE: f32 = 1e-3;
/// Programs that run side by side.
const AT_ONCE: usize = 4;

/// How ours and theirs differ for one model.
#[derive(Default)]
struct Differences {
    people: usize,
    missing: usize,
    extra: usize,
    swaps: usize,
    /// The greatest difference of two scores that came in the other order.
    tie: f32,
    box_px: f32,
    point_px: f32,
    score: f32,
}

impl Differences {
    /// Finds for each of theirs the nearest of ours that nobody has taken.
    fn add(&mut self, ours: &[Pose], theirs: &[Pose]) {
        let mut free: Vec<usize> = (0..ours.len()).collect();
        let mut places: Vec<(usize, f32)> = Vec::new();
        for their in theirs {
            let off = |n: usize| boxes(&ours[n], their).max(points(&ours[n], their));
            let Some(at) = (0..free.len()).min_by(|a, b| off(free[*a]).total_cmp(&off(free[*b]))) else { continue };
            let our = &ours[free[at]];
            let (_, score) = apart(our, their);
            if off(free[at]) > PIXELS || score > SCORE {
                continue;
            }
            self.box_px = self.box_px.max(boxes(our, their));
            self.point_px = self.point_px.max(points(our, their));
            self.score = self.score.max(score);
            places.push((free.swap_remove(at), their.score));
        }
        self.people += theirs.len();
        self.missing += theirs.len() - places.len();
        self.extra += free.len();
        for [(place, score), (next_place, next_score)] in places.array_windows() {
            if place > next_place {
                self.swaps += 1;
                self.tie = self.tie.max(score - next_score);
            }
        }
    }
}

fn boxes(a: &Pose, b: &Pose) -> f32 {
    a.bbox.iter().zip(b.bbox).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

fn points(a: &Pose, b: &Pose) -> f32 {
    let off = a.keypoints.iter().zip(b.keypoints).map(|(a, b)| (a.x - b.x).abs().max((a.y - b.y).abs()));
    off.fold(0.0, f32::max)
}

/// What `spotter pose` says of a case's picture, and what Ultralytics said; of a model of 16 bit, what it said of the same
/// weights in a graph of 32 bit where the engine calculates so.
fn look(case: &Path, model: &Path, engine: &str) -> (Vec<Pose>, Vec<Pose>) {
    let told: Value = serde_json::from_slice(&std::fs::read(case).unwrap()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_spotter"));
    command.args(["pose", told["picture"].as_str().unwrap(), "--json", "--most", "300", "--engine", engine, "--model"]);
    command.arg(model);
    let done = command.output().unwrap();
    assert!(done.status.success(), "{}: {}", case.display(), String::from_utf8_lossy(&done.stderr));
    let theirs = told.get("wide").filter(|_| engine == "cpu").unwrap_or(&told);
    (told_poses(&serde_json::from_slice(&done.stdout).unwrap()), told_poses(theirs))
}

#[test]
#[ignore = "wants what tests/parity/answers.sh makes"]
fn pictures_are_seen_as_ultralytics_sees_them() {
    let (mut failed, mut all) = (Vec::new(), 0);
    println!(
        "| model | engine | people | missing | extra | swaps | tie | box, px | points, px | score |\n|---|---|---|---|---|---|---|---|---|---|"
    );
    let models = sorted(&made().join("models"), "onnx");
    for (model, engine) in models.iter().flat_map(|model| ["cpu", "onnxruntime"].map(|engine| (model, engine))) {
        let name = model.file_stem().unwrap().to_str().unwrap();
        let mut found = Differences::default();
        let cases = sorted(&made().join("cases").join(name), "json");
        for some in cases.chunks(AT_ONCE) {
            std::thread::scope(|scope| {
                let running: Vec<_> = some.iter().map(|case| scope.spawn(|| look(case, model, engine))).collect();
                running.into_iter().map(|one| one.join().unwrap()).for_each(|(ours, theirs)| found.add(&ours, &theirs));
            });
        }
        let Differences { people, missing, extra, swaps, tie, box_px, point_px, score } = found;
        print!("| {name} | {engine} | {people} | {missing} | {extra} | {swaps} | {tie:.6} ");
        println!("| {box_px:.4} | {point_px:.4} | {score:.6} |");
        // Two scores that each may be off by so much have no order; and of thousands of people with many doubles each, such
        // a tie may decide which double stays.
        let spared = people / 1000;
        if missing > spared || extra > spared || tie > SCORE {
            failed.push(format!("{name} by {engine}"));
        }
        all += people;
    }
    assert!(failed.is_empty(), "not as Ultralytics sees them: {failed:?}");
    assert!(all > 1000, "too little was compared");
}

/// Rows of R, G, B as the program reads them from a file.
fn pixels(path: &Path) -> (Vec<u8>, (usize, usize)) {
    let bytes = std::fs::read(path).unwrap();
    if path.extension().unwrap() == "jpg" {
        let image = turbojpeg::decompress(&bytes, turbojpeg::PixelFormat::RGB).unwrap();
        return (image.pixels, (image.width, image.height));
    }
    let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
    let mut rgb = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut rgb).unwrap();
    assert_eq!(info.color_type, png::ColorType::Rgb, "{}", path.display());
    (rgb, (info.width as usize, info.height as usize))
}

#[test]
#[ignore = "wants what tests/parity/answers.sh makes"]
fn a_picture_becomes_the_tensor_that_ultralytics_makes() {
    let (mut compared, mut sizes) = (0, BTreeSet::new());
    for model in sorted(&made().join("models"), "onnx") {
        let layout = Layout::of(&Header::read(&std::fs::read(&model).unwrap()).unwrap()).unwrap();
        let (across, down) = layout.input;
        if !sizes.insert(layout.input) {
            continue;
        }
        let mut preprocess = Preprocess::new(across, down);
        let mut tensor = Tensor::new(layout.input);
        for picture in ["png", "jpg"].iter().flat_map(|kind| sorted(&made().join("pictures"), kind)) {
            let name = picture.file_stem().unwrap().to_str().unwrap();
            let theirs = std::fs::read(made().join(format!("tensors/{across}x{down}/{name}.u8"))).unwrap();
            let (rgb, size) = pixels(&picture);
            preprocess.run_rgb(&rgb, size, &mut tensor).unwrap();
            let same = tensor.iter().zip(&theirs).all(|(ours, theirs)| *ours == f32::from(*theirs) / 255.0);
            assert!(same && tensor.len() == theirs.len(), "{name} in {across}x{down}");
            compared += 1;
        }
    }
    println!("{compared} tensors are the same to the last bit");
    assert!(compared >= 60, "too little was compared");
}
