//! A model file's header and what is made of it, and the file as ONNX Runtime is given it.
#![no_main]

use spotter::pose::layout::Layout;
use spotter::pose::onnx::{Header, spelled_out};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(header) = Header::read(bytes)
        && let Ok(layout) = Layout::of(&header)
    {
        assert!(layout.answer_len() > 0 && layout.input.0 > 0 && layout.input.1 > 0);
    }
    if let Some(other) = spelled_out(bytes) {
        assert!(spelled_out(&other).is_none());
    }
});
