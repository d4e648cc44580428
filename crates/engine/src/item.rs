//! An item of a loop: JSON as it was written. Argo: `pkg/apis/workflow/v1alpha1/item.go`, which keeps
//! the text, so that an object within an item has its keys in their order.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

/// An item: JSON without white space between its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item(Arc<str>);

impl From<&Value> for Item {
    fn from(value: &Value) -> Self {
        Self(Arc::from(value.to_string()))
    }
}

impl Item {
    /// The items of a JSON list. The text has to be one.
    pub fn list(text: &str) -> Vec<Self> {
        let text = compact(text);
        parts(&text).map(|part| Self(Arc::from(part))).collect()
    }

    /// Items as a JSON list.
    pub fn write(items: &[Self]) -> String {
        let texts: Vec<&str> = items.iter().map(|item| &*item.0).collect();
        format!("[{}]", texts.join(","))
    }

    /// The text of what stands under a key, if the item is an object that has it.
    pub fn member(&self, key: &str) -> Option<String> {
        self.members()?.get(key).map(|member| plain(member))
    }

    /// The keys of the item, if it is an object.
    pub fn keys(&self) -> impl Iterator<Item = String> {
        self.members().into_iter().flatten().map(|(key, _)| key)
    }

    /// The item as the variable `item`.
    pub fn text(&self) -> String {
        if let Some(members) = self.members() {
            let members: Vec<String> = members
                .into_iter()
                .map(|(key, member)| format!("{}:{member}", Value::from(key)))
                .collect();
            return format!("{{{}}}", members.join(","));
        }
        match serde_json::from_str(&self.0) {
            Ok(Value::String(text)) => text,
            _ => plain(&self.0),
        }
    }

    /// The item as it stands in its node's name. Argo: `processItem`.
    pub fn display(&self) -> String {
        if let Some(members) = self.members() {
            let mut members: Vec<String> = members
                .into_iter()
                .map(|(key, member)| format!("{key}:{}", plain(member)))
                .collect();
            members.sort();
            return members.join(",");
        }
        match &*self.0 {
            // Argo takes it for a list of none.
            "null" => "[]".to_owned(),
            // Go prints a list of items as `[a b]`.
            list if list.starts_with('[') => {
                let texts: Vec<String> = parts(list).map(plain).collect();
                format!("[{}]", texts.join(" "))
            }
            other => plain(other),
        }
    }

    /// What stands under each key of an object; under one that is there twice, the last.
    fn members(&self) -> Option<BTreeMap<String, &str>> {
        if !self.0.starts_with('{') {
            return None;
        }
        let members = parts(&self.0).filter_map(|part| {
            let end = string_end(part);
            let key = serde_json::from_str(&part[..end]).ok()?;
            Some((key, part[end..].strip_prefix(':')?))
        });
        Some(members.collect())
    }
}

/// JSON as text, a string without its quotes, but escaped as within them. Argo: `Item.String`.
fn plain(json: &str) -> String {
    let inner = json
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    inner
        .unwrap_or(json)
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

/// JSON without white space outside of its strings.
fn compact(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(c) = rest.chars().next() {
        let length = match c {
            '"' => string_end(rest),
            _ => c.len_utf8(),
        };
        if !matches!(c, ' ' | '\t' | '\n' | '\r') {
            out.push_str(&rest[..length]);
        }
        rest = &rest[length..];
    }
    out
}

/// Where the string at the beginning ends.
fn string_end(json: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in json.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    json.len()
}

/// The elements of a list, or the members of an object, of compact JSON.
fn parts(json: &str) -> impl Iterator<Item = &str> {
    let mut rest = json.get(1..json.len().max(1) - 1).unwrap_or_default();
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let mut depth = 0usize;
        let mut at = 0;
        while at < rest.len() {
            match rest.as_bytes()[at] {
                b'"' => {
                    at += string_end(&rest[at..]);
                    continue;
                }
                b'[' | b'{' => depth += 1,
                b']' | b'}' => depth = depth.saturating_sub(1),
                b',' if depth == 0 => break,
                _ => {}
            }
            at += 1;
        }
        let part = &rest[..at];
        rest = rest.get(at + 1..).unwrap_or_default();
        Some(part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_shows_items() {
        let text = r#" [ "a\"b,", 1.0 , {"z": {"y": [1, 2], "x": "," } , "a": "<é>"}, [ {"b":1,"a":2}, "c" ], null, true, {}, [] ] "#;
        let cases = [
            (r#"a"b,"#, r#"a\"b,"#),
            ("1.0", "1.0"),
            (
                r#"{"a":"<é>","z":{"y":[1,2],"x":","}}"#,
                r#"a:<é>,z:{"y":[1,2],"x":","}"#,
            ),
            (r#"[{"b":1,"a":2},"c"]"#, r#"[{"b":1,"a":2} c]"#),
            ("null", "[]"),
            ("true", "true"),
            ("{}", ""),
            ("[]", "[]"),
        ];
        let items = Item::list(text);
        assert_eq!(items.len(), cases.len());
        for (item, (text, display)) in items.iter().zip(cases) {
            assert_eq!((&*item.text(), &*item.display()), (text, display));
        }
        assert_eq!(Item::list(&Item::write(&items)), items);
        assert_eq!(
            items[2].member("z").as_deref(),
            Some(r#"{"y":[1,2],"x":","}"#)
        );
        assert_eq!(items[2].member("q"), None);
        assert_eq!(items[2].keys().collect::<Vec<_>>(), ["a", "z"]);
        assert_eq!(Item::list("[]"), []);
    }
}
