//! The preprocess against a plain reference: pixel by pixel, straight from the formulas, without tables.

use super::*;
use crate::frame::{Layout, Plane};
use proptest::prelude::*;

const FORMATS: [PixelFormat; 5] =
    [PixelFormat::I420, PixelFormat::Nv12, PixelFormat::Yuyv, PixelFormat::Uyvy, PixelFormat::Grey];

fn colours() -> [Colour; 4] {
    let both = [Matrix::Bt601, Matrix::Bt709];
    let [a, b] = both.map(|matrix| [Range::Limited, Range::Full].map(|range| Colour { matrix, range }));
    [a[0], a[1], b[0], b[1]]
}

/// A frame whose sample at (plane, x, y) of Y, U, V is what `paint` says; x and y in samples.
fn frame(
    format: PixelFormat,
    size: (usize, usize),
    colour: Colour,
    paint: impl Fn(usize, usize, usize) -> u8,
) -> Frame {
    let layout = Layout::packed(format, size.0, size.1).with_colour(colour);
    let mut bytes = vec![0u8; layout.bytes()];
    let half = size.0.div_ceil(2);
    let chroma_rows = if matches!(format, PixelFormat::I420 | PixelFormat::Nv12) { size.1.div_ceil(2) } else { size.1 };
    let place = |plane: usize, x: usize, y: usize| match format {
        PixelFormat::I420 => layout.planes()[plane].offset + y * layout.planes()[plane].stride + x,
        PixelFormat::Nv12 if plane == 0 => y * size.0 + x,
        PixelFormat::Nv12 => layout.planes()[1].offset + y * half * 2 + x * 2 + plane - 1,
        PixelFormat::Yuyv => y * half * 4 + if plane == 0 { x * 2 } else { x * 4 + plane * 2 - 1 },
        PixelFormat::Uyvy => y * half * 4 + if plane == 0 { x * 2 + 1 } else { x * 4 + plane * 2 - 2 },
        _ => y * size.0 + x,
    };
    for (plane, wide, rows) in [(0, size.0, size.1), (1, half, chroma_rows), (2, half, chroma_rows)] {
        if plane > 0 && format == PixelFormat::Grey {
            break;
        }
        for (y, x) in (0..rows).flat_map(|y| (0..wide).map(move |x| (y, x))) {
            bytes[place(plane, x, y)] = paint(plane, x, y);
        }
    }
    Frame { layout, bytes, ..Frame::default() }
}

/// Y, U, V of 0..=255 to R, G, B of 0..=1, from the standards' definition of the inverse.
fn rgb_of(colour: Colour, y: f64, u: f64, v: f64) -> [f64; 3] {
    let (kr, kb) = if colour.matrix == Matrix::Bt601 { (0.299, 0.114) } else { (0.2126, 0.0722) };
    let (y, u, v) = match colour.range {
        Range::Full => (y / 255.0, (u - 128.0) / 255.0, (v - 128.0) / 255.0),
        Range::Limited => ((y - 16.0) / 219.0, (u - 128.0) / 224.0, (v - 128.0) / 224.0),
    };
    let (r, b) = (y + 2.0 * (1.0 - kr) * v, y + 2.0 * (1.0 - kb) * u);
    [r, (y - kr * r - kb * b) / (1.0 - kr - kb), b].map(|c| c.clamp(0.0, 1.0))
}

/// R, G, B of 0..=1 to the nearest Y, U, V.
fn yuv_of(colour: Colour, [r, g, b]: [f64; 3]) -> [u8; 3] {
    let (kr, kb) = if colour.matrix == Matrix::Bt601 { (0.299, 0.114) } else { (0.2126, 0.0722) };
    let y = kr * r + (1.0 - kr - kb) * g + kb * b;
    let (u, v) = ((b - y) / 2.0 / (1.0 - kb), (r - y) / 2.0 / (1.0 - kr));
    let (y, u, v) = match colour.range {
        Range::Full => (y * 255.0, u * 255.0 + 128.0, v * 255.0 + 128.0),
        Range::Limited => (y * 219.0 + 16.0, u * 224.0 + 128.0, v * 224.0 + 128.0),
    };
    [y, u, v].map(|c| c.round().clamp(0.0, 255.0) as u8)
}

