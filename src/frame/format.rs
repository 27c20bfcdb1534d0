//! Pixel formats, and the arithmetic of where their planes lie.
//!
//! *stride*: bytes from one row to the next, never less than a row's own bytes · *packed*: strides without padding ·
//! *colour*: which matrix and range turn the YUV values into light.

/// How a picture's bytes are to be read.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PixelFormat {
    /// One whole JPEG.
    #[default]
    Mjpeg,
    /// Three planes Y, U, V; chroma halved both ways.
    I420,
    /// Two planes: Y, then U and V interleaved; chroma halved both ways.
    Nv12,
    /// One plane Y0 U Y1 V; chroma halved across.
    Yuyv,
    /// One plane U Y0 V Y1; chroma halved across.
    Uyvy,
    /// One plane of Y.
    Grey,
}

/// Which matrix made YUV out of RGB.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Matrix {
    /// ITU-R BT.601, what JPEG and standard definition use.
    #[default]
    Bt601,
    /// ITU-R BT.709, what high definition uses.
    Bt709,
}

/// Which values black and white have.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Range {
    /// Y from 16 to 235, chroma from 16 to 240.
    #[default]
    Limited,
    /// 0 to 255, as JPEG has it.
    Full,
}

/// What the YUV values mean.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Colour {
    /// The matrix.
    pub matrix: Matrix,
    /// The range.
    pub range: Range,
}

impl Colour {
    /// What JPEG means: BT.601, full range.
    pub const JPEG: Colour = Colour { matrix: Matrix::Bt601, range: Range::Full };
}

/// Where one plane lies in a frame's bytes.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Plane {
    /// Bytes before its first row.
    pub offset: usize,
    /// Bytes from row to row.
    pub stride: usize,
    /// Rows.
    pub rows: usize,
}

/// What a frame's bytes mean.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Layout {
    /// The format.
    pub format: PixelFormat,
    /// Pixels across.
    pub width: usize,
    /// Pixels down.
    pub height: usize,
    /// What the values mean.
    pub colour: Colour,
    planes: [Plane; 3],
    count: usize,
}

impl Layout {
    /// One JPEG of this size.
    pub fn jpeg(width: usize, height: usize) -> Layout {
        Layout { format: PixelFormat::Mjpeg, width, height, colour: Colour::JPEG, ..Layout::default() }
    }

    /// Planes that follow each other without padding.
    pub fn packed(format: PixelFormat, width: usize, height: usize) -> Layout {
        let (half, half_rows) = (width.div_ceil(2), height.div_ceil(2));
        let strides: &[usize] = match format {
            PixelFormat::Mjpeg => return Layout::jpeg(width, height),
            PixelFormat::I420 => &[width, half, half],
            PixelFormat::Nv12 => &[width, half * 2],
            PixelFormat::Yuyv | PixelFormat::Uyvy => &[half * 4],
            PixelFormat::Grey => &[width],
        };
        let mut planes = [Plane::default(); 3];
        let mut offset = 0;
        for (i, &stride) in strides.iter().enumerate() {
            let rows = if i == 0 { height } else { half_rows };
            planes[i] = Plane { offset, stride, rows };
            offset += stride * rows;
        }
        Layout { format, width, height, colour: Colour::default(), planes, count: strides.len() }
    }

    /// The same picture with each plane where the source says it lies. Planes beyond the format's number are ignored.
    pub fn with_planes(mut self, places: &[Plane]) -> Layout {
        for (own, given) in self.planes[..self.count].iter_mut().zip(places) {
            *own = *given;
        }
        self
    }

    /// The same picture with these colours.
    pub fn with_colour(mut self, colour: Colour) -> Layout {
        self.colour = colour;
        self
    }

    /// The planes; none for a JPEG.
    pub fn planes(&self) -> &[Plane] {
        &self.planes[..self.count]
    }

    /// Bytes a frame of this layout has; 0 for a JPEG, whose length its data tells.
    pub fn bytes(&self) -> usize {
        self.planes().iter().map(|p| p.offset + p.stride * p.rows).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_sizes_are_the_formats_own() {
        for (format, want) in [
            (PixelFormat::I420, 1280 * 720 * 3 / 2),
            (PixelFormat::Nv12, 1280 * 720 * 3 / 2),
            (PixelFormat::Yuyv, 1280 * 720 * 2),
            (PixelFormat::Uyvy, 1280 * 720 * 2),
            (PixelFormat::Grey, 1280 * 720),
            (PixelFormat::Mjpeg, 0),
        ] {
            assert_eq!(Layout::packed(format, 1280, 720).bytes(), want, "{format:?}");
        }
    }

    #[test]
    fn odd_sizes_round_the_chroma_up() {
        let layout = Layout::packed(PixelFormat::I420, 5, 3);
        assert_eq!(
            layout.planes().iter().map(|p| (p.offset, p.stride, p.rows)).collect::<Vec<_>>(),
            [(0, 5, 3), (15, 3, 2), (21, 3, 2)]
        );
        assert_eq!(layout.bytes(), 27);
    }

    #[test]
    fn given_planes_replace_the_packed_ones() {
        let wide = [Plane { offset: 0, stride: 64, rows: 2 }, Plane { offset: 128, stride: 64, rows: 1 }];
        let layout = Layout::packed(PixelFormat::Nv12, 40, 2).with_planes(&wide);
        assert_eq!(layout.planes(), wide);
        assert_eq!(layout.bytes(), 192);
    }
}
