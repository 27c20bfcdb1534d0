//! `spotter bench`: the speeds that are promised, each measured on the real code. (Provisional body.)

pub mod pipeline;
