//! What an ONNX file says of itself: its inputs and outputs with their shapes, and its metadata.
//!
//! Read before any engine sees the file, so that a model of the wrong kind is refused with a sentence, at once, whatever
//! the engine. It reads the outermost messages only and skips the weights. Field numbers are those of `onnx.proto` in
//! the ONNX specification (IR version 3 and later).

mod softmax;
mod suppression;
mod wire;

pub use self::softmax::spelled_out;
pub use self::suppression::Suppression;
use self::wire::{Fields, Value};

/// More inputs, outputs or metadata than this are no pose model.
const MOST: usize = 64;
/// `TensorProto.DataType`.
const FLOAT: u64 = 1;
const FLOAT16: u64 = 10;

/// What the numbers of a port are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Element {
    /// 32 bit.
    F32,
    /// 16 bit.
    F16,
    /// Another `TensorProto.DataType`.
    Other(u64),
}

/// One side of a tensor.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Dim {
    /// Known.
    Fixed(u64),
    /// Given with each run.
    Open,
}

/// An input or an output.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Port {
    /// Its name.
    pub name: String,
    /// Its numbers.
    pub element: Element,
    /// Its sides.
    pub shape: Vec<Dim>,
}

/// What a file says of itself.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Header {
    /// The inputs that are no weights.
    pub inputs: Vec<Port>,
    /// The outputs.
    pub outputs: Vec<Port>,
    /// Keys and values.
    pub metadata: Vec<(String, String)>,
}

/// Why a file is none.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum HeaderFault {
    /// Something else, or it ends too early.
    #[error("it is no ONNX file, or it is cut short")]
    NotOnnx,
    /// Hundreds of ports.
    #[error("it has more than {MOST} inputs, outputs or metadata entries")]
    TooMany,
}

impl Header {
    /// Reads the file's bytes.
    ///
    /// # Errors
    /// When they are no ONNX model.
    pub fn read(bytes: &[u8]) -> Result<Header, HeaderFault> {
        let (mut graph, mut metadata) = (None, Vec::new());
        let mut fields = Fields::of(bytes);
        for field in fields.by_ref() {
            match field {
                (7, Value::Bytes(bytes)) => graph = Some(bytes),
                (14, Value::Bytes(entry)) => metadata.push(entry_of(entry)),
                _ => {}
            }
            if metadata.len() > MOST {
                return Err(HeaderFault::TooMany);
            }
        }
        let graph = graph.filter(|_| !fields.broken()).ok_or(HeaderFault::NotOnnx)?;
        let mut header = Header { metadata, ..Header::default() };
        header.read_graph(graph)?;
        Ok(header)
    }

    fn read_graph(&mut self, bytes: &[u8]) -> Result<(), HeaderFault> {
        // Old files list their weights among the inputs, after or before the weights themselves.
        let is_weight = |name: &str| {
            Fields::of(bytes).any(|field| match field {
                (5, Value::Bytes(tensor)) => text(tensor, 8).as_deref() == Some(name),
                _ => false,
            })
        };
        let (mut fields, mut inputs) = (Fields::of(bytes), Vec::new());
        for field in fields.by_ref() {
            match field {
                (11, Value::Bytes(port)) => inputs.push(port_of(port)),
                (12, Value::Bytes(port)) => self.outputs.push(port_of(port)),
                _ => {}
            }
            if inputs.len() > MOST || self.outputs.len() > MOST {
                return Err(HeaderFault::TooMany);
            }
        }
        if fields.broken() {
            return Err(HeaderFault::NotOnnx);
        }
        inputs.retain(|port| !is_weight(&port.name));
        self.inputs = inputs;
        Ok(())
    }

    /// The metadata's value of this key.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.metadata.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }
}

fn text(message: &[u8], number: u64) -> Option<String> {
    Fields::of(message).find_map(|field| match field {
        (n, Value::Bytes(bytes)) if n == number => Some(String::from_utf8_lossy(bytes).into_owned()),
        _ => None,
    })
}

fn message(outer: &[u8], number: u64) -> Option<&[u8]> {
    Fields::of(outer).find_map(|field| match field {
        (n, Value::Bytes(bytes)) if n == number => Some(bytes),
        _ => None,
    })
}

fn number(message: &[u8], wanted: u64) -> Option<u64> {
    Fields::of(message).find_map(|field| match field {
        (n, Value::Number(value)) if n == wanted => Some(value),
        _ => None,
    })
}

fn entry_of(entry: &[u8]) -> (String, String) {
    (text(entry, 1).unwrap_or_default(), text(entry, 2).unwrap_or_default())
}

