//! Ultralytics' own results, and ours.
//!
//! `tests/parity/answers.sh` writes, for each of several models and over 20 picture files, what Ultralytics gave the model,
//! the model's raw answer, and the poses that it made of it. Here the raw answers are decoded by ours, without an engine
//! and without a picture, so that a difference is one of layout, threshold, suppression or letterbox; in [`pictures`] the
//! program is given the same files.

mod pictures;

use std::path::{Path, PathBuf};

use serde_json::Value;
use spotter::pose::decode::{Decoder, Limits};
use spotter::pose::layout::Layout;
use spotter::pose::onnx::Header;
use spotter::pose::preprocess::Letterbox;
use spotter::skeleton::{Keypoint, Pose};

/// The exported model gives the same numbers to both; what is left is the order of additions.
const PIXELS: f32 = 0.02;
const SCORE: f32 = 1e-6;

fn made() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/parity")
}

fn sorted(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}; see answers.sh", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().unwrap_or_default() == extension);
    paths.sort();
    paths
}

fn numbers(value: &Value) -> Vec<f32> {
    value.as_array().unwrap().iter().map(|n| n.as_f64().unwrap() as f32).collect()
}

fn expected(value: &Value) -> Pose {
    let mut pose = Pose { score: value["score"].as_f64().unwrap() as f32, ..Pose::default() };
    pose.bbox.copy_from_slice(&numbers(&value["bbox"]));
    for (point, given) in pose.keypoints.iter_mut().zip(value["keypoints"].as_array().unwrap()) {
        let [x, y, confidence] = numbers(given)[..] else { panic!("three numbers a point") };
        *point = Keypoint { x, y, confidence };
    }
    pose
}

fn told_poses(told: &Value) -> Vec<Pose> {
    told["poses"].as_array().unwrap().iter().map(expected).collect()
}

/// The greatest differences in pixels, and of scores and confidences.
fn apart(a: &Pose, b: &Pose) -> (f32, f32) {
    let places = |p: &Pose| p.bbox.into_iter().chain(p.keypoints.iter().flat_map(|k| [k.x, k.y])).collect::<Vec<_>>();
    let sure = |p: &Pose| [p.score].into_iter().chain(p.keypoints.iter().map(|k| k.confidence)).collect::<Vec<_>>();
    let most = |a: Vec<f32>, b: Vec<f32>| {
        a.iter().zip(&b).map(|(a, b)| (a - b).abs()).max_by(f32::total_cmp).unwrap_or(f32::NAN)
    };
    (most(places(a), places(b)), most(sure(a), sure(b)))
}

#[test]
#[ignore = "wants what tests/parity/answers.sh makes"]
fn answers_are_read_as_ultralytics_reads_them() {
    let folder = made();
    let (mut cases, mut people, mut models) = (0, 0, 0);
    for model in sorted(&folder.join("models"), "onnx") {
        let name = model.file_stem().unwrap().to_str().unwrap();
        let layout = Layout::of(&Header::read(&std::fs::read(&model).unwrap()).unwrap());
        let layout = layout.unwrap_or_else(|fault| panic!("{name}: {fault}"));
        let mut decoder = Decoder::new(layout.clone(), Limits { most: 300, ..Limits::default() });
        let (mut poses, mut worst) = (Vec::new(), (0.0f32, 0.0f32));
        for case in sorted(&folder.join("cases").join(name), "json") {
            let told: Value = serde_json::from_slice(&std::fs::read(&case).unwrap()).unwrap();
            let answer = std::fs::read(case.with_extension("f32")).unwrap();
            let answer: Vec<f32> = answer.as_chunks().0.iter().copied().map(f32::from_le_bytes).collect();
            assert_eq!(answer.len(), layout.answer_len(), "{}", case.display());
            let side = |key: &str| told[key].as_u64().unwrap() as usize;
            decoder.run(&answer, &Letterbox::new((side("width"), side("height")), layout.input), &mut poses);
            let wanted = told_poses(&told);
            assert_eq!(poses.len(), wanted.len(), "people in {}", case.display());
            for (n, (ours, theirs)) in poses.iter().zip(&wanted).enumerate() {
                let (pixels, score) = apart(ours, theirs);
                assert!(pixels <= PIXELS && score <= SCORE, "person {n} of {}: {ours:?} {theirs:?}", case.display());
                worst = (worst.0.max(pixels), worst.1.max(score));
            }
            (cases, people) = (cases + 1, people + wanted.len());
        }
        models += 1;
        println!("{name}: {:?}, at most {} px and {} apart", layout.kind, worst.0, worst.1);
    }
    println!("{people} people in {cases} answers of {models} models");
    assert!(models >= 9 && cases >= 20 * models && people >= 10 * cases, "too little was compared");
}
