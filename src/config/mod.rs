//! The config in two stages. (Provisional body.)

/// Everything the box is started with.
#[derive(Clone, Debug)]
pub struct Config {
    /// The cameras, in the file's order.
    pub lines: Vec<crate::camera::Settings>,
    /// The face.
    pub http: crate::http::Settings,
}

impl Config {
    /// As resolved, secrets hidden, as JSON.
    pub fn resolved_json(&self) -> String {
        "{}".into()
    }
}
