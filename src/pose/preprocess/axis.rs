//! Which two samples each output pixel lies between along one axis, and how near to the second.
//!
//! Bilinear with half-pixel centres: output pixel `i` looks at `(i + 0.5) * from / to - 0.5`, held within the samples.
//! A plane with `step` pixels to a sample (chroma: 2) is looked at where its own samples lie, between the pixels.

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

#[cfg(test)]
mod tests {
    use super::*;

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
