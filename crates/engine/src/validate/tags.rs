//! Finds the `{{tags}}` of a text the way Argo's validation does.
//!
//! [`argosy_expr::Template`] cuts a text for good; here a text is only looked at, mostly to find
//! that there is nothing in it.

/// Something between `{{` and `}}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tag<'t> {
    /// `{{name}}`, as it is written.
    Name(&'t str),
    /// `{{=expression}}`, without the `=`.
    Expression(&'t str),
    /// The rest of a text that has a `{{` but no `}}` after it.
    Unclosed(&'t str),
}

/// The tags of a text.
pub(super) fn tags(text: &str) -> impl Iterator<Item = Tag<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let open = find_pair(rest.as_bytes(), b'{')?;
        let after = &rest[open + 2..];
        let Some(close) = find_pair(after.as_bytes(), b'}') else {
            rest = "";
            return Some(Tag::Unclosed(after));
        };
        rest = &after[close + 2..];
        let tag = &after[..close];
        Some(match tag.strip_prefix('=') {
            Some(expression) => Tag::Expression(expression),
            None => Tag::Name(tag),
        })
    })
}

/// Whether a text may have tags.
pub(super) fn has_tags(text: &str) -> bool {
    find_pair(text.as_bytes(), b'{').is_some()
}

/// The name of a tag: what Argo's `TrimSpace` leaves of it inside JSON, where line breaks and tabs
/// are written with a backslash.
pub(super) fn trim(tag: &str) -> &str {
    tag.trim_matches(|c: char| c.is_whitespace() && !c.is_ascii_control())
}

/// Whether a text holds a tag of one plain dotted name. Argo: `isParameter`.
pub(super) fn is_parameter(text: &str) -> bool {
    let mut rest = text;
    while let Some(open) = find_pair(rest.as_bytes(), b'{') {
        let after = &rest[open + 2..];
        let end = after
            .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')))
            .unwrap_or(after.len());
        let (name, next) = after.split_at(end);
        let plain =
            |(index, part): (usize, &str)| !part.is_empty() && (index > 0 || !part.contains('_'));
        if next.starts_with("}}") && name.split('.').enumerate().all(plain) {
            return true;
        }
        rest = &rest[open + 1..];
    }
    false
}

/// Replaces tags by what `value` gives for their names, once, as Argo's `simpleReplaceStrict`
/// does: what is not known stays, but for the inner name of a tag within a tag.
pub(super) fn substitute(text: &str, mut value: impl FnMut(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = find_pair(rest.as_bytes(), b'{') {
        let after = &rest[open + 2..];
        let Some(close) = find_pair(after.as_bytes(), b'}') else {
            break;
        };
        out.push_str(&rest[..open]);
        let tag = &after[..close];
        rest = &after[close + 2..];
        if let Some(value) = value(tag.trim()) {
            out.push_str(&value);
            continue;
        }
        let nested = tag
            .rfind("{{")
            .filter(|at| *at > 0)
            .and_then(|at| Some((&tag[..at], value(&tag[at + 2..])?)));
        out.push_str("{{");
        match nested {
            Some((before, value)) => {
                out.push_str(before);
                out.push_str(&value);
            }
            None => {
                out.push_str(tag);
                out.push_str("}}");
            }
        }
    }
    out.push_str(rest);
    out
}

fn find_pair(bytes: &[u8], byte: u8) -> Option<usize> {
    let mut from = 0;
    while let Some(found) = bytes[from..].iter().position(|b| *b == byte) {
        let at = from + found;
        if bytes.get(at + 1) == Some(&byte) {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_at_the_first_closing_braces() {
        let cases: [(&str, &[Tag<'_>]); 6] = [
            ("plain { text }", &[]),
            ("a {{b}} {{ c }}", &[Tag::Name("b"), Tag::Name(" c ")]),
            ("{{=a + b}}", &[Tag::Expression("a + b")]),
            ("{{a-{{b}}-c}}", &[Tag::Name("a-{{b")]),
            ("{{a", &[Tag::Unclosed("a")]),
            ("{{{a}}}", &[Tag::Name("{a")]),
        ];
        for (text, expected) in cases {
            assert_eq!(tags(text).collect::<Vec<_>>(), expected, "{text}");
        }
    }

    #[test]
    fn substitutes_once_and_nested_names_first() {
        let value = |name: &str| match name {
            "a" => Some("1".to_owned()),
            "b" => Some("{{a}}".to_owned()),
            _ => None,
        };
        for (text, expected) in [
            ("x", "x"),
            ("{{a}}{{ b }}{{c}}", "1{{a}}{{c}}"),
            ("{{s.{{a}}.t}}", "{{s.1.t}}"),
            ("{{s.{{c}}.t}}", "{{s.{{c}}.t}}"),
            ("{{a", "{{a"),
        ] {
            assert_eq!(substitute(text, value), expected, "{text}");
        }
    }

    #[test]
    fn knows_a_parameter() {
        for (text, expected) in [
            ("{{inputs.parameters.a_b}}", true),
            ("x-{{a}}", true),
            ("{{a_b}}", false),
            ("{{ a }}", false),
            ("{{=a}}", false),
            ("{{a.}}", false),
            ("{{{a}}", true),
            ("a", false),
        ] {
            assert_eq!(is_parameter(text), expected, "{text}");
        }
    }
}
