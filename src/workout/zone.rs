//! The station: a polygon on the floor of the picture, in which the athlete stands.
//!
//! Corners are shares of the frame, so a zone survives another resolution. It must never answer for a point that is no
//! number, and never be made from corners that enclose nothing.
//!
//! *share*: a place in the picture divided by its width or height, 0 to 1, y downwards.

/// The least corners that enclose something.
pub const MIN_CORNERS: usize = 3;
/// The most corners of a zone.
pub const MAX_CORNERS: usize = 16;
/// An area below this share of the frame is a slip of the hand: 1/1000 is 40 by 23 pixels of 1280 by 720.
const MIN_AREA: f32 = 0.001;
/// Points this near to an edge are on it.
const ON_EDGE: f32 = 1e-6;

/// Across and down, in shares of the frame.
pub type Point = (f32, f32);

/// Why corners are no zone; corners are numbered from 1.
#[derive(Clone, Copy, PartialEq, Debug, thiserror::Error)]
pub enum ZoneFault {
    /// Fewer than three or more than sixteen.
    #[error("a zone has {MIN_CORNERS} to {MAX_CORNERS} corners, not {0}")]
    Count(usize),
    /// Not a number, or outside 0 to 1.
    #[error("corner {0} of the zone is not within the picture: both its numbers are shares from 0 to 1")]
    Outside(usize),
    /// Two edges cross or touch.
    #[error(
        "the edges of the zone that begin at corners {0} and {1} meet: give the corners in their order around the zone"
    )]
    Crossed(usize, usize),
    /// Next to no area.
    #[error("the zone encloses less than a thousandth of the picture")]
    Flat,
}

/// A station's polygon, in shares of the frame. As JSON `[[x, y], …]`.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Zone {
    corners: [Point; MAX_CORNERS],
    count: usize,
}

impl Zone {
    /// From corners (x, y), each 0 to 1, in their order around the zone, either way round; need not be convex.
    pub fn new(corners: &[Point]) -> Result<Zone, ZoneFault> {
        let count = corners.len();
        if !(MIN_CORNERS..=MAX_CORNERS).contains(&count) {
            return Err(ZoneFault::Count(count));
        }
        let within = |&(x, y): &Point| (0.0..=1.0).contains(&x) && (0.0..=1.0).contains(&y);
        if let Some(n) = corners.iter().position(|corner| !within(corner)) {
            return Err(ZoneFault::Outside(n + 1));
        }
        let mut zone = Zone { corners: [(0.0, 0.0); MAX_CORNERS], count };
        zone.corners[..count].copy_from_slice(corners);
        for first in 0..count {
            // Neighbours share a corner and are left out; the last edge is the first one's neighbour.
            for second in first + 2..count - usize::from(first == 0) {
                if meet(zone.edge(first), zone.edge(second)) {
                    return Err(ZoneFault::Crossed(first + 1, second + 1));
                }
            }
        }
        // The shoelace formula.
        let twice: f32 = (0..count).map(|n| zone.edge(n)).map(|(a, b)| a.0 * b.1 - b.0 * a.1).sum();
        if twice.abs() / 2.0 < MIN_AREA { Err(ZoneFault::Flat) } else { Ok(zone) }
    }

    /// Whether the point lies in the zone or on its edge; one that is no number does not.
    pub fn holds(&self, x_share: f32, y_share: f32) -> bool {
        if !(x_share.is_finite() && y_share.is_finite()) {
            return false;
        }
        // Even-odd rule: a ray to the right crosses the edge an odd number of times from inside.
        let mut inside = false;
        for (a, b) in (0..self.count).map(|n| self.edge(n)) {
            if on_edge((x_share, y_share), a, b) {
                return true;
            }
            let crosses_height = (a.1 > y_share) != (b.1 > y_share);
            if crosses_height && x_share < a.0 + (y_share - a.1) / (b.1 - a.1) * (b.0 - a.0) {
                inside = !inside;
            }
        }
        inside
    }

