//! The demo from inside its room: the only place where joints may be looked at.

use super::*;
use std::io::Write;

fn address(exercise: &str, seed: u64) -> DemoAddress {
    DemoAddress { exercise: exercise.into(), reps: 5, rest_s: 8.0, fps: 30.0, width: 320, height: 180, seed }
}

#[test]
#[ignore = "writes pictures to look at"]
fn dump() {
    let seed: u64 = std::env::var("SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(1);
    let dir = std::env::var("DUMP").unwrap_or("/tmp/demo_png".into());
    std::fs::create_dir_all(&dir).unwrap();
    for ex in ["squat", "curl", "press", "deadlift", "lunge"] {
        let mut a = address(ex, seed);
        (a.width, a.height) = (1280, 720);
        let t0 = std::time::Instant::now();
        let mut demo = Demo::open(&a);
        let open = t0.elapsed();
        let rep = demo.program.rep_s();
        let mut frame = Frame::default();
        let mut spent = Duration::ZERO;
        for (i, share) in [0.0, 0.2, 0.28, 0.5, 0.62, 1.0 + 0.45, 5.0 + 3.0 / rep].into_iter().enumerate() {
            let t0 = std::time::Instant::now();
            demo.render_at((share * rep * 30.0) as u64, &mut frame);
            spent += t0.elapsed();
            let mut f = std::fs::File::create(format!("{dir}/{ex}{i}.yuv")).unwrap();
            f.write_all(&frame.bytes).unwrap();
        }
        println!("{ex}: open {open:?}, frame {:?}", spent / 7);
    }
}
