//! What it costs to make one JPEG of a 1280x720 picture, by pixel format and variant, and to look at one that is made.

use std::hint::black_box;

use criterion::{Criterion, criterion_group};
use spotter::frame::{Colour, Matrix, PixelFormat, Range};
use spotter::jpeg::bench::{PICTURES, camera_like};
use spotter::jpeg::cpu::Cpu;
use spotter::jpeg::{Encoder, Variant};

fn encode(c: &mut Criterion) {
    let limited = Colour { matrix: Matrix::Bt601, range: Range::Limited };
    let hd = Colour { matrix: Matrix::Bt709, range: Range::Limited };
    for (name, format, colour, width) in [
        ("i420", PixelFormat::I420, Colour::JPEG, None),
        ("i420 limited", PixelFormat::I420, limited, None),
        ("i420 bt709 limited", PixelFormat::I420, hd, None),
        ("nv12", PixelFormat::Nv12, Colour::JPEG, None),
        ("yuyv", PixelFormat::Yuyv, Colour::JPEG, None),
        ("yuyv limited", PixelFormat::Yuyv, limited, None),
        ("grey", PixelFormat::Grey, Colour::JPEG, None),
        ("i420 w=640", PixelFormat::I420, Colour::JPEG, Some(640)),
        ("i420 w=500", PixelFormat::I420, Colour::JPEG, Some(500)),
    ] {
        let mut encoder = Encoder::Cpu(Cpu::new().expect("libjpeg-turbo is built in"));
        let mut frame = camera_like(format, 1280, 720, 1);
        frame.layout = frame.layout.with_colour(colour);
        let variant = Variant { quality: Some(75), width };
        let mut out = Vec::new();
        c.bench_function(&format!("encode 1280x720 q75 {name}"), |b| {
            b.iter(|| encoder.encode(black_box(&frame), variant, &mut out).expect("the frame fits its layout"))
        });
    }
}

fn camera_jpeg(c: &mut Criterion) {
    let mut encoder = Encoder::Cpu(Cpu::new().expect("libjpeg-turbo is built in"));
    let mut frame = camera_like(PixelFormat::I420, 1280, 720, 1);
    let mut bytes = Vec::new();
    encoder.encode(&frame, Variant { quality: Some(90), width: None }, &mut bytes).expect("it fits");
    frame.layout = spotter::frame::Layout::jpeg(1280, 720);
    frame.bytes = bytes;
    let mut out = Vec::new();
    for (name, quality, width) in
        [("as it is", None, None), ("q75", Some(75), None), ("q75 w=640", Some(75), Some(640))]
    {
        let variant = Variant { quality, width };
        c.bench_function(&format!("camera jpeg 1280x720 {name}"), |b| {
            b.iter(|| encoder.encode(black_box(&frame), variant, &mut out).expect("it is a JPEG"))
        });
    }
}

/// For `encode_vs_opencv.py`: writes the pictures that are measured to the file that is asked for, then prints what they
/// cost here.
fn beside_another(path: &std::ffi::OsStr) -> Result<(), Box<dyn std::error::Error>> {
    let mut pictures = Vec::new();
    let mut bytes = 0;
    let mut encoder = Encoder::Cpu(Cpu::new()?);
    let mut out = Vec::new();
    for seed in 0..PICTURES {
        let frame = camera_like(PixelFormat::I420, 1280, 720, seed);
        encoder.encode(&frame, Variant { quality: Some(75), width: None }, &mut out)?;
        bytes += out.len() / PICTURES as usize;
        pictures.extend_from_slice(&frame.bytes);
    }
    std::fs::write(path, pictures)?;
    let mut said = serde_json::to_value(spotter::jpeg::bench::measure(100)?)?;
    said["bytes"] = bytes.into();
    println!("{said}");
    Ok(())
}

criterion_group!(benches, encode, camera_jpeg);

fn main() {
    if let Some(path) = std::env::var_os("SPOTTER_PICTURES") {
        return beside_another(&path).expect("the pictures can be encoded and written");
    }
    benches();
    Criterion::default().configure_from_args().final_summary();
}
