//! Doors for the fuzzer to readers that nobody else may call: bytes in, a panic when what must hold does not.
//!
//! Built only with `--cfg fuzzing` (`make fuzz`); see `tests/fuzz`.

use super::head::{find_end, parse};
use super::multipart::Multipart;
use super::query;

/// A head in one piece and byte by byte must end at the same place, or be refused with the same sentence.
pub fn head(bytes: &[u8]) {
    let whole = find_end(bytes, 0);
    let pieces = (1..=bytes.len()).map(|len| find_end(&bytes[..len], len - 1)).find(|end| *end != Ok(None));
    assert_eq!(pieces.unwrap_or(Ok(None)), whole);
    let Ok(Some(len)) = whole else { return };
    let bytes = &bytes[..len];
    if let Ok(head) = parse(bytes) {
        assert_eq!(head.len, len);
        let path = head.path(bytes);
        assert!(path == "*" || path.starts_with('/'), "{path}");
        assert!(!path.split('/').any(|part| matches!(part, "." | "..")), "{path}");
        query(head.query(bytes));
    }
}

/// What a query decodes to is no longer than it was, and only whole escapes are decoded.
pub fn query(bytes: &[u8]) {
    for form in [false, true] {
        if let Some(text) = query::decoded(bytes, form) {
            assert!(text.len() <= bytes.len());
            assert!(query::escapes_are_whole(bytes));
        }
    }
    let _ = (query::path_is_plain(bytes), query::text(bytes, "q"), query::number::<f64>(bytes, "q"));
}

/// The first byte says how long the pieces are: what comes out must not depend on it.
pub fn form(bytes: &[u8]) {
    let Some((piece, body)) = bytes.split_first() else { return };
    let read = |piece: usize| {
        let mut form = Multipart::of(b"multipart/form-data; boundary=b", "clip")?.ok()?;
        let mut out = Vec::new();
        let taken = body.chunks(piece).try_for_each(|piece| form.take(piece, &mut out)).and_then(|()| form.end());
        assert!(out.len() <= body.len());
        Some((taken.is_ok(), taken.is_ok().then_some(out)))
    };
    assert_eq!(read(usize::from(*piece).max(1)), read(body.len().max(1)));
}
