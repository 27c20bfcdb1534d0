//! The same face where GStreamer is not built in: there is no such encoder.

use super::{EncodeFault, Variant};
use crate::frame::Frame;

/// No plugin is looked for.
pub(super) fn may_be_there() -> bool {
    false
}

/// There is none.
///
/// # Errors
/// Always.
pub(super) fn find() -> Result<(), EncodeFault> {
    Err(EncodeFault::NotBuilt)
}

/// Nobody can have one.
pub enum Nvjpegenc {}

impl Nvjpegenc {
    /// There is none.
    ///
    /// # Errors
    /// Always.
    pub fn new() -> Result<Nvjpegenc, EncodeFault> {
        Err(EncodeFault::NotBuilt)
    }

    pub(super) fn encode(&mut self, _: &Frame, _: Variant, _: &mut Vec<u8>) -> Result<(usize, usize), EncodeFault> {
        match *self {}
    }
}
