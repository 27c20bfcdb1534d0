//! What a camera's JPEG may lack: an end, or its Huffman tables. Pure; no picture is decoded here.
//!
//! Cameras that say "MJPEG" send one JPEG per frame, with two bad habits: a frame is cut short when the bus was busy,
//! and the Huffman tables are left out because "everybody knows them" (ITU-T T.81, annex K.3). [`inspect`] walks the
//! markers and finds both, [`repair`] puts the tables in. The bytes are a stranger's: nothing here may panic or read
//! past the end, whatever they are.
//!
//! *SOI, EOI*: start and end of a JPEG · *SOF*: the segment with the size · *DHT*: Huffman tables · *SOS*: start of scan

/// No camera has more pixels; a few bytes can claim sixty times as many, and whoever decodes them would need the memory.
const PIXELS_MOST: usize = 64 << 20;

/// What the markers of a whole JPEG say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct JpegInfo {
    /// Pixels across.
    pub width: usize,
    /// Pixels down.
    pub height: usize,
    /// Whether it brings its own Huffman tables, or needs none.
    pub has_huffman: bool,
    /// Bytes up to and with EOI; what follows is padding.
    pub length: usize,
    first_scan: usize,
}

/// Why bytes are no usable JPEG.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Flaw {
    /// It begins well and ends too soon.
    #[error("the JPEG is cut short")]
    Truncated,
    /// It is no JPEG, or its markers make no sense.
    #[error("the JPEG is garbled")]
    Garbled,
}

/// Looks at the markers up to the first scan, and for the end.
///
/// # Errors
/// What is wrong with it.
pub fn inspect(bytes: &[u8]) -> Result<JpegInfo, Flaw> {
    match bytes {
        [0xff, 0xd8, ..] => {}
        [] | [0xff] => return Err(Flaw::Truncated),
        _ => return Err(Flaw::Garbled),
    }
    let (mut at, mut size, mut has_huffman) = (2, None, false);
    loop {
        let Segment { marker, body, start, end } = segment(bytes, at)?;
        match marker {
            0xc4 => has_huffman = true,
            // Arithmetic coding (SOF9 and up) has no Huffman tables to lack.
            0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => {
                let &[_precision, h1, h0, w1, w0, ..] = body else { return Err(Flaw::Garbled) };
                size = Some((u16::from_be_bytes([w1, w0]).into(), u16::from_be_bytes([h1, h0]).into()));
                has_huffman |= marker > 0xc8;
            }
            0xda => {
                let (width, height) =
                    size.filter(|&(w, h)| (1..=PIXELS_MOST).contains(&(w * h))).ok_or(Flaw::Garbled)?;
                let length = whole_length(bytes, end)?;
                return Ok(JpegInfo { width, height, has_huffman, length, first_scan: start });
            }
            _ => {}
        }
        at = end;
    }
}

struct Segment<'a> {
    marker: u8,
    body: &'a [u8],
    start: usize,
    end: usize,
}

/// The segment at `at`; fill bytes (0xff) before its marker are allowed.
fn segment(bytes: &[u8], at: usize) -> Result<Segment<'_>, Flaw> {
    if *bytes.get(at).ok_or(Flaw::Truncated)? != 0xff {
        return Err(Flaw::Garbled);
    }
    let fill = bytes[at + 1..].iter().take_while(|b| **b == 0xff).count();
    let start = at + fill;
    let marker = *bytes.get(start + 1).ok_or(Flaw::Truncated)?;
    if marker < 0xc0 || (0xd0..=0xd9).contains(&marker) {
        return Err(Flaw::Garbled);
    }
    let (Some(&hi), Some(&lo)) = (bytes.get(start + 2), bytes.get(start + 3)) else { return Err(Flaw::Truncated) };
    let length = usize::from(u16::from_be_bytes([hi, lo]));
    if length < 2 {
        return Err(Flaw::Garbled);
    }
    let end = start + 2 + length;
    let body = bytes.get(start + 4..end).ok_or(Flaw::Truncated)?;
    Ok(Segment { marker, body, start, end })
}

/// Where the JPEG ends: EOI, then nothing but what cameras pad with: zeros, or over HTTP the line end of the next part.
fn whole_length(bytes: &[u8], scan: usize) -> Result<usize, Flaw> {
    let padding = bytes[scan..].iter().rev().take_while(|b| matches!(b, 0 | b'\r' | b'\n')).count();
    let length = bytes.len() - padding;
    if bytes[scan..length].ends_with(&[0xff, 0xd9]) { Ok(length) } else { Err(Flaw::Truncated) }
}

/// Cuts the padding off and puts the standard Huffman tables in when the JPEG has none.
///
/// # Errors
/// What is wrong with it; the bytes are then left as they are.
pub fn repair(bytes: &mut Vec<u8>) -> Result<JpegInfo, Flaw> {
    let mut info = inspect(bytes)?;
    bytes.truncate(info.length);
    if !info.has_huffman {
        bytes.splice(info.first_scan..info.first_scan, STANDARD_DHT);
        info.has_huffman = true;
        info.first_scan += STANDARD_DHT.len();
        info.length += STANDARD_DHT.len();
    }
    Ok(info)
}

/// Bytes that [`repair`] may add.
pub const REPAIR_BYTES: usize = STANDARD_DHT.len();

