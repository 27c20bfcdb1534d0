//! `spotter pose`: the people in one picture, as JSON, or drawn into a PNG.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::engine::EngineArgs;
use super::picture::{self, Picture};
use crate::error::Exit;
use crate::pose::{Eye, Limits, Shared};
use crate::skeleton::{BONES, Pose};

/// Points that the model is less sure of are not drawn.
const DRAWN_CONFIDENCE: f32 = 0.3;

/// What `spotter pose` takes.
#[derive(clap::Args)]
pub(super) struct PoseArgs {
    /// The picture, PNG or JPEG
    #[arg(value_name = "IMAGE")]
    image: PathBuf,
    /// The model, an ONNX file of the YOLO pose family
    #[arg(long, value_name = "FILE")]
    model: PathBuf,
    #[command(flatten)]
    engine: EngineArgs,
    /// As JSON, for programs; without it, a line for each person
    #[arg(long)]
    json: bool,
    /// Also write the picture with the people drawn into it, as PNG
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The score that a person must have more of, 0 to 1
    #[arg(long, value_name = "S", default_value_t = Limits::default().score)]
    score: f32,
    /// The most people that are told
    #[arg(long, value_name = "N", default_value_t = Limits::default().most)]
    most: usize,
}

/// Looks at it.
pub(super) fn pose(args: &PoseArgs) -> Exit {
    if !(0.0..=1.0).contains(&args.score) {
        return super::say("--score wants a number from 0 to 1", Exit::Usage);
    }
    match look(args) {
        Ok(text) => super::put(text.as_bytes()),
        Err(sentence) => super::say(&sentence, Exit::Failed),
    }
}

fn look(args: &PoseArgs) -> Result<String, String> {
    let mut picture = picture::read(&args.image)?;
    let limits = Limits { score: args.score, most: args.most, ..Limits::default() };
    let shared = Shared::open(&args.model, limits, args.engine.choose()?, 0).map_err(|fault| fault.to_string())?;
    let mut poses = Vec::new();
    let mut eye = Eye::new(shared);
    eye.look_at_rgb(&picture.rgb, picture.size, &mut poses).map_err(|fault| fault.to_string())?;
    if let Some(path) = &args.output {
        poses.iter().for_each(|pose| draw(&mut picture, pose));
        write(path, &picture)?;
    }
    let (width, height) = picture.size;
    if args.json {
        return Ok(format!("{}\n", json!({"width": width, "height": height, "poses": poses})));
    }
    let line = |pose: &Pose| {
        let [x0, y0, x1, y1] = pose.bbox.map(|v| v.round());
        format!("person {:.2} from {x0},{y0} to {x1},{y1}\n", pose.score)
    };
    Ok(if poses.is_empty() { "nobody\n".into() } else { poses.iter().map(line).collect() })
}

fn write(path: &Path, picture: &Picture) -> Result<(), String> {
    let png = picture::png_of(picture)?;
    super::snapshot::write_whole(path, &png).map_err(|why| format!("{} cannot be written: {why}", path.display()))
}

/// Bones in yellow over black, so that they show on bright and on dark ground.
fn draw(picture: &mut Picture, pose: &Pose) {
    let thick = (picture.size.1 as f32 / 240.0).max(1.0);
    for (radius, ink) in [(thick * 2.0, [0, 0, 0]), (thick, [255, 214, 10])] {
        for (a, b) in BONES.map(|(a, b)| (pose.at(a), pose.at(b))) {
            if a.confidence < DRAWN_CONFIDENCE || b.confidence < DRAWN_CONFIDENCE {
                continue;
            }
            let steps = (b.x - a.x).hypot(b.y - a.y).ceil().max(1.0);
            for step in 0..=steps as usize {
                let t = step as f32 / steps;
                dot(picture, (a.x + (b.x - a.x) * t, a.y + (b.y - a.y) * t), radius, ink);
            }
        }
    }
}

fn dot(picture: &mut Picture, (x, y): (f32, f32), radius: f32, ink: [u8; 3]) {
    let (width, height) = picture.size;
    let span = |at: f32, side: usize| {
        let first = (at - radius).floor().max(0.0) as usize;
        first..((at + radius).ceil().max(0.0) as usize + 1).min(side)
    };
    for row in span(y, height) {
        for column in span(x, width) {
            if (column as f32 - x).hypot(row as f32 - y) <= radius {
                picture.rgb[(row * width + column) * 3..][..3].copy_from_slice(&ink);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::skeleton::Keypoint;

    #[test]
    fn a_person_is_drawn_where_the_points_are_and_never_outside() {
        let mut picture = Picture { size: (40, 30), rgb: vec![90; 40 * 30 * 3] };
        let mut pose = Pose::default();
        for (i, point) in pose.keypoints.iter_mut().enumerate() {
            *point = Keypoint { x: i as f32 * 2.5, y: i as f32 * 1.9, confidence: 0.9 };
        }
        draw(&mut picture, &pose);
        assert_eq!(picture.rgb[..3], [255, 214, 10]);
        assert_eq!(picture.rgb[39 * 3..][..3], [90; 3]);
    }
}
