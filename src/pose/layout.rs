//! How a YOLO pose export lays its answer out, from its shapes and metadata alone.
//!
//! Two layouts are known. *channels* `(1, 4 + classes + 51, N)`: a column for each of N places, with centre, width and
//! height of a box, a score for each class, and 17 points as x, y, visibility; many columns mean the same person.
//! *rows* `(1, M, 6 + 51)`: a row for each person found, with two corners, score, class, points. Coordinates are pixels
//! of the input. What fits neither, or both, is refused: a guess would count somebody else's repetitions.

use super::onnx::{Dim, Element, Header, Port};
use crate::skeleton::KEYPOINTS;

const POINTS: usize = KEYPOINTS * 3;
/// Sides of an input, in pixels.
const SIDES: std::ops::RangeInclusive<usize> = 32..=2048;
/// The most places or rows: an input of 2048x2048 has 86,016 places.
const PLACES_MAX: u64 = 100_000;
/// The most classes.
const CLASSES_MAX: u64 = 1000;

/// How the answer is laid out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// `(1, 4 + classes + 51, places)`, which still needs the suppression of doubles.
    Channels {
        /// How many there are.
        classes: usize,
        /// Columns.
        places: usize,
    },
    /// `(1, rows, 57)`, ready but for the threshold.
    Rows {
        /// How many there are.
        rows: usize,
    },
}

/// A model's input and answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Layout {
    /// The input's pixels across and down.
    pub input: (usize, usize),
    /// Whether the input's numbers have 16 bits.
    pub half: bool,
    /// The answer.
    pub kind: Kind,
    /// Which class is a person.
    pub person: usize,
}

/// Why a model is not one of ours. Each says what was found and what was expected.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LayoutFault {
    /// Not one input and one output.
    #[error("it has {inputs} inputs and {outputs} outputs; a pose model has one of each")]
    Ports {
        /// Found.
        inputs: usize,
        /// Found.
        outputs: usize,
    },
    /// An input that is no picture.
    #[error("its input is {0}; expected (1, 3, height, width) of float32 or float16, each side 32 to 2048")]
    Input(String),
    /// An output of no known layout.
    #[error("its output is {0}; expected (1, 4 + classes + 51, places) or (1, rows, 57)")]
    Output(String),
    /// It was made for something else.
    #[error("its task is {0}; expected pose")]
    Task(String),
    /// Other keypoints.
    #[error("its keypoints are {0}; expected [17, 3]")]
    Keypoints(String),
    /// No class is a person.
    #[error("its classes are {0}; expected one that is called person")]
    Classes(String),
}

impl Layout {
    /// The layout of the model with this header.
    ///
    /// # Errors
    /// When it is no pose model that is known here.
    pub fn of(header: &Header) -> Result<Layout, LayoutFault> {
        let ([input], [output]) = (header.inputs.as_slice(), header.outputs.as_slice()) else {
            return Err(LayoutFault::Ports { inputs: header.inputs.len(), outputs: header.outputs.len() });
        };
        if let Some(task) = header.get("task").filter(|task| *task != "pose") {
            return Err(LayoutFault::Task(shown(task)));
        }
        if let Some(given) = header.get("kpt_shape").filter(|given| numbers(given) != Some(vec![17, 3])) {
            return Err(LayoutFault::Keypoints(shown(given)));
        }
        let (size, half) = input_of(input, header)?;
        let kind = kind_of(output, size, header)?;
        let classes = match kind {
            Kind::Channels { classes, .. } => Some(classes),
            Kind::Rows { .. } => None,
        };
        Ok(Layout { input: size, half, kind, person: person(header.get("names"), classes)? })
    }

    /// Numbers in the answer.
    pub fn answer_len(&self) -> usize {
        match self.kind {
            Kind::Channels { classes, places } => (4 + classes + POINTS) * places,
            Kind::Rows { rows } => rows * (6 + POINTS),
        }
    }
}

fn input_of(port: &Port, header: &Header) -> Result<((usize, usize), bool), LayoutFault> {
    let fault = || LayoutFault::Input(told(port));
    let half = match port.element {
        Element::F32 => false,
        Element::F16 => true,
        Element::Other(_) => return Err(fault()),
    };
    // A side that is open in the graph is the one that the exporter wrote down.
    let written = header.get("imgsz").and_then(numbers).filter(|sides| sides.len() == 2);
    let side = |dim: &Dim, at: usize| match dim {
        Dim::Fixed(side) => usize::try_from(*side).ok(),
        Dim::Open => written.as_ref().and_then(|sides| usize::try_from(sides[at]).ok()),
    };
    let [batch, Dim::Fixed(3), height, width] = port.shape.as_slice() else { return Err(fault()) };
    let (height, width) = (side(height, 0).ok_or_else(fault)?, side(width, 1).ok_or_else(fault)?);
    let sides_fit = SIDES.contains(&height) && SIDES.contains(&width);
    if !matches!(batch, Dim::Fixed(1) | Dim::Open) || !sides_fit {
        return Err(fault());
    }
    Ok(((width, height), half))
}

