//! `Softmax` across channels, spelled out in the operators that it is made of.
//!
//! The heads of YOLO v8 and 11 take one of 16 channels at each of thousands of places. ONNX Runtime turns the whole tensor
//! over for that and back, number by number: 13 ms of the 65 that yolo11n-pose takes at 640 on two cores. The same by
//! its definition, exp(x - max) / sum, is SIMD throughout and takes less than 1 ms. Nothing else of the file changes.
//! Field numbers are those of `onnx.proto`; what the operators take, of the ONNX operators' specification.

use super::wire::{Fields, Value, bytes_of, number_of};
use super::{Header, message, number, text};

/// Before this version of the operators `Softmax` meant something else.
const SINCE: u64 = 13;
/// From this version on the greatest is told its axes as it is told its numbers.
const AXES_ARE_INPUTS: u64 = 18;
/// `TensorProto.DataType` and `AttributeProto.AttributeType`.
const INT64: u64 = 7;
const INT: u64 = 2;
const INTS: u64 = 7;
/// The axis of the channels.
const CHANNELS: u64 = 1;

/// The file with every such step spelled out; nothing where it has none, cannot be read, or has an input or a weight of a name
/// that is needed.
pub fn spelled_out(file: &[u8]) -> Option<Vec<u8>> {
    let operators = Fields::of(file).find_map(|field| match field {
        (8, Value::Bytes(set)) if text(set, 1).unwrap_or_default().is_empty() => number(set, 2),
        _ => None,
    })?;
    if operators < SINCE || message(file, 7).is_none() {
        return None;
    }
    let (mut found, mut out) = (false, Vec::with_capacity(file.len() + 1024));
    let mut fields = Fields::of(file);
    while let Some((field, as_it_is)) = fields.next_with_bytes() {
        match field {
            (7, Value::Bytes(graph)) => {
                let (graph, changed) = graph_of(graph, operators)?;
                found |= changed;
                out.extend(bytes_of(7, &graph));
            }
            _ => out.extend_from_slice(as_it_is),
        }
    }
    // An input by the name of a constant that is put in would be taken for a weight.
    let is_same = Header::read(file).is_ok_and(|header| Header::read(&out) == Ok(header));
    (found && !fields.broken() && is_same).then_some(out)
}

fn graph_of(graph: &[u8], operators: u64) -> Option<(Vec<u8>, bool)> {
    let (mut found, mut out) = (false, Vec::with_capacity(graph.len() + 1024));
    let mut fields = Fields::of(graph);
    while let Some((field, as_it_is)) = fields.next_with_bytes() {
        match field {
            (1, Value::Bytes(node)) if is_across_channels(node) => {
                let output = text(node, 2)?;
                if has_weight(graph, &axes_of(&output)) {
                    return None;
                }
                out.extend(spelled(&text(node, 1)?, &output, operators));
                found = true;
            }
            _ => out.extend_from_slice(as_it_is),
        }
    }
    (!fields.broken()).then_some((out, found))
}

/// Whether there is one by this name. Nothing says which of two an engine takes.
fn has_weight(graph: &[u8], name: &str) -> bool {
    Fields::of(graph)
        .any(|field| matches!(field, (5, Value::Bytes(weight)) if text(weight, 8).as_deref() == Some(name)))
}

/// The name of the constant.
fn axes_of(output: &str) -> String {
    format!("{output}/axes")
}

fn is_across_channels(node: &[u8]) -> bool {
    let is_axis = |field| match field {
        (5, Value::Bytes(attribute)) => {
            text(attribute, 1).as_deref() == Some("axis") && number(attribute, 3) == Some(CHANNELS)
        }
        _ => false,
    };
    let own = text(node, 7).unwrap_or_default().is_empty();
    own && text(node, 4).as_deref() == Some("Softmax") && Fields::of(node).any(is_axis)
}

/// The nodes and the one constant in its place; their values are named after its output.
fn spelled(input: &str, output: &str, operators: u64) -> Vec<u8> {
    let named = |part: &str| format!("{output}/{part}");
    let [most, less, raised, sum] = ["most", "less", "raised", "sum"].map(named);
    let axes = axes_of(output);
    let tensor =
        [number_of(1, 1), number_of(2, INT64), bytes_of(8, axes.as_bytes()), bytes_of(9, &CHANNELS.to_le_bytes())];
    let list = [bytes_of(1, b"axes"), number_of(8, CHANNELS), number_of(20, INTS)].concat();
    let (greatest, told) = match operators < AXES_ARE_INPUTS {
        true => (node("ReduceMax", &[input], &most), bytes_of(5, &list)),
        false => (node("ReduceMax", &[input, &axes], &most), Vec::new()),
    };
    [
        bytes_of(5, &tensor.concat()),
        bytes_of(1, &[greatest, told].concat()),
        bytes_of(1, &node("Sub", &[input, &most], &less)),
        bytes_of(1, &node("Exp", &[&less], &raised)),
        bytes_of(1, &node("ReduceSum", &[&raised, &axes], &sum)),
        bytes_of(1, &node("Div", &[&raised, &sum], output)),
    ]
    .concat()
}

