//! Suppression of doubles for graphs that bring it along, done here instead of by rten.
//!
//! rten 0.27 does that one step otherwise than ONNX means it: it takes boxes in the answer's order rather than by score, so
//! that a box may go for the sake of another that goes later, and it divides by the area around both boxes rather than by
//! that of both. Of 55 people it found 46. So a graph with such a step is run in two parts, up to it and from it on.
//!
//! The step as ONNX describes it and ONNX Runtime does it: for each class the best score first, equal ones in order; one
//! that overlaps a chosen one by more than the limit is a double.

use rten::{Model, NodeId, RunError, RunOptions, Value, ValueOrView};

use crate::pose::onnx::Suppression;
use crate::skeleton::iou;

/// The step of one loaded graph.
pub struct Doubles {
    /// What the first part is asked for: boxes, scores, then whatever there is of limits and of what the rest needs.
    asked: Vec<NodeId>,
    /// Where in that the limits stand.
    limits: [Option<usize>; 3],
    /// Where what the rest needs stands.
    besides: Vec<usize>,
    centred: bool,
    chosen: NodeId,
}

impl Doubles {
    /// Finds the step's values in the loaded model; nothing when the engine has changed the graph there.
    pub fn find(model: &Model, step: &Suppression) -> Option<Doubles> {
        let mut asked = vec![model.find_node(&step.boxes)?, model.find_node(&step.scores)?];
        let mut ask = |name: &String| {
            let id = model.find_node(name)?;
            let at = asked.iter().position(|asked| *asked == id);
            Some(at.unwrap_or_else(|| {
                asked.push(id);
                asked.len() - 1
            }))
        };
        let mut limits = [None; 3];
        for (at, name) in limits.iter_mut().zip(&step.limits) {
            if let Some(name) = name {
                *at = Some(ask(name)?);
            }
        }
        let besides = step.besides.iter().map(ask).collect::<Option<Vec<usize>>>()?;
        Some(Doubles { asked, limits, besides, centred: step.centred, chosen: model.find_node(&step.output)? })
    }

    /// The graph's answer.
    pub fn run(
        &self,
        model: &Model,
        input: (NodeId, ValueOrView),
        output: NodeId,
        options: &RunOptions,
    ) -> Result<Value, RunError> {
        let values = model.run(vec![input], &self.asked, Some(options.clone()))?;
        let floats =
            |at: usize| values[at].as_tensor_view::<f32>().map(|view| view.iter().copied().collect::<Vec<f32>>());
        let number = |at: usize| floats(at).and_then(|all| all.first().copied());
        let most = self.limits[0].and_then(|at| {
            let view = values[at].as_tensor_view::<i32>()?;
            view.iter().next().copied()
        });
        let limits = Limits {
            most: usize::try_from(most.unwrap_or(0)).unwrap_or(0),
            overlap: self.limits[1].and_then(number).unwrap_or(0.0),
            score: self.limits[2].and_then(number),
        };
        let (boxes, scores) = (floats(0).unwrap_or_default(), floats(1).unwrap_or_default());
        let rows = suppress(boxes.as_chunks().0, &scores, self.centred, &limits);
        let chosen = Value::from_shape([rows.len(), 3], rows.concat()).expect("three numbers a row");
        let besides = self.besides.iter().map(|at| (self.asked[*at], ValueOrView::from(&values[*at])));
        let inputs = std::iter::once((self.chosen, chosen.into())).chain(besides).collect();
        let [answer] = model.run_n(inputs, [output], Some(options.clone()))?;
        Ok(answer)
    }
}

struct Limits {
    /// Of each class.
    most: usize,
    overlap: f32,
    /// Nothing: any will do.
    score: Option<f32>,
}

/// Rows of batch, class, box.
fn suppress(boxes: &[[f32; 4]], scores: &[f32], centred: bool, limits: &Limits) -> Vec<[i32; 3]> {
    let corners = |[a, b, c, d]: [f32; 4]| match centred {
        true => [a - c / 2.0, b - d / 2.0, a + c / 2.0, b + d / 2.0],
        false => [a.min(c), b.min(d), a.max(c), b.max(d)],
    };
    let boxes: Vec<[f32; 4]> = boxes.iter().copied().map(corners).collect();
    let mut rows = Vec::new();
    for (class, scores) in scores.chunks_exact(boxes.len().max(1)).enumerate() {
        let mut order: Vec<usize> = (0..boxes.len()).collect();
        order.retain(|at| limits.score.is_none_or(|least| scores[*at] > least));
        order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
        let mut chosen: Vec<usize> = Vec::new();
        for at in order {
            if chosen.len() >= limits.most {
                break;
            }
            if chosen.iter().all(|other| iou(&boxes[*other], &boxes[at]) <= limits.overlap) {
                chosen.push(at);
            }
        }
        rows.extend(chosen.into_iter().map(|at| [0, class as i32, at as i32]));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { most: 9, overlap: 0.5, score: None };

    #[test]
    fn the_best_is_taken_first_wherever_it_stands() {
        // Each overlaps the next by 2/3: the middle one is a double of the best, the first is not.
        let boxes = [[0.0, 0.0, 10.0, 10.0], [2.0, 0.0, 12.0, 10.0], [4.0, 0.0, 14.0, 10.0]];
        let found = suppress(&boxes, &[0.4, 0.5, 0.6], false, &LIMITS);
        assert_eq!(found, [[0, 0, 2], [0, 0, 0]]);
        let found = suppress(&boxes, &[0.4, 0.5, 0.6, 0.9, 0.1, 0.2], false, &Limits { most: 1, ..LIMITS });
        assert_eq!(found, [[0, 0, 2], [0, 1, 0]]);
        let found = suppress(&boxes, &[0.4, 0.5, 0.6], false, &Limits { score: Some(0.4), ..LIMITS });
        assert_eq!(found, [[0, 0, 2]]);
    }

    #[test]
    fn overlap_is_over_both_boxes_and_corners_may_come_in_any_order() {
        // 25 over 175: the area around both would be 225.
        let boxes = [[10.0, 10.0, 0.0, 0.0], [5.0, 5.0, 15.0, 15.0]];
        let limits = |overlap| Limits { overlap, ..LIMITS };
        assert_eq!(suppress(&boxes, &[0.9, 0.8], false, &limits(0.14)).len(), 1);
        assert_eq!(suppress(&boxes, &[0.9, 0.8], false, &limits(0.15)).len(), 2);
        let centred = [[5.0, 5.0, 10.0, 10.0], [10.0, 10.0, 10.0, 10.0]];
        assert_eq!(suppress(&centred, &[0.9, 0.8], true, &limits(0.14)).len(), 1);
        assert_eq!(suppress(&[], &[], false, &LIMITS), [[0; 3]; 0]);
    }
}
