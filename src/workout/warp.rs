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
        let middle = i as f32 * slope;
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
            row[j] = along.min(down).min(both);
        }
        std::mem::swap(&mut before, &mut row);
    }
    before[columns - 1] / (rows + columns) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of<const C: usize>(costs: &[[f32; C]]) -> f32 {
        warped((costs.len(), C), |i, j| costs[i][j])
    }

    #[test]
    fn however_long_two_courses_are_equal_costs_are_their_own_mean() {
        for (rows, columns) in (1..40).flat_map(|rows| (1..40).map(move |columns| (rows, columns))) {
            let mean = warped((rows, columns), |_, _| 0.5);
            assert!((mean - 0.5).abs() < 1e-5, "{rows} by {columns}: {mean}");
        }
    }

    #[test]
    fn of_nothing_there_is_no_mean_nor_where_no_way_is_free() {
        assert!([(0, 0), (0, 3), (3, 0)].iter().all(|lengths| warped(*lengths, |_, _| 1.0) == f32::INFINITY));
        for hole in [f32::NAN, f32::INFINITY] {
            assert_eq!(of(&[[1.0, 1.0, 1.0], [hole; 3], [1.0, 1.0, 1.0]]), f32::INFINITY);
            assert_eq!(of(&[[hole, 1.0], [1.0, 1.0]]), f32::INFINITY, "the beginning belongs to each other");
            assert_eq!(of(&[[1.0, 1.0], [1.0, hole]]), f32::INFINITY, "and so does the end");
            assert_eq!(of(&[[1.0, hole], [hole, 1.0]]), 1.0, "across it is free");
            assert_eq!(of(&[[1.0, 1.0], [hole, 1.0]]), 1.0, "and around");
        }
    }

    #[test]
    fn the_cheapest_way_counts_a_step_along_both_twice() {
        assert_eq!(of(&[[1.0, 5.0], [7.0, 2.0]]), (2.0 + 2.0 * 2.0) / 4.0, "along both");
        assert_eq!(of(&[[1.0, 1.0], [7.0, 5.0]]), (2.0 + 1.0 + 5.0) / 4.0, "along the second, then the first");
        assert_eq!(of(&[[1.0, 9.0], [1.0, 5.0]]), (2.0 + 1.0 + 5.0) / 4.0, "along the first, then the second");
        assert_eq!(of(&[[1.0, 2.0, 4.0]]), (2.0 + 2.0 + 4.0) / 4.0, "one against three");
        assert_eq!(of(&[[1.0], [2.0], [4.0]]), (2.0 + 2.0 + 4.0) / 4.0, "three against one");
    }

    #[test]
    fn one_may_tarry_as_far_as_the_band_and_no_further() {
        // The second is behind by `late` of its forty steps, and has caught up in the end.
        let behind = |late: usize| {
            warped((40, 40), |i, j| {
                let is_way = j == i.saturating_sub(late) || i == 39 && j >= 39 - late;
                f32::from(u8::from(!is_way))
            })
        };
        // Ahead, the same.
        let ahead = |early: usize| {
            warped((40, 40), |i, j| f32::from(u8::from(!(j == (i + early).min(39) || i == 0 && j <= early))))
        };
        assert_eq!([behind(0), behind(6), ahead(6)], [0.0; 3]);
        assert!(behind(7) > 0.0 && ahead(7) > 0.0, "{} {}", behind(7), ahead(7));
    }

    #[test]
    fn a_course_that_is_ten_times_as_slow_is_the_same() {
        let pace = |fast: f32, slow: f32| (fast - slow / 10.0).abs();
        let (long, short) =
            (warped((100, 10), |i, j| pace(j as f32, i as f32)), warped((10, 100), |i, j| pace(i as f32, j as f32)));
        assert!(long < 0.5 && short < 0.5, "{long} {short}");
        // Of two rows the second has the whole second half of the band.
        assert_eq!(warped((2, 9), |i, j| f32::from(u8::from((i == 0) != (j < 5)))), 0.0);
    }
}
