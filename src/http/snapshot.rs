//! The newest picture: found, or waited for, or told why there is none.
//!
//! This is the busiest answer of the box. When the picture is there it allocates nothing: the head is written into the
//! connection's own buffer, the body is the shot itself.

use super::answer::{Outcome, Request};
use super::desk::{Awaited, Desk, Wish};
use super::head::Field;
use super::query::{self, Number};
use super::reply::{Body, Reply};
use super::stamp;
use crate::camera::View;
use crate::jpeg::{Look, ShotRef, Variant};
use crate::metrics::RouteClass;
use crate::time::as_ms;

/// What a query asks for.
///
/// # Errors
/// A sentence when it asks for what cannot be.
pub fn variant(query: &[u8], view: &View) -> Result<Variant, String> {
    let quality = match query::number::<u8>(query, "q") {
        Number::Absent => None,
        Number::Is(q @ 1..=95) => Some(q),
        _ => return Err("q must be a whole number from 1 to 95".into()),
    };
    let width = match query::number::<u16>(query, "w") {
        Number::Absent => None,
        Number::Bad => Some(0),
        Number::Is(w) => Some(w),
    };
    let Some(width) = width else { return Ok(Variant { quality, width: None }) };
    let whole = view.size().0;
    match usize::from(width) {
        w if w == whole && w >= 16 => Ok(Variant { quality, width: None }),
        w if w < whole && w >= 16 => Ok(Variant { quality, width: Some(width) }),
        _ => Err(format!("w must be a whole number from 16 to {whole}, the width of this camera's picture")),
    }
}

/// Why this camera has no picture.
pub fn absence(view: &View) -> String {
    let fault = view.fault().map(|f| f.sentence);
    fault.unwrap_or_else(|| format!("camera {} has no picture yet", view.name()))
}

/// The first look.
pub fn answer(desk: &mut Desk, request: &Request<'_>, camera: usize, out: &mut Vec<u8>) -> Outcome {
    let shared = desk.shared.clone();
    let view = &shared.house.views[camera];
    let newest_id = view.newest_id_at(desk.now, desk.wall);
    if newest_id == 0 {
        return Outcome::Reply(lost(desk, view, out, request.close));
    }
    let variant = match variant(request.query(), view) {
        Ok(variant) => variant,
        Err(why) => return Outcome::Reply(desk.refuse(out, RouteClass::Snapshot, 422, &why, request.close)),
    };
    if let Some(known) = request.field(Field::IfNoneMatch) {
        out.clear();
        tag(out, shared.house.boot_id, camera, newest_id, variant);
        if is_among(known, out) {
            return Outcome::Reply(unchanged(desk, camera, newest_id, variant, out, request.close));
        }
    }
    let wish = Wish { view: view.clone(), camera, variant, at_least: newest_id };
    match look(desk, &wish, out, request.close) {
        Ok(reply) => Outcome::Reply(reply),
        Err(_) => Outcome::Wait(Awaited::Picture(wish)),
    }
}

/// Why a wish is not met yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NotYet {
    /// The bell will ring.
    Soon,
    /// There was no place; no bell may ring for that, so it must be tried again.
    Full,
}

/// A later look.
///
/// # Errors
/// When the wish is not met yet.
pub fn look(desk: &mut Desk, wish: &Wish, out: &mut Vec<u8>, close: bool) -> Result<Reply, NotYet> {
    // The box may have been halted since the last look: what was waited for is then an old picture.
    if wish.view.newest_id_at(desk.now, desk.wall) == 0 {
        return Ok(lost(desk, &wish.view, out, close));
    }
    match wish.view.look(wish.variant, wish.at_least) {
        Look::Ready(shot) => Ok(picture(desk, wish, shot, out, close)),
        Look::Lost => Ok(lost(desk, &wish.view, out, close)),
        Look::Soon => Err(NotYet::Soon),
        Look::Full => Err(NotYet::Full),
    }
}

fn lost(desk: &mut Desk, view: &View, out: &mut Vec<u8>, close: bool) -> Reply {
    desk.refuse(out, RouteClass::Snapshot, 404, &absence(view), close)
}

/// The picture did not come in time.
pub fn late(desk: &mut Desk, out: &mut Vec<u8>, close: bool) -> Reply {
    desk.refuse(out, RouteClass::Snapshot, 503, "the picture was not ready in time; ask again", close)
}

fn unchanged(desk: &mut Desk, camera: usize, frame_id: u64, variant: Variant, out: &mut Vec<u8>, close: bool) -> Reply {
    let boot_id = desk.shared.house.boot_id;
    // A browser may take over this head's policy for the picture that it has.
    let mut lines = desk.begin_picture(out, 304);
    lines.with("ETag", |out| tag(out, boot_id, camera, frame_id, variant)).fixed("Cache-Control: no-cache");
    lines.with("X-Frame-Id", |out| stamp::number(out, frame_id)).end_open(close);
    Reply { class: RouteClass::Snapshot, status: 304, body: Body::Empty, close }
}

fn picture(desk: &mut Desk, wish: &Wish, shot: ShotRef, out: &mut Vec<u8>, close: bool) -> Reply {
    let (boot_id, now) = (desk.shared.house.boot_id, desk.now);
    let mut lines = desk.begin_picture(out, 200);
    lines.fixed("Content-Type: image/jpeg").fixed("Cache-Control: no-cache");
    lines.with("ETag", |out| tag(out, boot_id, wish.camera, shot.frame_id, wish.variant));
    lines.with("X-Frame-Id", |out| stamp::number(out, shot.frame_id));
    lines.with("X-Frame-Age-Ms", |out| stamp::number(out, as_ms(now.since(shot.captured)) as u64));
    lines.with("X-Frame-Timestamp", |out| stamp::rfc3339(out, shot.captured_wall));
    lines.end(shot.bytes.len(), close);
    Reply { class: RouteClass::Snapshot, status: 200, body: Body::Shot(shot), close }
}

/// Appends the tag of one picture: different for every start of the box, camera, frame and variant.
fn tag(out: &mut Vec<u8>, boot_id: u64, camera: usize, frame_id: u64, variant: Variant) {
    out.push(b'"');
    stamp::hex(out, boot_id);
    let quality = variant.quality.map_or(0, u64::from);
    let width = variant.width.map_or(0, u64::from);
    for part in [camera as u64, frame_id, quality, width] {
        out.push(b'-');
        stamp::number(out, part);
    }
    out.push(b'"');
}

/// Whether an If-None-Match names this tag: in a list, as a weak tag, or as `*`.
pub fn is_among(known: &[u8], tag: &[u8]) -> bool {
    known
        .split(|b| *b == b',')
        .map(<[u8]>::trim_ascii)
        .any(|one| one == b"*" || one.strip_prefix(b"W/").unwrap_or(one) == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_found_in_a_list_weak_or_by_a_star() {
        let mut tag_of_7 = Vec::new();
        tag(&mut tag_of_7, 0xb007, 1, 7, Variant { quality: Some(75), width: None });
        assert_eq!(tag_of_7, b"\"000000000000b007-1-7-75-0\"");
        let text = String::from_utf8(tag_of_7.clone()).unwrap();
        for known in [text.clone(), format!("\"a\", W/{text} ,\"b\""), "*".into()] {
            assert!(is_among(known.as_bytes(), &tag_of_7), "{known}");
        }
        for known in ["", "\"\"", "\"000000000000b007-1-7-75-00\"", "w/*"] {
            assert!(!is_among(known.as_bytes(), &tag_of_7), "{known}");
        }
    }
}
