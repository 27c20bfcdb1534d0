//! A picture file as rows of R, G, B: PNG and JPEG, told apart by their first bytes.
//!
//! For `spotter pose` and `spotter bench pose`; the box itself never reads a picture file.

use std::io::Cursor;
use std::path::Path;

use png::{ColorType, Transformations};

/// Sides and bytes beyond this are refused before memory is asked for them.
const PIXELS_MAX: usize = 100_000_000;

/// What a picture file holds.
pub(super) struct Picture {
    /// Pixels across and down.
    pub(super) size: (usize, usize),
    /// Rows of R, G, B without padding.
    pub(super) rgb: Vec<u8>,
}

/// Reads it; the error is one sentence.
pub(super) fn read(path: &Path) -> Result<Picture, String> {
    let bytes = std::fs::read(path).map_err(|why| format!("{} cannot be read: {why}", path.display()))?;
    let picture = match bytes.as_slice() {
        [0x89, b'P', b'N', b'G', ..] => png(&bytes),
        [0xff, 0xd8, ..] => jpeg(&bytes),
        _ => Err("it is neither PNG nor JPEG".into()),
    };
    picture.map_err(|why| format!("{} is no picture that can be read: {why}", path.display()))
}

fn jpeg(bytes: &[u8]) -> Result<Picture, String> {
    let header = turbojpeg::read_header(bytes).map_err(|why| why.to_string())?;
    check(header.width, header.height)?;
    let image = turbojpeg::decompress(bytes, turbojpeg::PixelFormat::RGB).map_err(|why| why.to_string())?;
    Ok(Picture { size: (image.width, image.height), rgb: image.pixels })
}

fn png(bytes: &[u8]) -> Result<Picture, String> {
    let mut decoder = png::Decoder::new(Cursor::new(bytes));
    decoder.set_transformations(Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().map_err(|why| why.to_string())?;
    let (width, height) = (reader.info().width as usize, reader.info().height as usize);
    check(width, height)?;
    let mut data = vec![0; reader.output_buffer_size().ok_or("it is too large")?];
    let info = reader.next_frame(&mut data).map_err(|why| why.to_string())?;
    let data = &data[..info.buffer_size()];
    let rgb = match info.color_type {
        ColorType::Rgb => data.to_vec(),
        ColorType::Rgba => data.as_chunks::<4>().0.iter().flat_map(|p| [p[0], p[1], p[2]]).collect(),
        ColorType::Grayscale => data.iter().flat_map(|g| [*g; 3]).collect(),
        ColorType::GrayscaleAlpha => data.as_chunks::<2>().0.iter().flat_map(|p| [p[0]; 3]).collect(),
        ColorType::Indexed => return Err("its palette was not resolved".into()),
    };
    Ok(Picture { size: (width, height), rgb })
}

fn check(width: usize, height: usize) -> Result<(), String> {
    match width.saturating_mul(height) {
        1..=PIXELS_MAX => Ok(()),
        _ => Err(format!("it has {width}x{height} pixels; the most are {PIXELS_MAX} in all")),
    }
}

/// Writes it as PNG; the error is one sentence.
pub(super) fn png_of(picture: &Picture) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, picture.size.0 as u32, picture.size.1 as u32);
    encoder.set_color(ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let written = encoder.write_header().and_then(|mut writer| {
        writer.write_image_data(&picture.rgb)?;
        writer.finish()
    });
    written.map_err(|why| format!("the picture cannot be written: {why}"))?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_png_comes_back_as_it_was_and_other_files_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("p.png");
        let picture = Picture { size: (3, 2), rgb: (0..18).collect() };
        std::fs::write(&path, png_of(&picture).unwrap()).unwrap();
        let back = read(&path).unwrap();
        assert_eq!((back.size, back.rgb), (picture.size, picture.rgb));
        std::fs::write(&path, "GIF89a").unwrap();
        assert!(read(&path).err().unwrap().ends_with("it is neither PNG nor JPEG"));
        std::fs::write(&path, b"\x89PNG\r\n\x1a\n\0\0").unwrap();
        assert!(read(&path).err().unwrap().contains("is no picture that can be read: "));
        assert!(read(dir.path()).err().unwrap().contains(" cannot be read: "));
    }
}
