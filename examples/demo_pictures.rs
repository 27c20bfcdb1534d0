//! Writes demo pictures and their answers, for `board/models/train.py`.
//!
//! `demo_pictures FOLDER COUNT SEED WIDTHxHEIGHT` writes `COUNT` pictures, as a model with an input of this size sees
//! them, to `pictures.u8` (planes R, G, B of bytes), and to `answers.f32` a row of 58 numbers for each, in the input's
//! pixels: whether somebody is there; left, top, right, bottom; 17 times x, y and whether the point is in the picture;
//! the stature; the exercise's number. The same arguments write the same bytes.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use spotter::capture::demo::study::{EXERCISES, Study, Truth};
use spotter::capture::uri::DemoAddress;
use spotter::frame::Frame;
use spotter::pose::preprocess::{Letterbox, Preprocess, Tensor};
use spotter::skeleton::KEYPOINTS;

/// Pictures of one gym; painting the empty room costs as much as twenty.
const OF_ONE_GYM: usize = 8;
/// Sizes of frames; the usual ones more often.
const SIZES: [(usize, usize); 8] =
    [(640, 360), (640, 360), (960, 540), (1280, 720), (640, 360), (640, 480), (480, 854), (800, 450)];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, count, seed, size] = arguments.as_slice() else {
        return Err("usage: demo_pictures FOLDER COUNT SEED WIDTHxHEIGHT".into());
    };
    let (width, height) = size.split_once('x').ok_or("a size is WIDTHxHEIGHT")?;
    write(Path::new(folder), count.parse()?, seed.parse()?, (width.parse()?, height.parse()?))
}

fn write(folder: &Path, count: usize, seed: u64, input: (usize, usize)) -> Result<(), Box<dyn std::error::Error>> {
    std::fs::create_dir_all(folder)?;
    let mut pictures = BufWriter::new(File::create(folder.join("pictures.u8"))?);
    let mut answers = BufWriter::new(File::create(folder.join("answers.f32"))?);
    let (mut preprocess, mut frame) = (Preprocess::new(input.0, input.1), Frame::default());
    let mut tensor = Tensor::new(input);
    // Pictures are apart by something that is no divisor of a round, so that all moments come.
    for gym in 0..count.div_ceil(OF_ONE_GYM) as u64 {
        let mixed = mix(seed.wrapping_mul(1 << 32) + gym);
        let exercise = (mixed % 5) as usize;
        let (w, h) = SIZES[(mixed >> 8) as usize % SIZES.len()];
        let address = DemoAddress {
            exercise: EXERCISES[exercise].into(),
            reps: 2 + (mixed >> 16) as u32 % 3,
            rest_s: 5.0,
            fps: 30.0,
            width: w,
            height: h,
            seed: mixed,
        };
        let plain = (mixed >> 24) % 5 < 2;
        let mut study = if plain { Study::plain(&address) } else { Study::varied(&address) };
        for turn in 0..OF_ONE_GYM.min(count - gym as usize * OF_ONE_GYM) as u64 {
            let number = mix(mixed + turn) % study.round();
            // One picture of a gym shows it empty.
            let truth = (turn != 7).then(|| study.picture(number, &mut frame));
            if truth.is_none() {
                study.empty(number, &mut frame);
            }
            let letterbox = preprocess.run(&frame, &mut tensor)?;
            let bytes: Vec<u8> = tensor.iter().map(|v| (v * 255.0).round() as u8).collect();
            pictures.write_all(&bytes)?;
            for value in row(truth.as_ref(), &letterbox, (w, h), exercise) {
                answers.write_all(&value.to_le_bytes())?;
            }
        }
    }
    pictures.flush()?;
    Ok(answers.flush()?)
}

fn row(truth: Option<&Truth>, letterbox: &Letterbox, size: (usize, usize), exercise: usize) -> [f32; 58] {
    let mut row = [0.0; 58];
    row[57] = exercise as f32;
    let Some(truth) = truth else { return row };
    let across = letterbox.scaled.0 as f32 / size.0 as f32;
    let down = letterbox.scaled.1 as f32 / size.1 as f32;
    let on_input = |(x, y): (f32, f32)| (x * across + letterbox.pad.0 as f32, y * down + letterbox.pad.1 as f32);
    let [x0, y0, x1, y1] = truth.bbox;
    row[0] = 1.0;
    (row[1], row[2]) = on_input((x0, y0));
    (row[3], row[4]) = on_input((x1, y1));
    for point in 0..KEYPOINTS {
        let (x, y) = on_input(truth.points[point]);
        row[5 + point * 3..][..3].copy_from_slice(&[x, y, f32::from(u8::from(truth.shows(point, size)))]);
    }
    row[56] = truth.height * down;
    row
}

/// A number of which every bit depends on every bit of `x` (the finaliser of MurmurHash3).
fn mix(x: u64) -> u64 {
    let x = (x ^ (x >> 33)).wrapping_mul(0xFF51_AFD7_ED55_8CCD);
    let x = (x ^ (x >> 33)).wrapping_mul(0xC4CE_B9FE_1A85_EC53);
    x ^ (x >> 33)
}
