//! Who looks at the athlete. In this version the engines are `off`, and `replay` for tests and benches; the thread
//! behind the mailbox is the final one, so an engine added here changes nothing else.

pub mod decode;
pub mod layout;
pub mod onnx;
pub mod preprocess;

use std::time::Duration;

use crate::frame::Frame;

/// What looks at frames.
#[derive(Clone, Debug)]
pub enum Engine {
    /// Frames are taken and let go.
    Off,
    /// Each inference takes this long and finds nobody; a stand-in that behaves like a model in time only.
    Replay {
        /// How long one inference takes.
        takes: Duration,
    },
}

impl Engine {
    /// Its name in the state and in metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Engine::Off => "off",
            Engine::Replay { .. } => "replay",
        }
    }

    /// Looks at one frame. It takes as long as it takes; the mailbox keeps the newest meanwhile.
    pub fn look(&mut self, _frame: &Frame) {
        if let Engine::Replay { takes } = self {
            std::thread::sleep(*takes);
        }
    }
}