/// A `ValueInfoProto`.
fn port_of(port: &[u8]) -> Port {
    let tensor = message(port, 2).and_then(|kind| message(kind, 1)).unwrap_or_default();
    let element = number(tensor, 1).map(|kind| match kind {
        FLOAT => Element::F32,
        FLOAT16 => Element::F16,
        other => Element::Other(other),
    });
    let dims = Fields::of(message(tensor, 2).unwrap_or_default()).filter_map(|field| match field {
        (1, Value::Bytes(dim)) => Some(dim),
        _ => None,
    });
    let side = |dim| number(dim, 1).map(Dim::Fixed);
    Port {
        name: text(port, 1).unwrap_or_default(),
        element: element.unwrap_or(Element::Other(0)),
        shape: dims.take(MOST).map(|dim| side(dim).unwrap_or(Dim::Open)).collect(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(in crate::pose) use super::softmax::tests::{softmax, softmax_in_the_way};
    pub(in crate::pose::onnx) use super::wire::{bytes_of as field, number_of as number};

    fn port(name: &str, element: u64, shape: &[u64]) -> Vec<u8> {
        let dims: Vec<u8> = shape.iter().flat_map(|side| field(1, &number(1, *side))).collect();
        let tensor = [number(1, element), field(2, &dims)].concat();
        [field(1, name.as_bytes()), field(2, &field(1, &tensor))].concat()
    }

    /// A file with one input, one output and this metadata, and no graph to speak of.
    pub(in crate::pose) fn file(input: &[u64], output: &[u64], element: u64, metadata: &[(&str, &str)]) -> Vec<u8> {
        let weight = field(5, &field(8, b"w"));
        let inputs = [field(11, &port("images", element, input)), field(11, &port("w", 1, &[3]))].concat();
        let graph = [inputs, weight, field(12, &port("output0", element, output))].concat();
        let entries: Vec<u8> = metadata
            .iter()
            .flat_map(|(key, value)| field(14, &[field(1, key.as_bytes()), field(2, value.as_bytes())].concat()))
            .collect();
        [number(1, 9), field(7, &graph), entries].concat()
    }

    /// A whole small model: it answers with the first numbers of its input, so that the right answer is known without it.
    /// 64 by 64 pixels, `(1, 56, 84)`; `element` is that of input and output.
    pub(in crate::pose) fn first_numbers(element: u64) -> Vec<u8> {
        small(element, "output0", 17, &[])
    }

    /// The same, when the first numbers are named otherwise and `more` follows, by this version of the operators.
    pub(in crate::pose::onnx) fn small(element: u64, numbers: &str, operators: u64, more: &[u8]) -> Vec<u8> {
        let constant = |name: &str, values: &[i64]| {
            let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            let tensor = [number(1, values.len() as u64), number(2, 7), field(8, name.as_bytes()), field(9, &raw)];
            field(5, &tensor.concat())
        };
        let node = |kind: &str, inputs: &[&str], output: &str| {
            let inputs: Vec<u8> = inputs.iter().flat_map(|input| field(1, input.as_bytes())).collect();
            field(1, &[inputs, field(2, output.as_bytes()), field(4, kind.as_bytes())].concat())
        };
        let graph = [
            node("Reshape", &["images", "flat"], "all"),
            node("Slice", &["all", "zero", "count"], "some"),
            node("Reshape", &["some", "answer"], numbers),
            more.to_vec(),
            field(2, b"first numbers"),
            constant("flat", &[-1]),
            constant("zero", &[0]),
            constant("count", &[56 * 84]),
            constant("answer", &[1, 56, 84]),
            field(11, &port("images", element, &[1, 3, 64, 64])),
            field(12, &port("output0", element, &[1, 56, 84])),
        ];
        [number(1, 8), field(7, &graph.concat()), field(8, &number(2, operators))].concat()
    }

    #[test]
    fn the_small_model_of_the_front_doors_tests_is_this_one() {
        let kept = include_bytes!("../../../tests/golden/first_numbers.onnx");
        assert!(kept == first_numbers(1).as_slice(), "write it anew");
    }

    #[test]
    fn ports_shapes_and_metadata_are_read_and_weights_are_no_inputs() {
        let bytes = file(&[1, 3, 640, 640], &[1, 56, 8400], 1, &[("task", "pose")]);
        let header = Header::read(&bytes).unwrap();
        assert_eq!(header.inputs.len(), 1);
        assert_eq!((header.inputs[0].name.as_str(), header.inputs[0].element), ("images", Element::F32));
        assert_eq!(header.outputs[0].shape, [Dim::Fixed(1), Dim::Fixed(56), Dim::Fixed(8400)]);
        assert_eq!((header.get("task"), header.get("names")), (Some("pose"), None));
    }

    #[test]
    fn every_shortened_file_is_refused_or_lacks_something() {
        let bytes = file(&[1, 3, 64, 64], &[1, 56, 84], 1, &[("task", "pose")]);
        let whole = Header::read(&bytes).unwrap();
        for end in 0..bytes.len() {
            assert_ne!(Header::read(&bytes[..end]).ok().as_ref(), Some(&whole), "cut at {end}");
        }
        assert_eq!(Header::read(b"\x89PNG\r\n\x1a\n"), Err(HeaderFault::NotOnnx));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = Header::read(&bytes);
        }

        #[test]
        fn a_damaged_file_is_read_or_refused(at in 0..200usize, value: u8) {
            let mut bytes = file(&[1, 3, 64, 64], &[1, 56, 84], 1, &[("kpt_shape", "[17, 3]")]);
            let at = at % bytes.len();
            bytes[at] = value;
            let _ = Header::read(&bytes);
        }
    }
}