    /// Its corners in their order, each (x, y) in shares of the frame.
    pub fn corners(&self) -> &[Point] {
        &self.corners[..self.count]
    }

    fn edge(&self, n: usize) -> (Point, Point) {
        (self.corners[n], self.corners[(n + 1) % self.count])
    }
}

impl serde::Serialize for Zone {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        // Six digits are more than a picture has pixels; without rounding 0.2 would be told as 0.20000000298.
        let digits = |share: f32| (f64::from(share) * 1e6).round() / 1e6;
        to.collect_seq(self.corners().iter().map(|(x, y)| [digits(*x), digits(*y)]))
    }
}

/// Twice the signed area of the triangle; its sign says on which side of a-b the point lies.
fn side(a: Point, b: Point, point: Point) -> f32 {
    (b.0 - a.0) * (point.1 - a.1) - (b.1 - a.1) * (point.0 - a.0)
}

fn on_edge(point: Point, a: Point, b: Point) -> bool {
    let length = (b.0 - a.0).hypot(b.1 - a.1);
    let along = (point.0 - a.0) * (b.0 - a.0) + (point.1 - a.1) * (b.1 - a.1);
    side(a, b, point).abs() <= ON_EDGE * length && (0.0..=length * length).contains(&along)
}

fn meet((a, b): (Point, Point), (c, d): (Point, Point)) -> bool {
    let apart = |p: Point, q: Point, r: Point, s: Point| side(p, q, r) * side(p, q, s) < 0.0;
    let cross = apart(a, b, c, d) && apart(c, d, a, b);
    cross || on_edge(c, a, b) || on_edge(d, a, b) || on_edge(a, c, d) || on_edge(b, c, d)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SQUARE: [Point; 4] = [(0.2, 0.2), (0.8, 0.2), (0.8, 1.0), (0.2, 1.0)];

    #[test]
    fn a_square_holds_its_middle_its_edge_and_its_corner_and_nothing_beside() {
        let zone = Zone::new(&SQUARE).unwrap();
        for (x, y) in [(0.5, 0.5), (0.2, 0.5), (0.8, 1.0), (0.5, 1.0), (0.2, 0.2)] {
            assert!(zone.holds(x, y), "{x}, {y}");
        }
        for (x, y) in [(0.1, 0.5), (0.9, 0.5), (0.5, 0.19), (0.5, 1.01), (f32::NAN, 0.5), (0.5, f32::INFINITY)] {
            assert!(!zone.holds(x, y), "{x}, {y}");
        }
    }

    #[test]
    fn slanting_edges_part_what_lies_on_either_side_of_them() {
        // Its edges: x = 0.1, y = 0.9, and y from 0.1 to 0.9 on the way from x = 0.1 to 0.5.
        let zone = Zone::new(&[(0.1, 0.1), (0.5, 0.9), (0.1, 0.9)]).unwrap();
        for (x, y, inside) in [
            (0.19, 0.3, true),
            (0.21, 0.3, false),
            (0.29, 0.5, true),
            (0.31, 0.5, false),
            (0.44, 0.8, true),
            (0.46, 0.8, false),
            (0.09, 0.5, false),
        ] {
            assert_eq!(zone.holds(x, y), inside, "{x}, {y}");
        }
        // On the slanting edge itself.
        assert!(zone.holds(0.3, 0.5) && !zone.holds(0.55, 1.0));
    }

    #[test]
    fn json_is_the_corners_as_they_were_given() {
        let zone = Zone::new(&SQUARE).unwrap();
        assert_eq!(serde_json::to_string(&zone).unwrap(), "[[0.2,0.2],[0.8,0.2],[0.8,1.0],[0.2,1.0]]");
    }

    #[test]
    fn a_hollow_zone_does_not_hold_its_hollow() {
        let horseshoe =
            [(0.1, 0.1), (0.9, 0.1), (0.9, 0.9), (0.7, 0.9), (0.7, 0.3), (0.3, 0.3), (0.3, 0.9), (0.1, 0.9)];
        let zone = Zone::new(&horseshoe).unwrap();
        assert!(zone.holds(0.2, 0.8) && zone.holds(0.8, 0.8) && zone.holds(0.5, 0.2));
        assert!(!zone.holds(0.5, 0.8));
    }

    #[test]
    fn corners_that_enclose_nothing_are_refused_in_one_sentence() {
        let fault = |corners: &[Point]| Zone::new(corners).unwrap_err().to_string();
        assert_eq!(fault(&SQUARE[..2]), "a zone has 3 to 16 corners, not 2");
        assert_eq!(fault(&[(0.5, 0.5); 17]), "a zone has 3 to 16 corners, not 17");
        assert!(fault(&[(0.0, 0.0), (0.5, 1.2), (1.0, 0.0)]).starts_with("corner 2 of the zone is not within"));
        assert!(fault(&[(f32::NAN, 0.0), (0.5, 1.0), (1.0, 0.0)]).starts_with("corner 1 of the zone is not within"));
        let bow_tie = [(0.2, 0.2), (0.8, 0.8), (0.8, 0.2), (0.2, 0.8)];
        assert!(fault(&bow_tie).starts_with("the edges of the zone that begin at corners 1 and 3 meet"));
        // One that only touches another edge with a corner.
        let touches = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.5, 0.0), (0.0, 1.0)];
        assert!(fault(&touches).starts_with("the edges of the zone that begin at corners 1 and 3 meet"));
        assert!(fault(&[(0.2, 0.2), (0.5, 0.5), (0.8, 0.8)]).starts_with("the zone encloses less"));
    }

    proptest::proptest! {
        #[test]
        fn a_zone_turned_round_holds_the_same_points(x in 0.0f32..1.0, y in 0.0f32..1.0) {
            let mut turned = SQUARE;
            turned.reverse();
            let inside = (0.2..=0.8).contains(&x) && y >= 0.2;
            proptest::prop_assert_eq!(Zone::new(&SQUARE).unwrap().holds(x, y), inside);
            proptest::prop_assert_eq!(Zone::new(&turned).unwrap().holds(x, y), inside);
        }
    }

    #[test]
    fn an_edge_ends_at_its_corners() {
        for (a, b) in [((0.8, 0.2), (0.8, 0.6)), ((0.2, 0.9), (0.7, 0.9)), ((0.1, 0.3), (0.4, 0.9))] {
            let at = |share: f32| (a.0 + share * (b.0 - a.0), a.1 + share * (b.1 - a.1));
            let is = |share: f32| (on_edge(at(share), a, b), on_edge(at(share), b, a));
            let [beside, on] = [(false, false), (true, true)];
            assert_eq!([-0.1, 0.1, 0.5, 0.9, 1.1].map(is), [beside, on, on, on, beside], "{a:?} {b:?}");
            assert!(!on_edge((at(0.5).0 + 0.01, at(0.5).1 - 0.02), a, b));
        }
    }

    #[test]
    fn a_point_as_high_as_a_corner_is_in_it_or_not_like_any_other() {
        let diamond = Zone::new(&[(0.5, 0.2), (0.8, 0.5), (0.5, 0.8), (0.2, 0.5)]).unwrap();
        assert_eq!([0.1, 0.3, 0.5, 0.7, 0.9].map(|x| diamond.holds(x, 0.5)), [false, true, true, true, false]);
        // Beside its highest and its lowest corner.
        assert!([0.2, 0.8].iter().all(|y| !diamond.holds(0.3, *y) && !diamond.holds(0.7, *y)));
        // A step: the edge ends as high as the point, and another goes on from there.
        let step = Zone::new(&[(0.1, 0.1), (0.9, 0.1), (0.9, 0.5), (0.5, 0.5), (0.5, 0.9), (0.1, 0.9)]).unwrap();
        assert!(step.holds(0.3, 0.5) && step.holds(0.7, 0.5) && !step.holds(0.05, 0.5) && !step.holds(0.95, 0.5));
    }
}