fn noise(plane: usize, x: usize, y: usize) -> u8 {
    let turn = |n: usize, by: u32| (n as u32).wrapping_mul(by);
    let h = turn(x, 0x9E37_79B1) ^ turn(y, 0x85EB_CA77) ^ turn(plane, 0xC2B2_AE3D);
    (h.wrapping_mul(0x2C1B_3C6D) >> 24) as u8
}

/// What the input should be at one pixel of the scaled frame.
fn expected(frame: &Frame, letterbox: &Letterbox, at: (usize, usize)) -> [f64; 3] {
    let (width, height) = letterbox.frame;
    let format = frame.layout.format;
    let halved = matches!(format, PixelFormat::I420 | PixelFormat::Nv12);
    let look = |plane: usize| {
        let (sx, sy) = if plane == 0 { (1, 1) } else { (2, if halved { 2 } else { 1 }) };
        let (wide, rows) = (width.div_ceil(sx), height.div_ceil(sy));
        let place = |i: usize, from: usize, to: usize, step: usize, count: usize| {
            ((i as f64 + 0.5) * from as f64 / to as f64 / step as f64 - 0.5).clamp(0.0, count as f64 - 1.0)
        };
        let x = place(at.0, width, letterbox.scaled.0, sx, wide);
        let y = place(at.1, height, letterbox.scaled.1, sy, rows);
        let sample = |x: f64, y: f64| f64::from(noise(plane, x as usize, y as usize));
        let (x1, y1) = ((x.floor() + 1.0).min(wide as f64 - 1.0), (y.floor() + 1.0).min(rows as f64 - 1.0));
        let (fx, fy) = (x.fract(), y.fract());
        let top = sample(x.floor(), y.floor()) * (1.0 - fx) + sample(x1, y.floor()) * fx;
        let bottom = sample(x.floor(), y1) * (1.0 - fx) + sample(x1, y1) * fx;
        top * (1.0 - fy) + bottom * fy
    };
    match format {
        PixelFormat::Grey => rgb_of(frame.layout.colour, look(0), 128.0, 128.0),
        _ => rgb_of(frame.layout.colour, look(0), look(1), look(2)),
    }
}

/// Holds every number of the input against the formulas; the frame is [`noise`].
fn check(frame: &Frame, input: Size) {
    let layout = &frame.layout;
    let mut preprocess = Preprocess::new(input.0, input.1);
    let mut tensor = Tensor::unwritten(input);
    let letterbox = preprocess.run(frame, &mut tensor).unwrap();
    for (y, x) in (0..input.1).flat_map(|y| (0..input.0).map(move |x| (y, x))) {
        let inside = x.checked_sub(letterbox.pad.0).zip(y.checked_sub(letterbox.pad.1));
        let inside = inside.filter(|(x, y)| *x < letterbox.scaled.0 && *y < letterbox.scaled.1);
        let want = inside.map_or([114.0 / 255.0; 3], |at| expected(frame, &letterbox, at));
        for (plane, want) in want.into_iter().enumerate() {
            let got = f64::from(tensor[plane * input.0 * input.1 + y * input.0 + x]) * 255.0;
            let off = (got - want * 255.0).abs();
            // Half a step is rounded away.
            assert!(off < 0.51, "{layout:?} in {input:?} at {x},{y}: off by {off}");
            assert!((got - got.round()).abs() < 1e-4, "{got} is no step");
        }
    }
}

