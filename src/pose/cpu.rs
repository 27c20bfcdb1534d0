//! The engine that is always there: `rten`, pure Rust, nothing to install.
//!
//! Its threads are its own pool, as many as the config says, started by the thread that loads the model, so that they
//! inherit that thread's cores. It must never be asked for two frames at once; [`super::Shared`] sees to that.

use std::sync::Arc;

use rten::{Model, NodeId, RunOptions, ThreadPool, ValueView};

use super::layout::Layout;
use super::{PoseFault, one_line};

/// A loaded model.
pub struct Cpu {
    model: Model,
    pool: Arc<ThreadPool>,
    input: NodeId,
    output: NodeId,
    shape: [usize; 4],
    answer_len: usize,
}

impl Cpu {
    /// Loads an ONNX file's bytes.
    ///
    /// # Errors
    /// When rten does not know an operator of the graph, or the graph is broken.
    pub fn load(bytes: Vec<u8>, layout: &Layout, threads: usize) -> Result<Cpu, PoseFault> {
        let model = Model::load(bytes).map_err(|why| PoseFault::Load(one_line(&why)))?;
        let (Some(&input), Some(&output)) = (model.input_ids().first(), model.output_ids().first()) else {
            return Err(PoseFault::Load("it has no input or no output".into()));
        };
        let pool = Arc::new(ThreadPool::with_num_threads(threads));
        let shape = [1, 3, layout.input.1, layout.input.0];
        Ok(Cpu { model, pool, input, output, shape, answer_len: layout.answer_len() })
    }

    /// The answer to one input of three planes, in place of what was in `answer`.
    ///
    /// # Errors
    /// When the graph fails, or answers in another size than its header says.
    pub fn infer(&self, tensor: &[f32], answer: &mut Vec<f32>) -> Result<(), PoseFault> {
        let fault = |why: &dyn std::fmt::Display| PoseFault::Infer(one_line(why));
        let input = ValueView::from_shape(self.shape, tensor).map_err(|why| fault(&why))?;
        let options = RunOptions::default().with_thread_pool(Some(self.pool.clone()));
        let outputs = self.model.run_n(vec![(self.input, input.into())], [self.output], Some(options));
        let [output] = outputs.map_err(|why| fault(&why))?;
        let (_, values) = output.into_shape_vec::<f32, 3>().map_err(|why| fault(&why))?;
        super::expect_len(values.len(), self.answer_len)?;
        *answer = values;
        Ok(())
    }
}
