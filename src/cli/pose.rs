//! `spotter pose`: the people in one picture, as JSON, or drawn into a PNG.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::engine::EngineArgs;
use super::picture::{self, Picture};
use crate::error::Exit;
use crate::jpeg::draw::{self, Canvas};
use crate::pose::{Eye, Limits, Shared};
use crate::skeleton::Pose;

/// What `spotter pose` takes.
#[derive(clap::Args)]
pub(super) struct PoseArgs {
    /// The picture, PNG or JPEG
    #[arg(value_name = "IMAGE")]
    image: PathBuf,
    /// The model, an ONNX file of the YOLO pose family; without it the one in this program, which knows only the athlete of
    /// demo: sources
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
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
    /// Boxes whose intersection over union is more are one person, 0 to 1
    #[arg(long, value_name = "U", default_value_t = Limits::default().overlap)]
    overlap: f32,
    /// The most people that are told
    #[arg(long, value_name = "N", default_value_t = Limits::default().most)]
    most: usize,
}

/// Looks at it.
pub(super) fn pose(args: &PoseArgs) -> Exit {
    for (name, share) in [("--score", args.score), ("--overlap", args.overlap)] {
        if !(0.0..=1.0).contains(&share) {
            return super::say(&format!("{name} wants a number from 0 to 1"), Exit::Usage);
        }
    }
    match look(args) {
        Ok(text) => super::put(text.as_bytes()),
        Err(sentence) => super::say(&sentence, Exit::Failed),
    }
}

fn look(args: &PoseArgs) -> Result<String, String> {
    let mut picture = picture::read(&args.image)?;
    let limits = Limits { score: args.score, overlap: args.overlap, most: args.most };
    let chosen = args.engine.choose()?;
    let shared = match &args.model {
        Some(path) => Shared::open(path, limits, chosen, 0),
        None => {
            log::warn!("without --model only the athlete of demo: sources is known");
            Shared::demo(limits, chosen, 0)
        }
    };
    let shared = shared.map_err(|fault| fault.to_string())?;
    let mut poses = Vec::new();
    let mut eye = Eye::new(shared);
    eye.look_at_rgb(&picture.rgb, picture.size, &mut poses).map_err(|fault| fault.to_string())?;
    if let Some(path) = &args.output {
        let mut canvas = Canvas::on(&mut picture.rgb, picture.size);
        poses.iter().for_each(|pose| canvas.person(pose, draw::YELLOW));
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
