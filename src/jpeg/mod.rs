//! From a frame to JPEG bytes: the encoders, and the table that makes sure each picture is encoded once.

pub mod choose;
pub mod nvjpeg;
#[cfg(feature = "gst")]
mod nvjpegenc;
#[cfg(not(feature = "gst"))]
#[path = "nvjpegenc/absent.rs"]
mod nvjpegenc;
pub mod shots;

pub use choose::{Chosen, Settings, Wanted};
pub use shots::{Look, Shot, ShotRef, Shots, Variant};

use crate::frame::Frame;

/// What a picture is encoded by.
pub enum Encoder {
    /// libjpeg-turbo, from YUV planes.
    Cpu(cpu::Cpu),
    /// CUDA's nvJPEG.
    Nvjpeg(nvjpeg::Nvjpeg),
    /// The board's JPEG hardware, through GStreamer.
    Nvjpegenc(nvjpegenc::Nvjpegenc),
    /// A stand-in of a test.
    #[cfg(test)]
    StandIn(StandIn),
}

/// How a stand-in encodes.
#[cfg(test)]
pub(crate) type StandIn = fn(&Frame, Variant, &mut Vec<u8>) -> Result<(usize, usize), EncodeFault>;

pub mod bench;
mod colour;
pub mod cpu;
pub mod draw;
pub mod encoders;
pub mod keepsake;
mod planes;
mod prepare;
mod queue;
mod scale;

/// Why a frame could not be encoded.
#[derive(Debug, thiserror::Error)]
pub enum EncodeFault {
    /// The encoder's own words.
    #[error("the picture cannot be encoded: {0}")]
    Failed(String),
    /// There is no nvJPEG.
    #[error(transparent)]
    Library(#[from] nvjpeg::LibraryFault),
    /// CUDA or nvJPEG says no.
    #[error(transparent)]
    Call(#[from] nvjpeg::CallFault),
    /// GStreamer has no such element.
    #[error("GStreamer has no element nvjpegenc")]
    NoElement,
    /// It is a build without GStreamer.
    #[error("this program was built without GStreamer, and has no nvjpegenc")]
    NotBuilt,
    /// GStreamer's own words.
    #[error("GStreamer's nvjpegenc fails: {0}")]
    Element(String),
    /// It is there, and its picture is not right.
    #[error(
        "the picture of the encoder {encoder} is {levels:.1} levels from the CPU's, at most {} are right",
        choose::LEVELS_MOST
    )]
    Trial {
        /// Its name.
        encoder: &'static str,
        /// Of 255, the mean over the worst channel.
        levels: f64,
    },
}

impl From<turbojpeg::Error> for EncodeFault {
    fn from(error: turbojpeg::Error) -> Self {
        EncodeFault::Failed(error.to_string())
    }
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
            Encoder::Nvjpeg(gpu) => gpu.encode(frame, variant, out),
            Encoder::Nvjpegenc(element) => element.encode(frame, variant, out),
            #[cfg(test)]
            Encoder::StandIn(encode) => encode(frame, variant, out),
        }
    }
}
