//! The CPU encoder: libjpeg-turbo from YUV planes, without an RGB detour. (Provisional body.)

use super::{EncodeFault, Variant};
use crate::frame::Frame;

/// One encoder and its scratch memory; owned by one jpeg thread.
pub struct Cpu {}

impl Cpu {
    /// A new one.
    ///
    /// # Errors
    /// When the library cannot be set up.
    pub fn new() -> Result<Cpu, EncodeFault> {
        Ok(Cpu {})
    }

    pub(super) fn encode(
        &mut self,
        _frame: &Frame,
        _variant: Variant,
        _out: &mut Vec<u8>,
    ) -> Result<(usize, usize), EncodeFault> {
        Err(EncodeFault::Failed("not yet".into()))
    }
}
