//! A failure as a difference between what was expected and what was there.

use argosy_sim::testing::Failure;
use serde_json::Value;

use crate::style::{LONGEST, one_line, shortened};

/// So many lines are shown around what differs.
const CONTEXT: usize = 2;

/// Texts of more lines are not looked through for what they have in common.
const MOST_LINES: usize = 400;

/// So many lines of a difference are shown.
const MOST_SHOWN: usize = 200;

/// So many letters before the first that differs are shown, where both texts are long.
const BEFORE: usize = 40;

/// A failure: where it is expected and where that comes from, then what was expected (`-`) and what
/// was there (`+`), and which nodes went wrong by themselves.
pub fn difference(failure: &Failure) -> String {
    let mut text = format!("{} at {}", failure.subject, failure.at);
    if let Some(origin) = &failure.origin {
        text.push_str(&format!(", template at {origin}"));
    }
    text.push('\n');
    let (expected, actual) = (shown(&failure.expected), shown(&failure.actual));
    let (old, new): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), actual.lines().collect());
    let same = alike(&old, &new);
    let all = lines(&old, &new);
    for (sign, line) in all.iter().take(MOST_SHOWN) {
        text.push_str(&format!("{sign} {}\n", excerpt(line, same)));
    }
    if all.len() > MOST_SHOWN {
        let more = all.len() - MOST_SHOWN;
        text.push_str(&format!("  … {more} more lines; `-o json` has them all\n"));
    }
    for cause in &failure.causes {
        text.push_str(&format!("  {}: {}", cause.phase, cause.node));
        if !cause.message.is_empty() {
            let first = cause.message.lines().next().unwrap_or_default();
            text.push_str(&format!(": {}", one_line(first)));
        }
        if let Some(at) = &cause.at {
            text.push_str(&format!(" (template at {at})"));
        }
        text.push('\n');
    }
    text
}

/// Of two long lines, how many letters at their beginning are the same and need not be shown.
fn alike(old: &[&str], new: &[&str]) -> usize {
    let ([old], [new]) = (old, new) else {
        return 0;
    };
    let letters = |line: &str| line.chars().count();
    if letters(old) <= LONGEST && letters(new) <= LONGEST {
        return 0;
    }
    let same = old.chars().zip(new.chars());
    let same = same.take_while(|(one, other)| one == other).count();
    same.saturating_sub(BEFORE)
}

/// A line without its first letters, and of bounded length.
fn excerpt(line: &str, without: usize) -> String {
    let rest: String = line.chars().skip(without).collect();
    let rest = shortened(&rest, LONGEST);
    match without {
        0 => rest.into_owned(),
        without => format!("… ({without} letters left out) …{rest}"),
    }
}

fn shown(value: &Value) -> String {
    let long = |items: &[Value]| items.len() > 4 || items.iter().any(Value::is_object);
    match value {
        Value::String(text) if !text.is_empty() => text.clone(),
        Value::Object(fields) => match asked(fields) {
            Some(text) => text,
            None => serde_json::to_string_pretty(value).unwrap_or_default(),
        },
        Value::Array(items) if long(items) => {
            serde_json::to_string_pretty(value).unwrap_or_default()
        }
        other => other.to_string(),
    }
}

/// A question in words, if a map is one.
fn asked(fields: &serde_json::Map<String, Value>) -> Option<String> {
    let mut parts = Vec::new();
    for (operator, asked) in fields {
        let word = match operator.as_str() {
            "$equals" => "just",
            "$not" => "anything but",
            "$anyOf" => "one of",
            "$contains" => "what contains",
            "$matches" => "what matches",
            "$atLeast" => "at least",
            "$atMost" => "at most",
            "$near" => "about",
            "$json" => "the JSON of",
            "$length" => "the length",
            "$each" => "each of them",
            "$unordered" => "in any order",
            _ => return None,
        };
        parts.push(format!("{word} {}", shown(asked)));
    }
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// The lines of two texts: what only the first has (`-`), what only the second has (`+`), and what
/// stands near that in both.
fn lines<'t>(old: &[&'t str], new: &[&'t str]) -> Vec<(char, &'t str)> {
    let whole = || {
        let gone = old.iter().map(|line| ('-', *line));
        gone.chain(new.iter().map(|line| ('+', *line))).collect()
    };
    if old.len() < 3 || new.len() < 3 || old.len().max(new.len()) > MOST_LINES {
        return whole();
    }
    // How many lines the rests of both have in common.
    let mut common = vec![vec![0u32; new.len() + 1]; old.len() + 1];
    for (i, line) in old.iter().enumerate().rev() {
        for (j, other) in new.iter().enumerate().rev() {
            common[i][j] = match line == other {
                true => common[i + 1][j + 1] + 1,
                false => common[i + 1][j].max(common[i][j + 1]),
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut all = Vec::new();
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            all.push((' ', old[i]));
            (i, j) = (i + 1, j + 1);
        } else if j == new.len() || (i < old.len() && common[i + 1][j] >= common[i][j + 1]) {
            all.push(('-', old[i]));
            i += 1;
        } else {
            all.push(('+', new[j]));
            j += 1;
        }
    }
    near_changes(&all)
}

/// Leaves lines out that are far from what differs.
fn near_changes<'t>(all: &[(char, &'t str)]) -> Vec<(char, &'t str)> {
    let is_near = |place: usize| {
        let from = place.saturating_sub(CONTEXT);
        let to = (place + CONTEXT + 1).min(all.len());
        all[from..to].iter().any(|(sign, _)| *sign != ' ')
    };
    let mut shown = Vec::new();
    let mut left_out = false;
    for (place, line) in all.iter().enumerate() {
        match is_near(place) {
            true => shown.push(*line),
            false if left_out => {}
            false => shown.push((' ', "…")),
        }
        left_out = !is_near(place);
    }
    shown
}

#[cfg(test)]
mod tests {
    use argosy_sim::testing::{Failure, Place};

    use super::{difference, lines};

    #[test]
    fn what_is_long_is_shown_around_what_differs() {
        let differs = |expected: String, actual: String| {
            difference(&Failure {
                subject: "message".to_owned(),
                at: Place {
                    file: "a_test.yaml".to_owned(),
                    line: 1,
                },
                origin: None,
                expected: expected.into(),
                actual: actual.into(),
                causes: Vec::new(),
            })
        };
        let same = "x".repeat(9_000_000);
        let text = differs(format!("{same}a"), format!("{same}b"));
        assert!(text.len() < 1_000, "{} bytes", text.len());
        for end in ["xxa\n", "xxb\n", "(8999960 letters left out)"] {
            assert!(text.contains(end), "{text}");
        }
        let text = differs("a\n".repeat(100_000), "b\n".repeat(100_000));
        assert!(text.len() < 1_000, "{} bytes", text.len());
        assert!(text.contains("199800 more lines"), "{text}");
    }

    #[test]
    fn what_differs_and_what_is_near() {
        let show = |old: &str, new: &str| {
            let (old, new): (Vec<&str>, Vec<&str>) =
                (old.split(' ').collect(), new.split(' ').collect());
            let lines = lines(&old, &new).into_iter();
            lines
                .map(|(sign, line)| format!("{sign}{line}"))
                .collect::<Vec<_>>()
                .join(",")
        };
        assert_eq!(show("a", "b"), "-a,+b");
        assert_eq!(
            show("a b c d e f g", "a b c d x f g"),
            " …, c, d,-e,+x, f, g"
        );
        assert_eq!(show("a b c", "a c d"), " a,-b, c,+d");
    }
}
