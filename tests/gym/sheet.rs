//! Contact sheets: stick figures of poses, for human eyes.

use std::path::Path;

use spotter::skeleton::{BONES, Pose};

/// A grey picture with the origin at its upper left.
pub struct Sheet {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

impl Sheet {
    pub fn new(width: usize, height: usize) -> Sheet {
        Sheet { width, height, pixels: vec![255; 3 * width * height] }
    }

    fn dot(&mut self, x: f64, y: f64, colour: [u8; 3]) {
        if x >= 0.0 && y >= 0.0 && (x as usize) < self.width && (y as usize) < self.height {
            let at = 3 * (y as usize * self.width + x as usize);
            self.pixels[at..at + 3].copy_from_slice(&colour);
        }
    }

    fn line(&mut self, from: (f64, f64), to: (f64, f64), colour: [u8; 3]) {
        let steps = (to.0 - from.0).abs().max((to.1 - from.1).abs()).min(4000.0) as u32 + 1;
        for n in 0..=steps {
            let share = f64::from(n) / f64::from(steps);
            let (x, y) = (from.0 + share * (to.0 - from.0), from.1 + share * (to.1 - from.1));
            self.dot(x, y, colour);
            self.dot(x + 1.0, y, colour);
        }
    }

    /// A pose within a cell of the sheet; the picture of `size` fills it. Left is red, right is blue.
    pub fn draw(&mut self, pose: &Pose, size: (usize, usize), (left, top, width): (f64, f64, f64)) {
        let scale = width / size.0 as f64;
        let at = |n: usize| {
            let point = pose.keypoints[n];
            (left + scale * f64::from(point.x), top + scale * f64::from(point.y))
        };
        for (a, b) in BONES {
            let (a, b) = (a as usize, b as usize);
            let colour = match (a % 2, b % 2) {
                (1, 1) => [220, 40, 40],
                (0, 0) if a > 0 => [40, 40, 220],
                _ => [90, 90, 90],
            };
            self.line(at(a), at(b), colour);
        }
    }

    /// A frame around a cell.
    pub fn frame(&mut self, (left, top, width): (f64, f64, f64), size: (usize, usize)) {
        let (right, bottom) = (left + width - 1.0, top + width * size.1 as f64 / size.0 as f64 - 1.0);
        for (from, to) in [((left, top), (right, top)), ((left, top), (left, bottom)), ((right, top), (right, bottom))]
        {
            self.line(from, to, [210, 210, 210]);
        }
    }

    pub fn save(&self, path: &Path) {
        let file = std::fs::File::create(path).expect("the folder is there");
        let mut png = png::Encoder::new(file, self.width as u32, self.height as u32);
        png.set_color(png::ColorType::Rgb);
        png.write_header().and_then(|mut png| png.write_image_data(&self.pixels)).expect("it can be written");
    }
}
