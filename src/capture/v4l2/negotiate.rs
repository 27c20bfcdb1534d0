//! Which of the formats, sizes and rates a camera offers is taken. Pure: data in, choice out.
//!
//! What the user wished is a condition; what the user left open is chosen: colour before grey, a rate that can be
//! watched before a large picture, a size near 1280x720. On USB a picture above 640x480 is taken as MJPEG where there
//! is one, since raw pictures of two cameras fill a bus; elsewhere raw pictures save a decoding.

use std::cmp::Reverse;

use crate::frame::PixelFormat;

/// One format that a camera has.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
pub struct Offer {
    /// How Spotter reads it.
    pub format: PixelFormat,
    /// The kernel's code for it.
    #[serde(serialize_with = "code_as_text")]
    pub fourcc: [u8; 4],
    /// The sizes with their rates.
    pub sizes: Vec<SizeOffer>,
}

/// A size, or a range of sizes, with its rates.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
pub struct SizeOffer {
    /// The smallest size; the only one unless `max` differs.
    pub min: (usize, usize),
    /// The largest size.
    pub max: (usize, usize),
    /// From one size to the next within a range.
    pub step: (usize, usize),
    /// Frames a second, highest first; empty when the driver does not tell.
    pub rates: Vec<f64>,
    /// Every rate between the highest and the lowest can be had.
    pub any_rate: bool,
}

/// What the user asked for.
#[derive(Clone, Copy, PartialEq, Default, Debug)]
pub struct Wish {
    /// The size.
    pub size: Option<(usize, usize)>,
    /// Frames a second.
    pub fps: Option<f64>,
    /// The format.
    pub format: Option<PixelFormat>,
}

/// What is to be set.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Choice {
    /// The format.
    pub format: PixelFormat,
    /// The kernel's code for it.
    pub fourcc: [u8; 4],
    /// Pixels across and down.
    pub size: (usize, usize),
    /// Frames a second; nothing when the driver does not tell and nobody asked.
    pub fps: Option<f64>,
}

/// Two texts for one sentence.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refused {
    /// The wish that cannot be had.
    pub asked: String,
    /// What there is, in short.
    pub offered: String,
}

const USUAL_SIZE: (usize, usize) = (1280, 720);
const LARGEST: (usize, usize) = (1920, 1080);
const USUAL_FPS: f64 = 30.0;
const WATCHABLE_FPS: f64 = 14.0;

/// How Spotter reads a kernel's format code.
pub fn format_of(fourcc: [u8; 4]) -> Option<PixelFormat> {
    Some(match &fourcc {
        b"MJPG" | b"JPEG" => PixelFormat::Mjpeg,
        b"YU12" => PixelFormat::I420,
        b"NV12" => PixelFormat::Nv12,
        b"YUYV" => PixelFormat::Yuyv,
        b"UYVY" => PixelFormat::Uyvy,
        b"GREY" => PixelFormat::Grey,
        _ => return None,
    })
}

impl SizeOffer {
    /// One size.
    pub fn one(width: usize, height: usize, rates: &[f64]) -> SizeOffer {
        let size = (width, height);
        SizeOffer { min: size, max: size, step: (1, 1), rates: rates.to_vec(), any_rate: false }
    }

    fn extent(&self) -> String {
        let one = |(w, h): (usize, usize)| format!("{w}x{h}");
        if self.max == self.min { one(self.min) } else { format!("{} to {}", one(self.min), one(self.max)) }
    }

    /// The size in this offer that is nearest to `want`.
    pub fn nearest(&self, want: (usize, usize)) -> (usize, usize) {
        let fit = |want: usize, min: usize, max: usize, step: usize| {
            let inside = want.clamp(min, max.max(min));
            min + (inside - min) / step.max(1) * step.max(1)
        };
        (fit(want.0, self.min.0, self.max.0, self.step.0), fit(want.1, self.min.1, self.max.1, self.step.1))
    }

