//! Which two samples each output pixel lies between along one axis, and how near to the second.
//!
//! Bilinear with half-pixel centres: output pixel `i` looks at `(i + 0.5) * from / to - 0.5`, held within the samples.
//! A plane with `step` pixels to a sample (chroma: 2) is looked at where its own samples lie, between the pixels.
//! Where the sizes divide, as 1280 by 640 does, every output pixel lies alike between its two samples; [`Across`] then
//! needs no table, and the compiler makes SIMD of it.

/// One output pixel's place.
#[derive(Clone, Copy, PartialEq, Default, Debug)]
pub struct Tap {
    /// The sample before it, and the one after it.
    pub pair: [u32; 2],
    /// How much of the second, 0 to 1.
    pub share: f32,
}

/// Fills `taps` for `to` output pixels over `from` pixels that are stored as `samples` samples of `step` pixels.
/// `samples` must not be 0.
pub fn fill(taps: &mut Vec<Tap>, from: usize, to: usize, samples: usize, step: usize) {
    let scale = from as f64 / to as f64 / step as f64;
    let last = (samples - 1) as f64;
    taps.clear();
    taps.extend((0..to).map(|i| {
        let at = ((i as f64 + 0.5) * scale - 0.5).clamp(0.0, last);
        let first = at.floor();
        let next = (first + 1.0).min(last);
        Tap { pair: [first as u32, next as u32], share: (at - first) as f32 }
    }));
}

/// One row of samples blended to its output pixels.
#[derive(Default)]
pub struct Across {
    taps: Vec<Tap>,
    /// From one output pixel to the next, in samples, where all lie alike.
    stride: Option<usize>,
}

impl Across {
    /// As [`fill`].
    pub fn prepare(&mut self, from: usize, to: usize, samples: usize, step: usize) {
        fill(&mut self.taps, from, to, samples, step);
        let stride = from / to / step;
        let alike = |(i, tap): (usize, &Tap)| {
            let next = if tap.share == 0.0 { tap.pair[1] } else { tap.pair[0] + 1 };
            tap.pair == [self.taps[0].pair[0] + (i * stride) as u32, next] && tap.share == self.taps[0].share
        };
        // What lies between two samples reads the next step's unless a step has both.
        let within = stride > 1 || self.taps.iter().all(|tap| tap.share == 0.0);
        self.stride = (within && self.taps.iter().enumerate().all(alike)).then_some(stride);
    }

    /// Blends `samples`, of which the next stands `pitch` numbers on, to as many numbers as `to` has.
    pub fn run(&self, samples: &[f32], pitch: usize, to: &mut [f32]) {
        let Tap { pair: [first, _], share } = self.taps.first().copied().unwrap_or_default();
        let alike_from = &samples[first as usize * pitch..];
        match self.stride.map(|stride| stride * pitch) {
            Some(1) if share == 0.0 => to.copy_from_slice(&alike_from[..to.len()]),
            Some(2) => alike::<2>(alike_from, pitch, share, to),
            Some(3) => alike::<3>(alike_from, pitch, share, to),
            Some(4) => alike::<4>(alike_from, pitch, share, to),
            _ => {
                for (tap, to) in self.taps.iter().zip(to) {
                    let [a, b] = tap.pair.map(|i| samples[i as usize * pitch]);
                    *to = a + (b - a) * tap.share;
                }
            }
        }
    }
}

/// Every output pixel `STEP` numbers on, and its second sample `pitch` behind its first; there is none where the share is
/// nothing. The last step may be cut short behind what is looked at.
fn alike<const STEP: usize>(samples: &[f32], pitch: usize, share: f32, to: &mut [f32]) {
    let second = if share == 0.0 { 0 } else { pitch };
    let blend = |step: &[f32]| step[0] + (step[second] - step[0]) * share;
    let (whole, rest) = samples.as_chunks::<STEP>();
    let done = whole.len().min(to.len());
    whole.iter().zip(to.iter_mut()).for_each(|(step, to)| *to = blend(step));
    to[done..].iter_mut().for_each(|to| *to = blend(rest));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a table is needed is decided by the sizes; what comes out is the same.
    #[test]
    fn where_all_pixels_lie_alike_the_table_says_the_same() {
        let samples: Vec<f32> = (0..4 * 1280u32).map(|i| (i.wrapping_mul(0x9E37_79B1) >> 24) as f32).collect();
        for (from, to, step, pitch, even) in [
            (1280, 640, 1, 1, true),
            (1280, 640, 2, 1, true),
            (1280, 640, 2, 2, true),
            (1280, 640, 1, 2, true),
            (1280, 640, 2, 4, true),
            (1281, 640, 1, 1, false),
            (1281, 641, 2, 2, false),
            (640, 640, 1, 1, true),
            (640, 320, 2, 4, true),
            (1280, 320, 1, 1, true),
            (1920, 640, 1, 1, true),
            (1920, 640, 2, 1, false),
            (640, 640, 2, 1, false),
            (2, 1, 2, 2, true),
            (3, 1, 2, 1, false),
            (3, 1, 2, 2, false),
            (3, 1, 2, 4, false),
            (1, 1, 2, 2, true),
        ] {
            let count = usize::div_ceil(from, step);
            let mut across = Across::default();
            across.prepare(from, to, count, step);
            assert_eq!(across.stride.is_some(), even, "{from} to {to} by {step}");
            // No more than there is: the last sample has nothing behind it.
            let held = &samples[..(count - 1) * pitch + 1];
            let mut quick = vec![f32::NAN; to];
            across.run(held, pitch, &mut quick);
            across.stride = None;
            let mut tabled = vec![f32::NAN; to];
            across.run(held, pitch, &mut tabled);
            assert_eq!(quick, tabled, "{from} to {to} by {step}, every {pitch}");
        }
    }

    #[test]
    fn half_size_lies_between_pairs_and_the_edge_holds() {
        let mut taps = Vec::new();
        fill(&mut taps, 4, 2, 4, 1);
        assert_eq!(taps, [Tap { pair: [0, 1], share: 0.5 }, Tap { pair: [2, 3], share: 0.5 }]);
        fill(&mut taps, 1, 2, 1, 1);
        assert_eq!(taps, [Tap { pair: [0, 0], share: 0.0 }; 2]);
    }

    #[test]
    fn chroma_is_looked_at_where_its_samples_are() {
        let mut taps = Vec::new();
        // Pixel 0 of 4 lies a quarter sample before the first chroma sample, pixel 1 a quarter behind it.
        fill(&mut taps, 4, 4, 2, 2);
        let at: Vec<f32> = taps.iter().map(|t| t.pair[0] as f32 + t.share).collect();
        assert_eq!(at, [0.0, 0.25, 0.75, 1.0]);
    }
}