fn kind_of(port: &Port, input: (usize, usize), header: &Header) -> Result<Kind, LayoutFault> {
    let fault = || LayoutFault::Output(told(port));
    if !matches!(port.element, Element::F32 | Element::F16) {
        return Err(fault());
    }
    let [Dim::Fixed(1) | Dim::Open, Dim::Fixed(middle), last] = port.shape.as_slice() else { return Err(fault()) };
    let (middle, last) = match last {
        Dim::Fixed(last) => (*middle, *last),
        Dim::Open => (*middle, places(input, header).ok_or_else(fault)?),
    };
    let points = POINTS as u64;
    let as_channels = (4 + 1 + points..=4 + CLASSES_MAX + points).contains(&middle) && (1..=PLACES_MAX).contains(&last);
    let as_rows = last == 6 + points && (1..=PLACES_MAX).contains(&middle);
    // With 57 places both may fit; only the metadata can tell.
    let says_rows =
        header.get("end2end") == Some("True") || header.get("args").is_some_and(|a| a.contains("'nms': True"));
    match (as_channels, as_rows, says_rows) {
        (_, true, true) | (false, true, _) => Ok(Kind::Rows { rows: middle as usize }),
        (true, false, false) => Ok(Kind::Channels { classes: (middle - 4 - points) as usize, places: last as usize }),
        _ => Err(fault()),
    }
}

/// How many places an input of this size has, when the graph leaves it open: one for each cell of the grids of 8, 16, 32
/// pixels and so on, up to the coarsest, which the exporter wrote down.
fn places((width, height): (usize, usize), header: &Header) -> Option<u64> {
    let coarsest: usize = header.get("stride")?.parse().ok()?;
    let fits = coarsest.is_power_of_two() && (8..=64).contains(&coarsest) && (width | height) % coarsest == 0;
    let grid = |shift: u32| (width >> shift) * (height >> shift);
    fits.then(|| (3..=coarsest.ilog2()).map(grid).sum::<usize>() as u64)
}

/// Which class is a person. Without names there must be but one class.
fn person(names: Option<&str>, classes: Option<usize>) -> Result<usize, LayoutFault> {
    let Some(names) = names else {
        return match classes {
            Some(1) | None => Ok(0),
            Some(many) => Err(LayoutFault::Classes(format!("{many} without names"))),
        };
    };
    let entries = entries(names).ok_or_else(|| LayoutFault::Classes(shown(names)))?;
    let found = entries.iter().find(|(_, name)| name == "person").map(|(class, _)| *class);
    // A model of one class was trained on people, whatever they were called.
    let found = found.or_else(|| (entries.len() == 1).then(|| entries[0].0));
    found.filter(|class| classes.is_none_or(|c| *class < c)).ok_or_else(|| LayoutFault::Classes(shown(names)))
}

/// `[17, 3]` or `(17, 3)`.
fn numbers(text: &str) -> Option<Vec<i64>> {
    let inner = text.trim().strip_prefix(['[', '('])?.strip_suffix([']', ')'])?;
    inner.split(',').map(str::trim).filter(|n| !n.is_empty()).map(|n| n.parse().ok()).collect()
}

/// `{0: 'person', 1: 'dog'}`
fn entries(text: &str) -> Option<Vec<(usize, String)>> {
    let inner = text.trim().strip_prefix('{')?.strip_suffix('}')?;
    let entry = |part: &str| {
        let (class, name) = part.split_once(':')?;
        Some((class.trim().parse().ok()?, name.trim().trim_matches(['\'', '"']).to_string()))
    };
    inner.split(',').filter(|part| !part.trim().is_empty()).map(entry).collect()
}

