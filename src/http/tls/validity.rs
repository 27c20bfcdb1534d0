//! From when until when a certificate holds, read from its DER (X.509, RFC 5280, 4.1): of all that it says, this alone, which
//! stands fifth. Bytes that are no certificate give nothing, and are read no further than they go.

use std::ops::Range;

const INTEGER: u8 = 0x02;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
/// The version, which may be absent.
const VERSION: u8 = 0xa0;

/// A certificate's times, in milliseconds since 1970.
pub fn of(certificate: &[u8]) -> Option<Range<u64>> {
    let (whole, _) = take(certificate, SEQUENCE)?;
    let (mut rest, _) = take(whole, SEQUENCE)?;
    if let Some((_, after)) = take(rest, VERSION) {
        rest = after;
    }
    // Serial number, algorithm and issuer stand before it.
    for tag in [INTEGER, SEQUENCE, SEQUENCE] {
        rest = take(rest, tag)?.1;
    }
    let (times, _) = take(rest, SEQUENCE)?;
    let (begins, rest) = time(times)?;
    let (ends, _) = time(rest)?;
    Some(begins..ends)
}

/// The content of the element that begins here, if it has this tag, and what follows it.
fn take(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&[found, short], rest) = bytes.split_first_chunk()?;
    if found != tag {
        return None;
    }
    if short < 0x80 {
        return rest.split_at_checked(short.into());
    }
    // A long length: so many bytes of it follow. Four are more than any certificate has.
    let (length, rest) = rest.split_at_checked((short & 0x7f).into()).filter(|(length, _)| length.len() <= 4)?;
    rest.split_at_checked(length.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)))
}

/// `YYMMDDHHMMSSZ`, where years from 50 on are of the last century, or with four digits of the year.
fn time(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (digits, years, rest) = match take(bytes, UTC_TIME) {
        Some((digits, rest)) => (digits, 2, rest),
        None => take(bytes, GENERALIZED_TIME).map(|(digits, rest)| (digits, 4, rest))?,
    };
    let text = std::str::from_utf8(digits).ok()?.strip_suffix('Z')?;
    if text.len() != years + 10 || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let year: u64 = text[..years].parse().ok()?;
    let year = if years == 4 { year } else { year + if year < 50 { 2000 } else { 1900 } };
    let two = |at: usize| text[years + at..years + at + 2].parse::<u64>().ok();
    let (month, day) = (two(0)?, two(2)?);
    if year < 1970 || !(1..=12).contains(&month) {
        return None;
    }
    let seconds = (days(year, month) + day.checked_sub(1)?) * 86_400 + two(4)? * 3600 + two(6)? * 60 + two(8)?;
    Some((seconds * 1000, rest))
}

/// Days from 1970 to the first of a month.
fn days(year: u64, month: u64) -> u64 {
    const BEFORE: [u64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    // A year's leap day comes after February.
    let year_of_leap = if month > 2 { year } else { year - 1 };
    let leaps = |year: u64| year / 4 - year / 100 + year / 400;
    (year - 1970) * 365 + leaps(year_of_leap) - leaps(1969) + BEFORE[month as usize - 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An element.
    fn element(tag: u8, content: &[u8]) -> Vec<u8> {
        [&[tag, content.len() as u8], content].concat()
    }

    fn told(text: &str) -> Option<u64> {
        let tag = if text.len() == 13 { UTC_TIME } else { GENERALIZED_TIME };
        time(&element(tag, text.as_bytes())).map(|(ms, _)| ms / 1000)
    }

    #[test]
    fn moments_are_those_that_date_gives() {
        for (text, seconds) in [
            ("700101000000Z", 0),
            ("941106084937Z", 784_111_777),
            ("000229235959Z", 951_868_799),
            ("491231235959Z", 2_524_607_999),
            ("20280229120000Z", 1_835_438_400),
            ("21000301000000Z", 4_107_542_400),
        ] {
            assert_eq!(told(text), Some(seconds), "{text}");
        }
        for text in
            ["691231235959Z", "701301000000Z", "700001000000Z", "700100000000Z", "70010100000aZ", "7001010000000"]
        {
            assert_eq!(told(text), None, "{text}");
        }
    }

    #[test]
    fn every_cut_of_a_certificate_gives_nothing_or_the_same() {
        let made = rcgen::generate_simple_self_signed(["box".to_string()]).unwrap();
        let der = made.cert.der();
        let want = of(der);
        // rcgen's own defaults, as `date -u +%s` has them.
        assert_eq!(want, Some(157_766_400_000..67_090_118_400_000));
        for length in 0..der.len() {
            assert!(of(&der[..length]).is_none(), "{length}");
        }
        for at in 0..der.len().min(200) {
            let mut other = der.to_vec();
            other[at] ^= 0xff;
            let _ = of(&other);
        }
    }
}