/// The four tables of ITU-T T.81 annex K.3, as one DHT segment.
#[rustfmt::skip]
const STANDARD_DHT: [u8; 420] = [
    0xff, 0xc4, 0x01, 0xa2,
    // K.3: luminance DC
    0x00, 0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0,
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
    // K.5: luminance AC
    0x10, 0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 0x7d,
    0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51, 0x61, 0x07,
    0x22, 0x71, 0x14, 0x32, 0x81, 0x91, 0xa1, 0x08, 0x23, 0x42, 0xb1, 0xc1, 0x15, 0x52, 0xd1, 0xf0,
    0x24, 0x33, 0x62, 0x72, 0x82, 0x09, 0x0a, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x25, 0x26, 0x27, 0x28,
    0x29, 0x2a, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49,
    0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69,
    0x6a, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89,
    0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7,
    0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xc2, 0xc3, 0xc4, 0xc5,
    0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda, 0xe1, 0xe2,
    0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8,
    0xf9, 0xfa,
    // K.4: chrominance DC
    0x01, 0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0,
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
    // K.6: chrominance AC
    0x11, 0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 0x77,
    0x00, 0x01, 0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31, 0x06, 0x12, 0x41, 0x51, 0x07, 0x61, 0x71,
    0x13, 0x22, 0x32, 0x81, 0x08, 0x14, 0x42, 0x91, 0xa1, 0xb1, 0xc1, 0x09, 0x23, 0x33, 0x52, 0xf0,
    0x15, 0x62, 0x72, 0xd1, 0x0a, 0x16, 0x24, 0x34, 0xe1, 0x25, 0xf1, 0x17, 0x18, 0x19, 0x1a, 0x26,
    0x27, 0x28, 0x29, 0x2a, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48,
    0x49, 0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68,
    0x69, 0x6a, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87,
    0x88, 0x89, 0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0xa2, 0xa3, 0xa4, 0xa5,
    0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xc2, 0xc3,
    0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda,
    0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8,
    0xf9, 0xfa,
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn picture() -> Vec<u8> {
        let (width, height) = (48, 32);
        let pixels: Vec<u8> = (0..width * height * 3).map(|i| (i * 7 % 251) as u8).collect();
        let image = turbojpeg::Image {
            pixels: &pixels[..],
            width,
            pitch: width * 3,
            height,
            format: turbojpeg::PixelFormat::RGB,
        };
        turbojpeg::compress(image, 80, turbojpeg::Subsamp::Sub2x1).unwrap().to_vec()
    }

    fn without_huffman(jpeg: &[u8]) -> Vec<u8> {
        let (mut out, mut at) = (vec![0xff, 0xd8], 2);
        loop {
            let found = segment(jpeg, at).unwrap();
            if found.marker == 0xda {
                out.extend_from_slice(&jpeg[at..]);
                return out;
            }
            if found.marker != 0xc4 {
                out.extend_from_slice(&jpeg[at..found.end]);
            }
            at = found.end;
        }
    }

    fn pixels(jpeg: &[u8]) -> Vec<u8> {
        turbojpeg::decompress(jpeg, turbojpeg::PixelFormat::RGB).unwrap().pixels
    }

    #[test]
    fn a_jpeg_without_tables_shows_the_same_picture_after_the_repair() {
        let whole = picture();
        let mut lacking = without_huffman(&whole);
        assert!(!inspect(&lacking).unwrap().has_huffman && lacking.len() < whole.len());
        lacking.extend([0; 37]);
        let info = repair(&mut lacking).unwrap();
        assert_eq!((info.width, info.height, info.length), (48, 32, lacking.len()));
        assert_eq!(inspect(&lacking).unwrap(), info);
        assert_eq!(pixels(&lacking), pixels(&whole));
    }

    #[test]
    fn a_whole_jpeg_only_loses_its_padding() {
        let whole = picture();
        let mut padded = whole.clone();
        padded.extend([0; 1000]);
        assert!(repair(&mut padded).unwrap().has_huffman);
        assert_eq!(padded, whole);
    }

    #[test]
    fn every_cut_is_seen_and_changes_nothing() {
        let whole = picture();
        for length in 0..whole.len() {
            let mut cut = whole[..length].to_vec();
            assert_eq!(repair(&mut cut), Err(Flaw::Truncated), "{length}");
            assert_eq!(cut, whole[..length]);
        }
    }

    #[test]
    fn what_is_no_jpeg_is_garbled() {
        for bytes in [&b"RIFF"[..], &[0xff, 0xd8, 0, 0], &[0xff, 0xd8, 0xff, 0xd9], &[0xff, 0xd8, 0xff, 0xe0, 0, 1]] {
            assert_eq!(inspect(bytes), Err(Flaw::Garbled), "{bytes:x?}");
        }
    }

    #[test]
    fn a_few_bytes_that_claim_a_gigantic_picture_are_garbled() {
        let mut bytes = picture();
        let at = bytes.windows(2).position(|two| two == [0xff, 0xc0]).unwrap() + 5;
        for (height, width, want) in [(8192u16, 8192u16, Ok((8192, 8192))), (8193, 8192, Err(Flaw::Garbled))] {
            bytes[at..at + 2].copy_from_slice(&height.to_be_bytes());
            bytes[at + 2..at + 4].copy_from_slice(&width.to_be_bytes());
            assert_eq!(inspect(&bytes).map(|info| (info.height, info.width)), want);
        }
    }

    proptest! {
        #[test]
        fn a_strangers_bytes_never_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let _ = repair(&mut bytes);
        }

        #[test]
        fn a_changed_jpeg_never_panics(at in 0usize..2000, value: u8, cut in 0usize..2000) {
            let mut bytes = picture();
            let length = bytes.len();
            bytes[at % length] = value;
            bytes.truncate(length - cut % length);
            if let Ok(info) = repair(&mut bytes) {
                prop_assert_eq!(info.length, bytes.len());
                prop_assert!(bytes.ends_with(&[0xff, 0xd9]));
            }
        }
    }
}
