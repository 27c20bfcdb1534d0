//! What each encoder of this machine costs, and how near its pictures are to the CPU's: `spotter bench encoders`.
//!
//! Every encoder that passes its trial encodes frames of 1280x720 and of 1920x1080, for one camera and for two at once, each
//! with a thread and an encoder of its own as in the box. First the time is taken, of a few frames in turn, one encode right
//! after the other: from planes to bytes, as it passes, and the processor time of the whole process, since some encoders
//! have threads of their own. Then as many frames, each another one, are encoded once more, and each picture is decoded and
//! held against the CPU's of the same frame.
//!
//! *PSNR*: the peak signal-to-noise ratio between two decoded pictures, in decibels, over all channels of all pixels.

use std::panic::resume_unwind;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use turbojpeg::PixelFormat as Packed;

use super::bench::camera_like;
use super::{Chosen, EncodeFault, Encoder, Settings, Variant, Wanted};
use crate::frame::{Frame, PixelFormat};
use crate::time::{Mono, as_ms, process_time};

/// Pixels across and down.
const SIZES: [(usize, usize); 2] = [(1280, 720), (1920, 1080)];
const CAMERAS: [usize; 2] = [1, 2];
/// Frames that take turns while the time is taken, of each camera.
const PICTURES: usize = 8;
const VARIANT: Variant = Variant { quality: Some(75), width: None };

/// One encoder.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
pub struct Contender {
    /// Its name in the config.
    pub encoder: &'static str,
    /// Which version from where, or why it cannot be used.
    pub why: String,
    /// What was measured; empty if it cannot be used.
    pub runs: Vec<Run>,
}

/// All frames of one size, for so many cameras at once.
#[derive(Clone, Copy, PartialEq, Debug, serde::Serialize)]
pub struct Run {
    /// Pixels across.
    pub width: usize,
    /// Pixels down.
    pub height: usize,
    /// Cameras at once.
    pub cameras: usize,
    /// Frames of each.
    pub frames: usize,
    /// Milliseconds from planes to bytes: the median.
    pub ms: f64,
    /// Of a hundred frames one takes longer.
    pub ms_p99: f64,
    /// Milliseconds of the process's processor time for a frame.
    pub cpu_ms: f64,
    /// The picture furthest from the CPU's; nothing where all look the same to the last bit.
    pub psnr_db: Option<f64>,
}

/// Lets every encoder encode `frames` frames of each size and number of cameras.
///
/// # Errors
/// When an encoder that passed its trial fails, or the CPU's does.
pub fn measure(frames: usize, cuda: Option<std::path::PathBuf>) -> Result<Vec<Contender>, EncodeFault> {
    let pictures = SIZES.map(|(width, height)| camera_like(PixelFormat::I420, width, height, 1));
    [("cpu", Wanted::Cpu), ("nvjpegenc", Wanted::Nvjpegenc), ("nvjpeg", Wanted::Nvjpeg)]
        .into_iter()
        .map(|(encoder, wanted)| match Chosen::of(&Settings { encoder: wanted, cuda: cuda.clone() }) {
            Ok(chosen) => {
                let runs = runs(&chosen, &pictures, frames)?;
                Ok(Contender { encoder, why: chosen.why().to_string(), runs })
            }
            Err(fault) => Ok(Contender { encoder, why: fault.to_string(), runs: Vec::new() }),
        })
        .collect()
}

fn runs(chosen: &Chosen, pictures: &[Frame], frames: usize) -> Result<Vec<Run>, EncodeFault> {
    let all = pictures.iter().flat_map(|picture| CAMERAS.map(|cameras| (picture, cameras)));
    all.map(|(picture, cameras)| run(chosen, picture, cameras, frames.max(1))).collect()
}