/// What a stranger's file says, in a length that a sentence bears.
fn shown(text: &str) -> String {
    text.chars().take(60).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn told(port: &Port) -> String {
    let sides = port.shape.iter().take(6).map(|dim| match dim {
        Dim::Fixed(side) => side.to_string(),
        Dim::Open => "?".into(),
    });
    let element = match port.element {
        Element::F32 => "float32".to_string(),
        Element::F16 => "float16".to_string(),
        Element::Other(other) => format!("data type {other}"),
    };
    format!("({}) of {element}", sides.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pose::onnx::tests::file;

    fn of(input: &[u64], output: &[u64], metadata: &[(&str, &str)]) -> Result<Layout, String> {
        let header = Header::read(&file(input, output, 1, metadata)).unwrap();
        Layout::of(&header).map_err(|fault| fault.to_string())
    }

    const PERSON: (&str, &str) = ("names", "{0: 'person'}");

    #[test]
    fn the_family_is_told_apart() {
        let picture = &[1, 3, 640, 640];
        let kind = |output: &[u64], metadata: &[(&str, &str)]| of(picture, output, metadata).unwrap().kind;
        let channels = Kind::Channels { classes: 1, places: 8400 };
        assert_eq!(kind(&[1, 56, 8400], &[PERSON, ("task", "pose"), ("kpt_shape", "[17, 3]")]), channels);
        assert_eq!(kind(&[1, 56, 8400], &[]), channels);
        assert_eq!(kind(&[1, 300, 57], &[PERSON, ("end2end", "True")]), Kind::Rows { rows: 300 });
        assert_eq!(kind(&[1, 300, 57], &[PERSON, ("args", "{'batch': 1, 'nms': True}")]), Kind::Rows { rows: 300 });
        let two = of(picture, &[1, 57, 8400], &[("names", "{0: 'dog', 1: 'person'}")]).unwrap();
        assert_eq!((two.kind, two.person), (Kind::Channels { classes: 2, places: 8400 }, 1));
        assert_eq!((two.answer_len(), two.half), (57 * 8400, false));
    }

    #[test]
    fn inputs_may_be_rectangular_and_open_sides_are_in_the_metadata() {
        assert_eq!(of(&[1, 3, 384, 640], &[1, 56, 5040], &[]).unwrap().input, (640, 384));
        let header = Header::read(&file(&[1, 3, 192, 320], &[1, 56, 240], 10, &[])).unwrap();
        assert_eq!(Layout::of(&header).map(|l| (l.input, l.half)), Ok(((320, 192), true)));
        let mut open = Header::read(&file(&[1, 3, 1, 1], &[1, 56, 5040], 1, &[("imgsz", "[384, 640]")])).unwrap();
        open.inputs[0].shape[2..].fill(Dim::Open);
        assert_eq!(Layout::of(&open).unwrap().input, (640, 384));
        open.outputs[0].shape[2] = Dim::Open;
        let said = |header: &Header| Layout::of(header).unwrap_err().to_string();
        assert!(said(&open).starts_with("its output is (1, 56, ?) of float32; expected"), "{}", said(&open));
        for (stride, places) in [("32", Some(5040)), ("64", Some(5100)), ("33", None), ("0", None), ("256", None)] {
            open.metadata.retain(|(key, _)| key != "stride");
            open.metadata.push(("stride".into(), stride.into()));
            let kind = places.map(|places| Kind::Channels { classes: 1, places });
            assert_eq!(Layout::of(&open).ok().map(|layout| layout.kind), kind, "{stride}");
        }
        open.metadata.clear();
        assert!(said(&open).starts_with("its input is (1, 3, ?, ?) of float32; expected"), "{}", said(&open));
    }

    #[test]
    fn what_is_no_pose_model_is_refused_with_what_was_found_and_expected() {
        let picture = &[1, 3, 640, 640];
        for (input, output, metadata, want) in [
            (&picture[..], &[1, 84, 8400][..], &[("task", "detect")][..], "its task is detect; expected pose"),
            (picture, &[1, 12, 8400], &[], "its output is (1, 12, 8400) of float32; expected (1, 4 + classes"),
            (picture, &[1, 56, 8400], &[("kpt_shape", "[21, 3]")], "its keypoints are [21, 3]; expected [17, 3]"),
            (picture, &[1, 57, 8400], &[], "its classes are 2 without names; expected one that is called person"),
            (picture, &[1, 57, 57], &[], "its output is (1, 57, 57) of float32; expected (1, 4 + "),
            (
                picture,
                &[1, 57, 8400],
                &[("names", "{0: 'cat', 1: 'dog'}")],
                "its classes are {0: 'cat', 1: 'dog'}; exp",
            ),
            (&[4, 3, 640, 640], &[4, 56, 8400], &[], "its input is (4, 3, 640, 640) of float32; expected (1, 3, "),
            (&[1, 3, 8, 8], &[1, 56, 84], &[], "its input is (1, 3, 8, 8) of float32"),
            (&[1, 640, 640, 3], &[1, 56, 8400], &[], "its input is (1, 640, 640, 3) of float32"),
        ] {
            let fault = of(input, output, metadata).map(|l| format!("{l:?}")).unwrap_or_else(|fault| fault);
            assert!(fault.starts_with(want), "{fault}");
        }
        let header = Header::read(&file(picture, &[1, 56, 8400], 7, &[])).unwrap();
        let fault = Layout::of(&header).unwrap_err().to_string();
        assert!(fault.starts_with("its input is (1, 3, 640, 640) of data type 7"), "{fault}");
        let none = Layout::of(&Header::default()).unwrap_err();
        assert_eq!(none.to_string(), "it has 0 inputs and 0 outputs; a pose model has one of each");
    }
}
