//! What the seed decides: the athlete's size and clothes, the room's tint, where the camera stands, the tempo.
//!
//! Colours are kept as full-range BT.601 YUV, since pictures are drawn straight into I420.

/// A small generator of numbers (splitmix64): the same seed gives the same numbers on every machine.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed ^ 0x5307_7E12_9A6B_10C5)
    }

    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Evenly between `low` and `high`.
    pub fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * ((self.roll() >> 40) as f32 / (1u64 << 24) as f32)
    }

    /// One of them.
    pub fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[(self.roll() % choices.len() as u64) as usize]
    }
}

/// Red, green and blue from 0 to 255, as displays have them.
pub type Rgb = [f32; 3];

/// A surface: its colour in full light, and how much it shines.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct Ink {
    pub y: i32,
    pub u: i32,
    pub v: i32,
    pub gloss: i32,
}

/// Full-range BT.601; chroma around 0.
pub fn yuv(c: Rgb) -> [f32; 3] {
    [
        0.299 * c[0] + 0.587 * c[1] + 0.114 * c[2],
        -0.168_736 * c[0] - 0.331_264 * c[1] + 0.5 * c[2],
        0.5 * c[0] - 0.418_688 * c[1] - 0.081_312 * c[2],
    ]
}

/// A surface of this colour and shine (0 to 255).
pub fn ink(colour: Rgb, gloss: i32) -> Ink {
    let [y, u, v] = yuv(colour).map(|c| c.round() as i32);
    Ink { y, u, v, gloss }
}

/// Everything the seed decides.
#[derive(Clone, Debug, PartialEq)]
pub struct Look {
    /// Metres from sole to crown.
    pub stature_m: f32,
    /// Girth, 1 for the middle.
    pub build: f32,
    pub skin: Rgb,
    pub hair: Rgb,
    pub shirt: Rgb,
    pub shorts: Rgb,
    pub shoes: Rgb,
    pub soles: Rgb,
    /// The big plates.
    pub plate: Rgb,
    pub wall: Rgb,
    pub accent: Rgb,
    /// Where the camera stands, radians from straight ahead of the athlete; positive is the athlete's left.
    pub azimuth: f32,
    pub camera_height_m: f32,
    /// Seconds are multiplied by this.
    pub tempo: f32,
    /// Long hair in a tail.
    pub tail: bool,
    /// Lunges with dumbbells.
    pub loaded_lunge: bool,
    /// Where in its slow habits (breath, glances) the athlete begins, radians.
    pub habit: f32,
}

const SKINS: [Rgb; 6] = [
    [236.0, 196.0, 170.0],
    [224.0, 176.0, 144.0],
    [204.0, 152.0, 116.0],
    [170.0, 118.0, 86.0],
    [128.0, 86.0, 62.0],
    [98.0, 66.0, 50.0],
];
const HAIR: [Rgb; 5] =
    [[38.0, 30.0, 28.0], [70.0, 46.0, 32.0], [120.0, 82.0, 50.0], [178.0, 140.0, 88.0], [22.0, 22.0, 26.0]];
const SHIRTS: [Rgb; 7] = [
    [38.0, 120.0, 176.0],
    [196.0, 62.0, 54.0],
    [224.0, 224.0, 220.0],
    [58.0, 62.0, 70.0],
    [46.0, 150.0, 120.0],
    [228.0, 150.0, 52.0],
    [120.0, 84.0, 170.0],
];
const SHORTS: [Rgb; 5] =
    [[40.0, 44.0, 54.0], [64.0, 68.0, 78.0], [34.0, 56.0, 98.0], [96.0, 90.0, 84.0], [90.0, 36.0, 44.0]];
const SHOES: [Rgb; 4] = [[214.0, 60.0, 48.0], [230.0, 230.0, 226.0], [52.0, 56.0, 66.0], [60.0, 170.0, 200.0]];
const PLATES: [Rgb; 4] = [[190.0, 44.0, 44.0], [40.0, 84.0, 170.0], [208.0, 168.0, 40.0], [48.0, 50.0, 54.0]];
const WALLS: [Rgb; 4] = [[196.0, 198.0, 200.0], [204.0, 196.0, 182.0], [176.0, 188.0, 196.0], [188.0, 194.0, 184.0]];
const ACCENTS: [Rgb; 4] = [[30.0, 92.0, 120.0], [44.0, 54.0, 70.0], [152.0, 56.0, 44.0], [40.0, 104.0, 84.0]];

impl Look {
    pub fn from_seed(seed: u64) -> Look {
        let mut dice = Dice::new(seed);
        let side = if dice.roll() & 1 == 0 { 1.0 } else { -1.0 };
        Look {
            stature_m: dice.between(1.62, 1.88),
            build: dice.between(0.92, 1.1),
            skin: dice.one_of(&SKINS),
            hair: dice.one_of(&HAIR),
            shirt: dice.one_of(&SHIRTS),
            shorts: dice.one_of(&SHORTS),
            shoes: dice.one_of(&SHOES),
            soles: [226.0, 224.0, 218.0],
            plate: dice.one_of(&PLATES),
            wall: dice.one_of(&WALLS),
            accent: dice.one_of(&ACCENTS),
            azimuth: side * dice.between(35f32.to_radians(), 45f32.to_radians()),
            camera_height_m: dice.between(1.35, 1.6),
            tempo: dice.between(0.92, 1.12),
            tail: dice.roll().is_multiple_of(3),
            loaded_lunge: !dice.roll().is_multiple_of(4),
            habit: dice.between(0.0, std::f32::consts::TAU),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_always_means_the_same_and_seeds_differ() {
        assert_eq!(Look::from_seed(7), Look::from_seed(7));
        assert_ne!(Look::from_seed(7), Look::from_seed(8));
    }

    #[test]
    fn grey_has_no_chroma_and_white_is_255() {
        assert_eq!(ink([255.0; 3], 0), Ink { y: 255, u: 0, v: 0, gloss: 0 });
        assert_eq!(ink([40.0; 3], 9), Ink { y: 40, u: 0, v: 0, gloss: 9 });
    }
}
