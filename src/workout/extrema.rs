//! Where a signal turns: smoothing, and repetitions as swings out and back of enough height.
//!
//! A wobble that is lower than the swing asked for is none, however sharp; the dominant extreme is kept. A repetition is
//! complete when the signal turns again, and also when it rests near where it began: the last of a set has no successor.
//!
//! *swing*: how far the signal must go before it counts as a direction · *oriented*: turned so that repetitions begin low.

/// A repetition in a slice: where it began, turned and was back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cycle {
    pub start: usize,
    pub turn: usize,
    pub end: usize,
}

/// What makes a repetition.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// The way out, at least.
    pub out: f32,
    /// The way back, at least.
    pub back: f32,
    /// A new way out by this much ends the repetition before.
    pub again: f32,
    /// Samples of rest that end it as well.
    pub dwell: usize,
}

impl Wanted {
    /// For repetitions that are usually this high.
    pub fn of(height: f32, dwell: usize) -> Wanted {
        Wanted { out: 0.5 * height, back: 0.55 * height, again: 0.25 * height, dwell }
    }
}

/// Mean over `2 * half + 1` samples, twice; narrower at the ends, so that they stay where they are.
pub fn smooth(x: &mut [f32], half: usize, spare: &mut Vec<f32>) {
    for _ in 0..2 {
        spare.clear();
        spare.extend_from_slice(x);
        let (mut sum, mut from, mut to) = (0.0f64, 0, 0);
        for (n, out) in x.iter_mut().enumerate() {
            let reach = half.min(n).min(spare.len() - 1 - n);
            while to <= n + reach {
                sum += f64::from(spare[to]);
                to += 1;
            }
            while to > n + reach + 1 {
                to -= 1;
                sum -= f64::from(spare[to]);
            }
            while from < n - reach {
                sum -= f64::from(spare[from]);
                from += 1;
            }
            *out = (sum / (to - from) as f64) as f32;
        }
    }
}

/// The complete repetitions of an oriented signal, in order.
pub fn cycles(x: &[f32], wanted: Wanted, found: &mut Vec<Cycle>) {
    enum Way {
        Rest,
        Out,
        Back,
    }
    found.clear();
    let (mut way, mut start, mut turn, mut end) = (Way::Rest, 0, 0, 0);
    for n in 0..x.len() {
        match way {
            Way::Rest if x[n] <= x[start] => start = n,
            Way::Rest if x[n] - x[start] >= wanted.out => (way, turn) = (Way::Out, n),
            Way::Rest => {}
            Way::Out if x[n] >= x[turn] => turn = n,
            Way::Out if x[turn] - x[n] >= wanted.back => (way, end) = (Way::Back, n),
            Way::Out => {}
            Way::Back => {
                if x[n] <= x[end] {
                    end = n;
                }
                let again = x[n] - x[end] >= wanted.again;
                if again || rests(&x[turn..=n], wanted) {
                    found.push(Cycle { start, turn, end });
                    (way, start) = (Way::Rest, end);
                }
            }
        }
    }
}

/// Whether the signal has stayed within the height of a small swing for long enough.
fn rests(back: &[f32], wanted: Wanted) -> bool {
    let Some(from) = back.len().checked_sub(wanted.dwell) else { return false };
    let (low, high) = span(&back[from..]);
    high - low < wanted.again * 0.6
}

/// The least and the greatest value.
pub fn span(x: &[f32]) -> (f32, f32) {
    x.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), v| (low.min(*v), high.max(*v)))
}

/// Heights of the ways between extremes that are at least `swing` high, the last one unfinished.
pub fn swings(x: &[f32], swing: f32, heights: &mut Vec<f32>) {
    heights.clear();
    let (mut low, mut high, mut up) = (0, 0, None);
    for n in 0..x.len() {
        if x[n] < x[low] {
            low = n;
        }
        if x[n] > x[high] {
            high = n;
        }
        if up != Some(true) && x[n] - x[low] >= swing {
            if up == Some(false) {
                heights.push(x[high] - x[low]);
            }
            (up, high) = (Some(true), n);
        } else if up != Some(false) && x[high] - x[n] >= swing {
            if up == Some(true) {
                heights.push(x[high] - x[low]);
            }
            (up, low) = (Some(false), n);
        }
    }
    if up.is_some() {
        heights.push(x[high] - x[low]);
    }
}
