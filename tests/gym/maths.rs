//! Arithmetic of the gym: points in space, smooth ways between them, and random numbers. Everything is built from the four
//! operations and the square root, which IEEE 754 fixes to the last bit, so that a seed gives the same session on every
//! machine; the system's sine does not promise that.

use std::f64::consts::{FRAC_PI_2, LN_2, PI, TAU};

/// A point or a way in space, metres: x to the athlete's left, y up, z where he looks.
pub type V = [f64; 3];

pub fn add(a: V, b: V) -> V {
    [a[0] + b[0], a[1] + b[1], a[2] + b[2]]
}

pub fn sub(a: V, b: V) -> V {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

pub fn times(a: V, k: f64) -> V {
    [a[0] * k, a[1] * k, a[2] * k]
}

pub fn dot(a: V, b: V) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

pub fn cross(a: V, b: V) -> V {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

pub fn length(a: V) -> f64 {
    dot(a, a).sqrt()
}

/// The way of length one; straight up for a way of no length.
pub fn unit(a: V) -> V {
    let l = length(a);
    if l > 1e-9 { times(a, 1.0 / l) } else { [0.0, 1.0, 0.0] }
}

/// `a` at 0, `b` at 1.
pub fn mix(a: f64, b: f64, share: f64) -> f64 {
    a + share * (b - a)
}

pub fn mixed(a: V, b: V, share: f64) -> V {
    [mix(a[0], b[0], share), mix(a[1], b[1], share), mix(a[2], b[2], share)]
}

/// From 0 to 1 as a limb goes there: the course of minimum jerk (Flash and Hogan, 1985).
pub fn ease(share: f64) -> f64 {
    let x = share.clamp(0.0, 1.0);
    x * x * x * (10.0 + x * (6.0 * x - 15.0))
}

/// Sine, by its series after the argument is brought to ±90 degrees.
pub fn sin(x: f64) -> f64 {
    let turns = (x / TAU + 0.5).floor();
    let x = x - turns * TAU;
    let x = if x > FRAC_PI_2 {
        PI - x
    } else if x < -FRAC_PI_2 {
        -PI - x
    } else {
        x
    };
    let x2 = x * x;
    let mut sum = 1.0;
    for n in (1..=9).rev() {
        let n = f64::from(2 * n);
        sum = 1.0 - sum * x2 / (n * (n + 1.0));
    }
    x * sum
}

pub fn cos(x: f64) -> f64 {
    sin(x + FRAC_PI_2)
}

pub fn sin_deg(deg: f64) -> f64 {
    sin(deg * PI / 180.0)
}

pub fn cos_deg(deg: f64) -> f64 {
    cos(deg * PI / 180.0)
}

/// Degrees whose sine it is, for -1 to 1; by Newton's method on [`sin`].
pub fn asin_deg(y: f64) -> f64 {
    let y = y.clamp(-0.9999, 0.9999);
    let mut x = y;
    for _ in 0..20 {
        x -= (sin(x) - y) / cos(x).max(1e-3);
    }
    x * 180.0 / PI
}

/// e to the power of a number that is not positive.
pub fn decay(x: f64) -> f64 {
    let mut sum = 1.0;
    let part = x.max(-40.0) / 64.0;
    for n in (1..=8).rev() {
        sum = 1.0 + sum * part / f64::from(n);
    }
    (0..6).fold(sum, |sum, _| sum * sum)
}

/// Natural logarithm of a number from 0 to 1.
fn ln(x: f64) -> f64 {
    let (mut x, mut halvings) = (x.max(1e-12), 0.0);
    while x < 0.75 {
        (x, halvings) = (2.0 * x, halvings + 1.0);
    }
    // ln x = 2 artanh((x - 1) / (x + 1))
    let y = (x - 1.0) / (x + 1.0);
    let y2 = y * y;
    let sum = (0..12).rev().fold(0.0, |sum, n| sum * y2 + 1.0 / f64::from(2 * n + 1));
    2.0 * y * sum - halvings * LN_2
}

/// The random numbers of SplitMix64.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// Numbers of their own for every purpose of a seed.
    pub fn new(seed: u64, purpose: u64) -> Dice {
        let mut dice = Dice(seed ^ purpose.wrapping_mul(0xd1b5_4a32_d192_ed03));
        dice.next();
        dice
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to 1.
    pub fn roll(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    pub fn between(&mut self, (low, high): (f64, f64)) -> f64 {
        mix(low, high, self.roll())
    }

    pub fn whole(&mut self, (low, high): (u32, u32)) -> u32 {
        low + (self.next() % u64::from(high - low + 1)) as u32
    }

    /// True in this share of the calls.
    pub fn happens(&mut self, share: f64) -> bool {
        self.roll() < share
    }

    /// Mean 0, standard deviation 1 (Box and Muller).
    pub fn normal(&mut self) -> f64 {
        (-2.0 * ln(self.roll())).sqrt() * cos(TAU * self.roll())
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[(self.next() % from.len() as u64) as usize]
    }
}

#[test]
fn own_functions_agree_with_the_systems() {
    for n in -2000..2000 {
        let x = f64::from(n) / 100.0;
        assert!((sin(x) - x.sin()).abs() < 1e-9 && (cos(x) - x.cos()).abs() < 1e-9, "{x}");
        let y = f64::from(n) / 2000.0;
        assert!((asin_deg(y) - y.asin().to_degrees()).abs() < 1.0, "{y}");
        assert!((decay(-x.abs()) - (-x.abs()).exp()).abs() < 1e-9, "{x}");
        assert!((ln(y.abs() + 1e-6) - (y.abs() + 1e-6).ln()).abs() < 1e-9, "{y}");
    }
}

#[test]
fn the_dice_are_fair() {
    let mut dice = Dice::new(1, 1);
    let many = 20_000;
    let (mut sum, mut squares) = (0.0, 0.0);
    for _ in 0..many {
        let n = dice.normal();
        (sum, squares) = (sum + n, squares + n * n);
    }
    let many = f64::from(many);
    assert!((sum / many).abs() < 0.03 && (squares / many - 1.0).abs() < 0.05, "{sum} {squares}");
}
