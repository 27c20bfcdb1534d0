//! The three things of a line that are not its own: a camera that is told what to give, an encoder that writes down of
//! which frame and variant its picture is, an engine that sees people who say in which frame they were seen.
//!
//! A frame's four bytes are its marks: whether the encoder fails with it, whether the engine does, how many people are in it.

use crate::capture::{CaptureFault, Next, Source, Told};
use crate::frame::{Frame, Layout, PixelFormat};
use crate::jpeg::{EncodeFault, Encoder, Shot, Variant};
use crate::pose::{Engine, PoseFault, Spent};
use crate::skeleton::{Keypoint, Pose};
use crate::time::Mono;

use super::Dice;

/// A camera's frame is this big, though it has four bytes only.
const SIDE: usize = 64;

/// A camera that was just opened: one of those that give JPEG, or one of the others.
pub(super) fn camera(dice: &mut Dice) -> Source {
    let layout = if dice.once_in(3) { Layout::jpeg(SIDE, SIDE) } else { Layout::packed(PixelFormat::Grey, SIDE, SIDE) };
    Source::Told(Told { next: Ok(Next::Nothing), captured: Mono::ZERO, layout, bytes: [0; 4] })
}

/// Decides what it gives next. A `good` one gives frames, and such that nobody fails with.
pub(super) fn tell(source: &mut Source, dice: &mut Dice, captured: Mono, good: bool) {
    let Source::Told(told) = source else { unreachable!("the simulation opens no other source") };
    told.captured = captured;
    let mark = |dice: &mut Dice| u8::from(!good && dice.once_in(10));
    told.bytes = [mark(dice), mark(dice), dice.below(3) as u8, 0];
    told.next = match dice.below(if good { 1 } else { 100 }) {
        90..95 => Ok(Next::Nothing),
        95..97 => Ok(Next::Broken),
        97 => Ok(Next::Ended),
        98 => Err(CaptureFault::NoSignal { what: "stand-in".into() }),
        99 => Err(fault(dice)),
        _ => Ok(Next::Frame),
    };
}

/// Why there is no picture.
pub(super) fn fault(dice: &mut Dice) -> CaptureFault {
    match dice.below(3) {
        0 => CaptureFault::NoDevice { what: "stand-in".into() },
        1 => CaptureFault::Unreachable { host: "stand-in".into() },
        _ => CaptureFault::Failed { what: "stand-in".into(), why: "it was so decided".into() },
    }
}

pub(super) fn encoder() -> Encoder {
    Encoder::StandIn(encode)
}

fn encode(frame: &Frame, variant: Variant, out: &mut Vec<u8>) -> Result<(usize, usize), EncodeFault> {
    if frame.bytes[0] > 0 {
        return Err(EncodeFault::Failed("the frame is marked so".into()));
    }
    out.clear();
    out.extend_from_slice(&picture(frame.id, variant));
    Ok((frame.layout.width, frame.layout.height))
}

fn picture(frame_id: u64, variant: Variant) -> [u8; 11] {
    let mut bytes = [0; 11];
    bytes[..8].copy_from_slice(&frame_id.to_le_bytes());
    bytes[8] = variant.quality.unwrap_or_default();
    bytes[9..].copy_from_slice(&variant.width.unwrap_or_default().to_le_bytes());
    bytes
}

/// Whether a picture is still the one that it says it is.
pub(super) fn is_whole(shot: &Shot) -> bool {
    shot.bytes == picture(shot.frame_id, shot.variant)
}

pub(super) fn engine() -> Engine {
    Engine::StandIn(look)
}

fn look(frame: &Frame, out: &mut Vec<Pose>) -> Result<Spent, PoseFault> {
    if frame.bytes[1] > 0 {
        return Err(PoseFault::Infer("the frame is marked so".into()));
    }
    for _ in 0..frame.bytes[2] {
        let mut pose = Pose { score: 0.9, bbox: [8.0, 8.0, 40.0, 60.0], ..Pose::default() };
        pose.keypoints[0] = Keypoint { x: frame.id as f32, y: 1.0, confidence: 0.1 };
        out.push(pose);
    }
    Ok(Spent::default())
}

/// In which frame somebody was seen.
pub(super) fn seen_in(pose: &Pose) -> u64 {
    pose.keypoints[0].x as u64
}
