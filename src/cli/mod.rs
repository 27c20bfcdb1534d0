//! The command line, one file per subcommand. (Provisional body.)
