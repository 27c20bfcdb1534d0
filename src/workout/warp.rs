//! Dynamic time warping: how unlike two courses are when each may tarry where the other does not.
//!
//! Sakoe and Chiba (1978), symmetric form: a step along both counts twice, and the sum is divided by both lengths, so that it
//! is the mean cost of what was matched, however long the two are. The band follows the slope of the lengths, so the
//! end is always within it. It must never pass for a distance what is none: infinity then.

/// How far a match may stray from even steps, as a share of the second course's length.
const BAND: f32 = 0.15;

/// The mean of `cost` along the best way through two courses of these lengths; infinite if either is empty, or where no way
/// is free of costs that are no numbers.
pub fn warped(lengths: (usize, usize), cost: impl Fn(usize, usize) -> f32) -> f32 {
    let (rows, columns) = lengths;
    if rows == 0 || columns == 0 {
        return f32::INFINITY;
    }
    // One more than half of what a row moves on by, so that neighbouring rows' bands overlap.
    let slope = (columns - 1) as f32 / (rows - 1).max(1) as f32;
    let reach = (BAND * columns as f32).max(slope / 2.0 + 1.0);
    let (mut before, mut row) = (vec![f32::INFINITY; columns], vec![f32::INFINITY; columns]);
    for i in 0..rows {
        row.fill(f32::INFINITY);
        let middle = if rows == 1 { (columns - 1) as f32 / 2.0 } else { i as f32 * slope };
        let reach = if rows == 1 { columns as f32 } else { reach };
        let (from, to) = ((middle - reach).max(0.0) as usize, ((middle + reach) as usize).min(columns - 1));
        for j in from..=to {
            let cost = cost(i, j);
            if !cost.is_finite() {
                continue;
            }
            let along = if j > 0 { row[j - 1] + cost } else { f32::INFINITY };
            let down = before[j] + cost;
            let both = match (i, j) {
                (0, 0) => 2.0 * cost,
                (_, 0) => f32::INFINITY,
                _ => before[j - 1] + 2.0 * cost,
            };
            row[j] = along.min(down).min(if i == 0 && j > 0 { f32::INFINITY } else { both });
        }
        std::mem::swap(&mut before, &mut row);
    }
    before[columns - 1] / (rows + columns) as f32
}
