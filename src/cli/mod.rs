//! The command line, one file per subcommand. (Provisional body.)

pub mod bench;
pub mod run;
