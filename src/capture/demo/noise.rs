//! The sensor's noise: made once, laid over each frame at another place of the same tile.
//!
//! A tile row holds values around [`BIAS`]; adding it and then taking the bias away, both saturating, are two
//! instructions for many pixels at once.

use super::look::Dice;

/// Bytes of the tile; a power of two.
const TILE: usize = 1 << 16;
/// What stands for no noise.
const BIAS: u8 = 8;

/// Noise for luma and, weaker, for chroma.
pub struct Noise {
    luma: Vec<u8>,
    chroma: Vec<u8>,
    seed: u64,
}

impl Noise {
    /// For pictures up to `width` across.
    pub fn new(seed: u64, width: usize) -> Noise {
        let mut dice = Dice::new(seed ^ 0xA015E);
        let mut tile = |strength: i64| -> Vec<u8> {
            // Four dice make nearly a bell curve. The tail repeats the head, so that a row may begin anywhere.
            let one = |bits: u64| {
                let sum: i64 = (0..4).map(|i| (bits >> (i * 8) & 255) as i64).sum::<i64>() - 510;
                (i64::from(BIAS) + (sum * strength + sum.signum() * 1000) / 2000) as u8
            };
            let mut out: Vec<u8> = (0..TILE).map(|_| one(dice.roll()).clamp(0, 2 * BIAS)).collect();
            out.extend_from_within(..width.min(TILE));
            out
        };
        Noise { luma: tile(26), chroma: tile(14), seed }
    }

    /// Over a whole frame of planes Y, U, V.
    pub fn lay(&self, frame_number: u64, width: usize, y: &mut [u8], chroma: &mut [u8]) {
        let mut dice = Dice::new(self.seed ^ frame_number.wrapping_mul(0x2545_F491_4F6C_DD1D));
        for row in y.chunks_mut(width) {
            add(row, &self.luma[dice.roll() as usize % TILE..]);
        }
        for row in chroma.chunks_mut(width.div_ceil(2)) {
            add(row, &self.chroma[dice.roll() as usize % TILE..]);
        }
    }
}

fn add(row: &mut [u8], noise: &[u8]) {
    for (value, noise) in row.iter_mut().zip(noise) {
        *value = value.saturating_add(*noise).saturating_sub(BIAS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_has_no_bias_and_moves_from_frame_to_frame() {
        let noise = Noise::new(1, 640);
        let frame = |n| {
            let (mut y, mut c) = (vec![100u8; 640 * 480], vec![128u8; 320 * 480]);
            noise.lay(n, 640, &mut y, &mut c);
            (y, c)
        };
        let (y, c) = frame(5);
        let mean = |b: &[u8]| b.iter().map(|v| f64::from(*v)).sum::<f64>() / b.len() as f64;
        assert!((mean(&y) - 100.0).abs() < 0.1, "{}", mean(&y));
        assert!((mean(&c) - 128.0).abs() < 0.1, "{}", mean(&c));
        assert_eq!(frame(5).0, y);
        assert_ne!(frame(6).0, y);
    }
}
