//! One model's input: three planes R, G, B, one after the other, of values of 0 to 1, and the padding about the frame.
//!
//! The padding of one frame is that of the next as long as frames have the same shape, so it is written when the shape
//! changes and then left alone: in a square input it is nearly half of all there is to write.

use super::{Letterbox, Size, tensor_len};

/// What surrounds the frame, as in training.
pub const PAD: f32 = 114.0 / 255.0;

/// Planes R, G, B of the input's size; dereferences to all of their values.
pub struct Tensor {
    input: Size,
    values: Vec<f32>,
    /// Where the padding lies that is in it.
    padded: Option<Letterbox>,
}

impl Tensor {
    /// For an input of this many pixels across and down.
    pub fn new(input: Size) -> Tensor {
        Tensor { input, values: vec![0.0; tensor_len(input)], padded: None }
    }

    /// One in which whatever is not written shows.
    #[cfg(test)]
    pub(super) fn unwritten(input: Size) -> Tensor {
        Tensor { values: vec![f32::NAN; tensor_len(input)], ..Tensor::new(input) }
    }

    /// The input's pixels across and down.
    pub(super) fn input(&self) -> Size {
        self.input
    }

    /// Lays the padding about a frame that lies like this.
    pub(super) fn pad(&mut self, letterbox: Letterbox) {
        if self.padded == Some(letterbox) {
            return;
        }
        let (width, height) = self.input;
        let ((left, top), (across, down)) = (letterbox.pad, letterbox.scaled);
        for plane in self.values.chunks_exact_mut(width * height) {
            plane[..top * width].fill(PAD);
            plane[(top + down) * width..].fill(PAD);
            for row in plane[top * width..][..down * width].chunks_exact_mut(width) {
                row[..left].fill(PAD);
                row[left + across..].fill(PAD);
            }
        }
        self.padded = Some(letterbox);
    }

    /// Row `y` of the frame that lies like this, in each plane.
    pub(super) fn rows(&mut self, letterbox: &Letterbox, y: usize) -> [&mut [f32]; 3] {
        let (width, height) = self.input;
        let start = (letterbox.pad.1 + y) * width + letterbox.pad.0;
        let (red, rest) = self.values.split_at_mut(width * height);
        let (green, blue) = rest.split_at_mut(width * height);
        [red, green, blue].map(|plane| &mut plane[start..][..letterbox.scaled.0])
    }
}

impl std::ops::Deref for Tensor {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.values
    }
}