/// A `NodeProto` of this kind; what reduces keeps the side that it reduces.
fn node(kind: &str, inputs: &[&str], output: &str) -> Vec<u8> {
    let mut node: Vec<u8> = inputs.iter().flat_map(|input| bytes_of(1, input.as_bytes())).collect();
    node.extend(bytes_of(2, output.as_bytes()));
    node.extend(bytes_of(3, output.as_bytes()));
    node.extend(bytes_of(4, kind.as_bytes()));
    if kind.starts_with("Reduce") {
        node.extend(bytes_of(5, &[bytes_of(1, b"keepdims"), number_of(3, 1), number_of(20, INT)].concat()));
    }
    node
}

#[cfg(test)]
pub(in crate::pose) mod tests {
    use super::super::tests::small;
    use super::*;
    use proptest::prelude::*;

    /// The first numbers of the input, and the softmax of them along `axis`.
    pub(in crate::pose) fn softmax(axis: u64, operators: u64) -> Vec<u8> {
        softmax_beside(axis, operators, &[])
    }

    /// The same beside a value that has the name of one that is put in its place.
    pub(in crate::pose) fn softmax_in_the_way() -> Vec<u8> {
        softmax_beside(1, 18, &bytes_of(1, &node("Identity", &["last"], "output0/most")))
    }

    fn softmax_beside(axis: u64, operators: u64, more: &[u8]) -> Vec<u8> {
        let attribute = bytes_of(5, &[bytes_of(1, b"axis"), number_of(3, axis), number_of(20, INT)].concat());
        let last = [node("Softmax", &["last"], "output0"), attribute].concat();
        small(1, "last", operators, &[more, &bytes_of(1, &last)].concat())
    }

    fn kinds(file: &[u8]) -> Vec<String> {
        let nodes = Fields::of(message(file, 7).unwrap()).filter_map(|field| match field {
            (1, Value::Bytes(node)) => text(node, 4),
            _ => None,
        });
        nodes.collect()
    }

    #[test]
    fn only_what_goes_across_channels_is_spelled_out() {
        let before = softmax(1, 18);
        let after = spelled_out(&before).unwrap();
        assert_eq!(kinds(&before), ["Reshape", "Slice", "Reshape", "Softmax"]);
        let whole = ["Reshape", "Slice", "Reshape", "ReduceMax", "Sub", "Exp", "ReduceSum", "Div"];
        assert_eq!(kinds(&after), whole);
        assert_eq!(super::super::Header::read(&after), super::super::Header::read(&before));
        assert_eq!(spelled_out(&after), None, "there is nothing left to do");
        for other in [softmax(2, 18), softmax(u64::MAX, 18), softmax(1, 12), small(1, "output0", 18, &[])] {
            assert_eq!(spelled_out(&other), None);
        }
    }

    #[test]
    fn an_input_by_the_name_of_a_constant_that_is_put_in_stays_an_input() {
        let input = |name: &str| softmax_beside(1, 18, &bytes_of(11, &bytes_of(1, name.as_bytes())));
        assert_eq!(spelled_out(&input("output0/axes")), None);
        let other = input("output0/axles");
        let names =
            |file: &[u8]| Header::read(file).unwrap().inputs.into_iter().map(|port| port.name).collect::<Vec<_>>();
        assert_eq!(names(&spelled_out(&other).unwrap()), names(&other));
        assert!(names(&other).contains(&"output0/axles".to_string()));
    }

    #[test]
    fn a_weight_by_the_name_of_the_constant_is_not_there_twice() {
        let weight = |name: &str| {
            let tensor = [number_of(1, 1), number_of(2, INT64), bytes_of(8, name.as_bytes()), bytes_of(9, &[0; 8])];
            softmax_beside(1, 18, &bytes_of(5, &tensor.concat()))
        };
        assert_eq!(spelled_out(&weight("output0/axes")), None);
        assert!(spelled_out(&weight("output0/axles")).is_some());
    }

    #[test]
    fn a_file_that_is_cut_short_is_left_alone() {
        let file = softmax(1, 18);
        let graph = message(&file, 7).unwrap();
        // The operators' version first and something behind the graph, so that what is cut off is all that is wrong.
        let whole = |graph: &[u8]| {
            [bytes_of(8, &number_of(2, 18)), bytes_of(7, graph), bytes_of(14, &bytes_of(1, b"key"))].concat()
        };
        let (good, behind) = (whole(graph), whole(graph).len() - bytes_of(14, &bytes_of(1, b"key")).len());
        assert!(spelled_out(&good).is_some() && spelled_out(&good[..behind]).is_some());
        for end in (0..behind).chain(behind + 1..good.len()) {
            assert_eq!(spelled_out(&good[..end]), None, "cut at {end}");
        }
        // A graph that ends within one of its fields, in a file that does not.
        let (mut fields, mut ends) = (Fields::of(graph), vec![0]);
        while let Some((_, as_it_is)) = fields.next_with_bytes() {
            ends.push(ends[ends.len() - 1] + as_it_is.len());
        }
        for end in (1..graph.len()).filter(|end| !ends.contains(end)) {
            assert_eq!(spelled_out(&whole(&graph[..end])), None, "a graph cut at {end}");
        }
    }

    proptest! {
        #[test]
        fn a_damaged_file_is_spelled_out_or_left_alone(at in 0..2000usize, value: u8) {
            let mut file = softmax(1, 18);
            let at = at % file.len();
            file[at] = value;
            let _ = spelled_out(&file);
        }
    }
}
