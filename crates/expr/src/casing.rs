//! Capitals and small letters as Go maps them: one character for one, wherever it stands.
//! (Rust writes `ß` as `SS` in capitals, and knows the final sigma.)

/// The text in capitals.
pub(crate) fn upper(text: &str) -> String {
    text.chars().map(upper_char).collect()
}

/// The text in small letters.
pub(crate) fn lower(text: &str) -> String {
    text.chars().map(lower_char).collect()
}

/// The capital of a letter.
pub(crate) fn upper_char(letter: char) -> char {
    let mut capital = letter.to_uppercase();
    match (capital.next(), capital.next()) {
        (Some(capital), None) => capital,
        _ => letter,
    }
}

/// The small letter of a capital.
pub(crate) fn lower_char(letter: char) -> char {
    // Only `İ` becomes two characters, of which the first is the letter.
    letter.to_lowercase().next().unwrap_or(letter)
}