    /// The rate to take: the wished one, else the highest up to 30. `Err` when the wish cannot be had.
    fn rate(&self, wish: Option<f64>) -> Result<Option<f64>, ()> {
        let (Some(&high), Some(&low)) = (self.rates.first(), self.rates.last()) else { return Ok(wish) };
        let between = |fps: f64| self.any_rate && (low..=high).contains(&fps);
        match wish {
            // 29.97 is what people mean by 30.
            Some(fps) => {
                let near = self.rates.iter().copied().find(|r| (r - fps).abs() <= fps * 0.01);
                near.or(between(fps).then_some(fps)).map(Some).ok_or(())
            }
            None if between(USUAL_FPS) => Ok(Some(USUAL_FPS)),
            None => Ok(Some(self.rates.iter().copied().find(|r| *r <= USUAL_FPS * 1.01).unwrap_or(low))),
        }
    }
}

/// Chooses from what is offered.
///
/// # Errors
/// The wish and the offer, in words, when they do not meet.
pub fn choose(offers: &[Offer], wish: &Wish, usb: bool) -> Result<Choice, Refused> {
    let mut best: Option<(Rank, Choice)> = None;
    for offer in offers.iter().filter(|o| wish.format.is_none_or(|f| f == o.format)) {
        for sizes in &offer.sizes {
            let size = sizes.nearest(wish.size.unwrap_or(USUAL_SIZE));
            let Ok(fps) = sizes.rate(wish.fps) else { continue };
            if wish.size.is_some_and(|wanted| wanted != size) {
                continue;
            }
            let choice = Choice { format: offer.format, fourcc: offer.fourcc, size, fps };
            let rank = rank(&choice, usb);
            if best.as_ref().is_none_or(|(other, _)| rank > *other) {
                best = Some((rank, choice));
            }
        }
    }
    best.map(|(_, choice)| choice).ok_or_else(|| Refused { asked: asked(wish), offered: offered(offers, wish) })
}

/// Greater is better, the first difference decides: colour, watchable rate, not too large, near the usual size,
/// MJPEG where the bus is short, rate, format.
type Rank = (bool, bool, bool, Reverse<u64>, bool, u64, u8);

fn rank(choice: &Choice, usb: bool) -> Rank {
    let (width, height) = choice.size;
    let pixels = |(w, h): (usize, usize)| (w * h).max(1) as f64;
    let distance = (pixels(choice.size) / pixels(USUAL_SIZE)).ln().abs();
    let fps = choice.fps.unwrap_or(USUAL_FPS);
    let short_of_bus = usb && pixels(choice.size) > pixels((640, 480));
    let taste = match choice.format {
        PixelFormat::Nv12 => 5,
        PixelFormat::I420 => 4,
        PixelFormat::Yuyv => 3,
        PixelFormat::Uyvy => 2,
        PixelFormat::Mjpeg => 1,
        PixelFormat::Grey => 0,
    };
    (
        choice.format != PixelFormat::Grey,
        fps >= WATCHABLE_FPS,
        width <= LARGEST.0 && height <= LARGEST.1,
        Reverse((distance * 1000.0) as u64),
        short_of_bus && choice.format == PixelFormat::Mjpeg,
        fps.round() as u64,
        taste,
    )
}

fn asked(wish: &Wish) -> String {
    let format = wish.format.map(|f| crate::capture::uri::format_name(f).to_string());
    let size = wish.size.map(|(w, h)| format!("{w}x{h}"));
    let fps = wish.fps.map(|r| format!("at {} fps", short(r)));
    let parts: Vec<String> = [format, size, fps].into_iter().flatten().collect();
    if parts.is_empty() { "any format that Spotter reads".into() } else { parts.join(" ") }
}

/// The offer in short: of the wished format alone when there is one.
fn offered(offers: &[Offer], wish: &Wish) -> String {
    let wished: Vec<&Offer> = offers.iter().filter(|o| wish.format == Some(o.format)).collect();
    let shown = if wished.is_empty() { offers.iter().collect() } else { wished };
    // Formats that have the same sizes share one list.
    let mut lists: Vec<(Vec<&str>, String)> = Vec::new();
    for offer in shown {
        let (name, sizes) = (crate::capture::uri::format_name(offer.format), describe(offer, wish));
        match lists.iter_mut().find(|(_, known)| *known == sizes) {
            Some((names, _)) => names.push(name),
            None => lists.push((vec![name], sizes)),
        }
    }
    let texts: Vec<String> = lists.into_iter().map(|(names, sizes)| format!("{} {sizes}", names.join("/"))).collect();
    if texts.is_empty() { "none of mjpeg, yu12, nv12, yuyv, uyvy, grey".into() } else { texts.join("; ") }
}

