//! What Kubernetes takes as a name, a namespace and a label.

/// Why a text is no such name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameFault {
    /// What such names are like.
    pub what: &'static str,
    /// The nearest text that would be one, if there is any.
    pub instead: Option<String>,
}

const MAX_SUBDOMAIN: usize = 253;
const MAX_LABEL: usize = 63;

/// The letters of generated names: no vowels, so that they are no words.
const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
const MAX_GENERATED: usize = 63;
const SUFFIX: usize = 5;

/// A name as Kubernetes generates it: the prefix, cut so that the whole has at most 63 letters, and
/// five of its alphabet, which `chosen` chooses.
pub fn generated(prefix: &str, chosen: u64) -> String {
    let mut left = chosen;
    let suffix = std::iter::repeat_with(|| {
        let letter = (left % ALPHABET.len() as u64) as usize;
        left /= ALPHABET.len() as u64;
        char::from(ALPHABET[letter])
    });
    let prefix = prefix.chars().take(MAX_GENERATED - SUFFIX);
    prefix.chain(suffix.take(SUFFIX)).collect()
}

/// Whether a text can name an object: RFC 1123's subdomain.
///
/// # Errors
/// Says what a name is like.
pub fn subdomain(name: &str) -> Result<(), NameFault> {
    let fits = name.len() <= MAX_SUBDOMAIN && name.split('.').all(is_dns_label);
    let what = "a name consists of at most 253 lower case letters, digits, '-' and '.', and each part between dots starts and ends with a letter or a digit";
    refuse_unless(fits, what, || near(name))
}

/// Whether a text can name a namespace: RFC 1123's label.
///
/// # Errors
/// Says what a namespace is called like.
pub fn namespace(name: &str) -> Result<(), NameFault> {
    let fits = name.len() <= MAX_LABEL && is_dns_label(name);
    let what = "a namespace's name consists of at most 63 lower case letters, digits and '-', and starts and ends with a letter or a digit";
    refuse_unless(fits, what, || near_name(name, false))
}

/// Whether a text can be a label's value.
///
/// # Errors
/// Says what such values are like.
pub fn label_value(value: &str) -> Result<(), NameFault> {
    let fits = value.is_empty() || is_label_name(value);
    let what = "a label's value is empty, or consists of at most 63 letters, digits, '-', '_' and '.', and starts and ends with a letter or a digit";
    refuse_unless(fits, what, || None)
}

/// Whether a text can be a label's key: a name, with a domain and a slash before it if wanted.
///
/// # Errors
/// Says what such keys are like.
pub fn label_key(key: &str) -> Result<(), NameFault> {
    let fits = match key.split_once('/') {
        Some((domain, name)) => subdomain(domain).is_ok() && is_label_name(name),
        None => is_label_name(key),
    };
    let what = "a key consists of at most 63 letters, digits, '-', '_' and '.', starts and ends with a letter or a digit, and may have a domain and '/' before it";
    refuse_unless(fits, what, || None)
}

fn refuse_unless(
    fits: bool,
    what: &'static str,
    instead: impl FnOnce() -> Option<String>,
) -> Result<(), NameFault> {
    match fits {
        true => Ok(()),
        false => Err(NameFault {
            what,
            instead: instead(),
        }),
    }
}

/// RFC 1123's label, whatever its length.
fn is_dns_label(part: &str) -> bool {
    let end = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    let bytes = part.as_bytes();
    bytes.first().is_some_and(|&c| end(c))
        && bytes.last().is_some_and(|&c| end(c))
        && bytes.iter().all(|&c| end(c) || c == b'-')
}

fn is_label_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric();
    let inner = |c: char| plain(c) || matches!(c, '-' | '_' | '.');
    name.len() <= MAX_LABEL
        && name.starts_with(plain)
        && name.ends_with(plain)
        && name.chars().all(inner)
}

/// The name that is nearest to a text: with lower case letters, and with dashes for what a name can't
/// have.
pub fn near(text: &str) -> Option<String> {
    near_name(text, true)
}

fn near_name(name: &str, has_parts: bool) -> Option<String> {
    let mut near = String::new();
    for letter in name.chars().take(MAX_LABEL) {
        let letter = letter.to_ascii_lowercase();
        if letter.is_ascii_lowercase() || letter.is_ascii_digit() {
            near.push(letter);
        } else if letter == '.' && has_parts && !near.ends_with(['-', '.']) {
            near.push('.');
        } else if !near.is_empty() && !near.ends_with(['-', '.']) {
            near.push('-');
        }
    }
    let near = near.trim_matches(['-', '.']);
    (!near.is_empty()).then(|| near.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rule: fn(&str) -> Result<(), NameFault>, good: &[&str], bad: &[&str]) {
        for text in good {
            assert_eq!(rule(text), Ok(()), "{text:?}");
        }
        for text in bad {
            assert!(rule(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn names_are_as_in_kubernetes() {
        let long = "a".repeat(64);
        let longer = "a".repeat(254);
        check(
            subdomain,
            &["a", "0", "hello-world", "a.b-c.9", &long],
            &["", "A", "a_b", "-a", "a-", "a..b", ".a", "a.", "é", &longer],
        );
        check(namespace, &["default", "a-1"], &["", "a.b", "A", &long]);
        check(
            label_value,
            &["", "a", "A_b.c-9"],
            &["-a", "a-", "a b", "ä", &long],
        );
        check(
            label_key,
            &["a", "A_b", "example.com/Part-of"],
            &["", "/a", "a/", "a/b/c", "E.com/a", "a b", &long],
        );
    }

    #[test]
    fn the_nearest_name_is_told() {
        for (name, expected) in [
            ("Bad_Name", Some("bad-name")),
            ("__x__", Some("x")),
            ("a..b", Some("a.b")),
            ("Ünder", Some("nder")),
            ("__", None),
        ] {
            let instead = subdomain(name).map_err(|fault| fault.instead);
            assert_eq!(instead, Err(expected.map(str::to_owned)), "{name}");
        }
    }

    #[test]
    fn generated_names_have_five_letters_more_and_63_at_most() {
        let long = "a".repeat(70);
        for (prefix, chosen, expected) in [
            ("", 0, "bbbbb".to_owned()),
            ("wf-", 1, "wf-cbbbb".to_owned()),
            ("wf-", 27, "wf-bcbbb".to_owned()),
            ("wf-", u64::MAX, "wf-7544t".to_owned()),
            (&long, 0, format!("{}bbbbb", &long[..58])),
        ] {
            assert_eq!(generated(prefix, chosen), expected, "{prefix} {chosen}");
        }
    }
}
