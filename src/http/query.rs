//! Paths, queries and forms: percent escapes undone, numbers read. Pure and bounded by what it is given.

use std::borrow::Cow;

fn hex(digit: u8) -> Option<u8> {
    (digit as char).to_digit(16).map(|d| d as u8)
}

/// Whether every `%` is followed by two hexadecimal digits.
pub fn escapes_are_whole(raw: &[u8]) -> bool {
    let mut rest = raw;
    while let Some(at) = rest.iter().position(|b| *b == b'%') {
        match rest[at + 1..] {
            [a, b, ..] if hex(a).is_some() && hex(b).is_some() => rest = &rest[at + 3..],
            _ => return false,
        }
    }
    true
}

/// The text behind percent escapes; with `form`, `+` is a space. Nothing when it is not UTF-8 or an escape is broken.
pub fn decoded(raw: &[u8], form: bool) -> Option<Cow<'_, str>> {
    if !raw.iter().any(|b| *b == b'%' || (form && *b == b'+')) {
        return std::str::from_utf8(raw).ok().map(Cow::Borrowed);
    }
    let mut out = Vec::with_capacity(raw.len());
    let mut bytes = raw.iter();
    while let Some(&byte) = bytes.next() {
        out.push(match byte {
            b'%' => hex(*bytes.next()?)? << 4 | hex(*bytes.next()?)?,
            b'+' if form => b' ',
            plain => plain,
        });
    }
    String::from_utf8(out).ok().map(Cow::Owned)
}

/// Whether a path means the same to everyone: UTF-8 behind its escapes, no control characters, no `.` or `..` segment.
pub fn path_is_plain(path: &[u8]) -> bool {
    path.split(|b| *b == b'/').all(|segment| {
        if !segment.iter().any(|b| matches!(b, b'%' | b'.')) {
            return true;
        }
        decoded(segment, false).is_some_and(|s| !matches!(&*s, "." | "..") && !s.chars().any(char::is_control))
    })
}

/// The value of the first parameter of this name; empty when it has none.
pub fn raw<'a>(query: &'a [u8], name: &str) -> Option<&'a [u8]> {
    query.split(|b| *b == b'&').find_map(|pair| match pair.strip_prefix(name.as_bytes())? {
        [] => Some(&[][..]),
        [b'=', value @ ..] => Some(value),
        _ => None,
    })
}

/// The decoded value of the first parameter of this name. Nothing when it is absent or no UTF-8.
pub fn text<'a>(query: &'a [u8], name: &str) -> Option<Cow<'a, str>> {
    decoded(raw(query, name)?, true)
}

/// A number that a query may hold.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Number<T> {
    /// The parameter is not there.
    Absent,
    /// It is there and a number.
    Is(T),
    /// It is there and none.
    Bad,
}

/// The number in the parameter of this name.
pub fn number<T: std::str::FromStr>(query: &[u8], name: &str) -> Number<T> {
    let Some(raw) = raw(query, name) else { return Number::Absent };
    let digits = decoded(raw, true).filter(|t| t.bytes().all(|b| b.is_ascii_digit() || b == b'.'));
    digits.and_then(|t| t.parse().ok()).map_or(Number::Bad, Number::Is)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_undone_once() {
        assert_eq!(decoded(b"a%20b+c", true).as_deref(), Some("a b c"));
        assert_eq!(decoded(b"a%20b+c", false).as_deref(), Some("a b+c"));
        assert_eq!(decoded(b"%2541", false).as_deref(), Some("%41"));
        assert_eq!(decoded("%c3%a4".as_bytes(), false).as_deref(), Some("ä"));
        for broken in [&b"%"[..], b"%4", b"%g0", b"%c0%ae", b"%ff"] {
            assert_eq!(decoded(broken, false), None, "{broken:?}");
        }
    }

    #[test]
    fn parameters_are_found_by_their_whole_name() {
        let query = b"quality=9&q=75&w=&bare&key=a%26b";
        assert_eq!(raw(query, "q"), Some(&b"75"[..]));
        assert_eq!(raw(query, "w"), Some(&b""[..]));
        assert_eq!(raw(query, "bare"), Some(&b""[..]));
        assert_eq!(raw(query, "qual"), None);
        assert_eq!(text(query, "key").as_deref(), Some("a&b"));
    }

    #[test]
    fn numbers_are_digits_and_nothing_else() {
        for (query, want) in [
            (&b"q=75"[..], Number::Is(75u32)),
            (b"q=%37%35", Number::Is(75)),
            (b"", Number::Absent),
            (b"q=", Number::Bad),
            (b"q=-1", Number::Bad),
            (b"q=+1", Number::Bad),
            (b"q=7.5", Number::Bad),
            (b"q=99999999999", Number::Bad),
            (b"q=1e2", Number::Bad),
        ] {
            assert_eq!(number::<u32>(query, "q"), want, "{query:?}");
        }
        assert_eq!(number::<f64>(b"fps=7.5", "fps"), Number::Is(7.5));
    }
}
