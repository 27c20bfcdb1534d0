//! Writes what the demo model sees of the rendered athlete as a poses file: `demo_poses EXERCISE SEED REPS SETS FPS WIDTH
//! HEIGHT`, on stdout. For looking at what the count gets from pixels; the box itself never writes one.

use std::io::Write;

use serde_json::json;
use spotter::capture::demo::study::Study;
use spotter::capture::uri::DemoAddress;
use spotter::frame::Frame;
use spotter::pose::{Chosen, Eye, Limits, Places, Shared, Wanted};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [exercise, rest @ ..] = args.as_slice() else { return Err("usage: see the head of the file".into()) };
    let numbers: Vec<u64> = rest.iter().map(|n| n.parse()).collect::<Result<_, _>>()?;
    let [seed, reps, sets, fps, width, height] = numbers[..] else { return Err("six numbers are wanted".into()) };
    let address = DemoAddress {
        exercise: exercise.clone(),
        reps: reps as u32,
        rest_s: 30.0,
        fps: fps as f64,
        width: width as usize,
        height: height as usize,
        seed,
    };
    let mut study = Study::plain(&address);
    let chosen = Chosen::of(Wanted::Cpu, &Places::usual(None, None))?;
    let mut eye = Eye::new(Shared::demo(Limits::default(), chosen, 0)?);
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    writeln!(out, "{}", json!({"size": [width, height]}))?;
    let (mut frame, mut poses) = (Frame::default(), Vec::new());
    for n in 0..study.round() * sets {
        study.picture(n, &mut frame);
        eye.look(&frame, &mut poses)?;
        writeln!(out, "{}", json!({"t": n as f64 / fps as f64, "poses": poses}))?;
    }
    Ok(())
}
