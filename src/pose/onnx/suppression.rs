//! Where a graph suppresses doubles by itself: its `NonMaxSuppression`, and what the rest of the graph needs.
//!
//! For an engine that must do this one step otherwise: what goes into the step, what comes out, and which values the
//! nodes behind it take besides. Field numbers are those of `onnx.proto`.

use std::collections::HashSet;

use super::text;
use super::wire::{Fields, Value};

/// The one `NonMaxSuppression` of a graph; values are named.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Suppression {
    /// Boxes `(1, n, 4)`, and scores `(1, classes, n)`.
    pub boxes: String,
    /// Above.
    pub scores: String,
    /// The most boxes of a class, the overlap beyond which two are one, the score that one must have more of.
    pub limits: [Option<String>; 3],
    /// Whether a box is its centre, width and height; else two opposite corners.
    pub centred: bool,
    /// What was chosen: rows of batch, class, box.
    pub output: String,
    /// What the nodes that depend on [`Suppression::output`] take besides, constants left out.
    pub besides: Vec<String>,
}

/// A `NodeProto`: names of what goes in and comes out, in order; an optional input that is left out has no name.
#[derive(Default)]
struct Node {
    inputs: Vec<String>,
    outputs: Vec<String>,
    kind: String,
    centred: bool,
}

impl Node {
    fn of(bytes: &[u8]) -> Node {
        let mut node = Node::default();
        let name = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        for field in Fields::of(bytes) {
            match field {
                (1, Value::Bytes(bytes)) => node.inputs.push(name(bytes)),
                (2, Value::Bytes(bytes)) => node.outputs.push(name(bytes)),
                (4, Value::Bytes(bytes)) => node.kind = name(bytes),
                (5, Value::Bytes(attribute)) if text(attribute, 1).as_deref() == Some("center_point_box") => {
                    node.centred = Fields::of(attribute).any(|field| field == (3, Value::Number(1)));
                }
                _ => {}
            }
        }
        node
    }
}

impl Suppression {
    /// The one in this file; nothing where there is none, or more than one.
    pub fn find(bytes: &[u8]) -> Option<Suppression> {
        let graph = super::message(bytes, 7)?;
        let (mut constants, mut nodes) = (HashSet::new(), Vec::new());
        for field in Fields::of(graph) {
            match field {
                (1, Value::Bytes(bytes)) => nodes.push(Node::of(bytes)),
                (5, Value::Bytes(bytes)) => constants.extend(text(bytes, 8)),
                _ => {}
            }
        }
        for node in nodes.iter().filter(|node| node.kind == "Constant") {
            constants.extend(node.outputs.iter().cloned());
        }
        let mut steps = nodes.iter().filter(|node| node.kind == "NonMaxSuppression");
        let (step, None) = (steps.next()?, steps.next()) else { return None };
        let input = |at: usize| step.inputs.get(at).filter(|name| !name.is_empty()).cloned();
        let output = step.outputs.first()?.clone();
        // Nodes stand in an order in which they can be worked off.
        let (mut depends, mut besides) = (HashSet::from([output.clone()]), Vec::new());
        for node in nodes.iter().filter(|node| node.kind != "Constant") {
            if !node.inputs.iter().any(|name| depends.contains(name)) {
                continue;
            }
            depends.extend(node.outputs.iter().cloned());
            for name in &node.inputs {
                let known = name.is_empty() || depends.contains(name) || constants.contains(name);
                if !known && !besides.contains(name) {
                    besides.push(name.clone());
                }
            }
        }
        let (boxes, scores) = (input(0)?, input(1)?);
        Some(Suppression { boxes, scores, limits: [2, 3, 4].map(input), centred: step.centred, output, besides })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{field, number};
    use super::*;

    fn node(kind: &str, inputs: &[&str], outputs: &[&str]) -> Vec<u8> {
        let names = |at: u64, names: &[&str]| names.iter().flat_map(|n| field(at, n.as_bytes())).collect::<Vec<u8>>();
        field(1, &[names(1, inputs), names(2, outputs), field(4, kind.as_bytes())].concat())
    }

    fn graph(nodes: &[Vec<u8>]) -> Vec<u8> {
        [number(1, 9), field(7, &[nodes.concat(), field(5, &field(8, b"weight"))].concat())].concat()
    }

    #[test]
    fn the_step_is_found_with_what_the_rest_needs() {
        let before = [node("Conv", &["images", "weight"], &["b"]), node("Sigmoid", &["b"], &["s"])];
        let step = node("NonMaxSuppression", &["b", "s", "", "limit"], &["chosen"]);
        let after = [
            node("Constant", &[], &["axis"]),
            node("Gather", &["chosen", "axis"], &["index"]),
            node("Gather", &["b", "index"], &["row"]),
            node("Concat", &["row", "s", "weight", "b"], &["output0"]),
        ];
        let all = [&before[..], std::slice::from_ref(&step), &after[..]].concat();
        let found = Suppression::find(&graph(&all)).unwrap();
        assert_eq!((found.boxes.as_str(), found.scores.as_str(), found.output.as_str()), ("b", "s", "chosen"));
        assert_eq!(found.limits, [None, Some("limit".to_string()), None]);
        assert_eq!((found.besides, found.centred), (vec!["b".to_string(), "s".to_string()], false));
        assert_eq!(Suppression::find(&graph(&before)), None);
        assert_eq!(Suppression::find(&graph(&[step.clone(), step])), None);
    }
}
