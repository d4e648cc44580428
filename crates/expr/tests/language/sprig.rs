//! Cases in which `~name(` stands for `sprig.name(`.

use crate::cases;

#[track_caller]
pub fn check(table: &[(&str, &str)]) {
    cases::check(&written_out(table));
}

#[track_caller]
pub fn check_errors(table: &[(&str, &str)]) {
    cases::check_errors(&written_out(table));
}

fn written_out<'a>(table: &[(&str, &'a str)]) -> Vec<(String, &'a str)> {
    table
        .iter()
        .map(|(source, expected)| (with_prefixes(source), *expected))
        .collect()
}

fn with_prefixes(source: &str) -> String {
    let mut parts = source.split('~');
    let mut written = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let is_name = part.starts_with(|c: char| c.is_ascii_alphabetic());
        written.push_str(if is_name { "sprig." } else { "~" });
        written.push_str(part);
    }
    written
}
