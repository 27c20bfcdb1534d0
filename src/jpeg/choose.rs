//! Which encoder: what the config wants, what this machine has, and why it is the one it is.
//!
//! An encoder that is found must pass a *trial* before it is taken: it encodes one test frame, and its picture, decoded,
//! must look like the CPU's. `auto` takes the first that passes, the board's JPEG hardware before the graphics
//! processor, which the pose engine needs, and says why not the others. An encoder that is named passes or is a fault:
//! nothing is silently taken in its place.

use std::path::PathBuf;

use turbojpeg::PixelFormat as Packed;

use super::bench::camera_like;
use super::cpu::Cpu;
use super::nvjpeg::{self, Nvjpeg};
use super::nvjpegenc::{self, Nvjpegenc};
use super::{EncodeFault, Encoder, Variant};
use crate::frame::PixelFormat;

/// What is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Wanted {
    /// The first that passes the trial.
    #[default]
    Auto,
    /// libjpeg-turbo.
    Cpu,
    /// CUDA's nvJPEG.
    Nvjpeg,
    /// The board's JPEG hardware, through GStreamer.
    Nvjpegenc,
}

/// What chooses. Config fills it.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Settings {
    /// The encoder.
    pub encoder: Wanted,
    /// The folder of CUDA's libraries; nothing: the usual ones.
    pub cuda: Option<PathBuf>,
}

/// What is taken.
#[derive(Clone, Debug)]
pub struct Chosen {
    kind: Kind,
    why: String,
}

#[derive(Clone, Debug)]
enum Kind {
    Cpu,
    Nvjpeg(nvjpeg::Library),
    Nvjpegenc,
}

impl Default for Chosen {
    fn default() -> Self {
        Chosen { kind: Kind::Cpu, why: "the config names it".into() }
    }
}

impl Chosen {
    /// Looks for what is wanted, and tries it.
    ///
    /// # Errors
    /// When the encoder that is named is not there or fails its trial.
    pub fn of(settings: &Settings) -> Result<Chosen, EncodeFault> {
        let nvjpeg = || Chosen::nvjpeg(settings);
        match settings.encoder {
            Wanted::Cpu => Ok(Chosen::default()),
            Wanted::Nvjpeg => nvjpeg(),
            Wanted::Nvjpegenc => Chosen::nvjpegenc(),
            Wanted::Auto => {
                let there = || if nvjpegenc::may_be_there() { Ok(()) } else { Err(EncodeFault::NoElement) };
                let first = match there().and_then(|()| Chosen::nvjpegenc()) {
                    Ok(chosen) => return Ok(chosen),
                    Err(fault) => fault,
                };
                Ok(nvjpeg().map_or_else(
                    |second| Chosen { kind: Kind::Cpu, why: format!("{first}; {second}") },
                    |chosen| Chosen { why: format!("{}; {first}", chosen.why), ..chosen },
                ))
            }
        }
    }

    fn nvjpeg(settings: &Settings) -> Result<Chosen, EncodeFault> {
        let library = nvjpeg::Library::open(&nvjpeg::Places::usual(settings.cuda.as_deref()))?;
        let about = library.about().to_string();
        Chosen { kind: Kind::Nvjpeg(library), why: about }.tried()
    }

    fn nvjpegenc() -> Result<Chosen, EncodeFault> {
        nvjpegenc::find()?;
        Chosen { kind: Kind::Nvjpegenc, why: "the board's JPEG hardware".into() }.tried()
    }

    /// Its name in the config, the state and the metrics.
    pub fn name(&self) -> &'static str {
        match self.kind {
            Kind::Cpu => "cpu",
            Kind::Nvjpeg(_) => "nvjpeg",
            Kind::Nvjpegenc => "nvjpegenc",
        }
    }

    /// Which version from where, and why not another: one sentence.
    pub fn why(&self) -> &str {
        &self.why
    }

    /// An encoder for one jpeg thread.
    ///
    /// # Errors
    /// When the library cannot be set up.
    pub fn encoder(&self) -> Result<Encoder, EncodeFault> {
        Ok(match &self.kind {
            Kind::Cpu => Encoder::Cpu(Cpu::new()?),
            Kind::Nvjpeg(library) => Encoder::Nvjpeg(Nvjpeg::new(library)?),
            Kind::Nvjpegenc => Encoder::Nvjpegenc(Nvjpegenc::new()?),
        })
    }

    fn tried(self) -> Result<Chosen, EncodeFault> {
        let levels = trial(&mut self.encoder()?)?;
        if levels > LEVELS_MOST {
            return Err(EncodeFault::Trial { encoder: self.name(), levels });
        }
        let why = format!("{}, whose picture is {levels:.2} levels from the CPU's", self.why);
        Ok(Chosen { why, ..self })
    }
}

/// A picture may differ from the CPU's by this much of 255, as the mean over a channel. Two right encoders at one quality
/// differ in rounding, by a tenth of that.
pub const LEVELS_MOST: f64 = 2.0;
/// Not a multiple of a JPEG's blocks of 16 pixels, neither across nor down, like 1920x1080.
const TRIAL_SIZE: (usize, usize) = (648, 360);
const TRIAL: Variant = Variant { quality: Some(80), width: None };

/// How far the encoder's picture of the test frame is from the CPU's: of the worst channel the mean distance, in levels.
fn trial(encoder: &mut Encoder) -> Result<f64, EncodeFault> {
    let frame = camera_like(PixelFormat::I420, TRIAL_SIZE.0, TRIAL_SIZE.1, 1);
    let decoded = |encoder: &mut Encoder| {
        let mut jpeg = Vec::new();
        encoder.encode(&frame, TRIAL, &mut jpeg)?;
        let picture = turbojpeg::decompress(&jpeg, Packed::RGB)?;
        match (picture.width, picture.height) {
            TRIAL_SIZE => Ok(picture.pixels),
            (width, height) => Err(EncodeFault::Failed(format!("it came out as {width}x{height}"))),
        }
    };
    let (ours, other) = (decoded(&mut Encoder::cpu()?)?, decoded(encoder)?);
    let mut sums = [0u64; 3];
    for (at, (a, b)) in ours.iter().zip(&other).enumerate() {
        sums[at % 3] += u64::from(a.abs_diff(*b));
    }
    let pixels = (TRIAL_SIZE.0 * TRIAL_SIZE.1) as f64;
    Ok(sums.into_iter().map(|sum| sum as f64 / pixels).fold(0.0, f64::max))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cpu_is_itself_and_an_encoder_of_another_quality_is_not() {
        assert_eq!(trial(&mut Encoder::cpu().unwrap()).unwrap(), 0.0);
        let cpu = Chosen::of(&Settings { encoder: Wanted::Cpu, cuda: None }).unwrap();
        assert_eq!((cpu.name(), cpu.why()), ("cpu", "the config names it"));
    }
}
