//! The list of surfaces, and their colours for one look.

use super::look::{Ink, Look, ink};

pub const SKIN: u8 = 0;
pub const HAIR: u8 = 1;
pub const SHIRT: u8 = 2;
pub const SHORTS: u8 = 3;
pub const SHOE: u8 = 4;
pub const SOLE: u8 = 5;
pub const SOCK: u8 = 6;
pub const EYE: u8 = 7;
pub const STEEL: u8 = 8;
pub const PLATE: u8 = 9;
pub const IRON: u8 = 10;
pub const FRAME: u8 = 11;
pub const ACCENT: u8 = 12;
pub const BALL: u8 = 13;
pub const LIPS: u8 = 14;
pub const NOTHING_MORE: usize = 15;

/// Every surface's colour, by number.
pub fn inks(look: &Look) -> [Ink; NOTHING_MORE] {
    let lips = [look.skin[0] * 0.82, look.skin[1] * 0.66, look.skin[2] * 0.66];
    let mut out = [Ink::default(); NOTHING_MORE];
    for (number, colour, gloss) in [
        (SKIN, look.skin, 46),
        (HAIR, look.hair, 34),
        (SHIRT, look.shirt, 10),
        (SHORTS, look.shorts, 12),
        (SHOE, look.shoes, 40),
        (SOLE, look.soles, 20),
        (SOCK, [232.0, 232.0, 228.0], 6),
        (EYE, [40.0, 32.0, 30.0], 120),
        (STEEL, [176.0, 180.0, 186.0], 150),
        (PLATE, look.plate, 60),
        (IRON, [56.0, 58.0, 62.0], 80),
        (FRAME, [60.0, 64.0, 72.0], 80),
        (ACCENT, look.accent, 60),
        (BALL, [150.0, 104.0, 70.0], 40),
        (LIPS, lips, 30),
    ] {
        out[usize::from(number)] = ink(colour, gloss);
    }
    out
}
