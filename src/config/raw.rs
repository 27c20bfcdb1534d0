//! The first stage: the text as given. A tree of values that know their lines.
//!
//! Here the TOML is parsed, unknown keys are refused and `${NAME}` in texts is replaced from the environment (`$${`
//! is a plain `${`). No meaning is given to any value yet. The parser's own messages quote the line they complain
//! about, which may hold a secret, so only the bare sentence is kept.

use toml::de::{DeTable, DeValue};

use super::fault::{Gathered, Place};
use super::keys::{self, Known};

/// A value and its line.
pub(super) struct Value {
    pub(super) line: usize,
    pub(super) kind: Kind,
}

/// What TOML has.
pub(super) enum Kind {
    Text(String),
    Whole(i64),
    Number(f64),
    Flag(bool),
    Date,
    List(Vec<Value>),
    Table(Table),
    /// A text that could not be completed, which is already reported.
    Spoiled,
}

/// Keys with their values.
pub(super) struct Table {
    pub(super) line: usize,
    pub(super) entries: Vec<(String, Value)>,
}

impl Table {
    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        self.entries.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }
}

impl Kind {
    /// Its number, whole or not.
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Kind::Whole(n) => Some(*n as f64),
            Kind::Number(n) => Some(*n),
            _ => None,
        }
    }

    /// Its name in a sentence.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Kind::Text(_) | Kind::Spoiled => "a text",
            Kind::Whole(_) => "a whole number",
            Kind::Number(_) => "a number",
            Kind::Flag(_) => "true or false",
            Kind::Date => "a date",
            Kind::List(_) => "a list",
            Kind::Table(_) => "a table",
        }
    }
}

/// Reads the text; nothing when it is no TOML. `env` gives the environment's variables.
pub(super) fn read(text: &str, env: &dyn Fn(&str) -> Option<String>, faults: &Gathered) -> Option<Table> {
    let (root, errors) = DeTable::parse_recoverable(text);
    let reader = Reader { text, env, faults };
    for error in &errors {
        let line = error.span().map_or(1, |span| reader.line(span.start));
        let sentence = error.message().lines().collect::<Vec<_>>().join(", ");
        faults.add(Place::Line(line), format!("this is not TOML: {sentence}"));
    }
    if !errors.is_empty() {
        // What was skipped over would only lead to faults that are none.
        return None;
    }
    Some(reader.table("", root.get_ref(), 1))
}

struct Reader<'a> {
    text: &'a str,
    env: &'a dyn Fn(&str) -> Option<String>,
    faults: &'a Gathered,
}

impl Reader<'_> {
    fn line(&self, offset: usize) -> usize {
        let before = &self.text.as_bytes()[..offset.min(self.text.len())];
        1 + before.iter().filter(|byte| **byte == b'\n').count()
    }

    fn table(&self, path: &str, table: &DeTable<'_>, line: usize) -> Table {
        let mut entries = Vec::with_capacity(table.len());
        for (key, value) in table.iter() {
            let name = key.get_ref().as_ref();
            let path = if path.is_empty() { name.to_string() } else { format!("{path}.{name}") };
            let line = self.line(key.span().start);
            match keys::look_up(&path) {
                Known::Not(sentence) => self.faults.add(Place::Line(line), sentence),
                known => {
                    let kind = self.kind(&path, value.get_ref(), line, known == Known::Section);
                    entries.push((name.to_string(), Value { line, kind }));
                }
            }
        }
        Table { line, entries }
    }

    fn kind(&self, path: &str, value: &DeValue<'_>, line: usize, section: bool) -> Kind {
        match value {
            DeValue::String(text) => match completed(text, self.env) {
                Ok(text) => Kind::Text(text),
                Err(sentence) => {
                    self.faults.add(Place::Line(line), sentence);
                    Kind::Spoiled
                }
            },
            DeValue::Integer(n) => {
                let most = if n.as_str().starts_with('-') { i64::MIN } else { i64::MAX };
                Kind::Whole(i64::from_str_radix(n.as_str(), n.radix()).unwrap_or(most))
            }
            DeValue::Float(n) => Kind::Number(n.as_str().parse().unwrap_or(f64::NAN)),
            DeValue::Boolean(flag) => Kind::Flag(*flag),
            DeValue::Datetime(_) => Kind::Date,
            DeValue::Array(list) => Kind::List(
                list.iter()
                    .map(|item| {
                        let line = self.line(item.span().start);
                        Value { line, kind: self.kind(path, item.get_ref(), line, section) }
                    })
                    .collect(),
            ),
            // Below a key no key is known, so its table is refused as a whole, by its type.
            DeValue::Table(table) if section => Kind::Table(self.table(path, table, line)),
            DeValue::Table(_) => Kind::Table(Table { line, entries: Vec::new() }),
        }
    }
}

/// `text` with its variables filled in.
fn completed(text: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (head, tail) = rest.split_at(at);
        if let Some(head) = head.strip_suffix('$') {
            out.push_str(head);
            out.push_str("${");
            rest = &tail[2..];
            continue;
        }
        out.push_str(head);
        let name = tail[2..].split_once('}').map(|(name, _)| name).filter(|name| is_name(name));
        let Some(name) = name else {
            return Err("`${` begins a variable of the environment, as in ${NAME}; write $${ for a plain one".into());
        };
        out.push_str(&env(name).ok_or_else(|| format!("the environment variable {name} is not set"))?);
        rest = &tail[name.len() + 3..];
    }
    out.push_str(rest);
    Ok(out)
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(name: &str) -> Option<String> {
        match name {
            "KEY" => Some("geheim".into()),
            "EMPTY" => Some(String::new()),
            "NEST" => Some("${KEY}".into()),
            _ => None,
        }
    }

    #[test]
    fn variables_are_filled_in_once_and_can_be_escaped() {
        for (given, want) in [
            ("plain $5", "plain $5"),
            ("${KEY}", "geheim"),
            ("a${KEY}b${EMPTY}c", "ageheimbc"),
            ("$${KEY}", "${KEY}"),
            ("$$${KEY}", "$${KEY}"),
            ("${NEST}", "${KEY}"),
            ("é${KEY}é", "égeheimé"),
        ] {
            assert_eq!(completed(given, &env).unwrap(), want, "{given}");
        }
        assert_eq!(completed("${NO_SUCH}", &env).unwrap_err(), "the environment variable NO_SUCH is not set");
        for given in ["${", "${}", "${a b}", "${1}", "x${KEY"] {
            assert!(completed(given, &env).unwrap_err().contains("begins a variable"), "{given}");
        }
    }
}
