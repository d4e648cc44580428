//! Kubernetes' label selectors: `a=b`, `a!=b`, `a in (b,c)`, `a notin (b)`, `a`, `!a`.

use std::collections::BTreeMap;

use anyhow::{Result, bail};

/// Which labels are wanted; all terms must hold.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct LabelSelector(Vec<Term>);

#[derive(Debug, PartialEq, Eq)]
struct Term {
    key: String,
    wanted: Wanted,
}

#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    Exists,
    Absent,
    In(Vec<String>),
    NotIn(Vec<String>),
}

impl LabelSelector {
    /// Reads a selector; an empty one wants nothing in particular.
    pub fn parse(text: &str) -> Result<Self> {
        let mut terms = Vec::new();
        for term in split(text) {
            let term = term.trim();
            if !term.is_empty() {
                terms.push(parse_term(term)?);
            }
        }
        Ok(Self(terms))
    }

    /// Whether these labels are such.
    pub fn fits(&self, labels: &BTreeMap<String, String>) -> bool {
        self.0.iter().all(|term| {
            let value = labels.get(&term.key);
            match &term.wanted {
                Wanted::Exists => value.is_some(),
                Wanted::Absent => value.is_none(),
                Wanted::In(values) => value.is_some_and(|value| values.contains(value)),
                Wanted::NotIn(values) => value.is_none_or(|value| !values.contains(value)),
            }
        })
    }
}

/// At commas outside parentheses.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut inside) = (Vec::new(), 0, false);
    for (at, letter) in text.char_indices() {
        match letter {
            '(' => inside = true,
            ')' => inside = false,
            ',' if !inside => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

fn parse_term(term: &str) -> Result<Term> {
    let (key, wanted) = if let Some((key, value)) = term.split_once("!=") {
        (key, Wanted::NotIn(vec![value.trim().to_owned()]))
    } else if let Some((key, value)) = term.split_once('=') {
        let value = value.trim_start_matches('=').trim();
        (key, Wanted::In(vec![value.to_owned()]))
    } else if let Some((key, list)) = term.split_once('(') {
        let Some(list) = list.trim_end().strip_suffix(')') else {
            bail!("the label selector {term:?} lacks a closing parenthesis");
        };
        let values = list
            .split(',')
            .map(|value| value.trim().to_owned())
            .collect();
        match key.trim().rsplit_once(' ') {
            Some((key, "in")) => (key, Wanted::In(values)),
            Some((key, "notin")) => (key, Wanted::NotIn(values)),
            _ => bail!("the label selector {term:?} is not KEY in (VALUE,VALUE)"),
        }
    } else if let Some(key) = term.strip_prefix('!') {
        (key, Wanted::Absent)
    } else {
        (term, Wanted::Exists)
    };
    let key = key.trim();
    if key.is_empty() || key.contains(char::is_whitespace) {
        bail!(
            "the label selector {term:?} is not KEY=VALUE, KEY!=VALUE, KEY in (VALUE,VALUE), KEY or !KEY"
        );
    }
    Ok(Term {
        key: key.to_owned(),
        wanted,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_selected_as_kubernetes_does() {
        let labels = BTreeMap::from([("a".to_owned(), "1".to_owned())]);
        for (selector, expected) in [
            ("", true),
            ("a", true),
            ("!a", false),
            ("b", false),
            ("!b", true),
            ("a=1", true),
            ("a==1", true),
            ("a=2", false),
            ("a!=2", true),
            ("b!=2", true),
            ("a in (1,2)", true),
            ("a in (3, 4),a", false),
            ("a notin (1)", false),
            ("b notin (1), a=1", true),
        ] {
            let parsed = LabelSelector::parse(selector).expect(selector);
            assert_eq!(parsed.fits(&labels), expected, "{selector}");
        }
        for wrong in ["a in 1", "a in (1", "=1", "a b"] {
            assert!(LabelSelector::parse(wrong).is_err(), "{wrong}");
        }
    }
}
