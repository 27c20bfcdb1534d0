//! A model's answer, of any bits, in both layouts: poses within the picture, in order, no more than allowed, all numbers.
#![no_main]

use std::sync::OnceLock;

use spotter::pose::decode::{Decoder, Limits};
use spotter::pose::layout::Layout;
use spotter::pose::onnx::Header;
use spotter::pose::preprocess::Letterbox;

/// The embedded model's layout: a real one.
fn layout() -> &'static Layout {
    static LAYOUT: OnceLock<Layout> = OnceLock::new();
    LAYOUT.get_or_init(|| {
        let bytes = include_bytes!("../../../board/models/demo-pose.onnx");
        Layout::of(&Header::read(bytes).expect("it is a model")).expect("it is of the family")
    })
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((head, rest)) = bytes.split_first_chunk::<4>() else { return };
    let size = (1 + usize::from(u16::from_le_bytes([head[0], head[1]])), 1 + usize::from(u16::from_le_bytes([head[2], head[3]])));
    let layout = layout();
    let limits = Limits::default();
    let mut answer: Vec<f32> = rest.as_chunks().0.iter().copied().map(f32::from_le_bytes).collect();
    // The fuzzer's bytes over and over: it need not find as many as a whole answer has.
    if answer.is_empty() {
        return;
    }
    let given = answer.len();
    answer = (0..layout.answer_len()).map(|n| answer[n % given]).collect();
    let mut poses = Vec::new();
    Decoder::new(layout.clone(), limits).run(&answer, &Letterbox::new(size, layout.input), &mut poses);
    assert!(poses.len() <= limits.most && poses.windows(2).all(|two| two[0].score >= two[1].score));
    for pose in &poses {
        assert!(pose.score > limits.score && pose.score.is_finite());
        assert!(pose.bbox.iter().all(|v| v.is_finite()));
        assert!(pose.keypoints.iter().all(|k| k.x.is_finite() && k.y.is_finite() && k.confidence.is_finite()));
        let within = |v: f32, side: usize| (0.0..=side as f32).contains(&v);
        assert!(pose.bbox.chunks(2).all(|corner| within(corner[0], size.0) && within(corner[1], size.1)));
    }
});
