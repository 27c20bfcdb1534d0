//! Drawing into a picture of red, green and blue: a person's bones, and a few lines of text below.
//!
//! For pictures that somebody keeps: one for each set, and what `spotter pose` shows. It must never touch the frames that
//! are served: on the wall the browser draws.

use std::convert::Infallible;

use embedded_graphics::Pixel;
use embedded_graphics::geometry::{OriginDimensions, Point, Size};
use embedded_graphics::mono_font::MonoTextStyle;
use embedded_graphics::mono_font::iso_8859_1::FONT_10X20;
use embedded_graphics::pixelcolor::{Rgb888, RgbColor};
use embedded_graphics::prelude::{DrawTarget, Drawable, Primitive};
use embedded_graphics::primitives::{Line, PrimitiveStyle, Rectangle};
use embedded_graphics::text::{Baseline, Text};

use crate::skeleton::{BONES, Keypoint, Pose};

/// Points that the model is less sure of are not drawn.
const DRAWN_CONFIDENCE: f32 = 0.3;
/// Bones of a person that was found; yellow shows on most clothes.
pub const YELLOW: Rgb888 = Rgb888::new(255, 214, 10);
/// Of a set that needs no confirmation.
pub const GREEN: Rgb888 = Rgb888::new(60, 220, 110);

/// Rows of R, G, B without padding, and the pixels across and down.
pub struct Canvas<'a> {
    rgb: &'a mut [u8],
    size: (usize, usize),
}

impl<'a> Canvas<'a> {
    /// On these rows. Bytes beyond the size are left alone, and pixels beyond the bytes are not drawn.
    pub fn on(rgb: &'a mut [u8], size: (usize, usize)) -> Canvas<'a> {
        Canvas { rgb, size }
    }

    /// Bones of this colour over black, so that they show on bright and on dark ground.
    pub fn person(&mut self, pose: &Pose, ink: Rgb888) {
        let thick = (self.size.1 as u32 / 160).max(2);
        for (width, ink) in [(thick * 2, Rgb888::BLACK), (thick, ink)] {
            for (a, b) in BONES.map(|(a, b)| (pose.at(a), pose.at(b))) {
                if a.confidence < DRAWN_CONFIDENCE || b.confidence < DRAWN_CONFIDENCE {
                    continue;
                }
                let line = Line::new(self.place(a), self.place(b)).into_styled(PrimitiveStyle::with_stroke(ink, width));
                let Ok(()) = line.draw(self);
            }
        }
    }

    /// White text on a dark ground along the lower edge; what is too long is cut by the edge.
    pub fn caption(&mut self, lines: &[String]) {
        let style = MonoTextStyle::new(&FONT_10X20, Rgb888::WHITE);
        let (row, margin) = (FONT_10X20.character_size.height as i32 + 2, 6);
        let high = row * lines.len() as i32 + margin;
        let top = self.size.1 as i32 - high;
        let ground = Rectangle::new(Point::new(0, top), Size::new(self.size.0 as u32, high.unsigned_abs()));
        let Ok(()) = ground.into_styled(PrimitiveStyle::with_fill(Rgb888::new(16, 18, 22))).draw(self);
        for (n, line) in lines.iter().enumerate() {
            let at = Point::new(margin, top + margin / 2 + row * n as i32);
            let Ok(_) = Text::with_baseline(line, at, style, Baseline::Top).draw(self);
        }
    }

    /// A point far outside, or one that is no number, must cost no more than one at the edge.
    fn place(&self, point: Keypoint) -> Point {
        let near = |at: f32, side: usize| at.clamp(-(side as f32), 2.0 * side as f32).round() as i32;
        Point::new(near(point.x, self.size.0), near(point.y, self.size.1))
    }
}

impl OriginDimensions for Canvas<'_> {
    fn size(&self) -> Size {
        Size::new(self.size.0 as u32, self.size.1 as u32)
    }
}

impl DrawTarget for Canvas<'_> {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<Rgb888>>>(&mut self, pixels: I) -> Result<(), Infallible> {
        let (width, height) = self.size;
        for Pixel(at, ink) in pixels {
            let (Ok(x), Ok(y)) = (usize::try_from(at.x), usize::try_from(at.y)) else { continue };
            if x < width
                && y < height
                && let Some(pixel) = self.rgb.get_mut((y * width + x) * 3..(y * width + x) * 3 + 3)
            {
                pixel.copy_from_slice(&[ink.r(), ink.g(), ink.b()]);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GREY: [u8; 3] = [90; 3];

    fn pixel(rgb: &[u8], x: usize, y: usize) -> [u8; 3] {
        rgb[(y * 80 + x) * 3..][..3].try_into().unwrap()
    }

    fn person(at: impl Fn(usize) -> (f32, f32)) -> Pose {
        let mut pose = Pose::default();
        for (i, point) in pose.keypoints.iter_mut().enumerate() {
            let (x, y) = at(i);
            *point = Keypoint { x, y, confidence: 0.9 };
        }
        pose
    }

    #[test]
    fn a_person_is_drawn_where_the_points_are() {
        let mut rgb = GREY.repeat(80 * 60);
        Canvas::on(&mut rgb, (80, 60)).person(&person(|i| (i as f32 * 4.0, i as f32 * 3.0)), YELLOW);
        assert_eq!(pixel(&rgb, 40, 30), [255, 214, 10]);
        assert_eq!(pixel(&rgb, 79, 0), GREY);
        let unsure = |mut pose: Pose| {
            pose.keypoints.iter_mut().for_each(|p| p.confidence = 0.29);
            pose
        };
        let mut rgb = GREY.repeat(80 * 60);
        Canvas::on(&mut rgb, (80, 60)).person(&unsure(person(|i| (i as f32, i as f32))), YELLOW);
        assert_eq!(rgb, GREY.repeat(80 * 60));
    }

    #[test]
    fn points_that_are_nonsense_draw_nothing_outside_and_end() {
        let wild = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e30, -1e30];
        let mut rgb = GREY.repeat(80 * 60);
        Canvas::on(&mut rgb, (80, 60)).person(&person(|i| (wild[i % 5], wild[(i + 2) % 5])), YELLOW);
        // Fewer bytes than the size says.
        Canvas::on(&mut rgb[..7], (80, 60)).person(&person(|_| (0.0, 0.0)), YELLOW);
        Canvas::on(&mut [], (0, 0)).caption(&["Squat".into()]);
    }

    #[test]
    fn a_caption_stands_at_the_lower_edge() {
        let mut rgb = GREY.repeat(80 * 60);
        Canvas::on(&mut rgb, (80, 60)).caption(&["Squat é".into()]);
        assert_eq!(pixel(&rgb, 40, 20), GREY);
        let below = &rgb[35 * 80 * 3..];
        assert!(below.as_chunks::<3>().0.contains(&[255; 3]) && below.as_chunks::<3>().0.contains(&[16, 18, 22]));
    }
}
