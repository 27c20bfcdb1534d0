//! What an exercise may be called, by whoever names one.

/// An exercise's name is no longer, in characters.
pub const NAME_MOST: usize = 64;

/// Whether an exercise may be called so: not blank, at most [`NAME_MOST`] characters, all of them to be seen.
///
/// A character that is not seen, or turns the direction of those behind it, would make two names look the same, or one
/// look like another.
pub fn is_exercise_name(name: &str) -> bool {
    !name.trim().is_empty()
        && name.trim().chars().count() <= NAME_MOST
        && !name.chars().any(|c| c.is_control() || is_unseen(c))
}

/// Spaces without width, joiners, marks of direction and the byte order mark (Unicode, General Punctuation and U+FEFF).
fn is_unseen(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_cannot_be_seen_whole_is_refused() {
        for name in ["Squat", "Überzüge links", "深蹲", "Farmer's Walk", &"x".repeat(NAME_MOST)] {
            assert!(is_exercise_name(name), "{name}");
        }
        for unseen in
            ['\u{200b}', '\u{200f}', '\u{202a}', '\u{202e}', '\u{2060}', '\u{2069}', '\u{feff}', '\n', '\u{85}']
        {
            assert!(!is_exercise_name(&format!("Squ{unseen}at")), "U+{:04X}", u32::from(unseen));
        }
        for name in ["", " ", &"x".repeat(NAME_MOST + 1)] {
            assert!(!is_exercise_name(name), "{name:?}");
        }
    }
}
