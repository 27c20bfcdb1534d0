//! What a picture costs: `spotter bench encode`.
//!
//! Two numbers: a *cold* picture is one that must be encoded first, a *hit* is one that the table has already. Both are
//! this thread's processor time, which on an idle machine is the time that passes, and which a neighbour's load does
//! not make longer. The picture is a textured one with sensor noise, since libjpeg is several times faster on a flat one; it is the same on
//! every machine, and [`camera_like`] gives it to whoever wants to encode it with something else.

use std::sync::Arc;
use std::time::Duration;

use super::cpu::Cpu;
use super::{EncodeFault, Encoder, Look, Shot, Shots, Variant};
use crate::frame::{Colour, Frame, Layout, PixelFormat};
use crate::time::thread_time;

/// How many different pictures take turns: those of the seeds below this.
pub const PICTURES: u32 = 8;

/// What was measured.
#[derive(Clone, Copy, PartialEq, Debug, serde::Serialize)]
pub struct Measured {
    /// Nanoseconds to get a picture that is there.
    pub hit_ns: f64,
    /// Milliseconds to encode one that is not; the median.
    pub cold_ms: f64,
    /// Pixels across.
    pub width: usize,
    /// Pixels down.
    pub height: usize,
    /// The quality.
    pub quality: u8,
}

/// Measures a 1280x720 I420 picture at quality 75 on this thread: `frames` cold ones, then a million hits.
///
/// # Errors
/// When the encoder fails.
pub fn measure(frames: usize) -> Result<Measured, EncodeFault> {
    let (width, height, quality) = (1280, 720, 75);
    let mut encoder = Encoder::Cpu(Cpu::new()?);
    let variant = Variant { quality: Some(quality), width: None };
    // Frames of different noise, each with memory of its own, as a pool's are: an encode finds its input cold.
    let pictures = (0..PICTURES).map(|seed| camera_like(PixelFormat::I420, width, height, seed));
    let pictures: Vec<Frame> = pictures.collect();
    let mut out = Vec::new();
    let mut spans = Vec::with_capacity(frames);
    for turn in 0..frames.max(1) + pictures.len() {
        let begun = thread_time();
        encoder.encode(&pictures[turn % pictures.len()], variant, &mut out)?;
        // The first round warms up.
        if turn >= pictures.len() {
            spans.push(thread_time() - begun);
        }
    }
    spans.sort_unstable();
    let cold_ms = spans[spans.len() / 2].as_secs_f64() * 1e3;
    Ok(Measured { hit_ns: hit_ns(variant, out), cold_ms, width, height, quality })
}

/// The mean of many looks at a shot that is there; the best of several rounds, so that a neighbour's load counts less.
fn hit_ns(variant: Variant, bytes: Vec<u8>) -> f64 {
    const LOOKS: u32 = 200_000;
    let shots = Shots::default();
    shots.publish(Arc::new(Frame { id: 1, ..Frame::default() }));
    let _ = shots.look(variant, 1);
    if let Some(job) = shots.next_job(Duration::ZERO) {
        shots.deliver(job, Some(Arc::new(Shot { bytes, frame_id: 1, variant, ..Shot::default() })));
    }
    let round = |_| {
        let begun = thread_time();
        for _ in 0..LOOKS {
            let look = std::hint::black_box(shots.look(std::hint::black_box(variant), 1));
            debug_assert!(matches!(look, Look::Ready(_)));
        }
        (thread_time() - begun).as_secs_f64() * 1e9 / f64::from(LOOKS)
    };
    (0..5).map(round).fold(f64::INFINITY, f64::min)
}

/// A picture with the detail and the noise of a camera indoors: shaded surfaces, edges, fine texture, and noise of
/// about two steps on luma and one on chroma. The same `seed` gives the same picture.
pub fn camera_like(format: PixelFormat, width: usize, height: usize, seed: u32) -> Frame {
    let layout = Layout::packed(format, width, height).with_colour(Colour::JPEG);
    let mut bytes = vec![0; layout.bytes()];
    let mut noise = Noise(seed.wrapping_mul(2_654_435_761) | 1);
    let half = width.div_ceil(2);
    for y in 0..height {
        for x in 0..width {
            let [luma, u, v] = light(x as f32, y as f32);
            let mut put = |plane: usize, row: usize, at: usize, value: f32, grain: f32| {
                let place = layout.planes()[plane];
                bytes[place.offset + row * place.stride + at] = (value + grain * noise.next()) as u8;
            };
            let chroma_here = x % 2 == 0 && y % 2 == 0;
            match format {
                PixelFormat::Mjpeg => {}
                PixelFormat::Yuyv => {
                    put(0, y, x * 2, luma, 2.0);
                    put(0, y, x * 2 + 1, if x % 2 == 0 { u } else { v }, 1.0);
                }
                PixelFormat::Uyvy => {
                    put(0, y, x * 2 + 1, luma, 2.0);
                    put(0, y, x * 2, if x % 2 == 0 { u } else { v }, 1.0);
                }
                _ => put(0, y, x, luma, 2.0),
            }
            if chroma_here && format == PixelFormat::I420 {
                put(1, y / 2, (x / 2).min(half - 1), u, 1.0);
                put(2, y / 2, (x / 2).min(half - 1), v, 1.0);
            } else if chroma_here && format == PixelFormat::Nv12 {
                put(1, y / 2, x, u, 1.0);
                put(1, y / 2, x + 1, v, 1.0);
            }
        }
    }
    Frame { id: u64::from(seed) + 1, layout, bytes, ..Frame::default() }
}

/// Y, U and V of a made-up room: a shaded wall, a tiled floor, dark bars in front.
fn light(x: f32, y: f32) -> [f32; 3] {
    let wall = 150.0 + 40.0 * (x / 310.0).sin() - 30.0 * (y / 420.0);
    let grain = 9.0 * (x * 0.9).sin() * (y * 0.7).cos();
    let tile = if (x / 47.0).floor() as i32 % 2 == (y / 31.0).floor() as i32 % 2 { 18.0 } else { -18.0 };
    let bar = (x + 0.35 * y) % 173.0 < 21.0;
    let luma = if bar { 48.0 + 0.3 * grain } else { wall + grain + if y > 430.0 { tile } else { 0.0 } };
    let (u, v) =
        if bar { (122.0, 150.0) } else { (120.0 + 12.0 * (y / 200.0).sin(), 134.0 + 14.0 * (x / 260.0).cos()) };
    [luma, u, v]
}

/// Noise with about unit deviation: the sum of four uniform ones.
struct Noise(u32);

impl Noise {
    fn next(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        let sum: u32 = self.0.to_le_bytes().iter().map(|b| u32::from(*b)).sum();
        (sum as f32 - 510.0) / 148.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_measured_picture_is_the_promised_one() {
        let measured = measure(3).unwrap();
        assert_eq!((measured.width, measured.height, measured.quality), (1280, 720, 75));
        assert!(measured.cold_ms > 0.0 && measured.hit_ns > 0.0);
    }

    #[test]
    fn the_picture_is_as_hard_to_encode_as_a_cameras() {
        let frame = camera_like(PixelFormat::I420, 1280, 720, 1);
        let mut out = Vec::new();
        let variant = Variant { quality: Some(75), width: None };
        Encoder::Cpu(Cpu::new().unwrap()).encode(&frame, variant, &mut out).unwrap();
        assert!((90_000..220_000).contains(&out.len()), "{} bytes", out.len());
    }
}
