//! Protocol buffers as they lie in a file: fields, one after the other, and no more than that.
//!
//! A reader for the few fields that are needed of a file that may be anything: it borrows, never copies, never goes
//! back, and every length is checked against the bytes that are there. And how one field is written.

/// One field's value.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Value<'a> {
    /// A number of variable length.
    Number(u64),
    /// A text, a message, or packed numbers.
    Bytes(&'a [u8]),
    /// Four or eight bytes that nobody here asks for.
    Fixed,
}

/// The fields of one message. It ends at the first thing that is no field; [`Fields::broken`] tells.
pub struct Fields<'a> {
    rest: &'a [u8],
    broken: bool,
}

impl<'a> Fields<'a> {
    /// Reads `bytes` as one message.
    pub fn of(bytes: &'a [u8]) -> Fields<'a> {
        Fields { rest: bytes, broken: false }
    }

    /// Whether it ended before its bytes did.
    pub fn broken(&self) -> bool {
        self.broken
    }

    /// The next field, and all the bytes that it takes in the message.
    pub fn next_with_bytes(&mut self) -> Option<((u64, Value<'a>), &'a [u8])> {
        let before = self.rest;
        let field = self.next()?;
        Some((field, &before[..before.len() - self.rest.len()]))
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for (i, byte) in self.rest.iter().take(10).enumerate() {
            value |= u64::from(byte & 0x7f) << (7 * i).min(63);
            if byte & 0x80 == 0 {
                self.rest = &self.rest[i + 1..];
                return Some(value);
            }
        }
        None
    }

    fn bytes(&mut self, length: u64) -> Option<&'a [u8]> {
        let (bytes, rest) = self.rest.split_at_checked(usize::try_from(length).ok()?)?;
        self.rest = rest;
        Some(bytes)
    }

    fn field(&mut self) -> Option<(u64, Value<'a>)> {
        let tag = self.varint()?;
        let value = match tag & 7 {
            0 => Value::Number(self.varint()?),
            1 => self.bytes(8).map(|_| Value::Fixed)?,
            2 => {
                let length = self.varint()?;
                Value::Bytes(self.bytes(length)?)
            }
            5 => self.bytes(4).map(|_| Value::Fixed)?,
            _ => return None,
        };
        // There is no field 0: a run of zeros is no message.
        (tag >> 3 > 0).then_some((tag >> 3, value))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (u64, Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() || self.broken {
            return None;
        }
        let field = self.field();
        self.broken = field.is_none();
        field
    }
}

/// A number as a field.
pub fn number_of(field: u64, value: u64) -> Vec<u8> {
    let mut out = Vec::with_capacity(11);
    put(&mut out, field << 3);
    put(&mut out, value);
    out
}

/// A text, a message, or packed numbers as a field.
pub fn bytes_of(field: u64, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 11);
    put(&mut out, field << 3 | 2);
    put(&mut out, bytes.len() as u64);
    out.extend_from_slice(bytes);
    out
}

fn put(out: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_as_it_was() {
        let long = vec![7; 300];
        for value in [0, 1, 127, 128, 300, u64::MAX] {
            let message = [number_of(20, value), bytes_of(1, &long)].concat();
            let mut fields = Fields::of(&message);
            let (first, as_it_is) = fields.next_with_bytes().unwrap();
            assert_eq!((first, as_it_is), ((20, Value::Number(value)), number_of(20, value).as_slice()));
            assert_eq!(fields.next_with_bytes(), Some(((1, Value::Bytes(&long)), bytes_of(1, &long).as_slice())));
            assert!(fields.next().is_none() && !fields.broken());
        }
    }

    #[test]
    fn fields_come_in_order_and_what_is_cut_short_is_told() {
        // 1: 300 · 2: "hi" · 3: four bytes
        let bytes = [0x08, 0xac, 0x02, 0x12, 2, b'h', b'i', 0x1d, 1, 2, 3, 4];
        let mut fields = Fields::of(&bytes);
        let all: Vec<_> = fields.by_ref().collect();
        assert_eq!(all, [(1, Value::Number(300)), (2, Value::Bytes(b"hi")), (3, Value::Fixed)]);
        assert!(!fields.broken());
        let mut fields = Fields::of(&bytes[..6]);
        assert_eq!(fields.by_ref().count(), 1);
        assert!(fields.broken());
    }

    #[test]
    fn what_is_no_message_ends_and_is_told() {
        for bytes in [&[0u8; 4][..], &[0xff; 30], &[0x0b, 1], &[0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]] {
            let mut fields = Fields::of(bytes);
            assert_eq!((fields.by_ref().count(), fields.broken()), (0, true), "{bytes:?}");
        }
    }
}
