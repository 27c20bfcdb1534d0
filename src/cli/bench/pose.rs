//! `spotter bench pose`: where the time of one look goes, beside the engine's bare inference.
//!
//! The picture becomes an I420 frame, as cameras give it, once. Then a whole look and a bare inference on the same input
//! take turns, so that whatever else the machine does falls on both alike.

use std::path::Path;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::super::picture;
use crate::frame::{Colour, Frame, Layout, PixelFormat};
use crate::pose::preprocess::tensor_len;
use crate::pose::{Chosen, Eye, Limits, Shared};
use crate::time::as_ms;

/// Medians, in milliseconds, and what they were taken of.
#[derive(Serialize)]
pub struct Measured {
    /// From the frame to the model's input.
    pub preprocess_ms: f64,
    /// In the engine, as part of a look.
    pub infer_ms: f64,
    /// From the answer to poses.
    pub decode_ms: f64,
    /// The whole look.
    pub total_ms: f64,
    /// The engine alone.
    pub bare_ms: f64,
    /// The frame's pixels across.
    pub width: usize,
    /// And down.
    pub height: usize,
    /// The engine.
    pub engine: &'static str,
    /// Which version of it from where, or why it is not a faster one.
    pub engine_why: String,
}

/// Looks `looks` times at the picture.
///
/// # Errors
/// One sentence: the picture, the model or the engine is at fault.
pub fn measure(
    image: &Path,
    model: Option<&Path>,
    chosen: Chosen,
    threads: usize,
    looks: usize,
) -> Result<Measured, String> {
    let picture = picture::read(image)?;
    let limits = Limits::default();
    let shared = match model {
        Some(path) => Shared::open(path, limits, chosen, threads),
        None => Shared::demo(limits, chosen, threads),
    };
    let shared = shared.map_err(|fault| fault.to_string())?;
    let loaded = shared.load().map_err(|fault| fault.to_string())?;
    let (width, height) = picture.size;
    let frame = i420(&picture.rgb, picture.size);
    let blank = vec![0.5; tensor_len(shared.layout().input)];
    let (mut eye, mut poses, mut answer) = (Eye::new(shared.clone()), Vec::new(), Vec::new());
    let mut taken: [Vec<Duration>; 5] = Default::default();
    for _ in 0..looks.max(1) {
        let begun = Instant::now();
        let spent = eye.look(&frame, &mut poses).map_err(|fault| fault.to_string())?;
        let total = begun.elapsed();
        let begun = Instant::now();
        loaded.infer(&blank, &mut answer).map_err(|fault| fault.to_string())?;
        let bare = begun.elapsed();
        for (list, span) in taken.iter_mut().zip([spent.preprocess, spent.infer, spent.decode, total, bare]) {
            list.push(span);
        }
    }
    let [preprocess_ms, infer_ms, decode_ms, total_ms, bare_ms] = taken.map(|mut list| {
        list.sort();
        as_ms(list[list.len() / 2])
    });
    let (engine, engine_why) = (shared.chosen().name(), shared.chosen().why().to_string());
    Ok(Measured { preprocess_ms, infer_ms, decode_ms, total_ms, bare_ms, width, height, engine, engine_why })
}

/// The picture as BT.601, full range, chroma as the mean of four pixels.
fn i420(rgb: &[u8], (width, height): (usize, usize)) -> Frame {
    let layout = Layout::packed(PixelFormat::I420, width, height).with_colour(Colour::JPEG);
    let mut bytes = vec![0u8; layout.bytes()];
    let pixel = |x: usize, y: usize| -> [f32; 3] {
        let at = (y.min(height - 1) * width + x.min(width - 1)) * 3;
        [0, 1, 2].map(|k| f32::from(rgb[at + k]))
    };
    for y in 0..height {
        for x in 0..width {
            let [r, g, b] = pixel(x, y);
            bytes[y * width + x] = (0.299 * r + 0.587 * g + 0.114 * b).round() as u8;
        }
    }
    let (half, [_, u, v]) = (width.div_ceil(2), [0, 1, 2].map(|i| layout.planes()[i].offset));
    for y in 0..height.div_ceil(2) {
        for x in 0..half {
            let corners = [(0, 0), (1, 0), (0, 1), (1, 1)].map(|(dx, dy)| pixel(x * 2 + dx, y * 2 + dy));
            let [r, g, b] = [0, 1, 2].map(|k| corners.iter().map(|c| c[k]).sum::<f32>() / 4.0);
            bytes[u + y * half + x] = (128.0 - 0.168_736 * r - 0.331_264 * g + 0.5 * b).round().min(255.0) as u8;
            bytes[v + y * half + x] = (128.0 + 0.5 * r - 0.418_688 * g - 0.081_312 * b).round().min(255.0) as u8;
        }
    }
    Frame { layout, bytes, ..Frame::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_becomes_the_frame_that_a_camera_would_give() {
        let frame = i420(&[255, 0, 0].repeat(6), (3, 2));
        assert_eq!(frame.bytes, [76, 76, 76, 76, 76, 76, 85, 85, 255, 255]);
    }
}