fn run(chosen: &Chosen, picture: &Frame, cameras: usize, frames: usize) -> Result<Run, EncodeFault> {
    // Everybody begins, and is done with the time, together with the one who reads the process's clock.
    let together = Barrier::new(cameras + 1);
    let job = Job { chosen, picture, frames, together: &together };
    let (worked, measured) = thread::scope(|scope| {
        let started: Vec<_> = (0..cameras).map(|number| scope.spawn(move || camera(&job, number))).collect();
        together.wait();
        let began = process_time();
        together.wait();
        let worked = process_time() - began;
        // A thread that panicked has said why; this one adds no words of its own.
        let seen = started.into_iter().map(|camera| camera.join().unwrap_or_else(|why| resume_unwind(why)));
        (worked, seen.collect::<Result<Vec<Camera>, EncodeFault>>())
    });
    let measured = measured?;
    let mut spans: Vec<Duration> = measured.iter().flat_map(|camera| camera.spans.iter().copied()).collect();
    spans.sort_unstable();
    let at = |share: f64| as_ms(spans[((spans.len() - 1) as f64 * share).round() as usize]);
    let furthest = measured.iter().map(|camera| camera.psnr_db).fold(f64::INFINITY, f64::min);
    Ok(Run {
        width: picture.layout.width,
        height: picture.layout.height,
        cameras,
        frames,
        ms: at(0.5),
        ms_p99: at(0.99),
        cpu_ms: as_ms(worked) / spans.len() as f64,
        psnr_db: furthest.is_finite().then_some(furthest),
    })
}

/// What each camera's thread does.
#[derive(Clone, Copy)]
struct Job<'a> {
    chosen: &'a Chosen,
    /// The first of all frames.
    picture: &'a Frame,
    frames: usize,
    /// Passed twice by everybody, who fails too: before the time is taken, and behind it.
    together: &'a Barrier,
}

/// What one camera's thread saw.
struct Camera {
    spans: Vec<Duration>,
    psnr_db: f64,
}

fn camera(job: &Job, number: usize) -> Result<Camera, EncodeFault> {
    let mut frame = copy(job.picture);
    // Behind those of the cameras before this one.
    (0..number * PICTURES).for_each(|_| roll(&mut frame));
    // Each with memory of its own, as a pool's are: an encode finds its input cold.
    let pictures: [Frame; PICTURES] = std::array::from_fn(|_| {
        roll(&mut frame);
        copy(&frame)
    });
    let ready = job.chosen.encoder().and_then(|mut encoder| {
        encoder.encode(&pictures[0], VARIANT, &mut Vec::new())?;
        Ok(encoder)
    });
    job.together.wait();
    let timed = ready.and_then(|mut encoder| Ok((timed(&mut encoder, &pictures, job.frames)?, encoder)));
    job.together.wait();
    let (spans, mut encoder) = timed?;
    Ok(Camera { spans, psnr_db: furthest_db(&mut encoder, &mut frame, job.frames)? })
}

/// How long each took.
fn timed(encoder: &mut Encoder, pictures: &[Frame], frames: usize) -> Result<Vec<Duration>, EncodeFault> {
    let mut out = Vec::new();
    let mut spans = Vec::with_capacity(frames);
    for frame in pictures.iter().cycle().take(frames) {
        let begun = Mono::now();
        encoder.encode(frame, VARIANT, &mut out)?;
        spans.push(Mono::now().since(begun));
    }
    Ok(spans)
}

/// Of so many frames the one whose picture is furthest from the CPU's.
fn furthest_db(encoder: &mut Encoder, frame: &mut Frame, frames: usize) -> Result<f64, EncodeFault> {
    let mut cpu = Encoder::cpu()?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let mut furthest = f64::INFINITY;
    for _ in 0..frames {
        roll(frame);
        encoder.encode(frame, VARIANT, &mut theirs)?;
        cpu.encode(frame, VARIANT, &mut ours)?;
        furthest = furthest.min(psnr_db(&ours, &theirs)?);
    }
    Ok(furthest)
}

/// The same picture in memory of its own.
fn copy(frame: &Frame) -> Frame {
    Frame { id: frame.id, layout: frame.layout, bytes: frame.bytes.clone(), ..Frame::default() }
}

/// Moves the picture up by two rows and to the left by two pixels, what leaves on the left coming back a row higher, so that each of
/// many thousands of frames is another one, its blocks cut elsewhere.
fn roll(frame: &mut Frame) {
    let planes: Vec<_> = frame.layout.planes().iter().map(|plane| (plane.offset, plane.stride)).collect();
    for (plane, (offset, stride)) in planes.iter().enumerate() {
        let end = planes.get(plane + 1).map_or(frame.bytes.len(), |next| next.0);
        frame.bytes[*offset..end].rotate_left((stride + 1) * if plane == 0 { 2 } else { 1 });
    }
}

