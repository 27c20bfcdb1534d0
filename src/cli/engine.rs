//! The options that choose an engine, for the subcommands that look at one picture.

use std::path::PathBuf;

use crate::pose::{Chosen, Places, Wanted};

/// What chooses.
#[derive(clap::Args, Clone, PartialEq, Debug)]
pub struct EngineArgs {
    /// What looks: auto (the fastest that there is), onnxruntime or cpu
    #[arg(long, value_name = "ENGINE", default_value = "auto", value_parser = wanted)]
    pub engine: Wanted,
    /// ONNX Runtime's library, instead of looking for it
    #[arg(long, value_name = "FILE")]
    pub onnxruntime: Option<PathBuf>,
}

fn wanted(text: &str) -> Result<Wanted, String> {
    match text {
        "auto" => Ok(Wanted::Auto),
        "onnxruntime" => Ok(Wanted::OnnxRuntime),
        "cpu" => Ok(Wanted::Cpu),
        _ => Err("auto, onnxruntime or cpu is wanted".into()),
    }
}

impl EngineArgs {
    /// The engine.
    ///
    /// # Errors
    /// One sentence, when the engine that is named is not there.
    pub fn choose(&self) -> Result<Chosen, String> {
        let places = Places::usual(self.onnxruntime.clone(), None);
        Chosen::of(self.engine, &places).map_err(|fault| fault.to_string())
    }
}