#[test]
fn every_format_matrix_and_range_is_as_the_formulas_say() {
    for (format, colour) in FORMATS.into_iter().flat_map(|f| colours().map(|c| (f, c))) {
        for (size, input) in [((64, 36), (32, 32)), ((33, 21), (64, 32)), ((20, 50), (32, 64)), ((1, 1), (32, 32))] {
            check(&frame(format, size, colour, noise), input);
        }
    }
}

/// As narrow as a pixel of the input, and three of its own: its samples lie nearer than they are apart.
#[test]
fn frames_that_become_one_pixel_wide_are_seen_like_any_other() {
    for (format, width) in FORMATS.into_iter().flat_map(|f| (1..=9).map(move |width| (f, width))) {
        for (height, input) in [(67, (32, 32)), (200, (32, 32)), (131, (64, 64))] {
            check(&frame(format, (width, height), Colour::JPEG, noise), input);
            check(&frame(format, (height, width), Colour::JPEG, noise), input);
        }
    }
}

#[test]
fn frames_of_4k_and_8k_are_seen_like_any_other() {
    check(&frame(PixelFormat::Yuyv, (3840, 2160), Colour::default(), noise), (64, 64));
    check(&frame(PixelFormat::I420, (3840, 2160), Colour::JPEG, noise), (96, 32));
    check(&frame(PixelFormat::Nv12, (7680, 4320), Colour::JPEG, noise), (64, 64));
}

#[test]
fn plain_colours_and_ramps_stay_what_they_are() {
    let plain = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0; 3], [0.0; 3], [0.5; 3]];
    for (format, colour) in FORMATS.into_iter().flat_map(|f| colours().map(|c| (f, c))) {
        let ramp = (0..=16).map(|n| [f64::from(n) / 16.0; 3]);
        for want in plain.into_iter().chain(ramp) {
            if format == PixelFormat::Grey && want != [want[0]; 3] {
                continue;
            }
            let yuv = yuv_of(colour, want);
            let frame = frame(format, (32, 18), colour, |plane, _, _| yuv[plane]);
            let mut preprocess = Preprocess::new(16, 9);
            let mut tensor = Tensor::unwritten(preprocess.input);
            preprocess.run(&frame, &mut tensor).unwrap();
            for (got, want) in tensor.chunks_exact(16 * 9).zip(want) {
                assert!(
                    got.iter().all(|c| (f64::from(*c) - want).abs() * 255.0 <= 2.0),
                    "{format:?} {colour:?} {want}"
                );
            }
        }
    }
}

#[test]
fn a_jpegs_plain_colours_stay_what_they_are_at_every_scale_and_sampling() {
    use turbojpeg::Subsamp;
    let plain = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255; 3], [0; 3], [128; 3], [40; 3], [200; 3]];
    for (want, sampling) in
        plain.into_iter().flat_map(|c| [Subsamp::None, Subsamp::Sub2x1, Subsamp::Sub2x2, Subsamp::Gray].map(|s| (c, s)))
    {
        if sampling == Subsamp::Gray && want != [want[0]; 3] {
            continue;
        }
        // Half the width is enough at 1/8, 1/4, 1/2 and 1 of its size.
        for (size, input) in [((512, 288), 64), ((256, 144), 64), ((128, 72), 64), ((48, 27), 64)] {
            let pixels = want.repeat(size.0 * size.1);
            let image =
                Image { pixels: &pixels[..], width: size.0, pitch: size.0 * 3, height: size.1, format: Packed::RGB };
            let bytes = turbojpeg::compress(image, 100, sampling).unwrap().to_vec();
            let frame = Frame { layout: Layout::jpeg(size.0, size.1), bytes, ..Frame::default() };
            let mut preprocess = Preprocess::new(input, input * 9 / 16);
            let mut tensor = Tensor::unwritten(preprocess.input);
            preprocess.run(&frame, &mut tensor).unwrap();
            for (got, want) in tensor.chunks_exact(input * (input * 9 / 16)).zip(want) {
                let off = got.iter().map(|c| (c * 255.0 - f32::from(want)).abs()).fold(0.0, f32::max);
                assert!(off <= 2.0, "{sampling:?} {size:?}: off by {off} from {want}");
            }
        }
    }
}

