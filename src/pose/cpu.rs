//! The engine that is always there: `rten`, pure Rust, nothing to install.
//!
//! Its threads are its own pool, as many as the config says, started by the thread that loads the model, so that they
//! inherit that thread's cores. The suppression of doubles that some graphs bring along is done in [`doubles`]. It must never be asked for two frames at once; [`super::Shared`] sees to that.

mod doubles;

use std::sync::Arc;

use rten::{Model, NodeId, RunOptions, ThreadPool, ValueView};

use self::doubles::Doubles;
use super::PoseFault;
use super::layout::Layout;
use super::onnx::Suppression;
use crate::error::one_line;

/// A loaded model.
pub struct Cpu {
    model: Model,
    pool: Arc<ThreadPool>,
    input: NodeId,
    output: NodeId,
    doubles: Option<Doubles>,
    shape: [usize; 4],
    answer_len: usize,
}

impl Cpu {
    /// Loads an ONNX file's bytes.
    ///
    /// # Errors
    /// When rten does not know an operator of the graph, or the graph is broken.
    pub fn load(bytes: Vec<u8>, layout: &Layout, threads: usize) -> Result<Cpu, PoseFault> {
        let step = Suppression::find(&bytes);
        let model = Model::load(bytes).map_err(|why| PoseFault::Load(one_line(&why)))?;
        let (Some(&input), Some(&output)) = (model.input_ids().first(), model.output_ids().first()) else {
            return Err(PoseFault::Load("it has no input or no output".into()));
        };
        let doubles = step.as_ref().map(|step| {
            let found = Doubles::find(&model, step);
            found.ok_or_else(|| PoseFault::Load("its own suppression of doubles cannot be found in the graph".into()))
        });
        let pool = Arc::new(ThreadPool::with_num_threads(threads));
        let shape = [1, 3, layout.input.1, layout.input.0];
        let doubles = doubles.transpose()?;
        Ok(Cpu { model, pool, input, output, doubles, shape, answer_len: layout.answer_len() })
    }

    /// The answer to one input of three planes, in place of what was in `answer`.
    ///
    /// # Errors
    /// When the graph fails, or answers in another size than its header says.
    pub fn infer(&self, tensor: &[f32], answer: &mut Vec<f32>) -> Result<(), PoseFault> {
        let fault = |why: &dyn std::fmt::Display| PoseFault::Infer(one_line(why));
        let input = ValueView::from_shape(self.shape, tensor).map_err(|why| fault(&why))?;
        let options = RunOptions::default().with_thread_pool(Some(self.pool.clone()));
        let input = (self.input, input.into());
        let output = match &self.doubles {
            None => self.model.run_n(vec![input], [self.output], Some(options)).map(|[output]| output),
            Some(doubles) => doubles.run(&self.model, input, self.output, &options),
        };
        let output = output.map_err(|why| fault(&why))?;
        let (_, values) = output.into_shape_vec::<f32, 3>().map_err(|why| fault(&why))?;
        super::expect_len(values.len(), self.answer_len)?;
        *answer = values;
        Ok(())
    }
}
