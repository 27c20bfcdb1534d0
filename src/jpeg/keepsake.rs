//! One picture of a set that is worth keeping: the athlete at a repetition's turn, with bones and a caption, as JPEG.
//!
//! Made once a set, so it may take the detour through red, green and blue that the frame path never takes.

use embedded_graphics::pixelcolor::Rgb888;
use turbojpeg::{PixelFormat as Packed, Subsamp};

use super::draw::Canvas;
use super::{EncodeFault, Encoder, Variant};
use crate::frame::Frame;
use crate::skeleton::Pose;

/// Pixels across at most: small enough to keep thousands, large enough to read the caption.
const WIDTH: u16 = 960;
const QUALITY: i32 = 80;

/// The frame with `pose` (in the frame's pixels) and `caption` drawn into it.
///
/// # Errors
/// When the frame cannot be encoded.
pub fn keepsake(
    encoder: &mut Encoder,
    frame: &Frame,
    pose: &Pose,
    ink: Rgb888,
    caption: &[String],
) -> Result<Vec<u8>, EncodeFault> {
    let mut jpeg = Vec::new();
    let width = (frame.layout.width > usize::from(WIDTH)).then_some(WIDTH);
    encoder.encode(frame, Variant { quality: Some(95), width }, &mut jpeg)?;
    let mut image = turbojpeg::decompress(&jpeg, Packed::RGB)?;
    let across = image.width as f32 / frame.layout.width.max(1) as f32;
    let down = image.height as f32 / frame.layout.height.max(1) as f32;
    let mut pose = *pose;
    for point in &mut pose.keypoints {
        (point.x, point.y) = (point.x * across, point.y * down);
    }
    let mut canvas = Canvas::on(&mut image.pixels, (image.width, image.height));
    canvas.person(&pose, ink);
    canvas.caption(caption);
    let picture = turbojpeg::compress(image.as_deref(), QUALITY, Subsamp::Sub2x2)?;
    Ok(picture.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{Layout, PixelFormat};
    use crate::jpeg::draw::GREEN;
    use crate::skeleton::{Joint, Keypoint};

    #[test]
    fn the_bones_are_where_the_athlete_is_at_the_picture_s_size() {
        let layout = Layout::packed(PixelFormat::I420, 1920, 1080);
        let frame = Frame { bytes: vec![128; layout.bytes()], layout, ..Frame::default() };
        let mut pose = Pose::default();
        let point = |x, y| Keypoint { x, y, confidence: 0.9 };
        pose.keypoints[Joint::LeftHip as usize] = point(600.0, 200.0);
        pose.keypoints[Joint::LeftKnee as usize] = point(600.0, 600.0);
        let mut encoder = Encoder::cpu().unwrap();
        let jpeg = keepsake(&mut encoder, &frame, &pose, GREEN, &["Squat".into()]).unwrap();
        let image = turbojpeg::decompress(&jpeg, Packed::RGB).unwrap();
        assert_eq!((image.width, image.height), (960, 540));
        let pixel = |x: usize, y: usize| &image.pixels[(y * image.width + x) * 3..][..3];
        // Half the size: the thigh is at a half of its places.
        assert!(pixel(300, 200)[1] > 150 && pixel(300, 200)[0] < 120, "{:?}", pixel(300, 200));
        assert!(pixel(600, 200).iter().all(|c| c.abs_diff(128) < 8), "{:?}", pixel(600, 200));
        let empty = Frame::default();
        assert!(keepsake(&mut encoder, &empty, &pose, GREEN, &[]).is_err());
    }
}
