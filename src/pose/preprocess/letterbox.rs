//! Where a frame lies in a model's input: scaled to fit, centred, the rest padded.
//!
//! The rounding is that of Ultralytics' exported models: each side of the scaled frame is rounded to the nearest pixel
//! (halves to even), and an odd pixel of padding goes to the right and to the bottom. So the two axes may scale by a
//! hair differently, and both ways of the mapping use the axis's own factor.

/// One frame size in one input size.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Letterbox {
    /// The frame's pixels across and down.
    pub frame: (usize, usize),
    /// The input's pixels across and down.
    pub input: (usize, usize),
    /// The scaled frame's pixels across and down.
    pub scaled: (usize, usize),
    /// Padding to the left of the scaled frame and above it.
    pub pad: (usize, usize),
}

impl Letterbox {
    /// For sizes that are not zero; a zero counts as one.
    pub fn new(frame: (usize, usize), input: (usize, usize)) -> Letterbox {
        let (frame, input) = ((frame.0.max(1), frame.1.max(1)), (input.0.max(1), input.1.max(1)));
        let gain = (input.0 as f64 / frame.0 as f64).min(input.1 as f64 / frame.1 as f64);
        let side = |frame: usize, input: usize| ((frame as f64 * gain).round_ties_even() as usize).clamp(1, input);
        let scaled = (side(frame.0, input.0), side(frame.1, input.1));
        let pad = |input: usize, scaled: usize| ((input - scaled) as f64 / 2.0 - 0.1).round_ties_even() as usize;
        Letterbox { frame, input, scaled, pad: (pad(input.0, scaled.0), pad(input.1, scaled.1)) }
    }

    /// From pixels of the input to pixels of the frame, held within the frame.
    pub fn undo(&self, x: f32, y: f32) -> (f32, f32) {
        let axis = |at: f32, pad: usize, frame: usize, scaled: usize| {
            ((at - pad as f32) * (frame as f32 / scaled as f32)).clamp(0.0, frame as f32)
        };
        (axis(x, self.pad.0, self.frame.0, self.scaled.0), axis(y, self.pad.1, self.frame.1, self.scaled.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frame, input, then scaled and pad as `round((in - round(side * gain)) / 2 - 0.1)` gives them.
    #[test]
    fn sizes_and_padding_are_those_of_the_export() {
        for (frame, input, scaled, pad) in [
            ((1280, 720), (640, 640), (640, 360), (0, 140)),
            ((1920, 1080), (640, 640), (640, 360), (0, 140)),
            ((640, 480), (640, 640), (640, 480), (0, 80)),
            ((480, 854), (640, 640), (360, 640), (140, 0)),
            ((1280, 720), (640, 384), (640, 360), (0, 12)),
            ((1280, 720), (320, 192), (320, 180), (0, 6)),
            // 639 * 640 / 1000 = 408.96, and 231 left over: 115 above, 116 below.
            ((1000, 639), (640, 640), (640, 409), (0, 115)),
            ((100, 50), (640, 640), (640, 320), (0, 160)),
            ((8192, 1), (640, 640), (640, 1), (0, 319)),
        ] {
            let got = Letterbox::new(frame, input);
            assert_eq!((got.scaled, got.pad), (scaled, pad), "{frame:?} in {input:?}");
        }
    }

    #[test]
    fn corners_come_back_and_nothing_leaves_the_frame() {
        let letterbox = Letterbox::new((1000, 639), (640, 640));
        assert_eq!(letterbox.undo(0.0, 115.0), (0.0, 0.0));
        assert_eq!(letterbox.undo(640.0, 524.0), (1000.0, 639.0));
        assert_eq!(letterbox.undo(-50.0, 9e9), (0.0, 639.0));
    }
}
