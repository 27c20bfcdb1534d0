//! The one field of a `multipart/form-data` body (RFC 7578) that is wanted, read as the body comes in, whatever the pieces.
//!
//! It is strict: nothing before the first boundary, one field of the name, no coding but the plain one. It holds back no
//! more than a boundary's length, or a part's head, which is bounded.

use std::io;

/// The head of a part may be this long, bytes.
const HEAD_MOST: usize = 4096;
/// RFC 2046: a boundary is 1 to 70 characters.
const BOUNDARY_MOST: usize = 70;

/// Why a body is not read to its end.
#[derive(Debug)]
pub enum Fault {
    /// It is not well formed; one sentence.
    Form(&'static str),
    /// What it brings cannot be written.
    Write(io::Error),
}

impl From<io::Error> for Fault {
    fn from(why: io::Error) -> Fault {
        Fault::Write(why)
    }
}

const TORN: Fault = Fault::Form("the form is not well formed");

/// Where the reader is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    /// Before the first boundary.
    Start,
    /// Right behind a boundary.
    Behind,
    /// In the head of a part.
    Head,
    /// In a part that is wanted,
    Wanted,
    /// or in another one.
    Other,
    /// Behind the last boundary.
    End,
}

/// Reads one body.
pub struct Multipart {
    field: &'static str,
    /// Line end, two dashes and the boundary.
    delimiter: Vec<u8>,
    held: Vec<u8>,
    place: Place,
    found: bool,
    file_name: Option<String>,
}

impl Multipart {
    /// A body of this content type, of which `field` is wanted. Nothing: it is no form at all.
    ///
    /// # Errors
    /// When it is a form without a usable boundary.
    pub fn of(content_type: &[u8], field: &'static str) -> Option<Result<Multipart, Fault>> {
        let text = String::from_utf8_lossy(content_type);
        let (kind, rest) = text.split_once(';').unwrap_or((&text, ""));
        if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
            return None;
        }
        let boundary = parameter(rest, "boundary").filter(|boundary| {
            let plain = |b: u8| b.is_ascii_graphic() || b == b' ';
            (1..=BOUNDARY_MOST).contains(&boundary.len()) && boundary.bytes().all(plain) && !boundary.ends_with(' ')
        });
        let read = |boundary: String| {
            let delimiter = format!("\r\n--{boundary}").into_bytes();
            // The first boundary begins the body; with this it looks like all others.
            Multipart { field, delimiter, held: b"\r\n".to_vec(), place: Place::Start, found: false, file_name: None }
        };
        Some(boundary.map(read).ok_or(Fault::Form("the form has no usable boundary")))
    }

    /// What the field's file is called where it came from, once its head was read.
    pub fn file_name(&self) -> Option<&str> {
        self.file_name.as_deref()
    }

    /// Takes the next piece of the body; what belongs to the field goes to `out`.
    ///
    /// # Errors
    /// When the body is not well formed, or `out` fails.
    pub fn take(&mut self, piece: &[u8], out: &mut impl io::Write) -> Result<(), Fault> {
        if self.place == Place::End {
            return Ok(());
        }
        self.held.extend_from_slice(piece);
        let mut at = 0;
        while let Some(used) = self.step(at, out)? {
            at += used;
        }
        self.held.drain(..at);
        Ok(())
    }

    /// The body is over.
    ///
    /// # Errors
    /// When it ends too soon, or the field was not in it.
    pub fn end(&self) -> Result<(), Fault> {
        match (self.place, self.found) {
            (Place::End, true) => Ok(()),
            (Place::End, false) => Err(Fault::Form("the form has no field clip")),
            _ => Err(TORN),
        }
    }

    /// Goes on from `at` in what is held: how many bytes that took; nothing when more must come first.
    fn step(&mut self, at: usize, out: &mut impl io::Write) -> Result<Option<usize>, Fault> {
        let held = &self.held[at..];
        let delimiter = &self.delimiter;
        match self.place {
            Place::End => Ok(None),
            Place::Start => {
                let here = held.len().min(delimiter.len());
                if held[..here] != delimiter[..here] {
                    return Err(TORN);
                }
                Ok(self.arrive(here == self.delimiter.len(), here))
            }
            Place::Behind => match held {
                [] | [_] => Ok(None),
                [b'-', b'-', ..] => Ok(self.go(Place::End, 2)),
                [b'\r', b'\n', ..] => Ok(self.go(Place::Head, 2)),
                _ => Err(TORN),
            },
            Place::Head => match held.windows(4).position(|four| four == b"\r\n\r\n") {
                Some(end) if end <= HEAD_MOST => {
                    let part = Part::read(&held[..end])?;
                    let wanted = part.name == self.field;
                    if wanted && std::mem::replace(&mut self.found, true) {
                        return Err(Fault::Form("the form has the field clip twice"));
                    }
                    if wanted {
                        self.file_name = part.file_name;
                    }
                    // The line end of the blank line stays: the delimiter of an empty part begins with it.
                    Ok(self.go(if wanted { Place::Wanted } else { Place::Other }, end + 4))
                }
                None if held.len() <= HEAD_MOST + 4 => Ok(None),
                _ => Err(Fault::Form("a part of the form has too long a head")),
            },
            Place::Wanted | Place::Other => {
                let end = find(held, delimiter);
                // Behind the last byte that can still begin a boundary nothing is known yet.
                let sure = end.unwrap_or_else(|| held.len().saturating_sub(delimiter.len() - 1));
                if self.place == Place::Wanted {
                    out.write_all(&held[..sure])?;
                }
                match end {
                    Some(end) => Ok(self.go(Place::Behind, end + self.delimiter.len())),
                    None => Ok((sure > 0).then_some(sure)),
                }
            }
        }
    }

    fn go(&mut self, place: Place, used: usize) -> Option<usize> {
        self.place = place;
        Some(used)
    }

    fn arrive(&mut self, whole: bool, used: usize) -> Option<usize> {
        if whole { self.go(Place::Behind, used) } else { None }
    }
}