#[test]
fn a_jpeg_is_seen_as_its_pixels_are_at_every_scale() {
    for (size, input) in
        [((640, 360), (64, 64)), ((640, 360), (320, 192)), ((64, 48), (128, 128)), ((37, 51), (32, 32))]
    {
        let pixels: Vec<u8> = (0..size.0 * size.1)
            .flat_map(|i| [(i % size.0 * 255 / size.0) as u8, (i / size.0 * 255 / size.1) as u8, 90])
            .collect();
        let image =
            Image { pixels: &pixels[..], width: size.0, pitch: size.0 * 3, height: size.1, format: Packed::RGB };
        let bytes = turbojpeg::compress(image, 95, turbojpeg::Subsamp::None).unwrap().to_vec();
        let frame = Frame { layout: Layout::jpeg(size.0, size.1), bytes, ..Frame::default() };
        let mut preprocess = Preprocess::new(input.0, input.1);
        let (mut seen, mut want) = (Tensor::unwritten(preprocess.input), Tensor::unwritten(preprocess.input));
        let letterbox = preprocess.run(&frame, &mut seen).unwrap();
        assert_eq!(preprocess.run_rgb(&pixels, size, &mut want).unwrap(), letterbox);
        let worst = seen.iter().zip(want.iter()).map(|(a, b)| (a - b).abs() * 255.0).fold(0.0, f32::max);
        assert!(worst < 12.0, "{size:?} in {input:?}: off by {worst}");
        let mean = seen.iter().zip(want.iter()).map(|(a, b)| (a - b).abs() * 255.0).sum::<f32>() / seen.len() as f32;
        assert!(mean < 1.5, "{size:?} in {input:?}: off by {mean} on average");
    }
}

/// Written by `tests/parity/golden.py` with OpenCV 5.0.
const OPENCV: &[u8] = include_bytes!("opencv.bin");

#[test]
fn rgb_is_scaled_as_opencv_scales_it_to_the_last_bit() {
    let mut rest = OPENCV;
    for (size, scaled) in
        [((37, 23), (32, 20)), ((20, 50), (13, 32)), ((64, 36), (32, 18)), ((7, 5), (32, 23)), ((96, 30), (32, 10))]
    {
        let places = (0..size.1).flat_map(|y| (0..size.0).map(move |x| (x, y)));
        let rgb: Vec<u8> = places.flat_map(|(x, y)| [0, 1, 2].map(|plane| noise(plane, x, y))).collect();
        let mut preprocess = Preprocess::new(32, 32);
        let mut tensor = Tensor::unwritten(preprocess.input);
        let letterbox = preprocess.run_rgb(&rgb, size, &mut tensor).unwrap();
        assert_eq!(letterbox.scaled, scaled);
        let (golden, after) = rest.split_at(scaled.0 * scaled.1 * 3);
        for (i, want) in golden.iter().enumerate() {
            let (pixel, plane) = (i / 3, i % 3);
            let (x, y) = (pixel % scaled.0 + letterbox.pad.0, pixel / scaled.0 + letterbox.pad.1);
            let got = tensor[plane * 32 * 32 + y * 32 + x];
            assert_eq!(got, f32::from(*want) / 255.0, "{size:?} at {x},{y}");
        }
        rest = after;
    }
    assert!(rest.is_empty());
}

#[test]
fn every_step_of_a_picture_becomes_its_share_of_255_to_the_last_bit() {
    for step in 0..=255u8 {
        assert_eq!(unit(f32::from(step)), f32::from(step) / 255.0);
        for off in [-0.49, 0.0, 0.49] {
            assert_eq!(stepped(f32::from(step) + off), f32::from(step) / 255.0);
        }
    }
}