/// Between two JPEGs of one size; infinite where both show the same.
fn psnr_db(a: &[u8], b: &[u8]) -> Result<f64, EncodeFault> {
    let (a, b) = (turbojpeg::decompress(a, Packed::RGB)?, turbojpeg::decompress(b, Packed::RGB)?);
    if (a.width, a.height) != (b.width, b.height) {
        return Err(EncodeFault::Failed(format!("it came out as {}x{}", b.width, b.height)));
    }
    let sum: u64 = a.pixels.iter().zip(&b.pixels).map(|(a, b)| u64::from(a.abs_diff(*b)).pow(2)).sum();
    let mean = sum as f64 / a.pixels.len() as f64;
    Ok(10.0 * (255.0 * 255.0 / mean).log10())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jpeg(seed: u32, quality: u8) -> Vec<u8> {
        let mut out = Vec::new();
        let variant = Variant { quality: Some(quality), width: None };
        let frame = camera_like(PixelFormat::I420, 160, 96, seed);
        Encoder::cpu().unwrap().encode(&frame, variant, &mut out).unwrap();
        out
    }

    #[test]
    fn another_quality_is_further_away_and_another_size_is_refused() {
        let best = jpeg(1, 95);
        assert_eq!(psnr_db(&best, &best).unwrap(), f64::INFINITY);
        let (near, far) = (psnr_db(&best, &jpeg(1, 90)).unwrap(), psnr_db(&best, &jpeg(1, 20)).unwrap());
        assert!(near > 35.0 && far < near - 5.0, "{near} {far}");
        let mut other = Vec::new();
        let frame = camera_like(PixelFormat::I420, 96, 96, 1);
        Encoder::cpu().unwrap().encode(&frame, VARIANT, &mut other).unwrap();
        assert_eq!(
            psnr_db(&best, &other).unwrap_err().to_string(),
            "the picture cannot be encoded: it came out as 96x96"
        );
    }

    #[test]
    fn each_frame_is_another_one_and_comes_back_when_it_was_all_through() {
        let first = camera_like(PixelFormat::I420, 32, 16, 3);
        let mut frame = copy(&first);
        roll(&mut frame);
        assert_eq!(frame.bytes[..30], first.bytes[66..96], "two rows and two pixels of luma");
        assert_eq!(frame.bytes[512..527], first.bytes[529..544], "one of each of the chroma beside them");
        // 66 of 512 bytes at a time, 17 of 128: both are through together.
        for _ in 1..256 {
            assert_ne!(frame.bytes, first.bytes);
            roll(&mut frame);
        }
        assert_eq!(frame.bytes, first.bytes);
    }

    #[test]
    fn the_cpu_is_itself_and_what_is_not_there_says_why() {
        let cpu = run(&Chosen::default(), &camera_like(PixelFormat::I420, 64, 48, 1), 2, 3).unwrap();
        assert_eq!((cpu.width, cpu.height, cpu.cameras, cpu.frames, cpu.psnr_db), (64, 48, 2, 3, None));
        assert!(cpu.ms > 0.0 && cpu.ms_p99 >= cpu.ms && cpu.cpu_ms > 0.0, "{cpu:?}");
        let nowhere = tempfile::tempdir().unwrap();
        let all = measure(1, Some(nowhere.path().to_path_buf())).unwrap();
        let names: Vec<&str> = all.iter().map(|one| one.encoder).collect();
        assert_eq!(names, ["cpu", "nvjpegenc", "nvjpeg"]);
        let (cpu, gpu) = (&all[0], &all[2]);
        assert_eq!(
            cpu.runs.iter().map(|run| (run.height, run.cameras)).collect::<Vec<_>>(),
            [(720, 1), (720, 2), (1080, 1), (1080, 2)]
        );
        assert!(gpu.runs.is_empty());
        assert_eq!(gpu.why, "there is no nvJPEG: no libnvjpeg.so was found");
    }
}
