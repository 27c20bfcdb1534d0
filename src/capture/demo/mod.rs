//! A rendered gym and athlete, so that a box without a camera is a working box. (Provisional body.)

use std::time::Duration;

use super::uri::DemoAddress;
use crate::capture::Next;
use crate::frame::Frame;

/// An open demo.
pub struct Demo {}

impl Demo {
    /// Sets the gym up.
    pub fn open(_address: &DemoAddress) -> Demo {
        Demo {}
    }

    /// Renders the next picture when it is due.
    pub fn next(&mut self, _frame: &mut Frame, timeout: Duration) -> Next {
        std::thread::sleep(timeout);
        Next::Nothing
    }
}
