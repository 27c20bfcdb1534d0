//! The config in two stages: the text as given, then the checked settings of every room. (Provisional body.)
