//! The poses file: what was found on each frame of a recording, one frame a line as JSON,
//! `{"t": seconds, "poses": [{"score", "bbox", "keypoints"}]}`; the first line may be `{"size": [width, height]}`.
//!
//! Whatever stands in it, it is read line by line in bounded memory, and the first line that does not fit ends it.

use std::io::{BufRead, Read};

use super::recording::Sighting;
use crate::skeleton::{KEYPOINTS, Keypoint, Pose};
use crate::time::Mono;

/// Pictures whose size a poses file does not tell.
const USUAL_SIZE: (usize, usize) = (1280, 720);
/// The greatest time of a poses file, seconds: thirty years.
const MOST_S: f64 = 1e9;
/// The widest picture, pixels.
const MOST_PX: usize = 65_536;
/// The most bytes of a line: some hundred people.
const MOST_LINE: u64 = 1 << 20;

/// A line that does not fit.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct PosesFault {
    /// Its number; the first is 1.
    pub line: u64,
    /// What is wrong with it, one sentence.
    pub why: String,
}

/// A line of a poses file.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    size: Option<[usize; 2]>,
    t: Option<f64>,
    poses: Option<Vec<Person>>,
}

#[derive(serde::Deserialize)]
struct Person {
    score: f32,
    bbox: [f32; 4],
    keypoints: [[f32; 3]; KEYPOINTS],
}

/// The frames of a poses file, in order.
pub struct PosesFile<R> {
    lines: R,
    number: u64,
    size: (usize, usize),
    last_s: f64,
    failed: bool,
}

impl<R: BufRead> PosesFile<R> {
    /// Reads from its first line on.
    pub fn new(lines: R) -> PosesFile<R> {
        PosesFile { lines, number: 0, size: USUAL_SIZE, last_s: 0.0, failed: false }
    }

    /// What was found on the next line's frame; nothing at the end, or for the line that tells the size.
    fn read(&mut self) -> Result<Option<Option<Sighting>>, String> {
        let mut text = Vec::new();
        self.number += 1;
        let read = Read::take(&mut self.lines, MOST_LINE).read_until(b'\n', &mut text);
        if read.map_err(|why| why.to_string())? == 0 {
            return Ok(None);
        }
        if text.len() as u64 == MOST_LINE {
            return Err(format!("the line has more than {MOST_LINE} bytes"));
        }
        if text.trim_ascii().is_empty() {
            return Ok(Some(None));
        }
        let line: Line = serde_json::from_slice(&text).map_err(|why| why.to_string())?;
        match line {
            Line { size: Some([width, height]), t: None, poses: None } if self.number == 1 => {
                if !((1..=MOST_PX).contains(&width) && (1..=MOST_PX).contains(&height)) {
                    return Err(format!("a picture is 1 to {MOST_PX} pixels wide and high, not {width}x{height}"));
                }
                self.size = (width, height);
                Ok(Some(None))
            }
            Line { size: None, t: Some(t), poses: Some(people) } => {
                if !(0.0..=MOST_S).contains(&t) {
                    return Err(format!("t is {t}, it must be 0 to {MOST_S} seconds"));
                }
                if t < self.last_s {
                    return Err(format!("t goes back from {} to {t}", self.last_s));
                }
                self.last_s = t;
                let stamp = Mono::from_ns((t * 1e9) as u64);
                let poses = people.into_iter().map(Person::pose).collect();
                Ok(Some(Some(Sighting { stamp, size: self.size, poses })))
            }
            _ => Err("a line is {\"t\": …, \"poses\": […]}, and the first may be {\"size\": [width, height]}".into()),
        }
    }
}

impl Person {
    fn pose(self) -> Pose {
        let keypoints = self.keypoints.map(|[x, y, confidence]| Keypoint { x, y, confidence });
        Pose { score: self.score, bbox: self.bbox, keypoints }
    }
}

impl<R: BufRead> Iterator for PosesFile<R> {
    type Item = Result<Sighting, PosesFault>;

    fn next(&mut self) -> Option<Result<Sighting, PosesFault>> {
        while !self.failed {
            match self.read() {
                Ok(Some(Some(shot))) => return Some(Ok(shot)),
                Ok(Some(None)) => {}
                Ok(None) => return None,
                Err(why) => {
                    self.failed = true;
                    return Some(Err(PosesFault { line: self.number, why }));
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shots(text: &str) -> Vec<Result<(u64, usize), PosesFault>> {
        let file = PosesFile::new(text.as_bytes());
        file.map(|shot| shot.map(|shot| (shot.stamp.as_ns(), shot.poses.len()))).collect()
    }

    fn person() -> String {
        let points = vec!["[1,2,0.9]"; KEYPOINTS].join(",");
        format!(r#"{{"score":0.9,"bbox":[0,0,10,20],"keypoints":[{points}]}}"#)
    }

    #[test]
    fn a_poses_file_is_read_with_and_without_its_size() {
        let frames = format!("{{\"t\":0,\"poses\":[]}}\n{{\"t\":0.5,\"poses\":[{}]}}\n", person());
        let want = [Ok((0, 0)), Ok((500_000_000, 1))];
        assert_eq!(shots(&frames), want);
        assert_eq!(shots(&format!("{{\"size\":[640,480]}}\n{frames}")), want);
        assert_eq!(shots(""), []);
    }

    #[test]
    fn a_line_that_does_not_fit_is_told_with_its_number_and_ends_it() {
        let good = "{\"t\":1,\"poses\":[]}\n";
        for (line, why) in [
            ("{\"t\":0.5,\"poses\":[]}", "t goes back from 1 to 0.5"),
            ("{\"t\":-1,\"poses\":[]}", "t is -1, it must be 0 to 1000000000 seconds"),
            ("{\"size\":[1,1]}", "a line is"),
            ("{\"t\":2}", "a line is"),
            ("{\"t\":2,\"poses\":[{\"score\":1}]}", "missing field"),
            ("nonsense", "expected"),
        ] {
            let told = shots(&format!("{good}{line}\n{good}"));
            assert_eq!(told.len(), 2, "{line}");
            let fault = told[1].as_ref().unwrap_err();
            assert!(fault.line == 2 && fault.why.starts_with(why), "{fault}");
        }
        assert_eq!(shots("{\"size\":[0,5]}\n").len(), 1);
    }
}
