//! Rows of R, G, B scaled as OpenCV scales eight-bit pictures with `INTER_LINEAR`, to the last bit.
//!
//! Every model of the family was trained on pictures that went that way. Weights have 11 bits; two samples are blended
//! across into 15 bits; two such rows are blended down, each cut to quarters of a step before they are added; the sum is
//! rounded to a step of 0 to 255. `make test-parity` holds it against OpenCV itself.
//!
//! A row that two output rows need is blended across once. Nothing is allocated once the tables stand.

use super::source::Band;
use super::{Size, unit};

/// Weights are parts of this.
const ONE: f32 = 2048.0;
const CHANNELS: usize = 3;

/// The two samples that an output pixel lies between, and how much of each.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Tap {
    pair: [u32; 2],
    weights: [i32; 2],
}

/// The tables for one size of picture and of output.
#[derive(Default)]
pub struct Fixed {
    across: Vec<Tap>,
    down: Vec<Tap>,
    /// Two rows blended across, their channels one after the other, and which rows of the picture they are.
    rows: [Vec<i16>; 2],
    held: [Option<u32>; 2],
}

impl Fixed {
    /// Makes the tables.
    pub fn prepare(&mut self, from: Size, to: Size) {
        fill(&mut self.across, from.0, to.0, Edge::Held);
        fill(&mut self.down, from.1, to.1, Edge::Doubled);
        self.rows.iter_mut().for_each(|row| row.resize(to.0 * CHANNELS, 0));
    }

    /// Another picture begins: no row of the last one is good for it.
    pub fn begin(&mut self) {
        self.held = [None; 2];
    }

    /// Output row `y` of the picture in `band` as R, G, B of 0 to 1.
    pub fn row(&mut self, band: &Band, y: usize, to: [&mut [f32]; CHANNELS]) {
        let Tap { pair, weights } = self.down[y];
        if self.held[1] == Some(pair[0]) {
            self.held.swap(0, 1);
            self.rows.swap(0, 1);
        }
        for ((held, row), wanted) in self.held.iter_mut().zip(&mut self.rows).zip(pair) {
            if *held != Some(wanted) {
                across(&self.across, band.row(wanted as usize), row);
                *held = Some(wanted);
            }
        }
        let wide = self.across.len();
        let [a, b] = &self.rows;
        for ((a, b), to) in a.chunks_exact(wide).zip(b.chunks_exact(wide)).zip(to) {
            for ((a, b), to) in a.iter().zip(b).zip(to) {
                let quarters = ((i32::from(*a) * weights[0]) >> 16) + ((i32::from(*b) * weights[1]) >> 16);
                *to = unit(((quarters + 2) >> 2) as f32);
            }
        }
    }
}

/// Blends one row of R, G, B across, into planes.
fn across(taps: &[Tap], from: &[u8], to: &mut [i16]) {
    let (red, rest) = to.split_at_mut(taps.len());
    let (green, blue) = rest.split_at_mut(taps.len());
    for (((tap, red), green), blue) in taps.iter().zip(red).zip(green).zip(blue) {
        let [a, b] = tap.pair.map(|at| &from[at as usize * CHANNELS..][..CHANNELS]);
        let blend = |c: usize| ((i32::from(a[c]) * tap.weights[0] + i32::from(b[c]) * tap.weights[1]) >> 4) as i16;
        (*red, *green, *blue) = (blend(0), blend(1), blend(2));
    }
}

/// What lies beyond the first and the last sample.
#[derive(Clone, Copy, PartialEq)]
enum Edge {
    /// All of the edge's sample: so across.
    Held,
    /// The edge's sample twice, with the weights as they are: so down, where it may round otherwise.
    Doubled,
}

/// Half-pixel centres: output pixel `i` looks at `(i + 0.5) * from / to - 0.5`. The scale goes by way of its inverse and
/// the place by way of 32 bits, as in OpenCV, since both decide about a weight's last bit.
fn fill(taps: &mut Vec<Tap>, from: usize, to: usize, edge: Edge) {
    let scale = 1.0 / (to as f64 / from as f64);
    let last = from as i64 - 1;
    taps.clear();
    taps.extend((0..to).map(|i| {
        let at = ((i as f64 + 0.5) * scale - 0.5) as f32;
        let first = at.floor() as i64;
        let outside = first < 0 || first >= last;
        let share = if outside && edge == Edge::Held { 0.0 } else { at - at.floor() };
        let pair = match edge {
            Edge::Held if outside => [first; 2],
            _ => [first, first + 1],
        };
        let weights = [1.0 - share, share].map(|part| (part * ONE).round_ties_even() as i32);
        Tap { pair: pair.map(|sample| sample.clamp(0, last) as u32), weights }
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_have_eleven_bits_and_edges_stay_inside() {
        let mut taps = Vec::new();
        fill(&mut taps, 4, 2, Edge::Held);
        assert_eq!(taps, [[0, 1], [2, 3]].map(|pair| Tap { pair, weights: [1024; 2] }));
        fill(&mut taps, 2, 4, Edge::Held);
        let ends = [taps[0], taps[3]];
        assert_eq!(ends, [[0, 0], [1, 1]].map(|pair| Tap { pair, weights: [2048, 0] }));
        fill(&mut taps, 2, 4, Edge::Doubled);
        assert_eq!(taps[0], Tap { pair: [0, 0], weights: [512, 1536] });
        for (from, to) in [(1920, 640), (641, 640), (1, 640), (16_384, 1), (333, 274)] {
            fill(&mut taps, from, to, Edge::Doubled);
            assert!(taps.iter().all(|t| t.weights[0] + t.weights[1] == 2048 && t.pair[1] < from as u32));
        }
    }
}
