//! Switches as Go's commands take them: `--offline`, and as well `--offline=true` and
//! `--offline=false`.

use std::ffi::OsString;

use clap::{ArgAction, Command};

/// Whether a word may be such a switch: the command line is looked at only then.
pub fn any(words: &[OsString]) -> bool {
    let mut texts = words.iter().filter_map(|word| word.to_str());
    texts.any(|text| {
        let value = text
            .strip_prefix("--")
            .and_then(|text| text.split_once('='));
        value.is_some_and(|(_, value)| truth(value).is_some())
    })
}

/// The words of a command line with each `--switch=true` as `--switch`, and without each
/// `--switch=false`. What follows `--` stays as it is.
pub fn plain(line: &Command, words: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut words = words.into_iter();
    let mut plain: Vec<OsString> = words.next().into_iter().collect();
    let mut path = vec![line];
    for word in words.by_ref() {
        let Some(text) = word.to_str() else {
            plain.push(word);
            continue;
        };
        if text == "--" {
            plain.push(word);
            break;
        }
        match switch(&path, text) {
            Some((name, true)) => plain.push(format!("--{name}").into()),
            Some((_, false)) => {}
            None => {
                let here = path
                    .last()
                    .and_then(|command| command.find_subcommand(text));
                path.extend(here);
                plain.push(word);
            }
        }
    }
    plain.extend(words);
    plain
}

/// The switch that a word sets, and to what.
fn switch<'w>(path: &[&Command], word: &'w str) -> Option<(&'w str, bool)> {
    let (name, value) = word.strip_prefix("--")?.split_once('=')?;
    let on = truth(value)?;
    let known = path.iter().flat_map(|command| command.get_arguments());
    known
        .filter(|argument| argument.get_long() == Some(name))
        .any(|argument| matches!(argument.get_action(), ArgAction::SetTrue))
        .then_some((name, on))
}

/// What Go reads as a truth value.
fn truth(value: &str) -> Option<bool> {
    match value {
        "true" | "True" | "TRUE" | "t" | "T" | "1" => Some(true),
        "false" | "False" | "FALSE" | "f" | "F" | "0" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switches_take_values() {
        let line = crate::command_line();
        for (given, expected) in [
            ("argosy lint --offline=true a", "argosy lint --offline a"),
            ("argosy lint --offline=false a", "argosy lint a"),
            ("argosy --sync=1 list", "argosy --sync list"),
            ("argosy list --sync=1", "argosy list --sync"),
            (
                "argosy lint --strict=false a",
                "argosy lint --strict=false a",
            ),
            (
                "argosy template list -A --all-namespaces=t",
                "argosy template list -A --all-namespaces",
            ),
            ("argosy list --prefix=true", "argosy list --prefix=true"),
            (
                "argosy submit -- --wait=true",
                "argosy submit -- --wait=true",
            ),
        ] {
            let words = plain(&line, given.split(' ').map(OsString::from));
            let words: Vec<&str> = words.iter().filter_map(|word| word.to_str()).collect();
            assert_eq!(words.join(" "), expected);
        }
    }
}
