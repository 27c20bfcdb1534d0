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
    /// Where it was lowest before the next one, if it only paused at its end on its way back.
    pub low: usize,
}

impl Cycle {
    /// Ended where it was lowest. Not for the last one: what comes behind it may be anything, lower down or not.
    pub fn to_its_low(self) -> Cycle {
        Cycle { end: self.low, ..self }
    }
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
            // Its far end is `n + half`, `2 * n` or the last: it never goes back.
            let reach = half.min(n).min(spare.len() - 1 - n);
            while to <= n + reach {
                sum += f64::from(spare[to]);
                to += 1;
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
            Way::Rest if x[n] <= x[start] => {
                start = n;
                // It had only paused on its way back.
                if let Some(last) = found.last_mut().filter(|last| x[last.end] - x[n] >= wanted.again) {
                    last.low = n;
                }
            }
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
                    found.push(Cycle { start, turn, end, low: end });
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The mean around each value, word by word.
    fn mean_around(x: &[f32], half: usize) -> Vec<f32> {
        let around = |n: usize| {
            let reach = half.min(n).min(x.len() - 1 - n);
            x[n - reach..=n + reach].iter().sum::<f32>() / (2 * reach + 1) as f32
        };
        (0..x.len()).map(around).collect()
    }

    #[test]
    fn a_smoothed_signal_is_the_mean_around_each_value_twice() {
        let (jagged, mut spare) = ((0..40).map(|n| (n * n * 7 % 31) as f32).collect::<Vec<f32>>(), Vec::new());
        for (length, half) in (0..=jagged.len()).flat_map(|length| [0, 1, 2, 5, 30].map(|half| (length, half))) {
            let mut x = jagged[..length].to_vec();
            smooth(&mut x, half, &mut spare);
            let want = mean_around(&mean_around(&jagged[..length], half), half);
            assert!(x.iter().zip(&want).all(|(x, want)| (x - want).abs() < 1e-3), "{length} by {half}: {x:?}");
        }
        let mut spike = [0.0, 0.0, 0.0, 9.0, 0.0, 0.0, 0.0];
        smooth(&mut spike, 1, &mut spare);
        assert_eq!(spike, [0.0, 1.0, 2.0, 3.0, 2.0, 1.0, 0.0]);
    }

    /// Start, turn and end of each repetition where one is 10 high and four samples are a rest, wherever zero is.
    fn found(x: &[f32]) -> Vec<(usize, usize, usize)> {
        let all = [0.0, 64.0, -64.0].map(|zero| {
            let (x, mut cycles_found) = (x.iter().map(|x| x + zero).collect::<Vec<f32>>(), Vec::new());
            cycles(&x, Wanted::of(10.0, 4), &mut cycles_found);
            cycles_found.iter().map(|of| (of.start, of.turn, of.end)).collect::<Vec<_>>()
        });
        assert!(all.iter().all(|one| *one == all[0]), "it depends on where zero is: {all:?}");
        all[0].clone()
    }

    #[test]
    fn a_way_that_is_too_short_is_no_repetition_and_one_that_just_suffices_is() {
        assert_eq!(found(&[0.0, 0.0, 5.0, -0.5, -0.5, -0.5, -0.5]), [(1, 2, 6)], "half the height out");
        assert_eq!(found(&[0.0, 0.0, 4.75, -2.0, -2.0, -2.0, -2.0, -2.0]), [], "less out");
        assert_eq!(found(&[0.0, 0.0, 5.5, 0.0, 0.0, 0.0, 0.0]), [(1, 2, 6)], "more than half the height back");
        assert_eq!(found(&[0.0, 0.0, 5.25, 0.0, 0.0, 0.0, 0.0, 0.0]), [], "less back");
    }

    #[test]
    fn who_pauses_on_the_way_back_is_low_where_he_goes_on_to_before_the_next() {
        let low = |x: &[f32]| {
            let mut found = Vec::new();
            cycles(x, Wanted::of(10.0, 4), &mut found);
            found.iter().map(|of| (of.end, of.low)).collect::<Vec<_>>()
        };
        let paused = [0.0, 0.0, 10.0, 4.0, 4.0, 4.0, 4.0, 4.0, 2.0, 0.0, 0.5, 10.0, 0.0, 0.0, 0.0, 0.0];
        assert_eq!(low(&paused), [(6, 9), (15, 15)], "and not in the next one");
        let mut a_quarter = paused;
        a_quarter[8..11].fill(1.5);
        assert_eq!(low(&a_quarter)[0], (6, 10), "at least a quarter of the height");
        a_quarter[8..11].fill(1.6);
        assert_eq!(low(&a_quarter)[0], (6, 6), "less is nothing");
    }

    #[test]
    fn the_furthest_and_the_last_of_equals_is_the_turn() {
        assert_eq!(found(&[0.0, 0.0, 6.0, 3.0, 10.0, 4.0, 0.0, 0.0, 0.0, 0.0]), [(1, 4, 9)]);
        assert_eq!(found(&[0.0, 0.0, 10.0, 10.0, 0.0, 0.0, 0.0, 0.0]), [(1, 3, 7)]);
        assert_eq!(found(&[3.0, 0.0, 1.0, 10.0, 2.0, 0.0, 0.0, 0.0, 0.0]), [(1, 3, 8)], "and the lowest the start");
    }

    #[test]
    fn a_repetition_ends_with_the_next_one_or_with_rest_and_with_nothing_less() {
        let next = [0.0, 0.0, 10.0, 0.0, 2.5, 10.0, 0.0, 0.0, 0.0, 0.0];
        assert_eq!(found(&next), [(1, 2, 3), (3, 5, 9)], "a quarter of the height out again");
        assert_eq!(found(&next[..5]), [(1, 2, 3)], "told at once");
        assert_eq!(found(&[0.0, 0.0, 10.0, 0.0, 2.25, 0.0, 0.0, 0.0, 0.0]), [(1, 2, 8)], "a wobble");
        assert_eq!(found(&[0.0, 0.0, 10.0, 0.0, 1.25, 0.0, 1.25]), [(1, 2, 5)], "a rest that is not quite still");
        assert_eq!(found(&[0.0, 0.0, 10.0, 0.0, 1.75, 0.0, 1.75, 0.0, 1.75]), [], "no rest");
        assert_eq!(found(&[0.0, 0.0, 10.0, 0.0, 0.0, 0.0]), [], "not rested for long enough");
    }

    #[test]
    fn ways_are_as_high_as_from_one_extreme_to_the_next() {
        let heights = |x: &[f32]| {
            let mut heights = vec![99.0];
            swings(x, 4.0, &mut heights);
            heights
        };
        let out_and_back = [0.0, 2.0, 4.0, 7.0, 10.0, 8.0, 6.0, 4.0, 2.0, 1.0, 3.0, 5.0, 7.0];
        assert_eq!(heights(&out_and_back), [10.0, 9.0, 6.0]);
        assert_eq!(heights(&[10.0, 7.0, 5.0, 1.0, 4.0, 6.0]), [9.0, 5.0], "down first");
        assert_eq!(heights(&[0.0, 3.0, 6.0, 8.0, 5.0, 7.0, 9.0, 12.0]), [12.0], "a wobble on the way");
        assert_eq!(heights(&[9.0, 5.0, 2.0, 5.0, 3.0, 0.0]), [9.0], "and on the way down");
        assert_eq!(heights(&[0.0, 4.0]), [4.0], "just high enough");
        assert_eq!(heights(&[4.0, 0.0]), [4.0]);
        assert!(heights(&[0.0, 3.5, 0.0, 3.5]).is_empty(), "nothing but wobbles");
        assert!(heights(&[]).is_empty());
    }

    #[test]
    fn a_cycle_that_only_paused_goes_on_to_its_low_and_is_the_same_else() {
        let Cycle { start, turn, end, low } = Cycle { start: 1, turn: 5, end: 8, low: 11 }.to_its_low();
        assert_eq!([start, turn, end, low], [1, 5, 11, 11]);
    }
}