/// The sizes of an offer with their highest rates; all rates of the wished size.
fn describe(offer: &Offer, wish: &Wish) -> String {
    let same: Vec<&SizeOffer> = offer.sizes.iter().filter(|s| wish.size.is_some_and(|w| s.nearest(w) == w)).collect();
    if !same.is_empty() {
        return same.iter().map(|s| s.to_string()).collect::<Vec<_>>().join(", ");
    }
    let shown = offer.sizes.iter().take(6).map(|sizes| match sizes.rates.first() {
        Some(high) => format!("{} up to {} fps", sizes.extent(), short(*high)),
        None => sizes.extent(),
    });
    let mut texts: Vec<String> = shown.collect();
    if offer.sizes.len() > 6 {
        texts.push(format!("{} more", offer.sizes.len() - 6));
    }
    texts.join(", ")
}

impl std::fmt::Display for SizeOffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.extent())?;
        let rates: Vec<String> = self.rates.iter().map(|r| short(*r)).collect();
        match (rates.first(), rates.last()) {
            (Some(high), Some(low)) if self.any_rate => write!(f, " ({low} to {high} fps)"),
            (Some(_), _) => write!(f, " ({} fps)", rates.join("/")),
            _ => Ok(()),
        }
    }
}

/// A rate with as many decimals as it needs.
fn short(fps: f64) -> String {
    let text = format!("{fps:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

fn code_as_text<S: serde::Serializer>(code: &[u8; 4], to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(&String::from_utf8_lossy(code))
}

#[cfg(test)]
mod tests {
    use super::*;
    use PixelFormat::*;

    fn offer(format: PixelFormat, sizes: &[(usize, usize, &[f64])]) -> Offer {
        let fourcc = *match format {
            Mjpeg => b"MJPG",
            I420 => b"YU12",
            Nv12 => b"NV12",
            Yuyv => b"YUYV",
            Uyvy => b"UYVY",
            Grey => b"GREY",
        };
        Offer { format, fourcc, sizes: sizes.iter().map(|(w, h, r)| SizeOffer::one(*w, *h, r)).collect() }
    }

    const ALL: &[f64] = &[30.0, 24.0, 20.0, 15.0, 10.0, 7.5, 5.0];

    /// Logitech C920 on USB 2 (its H.264 left out, which is not read).
    fn c920() -> Vec<Offer> {
        vec![
            offer(
                Yuyv,
                &[
                    (640, 480, ALL),
                    (320, 240, ALL),
                    (1280, 720, &[10.0, 7.5, 5.0]),
                    (1920, 1080, &[5.0]),
                    (2304, 1536, &[2.0]),
                ],
            ),
            offer(Mjpeg, &[(640, 480, ALL), (320, 240, ALL), (1280, 720, ALL), (1920, 1080, ALL)]),
        ]
    }

    /// A no-name USB 2 camera without MJPEG.
    fn yuyv_only() -> Vec<Offer> {
        vec![offer(Yuyv, &[(640, 480, &[30.0]), (1280, 720, &[10.0]), (352, 288, &[30.0])])]
    }

    /// Arducam global shutter OV9281 over USB: monochrome.
    fn grey_only() -> Vec<Offer> {
        vec![offer(Grey, &[(1280, 800, &[120.0, 60.0]), (640, 400, &[210.0])])]
    }

    /// Elgato Cam Link 4K: raw only, at what the HDMI side sends.
    fn cam_link() -> Vec<Offer> {
        vec![offer(Yuyv, &[(1920, 1080, &[60.0])]), offer(Nv12, &[(1920, 1080, &[60.0]), (3840, 2160, &[30.0])])]
    }

    fn taken(offers: &[Offer], wish: Wish, usb: bool) -> (PixelFormat, (usize, usize), Option<f64>) {
        let choice = choose(offers, &wish, usb).unwrap();
        (choice.format, choice.size, choice.fps)
    }

    #[test]
    fn without_a_wish_real_cameras_give_what_can_be_watched() {
        let none = Wish::default();
        assert_eq!(taken(&c920(), none, true), (Mjpeg, (1280, 720), Some(30.0)));
        assert_eq!(taken(&yuyv_only(), none, true), (Yuyv, (640, 480), Some(30.0)));
        assert_eq!(taken(&grey_only(), none, true), (Grey, (1280, 800), Some(60.0)));
        assert_eq!(taken(&cam_link(), none, true), (Nv12, (1920, 1080), Some(60.0)));
    }

    #[test]
    fn a_small_picture_or_another_bus_is_taken_raw() {
        let small = Wish { size: Some((640, 480)), ..Wish::default() };
        assert_eq!(taken(&c920(), small, true), (Yuyv, (640, 480), Some(30.0)));
        let both = [offer(Mjpeg, &[(1280, 720, ALL)]), offer(Nv12, &[(1280, 720, ALL)])];
        assert_eq!(taken(&both, Wish::default(), true).0, Mjpeg);
        assert_eq!(taken(&both, Wish::default(), false).0, Nv12);
    }

    #[test]
    fn a_wish_is_kept_and_decides_the_rest() {
        let wish = |size, fps, format| Wish { size, fps, format };
        assert_eq!(
            taken(&c920(), wish(None, None, Some(Yuyv)), true),
            (Yuyv, (640, 480), Some(30.0)),
            "720p raw has 10 fps only"
        );
        assert_eq!(taken(&c920(), wish(Some((1280, 720)), None, Some(Yuyv)), true), (Yuyv, (1280, 720), Some(10.0)));
        assert_eq!(taken(&c920(), wish(None, Some(15.0), None), true), (Mjpeg, (1280, 720), Some(15.0)));
        assert_eq!(taken(&grey_only(), wish(None, Some(210.0), None), true), (Grey, (640, 400), Some(210.0)));
        let ntsc = [offer(Uyvy, &[(720, 480, &[30000.0 / 1001.0])])];
        assert_eq!(taken(&ntsc, wish(None, Some(30.0), None), false).2, Some(30000.0 / 1001.0));
    }

    #[test]
    fn what_cannot_be_had_is_refused_with_the_offer() {
        let wish = |size, fps, format| Wish { size, fps, format };
        for (given, asked, offered) in [
            (wish(Some((800, 600)), None, None), "800x600", "yuyv 640x480 up to 30 fps"),
            (wish(None, None, Some(Nv12)), "nv12", "mjpeg 640x480"),
            (wish(Some((1280, 720)), Some(60.0), Some(Mjpeg)), "mjpeg 1280x720 at 60 fps", "mjpeg 1280x720 (30/"),
        ] {
            let refused = choose(&c920(), &given, true).unwrap_err();
            assert_eq!(refused.asked, asked);
            assert!(refused.offered.contains(offered), "{}", refused.offered);
        }
        assert!(choose(&[], &Wish::default(), true).unwrap_err().offered.starts_with("none of"));
    }

    #[test]
    fn ranges_of_sizes_and_rates_are_met_within() {
        let range =
            SizeOffer { min: (48, 32), max: (4096, 2304), step: (16, 8), rates: vec![60.0, 1.0], any_rate: true };
        let offers = [Offer { format: Nv12, fourcc: *b"NV12", sizes: vec![range] }];
        assert_eq!(taken(&offers, Wish::default(), false), (Nv12, (1280, 720), Some(30.0)));
        let wish = Wish { size: Some((640, 360)), fps: Some(12.5), format: None };
        assert_eq!(taken(&offers, wish, false), (Nv12, (640, 360), Some(12.5)));
        let off_step = Wish { size: Some((641, 360)), ..Wish::default() };
        assert!(choose(&offers, &off_step, false).unwrap_err().offered.contains("48x32 to 4096x2304 up to 60 fps"));
    }

    #[test]
    fn a_driver_that_tells_no_rates_is_asked_for_the_wish() {
        let offers = [offer(Yuyv, &[(1280, 720, &[])])];
        assert_eq!(taken(&offers, Wish::default(), false).2, None);
        assert_eq!(taken(&offers, Wish { fps: Some(25.0), ..Wish::default() }, false).2, Some(25.0));
    }
}