/// The first place of `needle`, which begins with a carriage return.
fn find(hay: &[u8], needle: &[u8]) -> Option<usize> {
    let mut from = 0;
    while let Some(step) = hay[from..].iter().position(|b| *b == b'\r') {
        let at = from + step;
        if hay[at..].starts_with(needle) {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

/// What the head of a part says.
struct Part {
    name: String,
    file_name: Option<String>,
}

impl Part {
    fn read(head: &[u8]) -> Result<Part, Fault> {
        let head = std::str::from_utf8(head).map_err(|_| TORN)?;
        let mut part = None;
        for line in head.split("\r\n") {
            let (key, value) = line.split_once(':').ok_or(TORN)?;
            if key.eq_ignore_ascii_case("content-disposition") {
                let (kind, rest) = value.split_once(';').ok_or(TORN)?;
                if !kind.trim().eq_ignore_ascii_case("form-data") || part.is_some() {
                    return Err(TORN);
                }
                let name = parameter(rest, "name").ok_or(TORN)?;
                part = Some(Part { name, file_name: parameter(rest, "filename") });
            } else if key.eq_ignore_ascii_case("content-transfer-encoding") {
                let plain = ["binary", "8bit", "7bit"].iter().any(|plain| value.trim().eq_ignore_ascii_case(plain));
                if !plain {
                    return Err(Fault::Form("a part of the form is in a coding that is not read here"));
                }
            }
        }
        part.ok_or(TORN)
    }
}

/// The value of a parameter in `; a=b; c="d"`, quotes taken off.
fn parameter(text: &str, name: &str) -> Option<String> {
    let mut rest = text.trim_start_matches([' ', '\t', ';']);
    while !rest.is_empty() {
        let (key, after) = rest.split_once('=')?;
        let (value, left) = match after.strip_prefix('"') {
            Some(quoted) => unquoted(quoted)?,
            None => {
                let end = after.find(';').unwrap_or(after.len());
                (after[..end].trim().to_string(), &after[end..])
            }
        };
        if key.trim().eq_ignore_ascii_case(name) {
            return Some(value);
        }
        rest = left.trim_start_matches([' ', '\t', ';']);
    }
    None
}

/// What stands before the closing quote, and what follows it.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let (mut value, mut escaped) = (String::new(), false);
    for (at, c) in text.char_indices() {
        match c {
            '"' if !escaped => return Some((value, &text[at + 1..])),
            '\\' if !escaped => escaped = true,
            c => {
                value.push(c);
                escaped = false;
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPE: &[u8] = b"multipart/form-data; boundary=\"a b\"";

    /// What the field brought when the body came in these pieces.
    fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<u8>, &'static str> {
        let (mut form, mut out) = (Multipart::of(TYPE, "clip").unwrap().ok().unwrap(), Vec::new());
        let said = |fault| match fault {
            Fault::Form(why) => why,
            Fault::Write(_) => "written",
        };
        for piece in pieces {
            form.take(piece, &mut out).map_err(said)?;
        }
        form.end().map_err(said).map(|()| out)
    }

    fn part(name: &str, body: &str) -> String {
        format!(
            "--a b\r\nContent-Disposition: form-data; filename=\"x; name=\\\"y\"; name=\"{name}\"\r\n\r\n{body}\r\n"
        )
    }

    #[test]
    fn the_field_comes_whole_wherever_the_body_is_cut() {
        let content = "\r\n--a \r\n--\r\nfilm\r\n--a c";
        let body = part("other", "--a b") + &part("clip", content) + &part("more", "") + "--a b--\r\nepilogue";
        let whole = body.as_bytes();
        assert_eq!(read([whole]), Ok(content.into()));
        for cut in 0..whole.len() {
            assert_eq!(read([&whole[..cut], &whole[cut..]]), Ok(content.into()), "cut at {cut}");
        }
        assert_eq!(read(whole.chunks(1)), Ok(content.into()));
        assert_eq!(read([(part("clip", "") + "--a b--").as_bytes()]), Ok(Vec::new()));
        let mut form = Multipart::of(TYPE, "clip").unwrap().ok().unwrap();
        assert_eq!(form.file_name(), None);
        form.take(whole, &mut Vec::new()).ok().unwrap();
        assert_eq!(form.file_name(), Some("x; name=\"y"));
    }

    #[test]
    fn what_is_not_well_formed_is_refused_with_its_sentence() {
        let good = part("clip", "x");
        let torn = "the form is not well formed";
        for (body, why) in [
            (String::new(), torn),
            (good.clone(), torn),
            (format!("x{good}--a b--"), torn),
            (format!("{good}--a bx"), torn),
            (format!("{good}{good}--a b--"), "the form has the field clip twice"),
            (part("film", "x") + "--a b--", "the form has no field clip"),
            ("--a b--".into(), "the form has no field clip"),
            ("--a b\r\nContent-Type: video/mp4\r\n\r\nx\r\n--a b--".into(), torn),
            ("--a b\r\nContent-Disposition: form-data; name=\"clip\r\n\r\nx\r\n--a b--".into(), torn),
            ("--a b\r\nContent-Disposition: attachment; name=clip\r\n\r\nx\r\n--a b--".into(), torn),
            (
                "--a b\r\nContent-Disposition: form-data; name=clip\r\nContent-Transfer-Encoding: base64\r\n\r\nx"
                    .into(),
                "a part of the form is in a coding that is not read here",
            ),
            (format!("--a b\r\nX: {}", "x".repeat(HEAD_MOST + 4)), "a part of the form has too long a head"),
        ] {
            assert_eq!(read([body.as_bytes()]), Err(why), "{body:.80}");
            assert_eq!(read(body.as_bytes().chunks(1)), Err(why), "in single bytes: {body:.80}");
        }
    }

    #[test]
    fn a_form_is_known_by_its_type_and_wants_a_boundary() {
        for (kind, is_form) in [("video/mp4", None), ("multipart/form-dataX", None), ("", None)] {
            assert_eq!(Multipart::of(kind.as_bytes(), "clip").map(|form| form.is_ok()), is_form, "{kind}");
        }
        for (kind, usable) in [
            ("Multipart/Form-Data;boundary=x", true),
            ("multipart/form-data; charset=utf-8; boundary=x", true),
            ("multipart/form-data", false),
            ("multipart/form-data; boundary=", false),
            ("multipart/form-data; boundary=\"x", false),
            ("multipart/form-data; boundary=\"x \"", false),
        ] {
            assert_eq!(Multipart::of(kind.as_bytes(), "clip").map(|form| form.is_ok()), Some(usable), "{kind}");
        }
        let longest = |n| format!("multipart/form-data; boundary={}", "b".repeat(n));
        assert!(Multipart::of(longest(BOUNDARY_MOST).as_bytes(), "clip").unwrap().is_ok());
        assert!(Multipart::of(longest(BOUNDARY_MOST + 1).as_bytes(), "clip").unwrap().is_err());
    }

    #[test]
    fn a_disk_that_takes_no_more_is_told_apart() {
        let mut form = Multipart::of(TYPE, "clip").unwrap().ok().unwrap();
        let mut full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let fault = form.take((part("clip", "film") + "--a b--").as_bytes(), &mut full).unwrap_err();
        assert!(matches!(fault, Fault::Write(why) if why.kind() == io::ErrorKind::StorageFull));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(pieces in proptest::collection::vec("[-a b\r\n]{0,9}", 0..12)) {
            let _ = read(pieces.iter().map(String::as_bytes));
        }
    }
}
