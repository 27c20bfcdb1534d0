//! The same face in a build without TensorRT: there is none.

use super::{Fault, Settings};
use crate::pose::PoseFault;
use crate::pose::layout::Layout;

/// Nobody can have one.
#[derive(Clone, Debug)]
pub enum Runtime {}

impl Runtime {
    /// There is none.
    ///
    /// # Errors
    /// Always.
    pub fn open(_: &Settings) -> Result<Runtime, Fault> {
        Err(Fault::NotBuilt)
    }

    /// Of nothing.
    pub fn about(&self) -> String {
        match *self {}
    }
}

/// Nobody can have one.
pub enum TensorRt {}

impl TensorRt {
    /// Without a runtime there is nothing to load in.
    ///
    /// # Errors
    /// Never.
    pub fn load(runtime: &Runtime, _: Vec<u8>, _: &Layout, _: usize) -> Result<TensorRt, PoseFault> {
        match *runtime {}
    }

    /// Of nothing.
    ///
    /// # Errors
    /// Never.
    pub fn infer(&self, _: &[f32], _: &mut Vec<f32>) -> Result<(), PoseFault> {
        match *self {}
    }

    /// Of nothing.
    pub fn progress(&self) -> Option<String> {
        match *self {}
    }

    /// Of nothing.
    pub fn is_building(&self) -> bool {
        match *self {}
    }
}
