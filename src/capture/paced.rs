//! A stand-in for a camera, for `spotter bench pipeline` and tests: small grey frames at a given rate, or as fast as
//! they are asked for. No source line can name it.

use std::time::Duration;

use crate::capture::Next;
use crate::frame::{Frame, Layout, PixelFormat};
use crate::time::{Mono, Wall};

/// The stand-in's settings.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct PacedAddress {
    /// Frames a second; 0: as fast as they are asked for.
    pub fps: f64,
}

/// The stand-in.
pub struct Paced {
    period: Duration,
    due: Mono,
}

const SIDE: usize = 64;

impl Paced {
    /// Its first frame is due at once.
    pub fn open(address: PacedAddress) -> Paced {
        let period = if address.fps > 0.0 { Duration::from_secs_f64(1.0 / address.fps) } else { Duration::ZERO };
        Paced { period, due: Mono::now() }
    }

    /// Waits until the next frame is due, or for `timeout`.
    pub fn next(&mut self, frame: &mut Frame, timeout: Duration) -> Next {
        let wait = self.due.since(Mono::now());
        std::thread::sleep(wait.min(timeout));
        if wait > timeout {
            return Next::Nothing;
        }
        frame.captured = if self.period.is_zero() { Mono::now() } else { self.due };
        frame.captured_wall = Wall::now();
        frame.layout = Layout::packed(PixelFormat::Grey, SIDE, SIDE);
        frame.bytes.resize(frame.layout.bytes(), 128);
        self.due = frame.captured.plus(self.period);
        Next::Frame
    }
}
