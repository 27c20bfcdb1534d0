//! From a frame to JPEG bytes: the encoders, and the table that makes sure each picture is encoded once.

pub mod shots;

pub use shots::{Look, Shot, ShotRef, Shots, Variant};

use crate::frame::Frame;

/// What a picture is encoded by.
pub enum Encoder {
    /// libjpeg-turbo, from YUV planes.
    Cpu(cpu::Cpu),
}

pub mod bench;
mod colour;
pub mod cpu;
pub mod draw;
pub mod keepsake;
mod planes;
mod scale;

/// Why a frame could not be encoded.
#[derive(Debug, thiserror::Error)]
pub enum EncodeFault {
    /// The encoder's own words.
    #[error("the picture cannot be encoded: {0}")]
    Failed(String),
}

impl Encoder {
    /// The CPU's.
    ///
    /// # Errors
    /// When the library cannot be set up.
    pub fn cpu() -> Result<Encoder, EncodeFault> {
        cpu::Cpu::new().map(Encoder::Cpu)
    }

    /// Encodes `frame` as `variant` into `out`, whose capacity is reused. Returns width and height of the result.
    ///
    /// # Errors
    /// When the frame's bytes do not fit its layout, or are no JPEG.
    pub fn encode(
        &mut self,
        frame: &Frame,
        variant: Variant,
        out: &mut Vec<u8>,
    ) -> Result<(usize, usize), EncodeFault> {
        match self {
            Encoder::Cpu(cpu) => cpu.encode(frame, variant, out),
        }
    }
}