#[test]
fn what_is_no_picture_is_refused_with_a_sentence() {
    let mut preprocess = Preprocess::new(32, 32);
    let mut tensor = Tensor::unwritten(preprocess.input);
    let mut short = frame(PixelFormat::I420, (16, 16), Colour::JPEG, noise);
    short.bytes.pop();
    assert_eq!(preprocess.run(&short, &mut tensor), Err(PreprocessFault::TooShort));
    let none = Frame { layout: Layout::packed(PixelFormat::Grey, 0, 4), ..Frame::default() };
    let fault = preprocess.run(&none, &mut tensor).unwrap_err();
    assert!(fault.to_string().starts_with("a picture of 0x4 cannot be looked at"), "{fault}");
    let whole = frame(PixelFormat::I420, (16, 16), Colour::JPEG, noise);
    let fault = preprocess.run(&whole, &mut Tensor::new((64, 16))).unwrap_err();
    assert_eq!(fault.to_string(), "the model sees 32x32 pixels, and the tensor is for 64x16");
    let text = Frame { layout: Layout::jpeg(4, 4), bytes: b"no jpeg".to_vec(), ..Frame::default() };
    let fault = preprocess.run(&text, &mut tensor).unwrap_err();
    assert!(fault.to_string().starts_with("the JPEG cannot be decoded: "), "{fault}");
}

/// The padding is written when the shape changes, and only then.
#[test]
fn of_a_frame_of_another_shape_nothing_is_left_in_the_padding() {
    let (mut preprocess, mut tensor) = (Preprocess::new(32, 32), Tensor::new((32, 32)));
    let rgb = [200; 64 * 64 * 3];
    for size in [(64, 36), (64, 36), (36, 64), (64, 64), (64, 35), (64, 37), (64, 36)] {
        let mut fresh = Tensor::unwritten((32, 32));
        for format in [PixelFormat::I420, PixelFormat::Grey] {
            let frame = frame(format, size, Colour::JPEG, noise);
            preprocess.run(&frame, &mut tensor).unwrap();
            Preprocess::new(32, 32).run(&frame, &mut fresh).unwrap();
            assert!(tensor[..] == fresh[..], "{format:?} {size:?}");
        }
        preprocess.run_rgb(&rgb, size, &mut tensor).unwrap();
        Preprocess::new(32, 32).run_rgb(&rgb, size, &mut fresh).unwrap();
        assert!(tensor[..] == fresh[..], "RGB {size:?}");
    }
}

#[test]
fn a_second_frame_of_a_size_takes_no_new_memory() {
    let mut preprocess = Preprocess::new(64, 64);
    let mut tensor = Tensor::unwritten(preprocess.input);
    let sizes = |p: &Preprocess| (p.blended.each_ref().map(Vec::capacity), p.row.each_ref().map(Vec::as_ptr));
    let frame = frame(PixelFormat::Nv12, (128, 72), Colour::JPEG, noise);
    preprocess.run(&frame, &mut tensor).unwrap();
    let before = sizes(&preprocess);
    preprocess.run(&frame, &mut tensor).unwrap();
    assert_eq!(sizes(&preprocess), before);
}

proptest! {
    #[test]
    fn hostile_layouts_are_refused_or_read_and_never_panic(
        which in 0..5usize, width in 0..70usize, height in 0..70usize, bytes in 0..20_000usize,
        offset in prop_oneof![0..5000usize, Just(usize::MAX)], stride in prop_oneof![0..200usize, Just(usize::MAX / 2)],
    ) {
        let planes = [Plane { offset, stride, rows: 0 }; 3];
        let layout = Layout::packed(FORMATS[which], width, height).with_planes(&planes);
        let frame = Frame { layout, bytes: vec![200; bytes], ..Frame::default() };
        let mut preprocess = Preprocess::new(32, 32);
        let mut tensor = Tensor::unwritten(preprocess.input);
        if preprocess.run(&frame, &mut tensor).is_ok() {
            prop_assert!(tensor.iter().all(|v| (0.0..=1.0).contains(v)));
        }
    }
}
