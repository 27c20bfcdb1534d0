//! Numbers and moments written into bytes that are already there: no allocation, no formatting machinery, so that a
//! snapshot's head costs less than its system calls.

use crate::time::Wall;

const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Appends a number in decimal.
pub fn number(out: &mut Vec<u8>, value: u64) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    let mut rest = value;
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// Appends the last `digits` decimals of a number, with leading zeros.
fn padded(out: &mut Vec<u8>, value: u64, digits: u32) {
    for place in (0..digits).rev() {
        out.push(b'0' + (value / 10u64.pow(place) % 10) as u8);
    }
}

/// Appends a number in hexadecimal, 16 digits.
pub fn hex(out: &mut Vec<u8>, value: u64) {
    for place in (0..16).rev() {
        out.push(b"0123456789abcdef"[(value >> (place * 4) & 15) as usize]);
    }
}

/// Year, month 1..=12 and day of the days since 1970-01-01 (the proleptic Gregorian calendar, years from March).
fn civil(days: u64) -> (u64, u64, u64) {
    let z = days + 719_468;
    let (era, doe) = (z / 146_097, z % 146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    (yoe + era * 400 + u64::from(month <= 2), month, doy - (153 * mp + 2) / 5 + 1)
}

fn clock(out: &mut Vec<u8>, seconds: u64) {
    padded(out, seconds / 3600 % 24, 2);
    out.push(b':');
    padded(out, seconds / 60 % 60, 2);
    out.push(b':');
    padded(out, seconds % 60, 2);
}

/// Appends `2026-01-31T08:15:30.123Z`.
pub fn rfc3339(out: &mut Vec<u8>, at: Wall) {
    let ms = at.unix_ms();
    let (year, month, day) = civil(ms / 86_400_000);
    padded(out, year, 4);
    out.push(b'-');
    padded(out, month, 2);
    out.push(b'-');
    padded(out, day, 2);
    out.push(b'T');
    clock(out, ms / 1000);
    out.push(b'.');
    padded(out, ms % 1000, 3);
    out.push(b'Z');
}

/// Appends `Sat, 31 Jan 2026 08:15:30 GMT`.
pub fn http_date(out: &mut Vec<u8>, at: Wall) {
    let seconds = at.unix_ms() / 1000;
    let days = seconds / 86_400;
    let (year, month, day) = civil(days);
    out.extend_from_slice(DAYS[(days % 7) as usize].as_bytes());
    out.extend_from_slice(b", ");
    padded(out, day, 2);
    out.push(b' ');
    out.extend_from_slice(MONTHS[(month - 1) as usize].as_bytes());
    out.push(b' ');
    padded(out, year, 4);
    out.push(b' ');
    clock(out, seconds);
    out.extend_from_slice(b" GMT");
}

/// Appends `1769847330.123`.
pub fn unix_seconds(out: &mut Vec<u8>, at: Wall) {
    number(out, at.unix_ms() / 1000);
    out.push(b'.');
    padded(out, at.unix_ms() % 1000, 3);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn moments_are_written_as_the_standards_say() {
        for (ms, want_3339, want_date) in [
            (0, "1970-01-01T00:00:00.000Z", "Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777_042, "1994-11-06T08:49:37.042Z", "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z", "Tue, 29 Feb 2000 00:00:00 GMT"),
            (4_102_444_799_999, "2099-12-31T23:59:59.999Z", "Thu, 31 Dec 2099 23:59:59 GMT"),
        ] {
            let at = Wall::from_unix_ms(ms);
            assert_eq!(written(|out| rfc3339(out, at)), want_3339);
            assert_eq!(written(|out| http_date(out, at)), want_date);
        }
        assert_eq!(written(|out| unix_seconds(out, Wall::from_unix_ms(5_007))), "5.007");
    }

    #[test]
    fn numbers_are_written_whole() {
        for n in [0, 7, 10, 120_000, u64::MAX] {
            assert_eq!(written(|out| number(out, n)), n.to_string());
        }
        assert_eq!(written(|out| hex(out, 0xab)), "00000000000000ab");
    }
}
