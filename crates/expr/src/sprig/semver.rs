//! sprig's functions on versions, with the constraints of Masterminds/semver.
//! `semver` gives a map with the keys `Major`, `Minor`, `Patch`, `Prerelease`, `Metadata` and
//! `Original`, each of which can be called as a method too.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::expr::budget::Failure;
use crate::expr::functions::{Entry, Outcome, entry};
use crate::value::Value;

pub(super) const TABLE: &[Entry] = &[
    entry("semver", 1, 1, |_, a| map_of(a.string(0)?)),
    entry("semverCompare", 2, 2, |_, a| {
        let (constraint, version) = (a.string(0)?, a.string(1)?);
        let alternatives = constraint
            .split("||")
            .map(alternative)
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| Failure::Message(format!("improper constraint: {constraint}")))?;
        let version = parsed(version)?;
        let holds = alternatives
            .iter()
            .any(|all| all.iter().all(|bound| bound.holds(&version)));
        Ok(holds.into())
    }),
];

#[derive(Clone, Debug, PartialEq, Eq)]
struct Version {
    numbers: [u64; 3],
    /// How many of the numbers were written; the others are 0.
    written: usize,
    prerelease: String,
    metadata: String,
}

fn parsed(text: &str) -> Result<Version, Failure> {
    version(text)
        .filter(|version| version.written > 0)
        .ok_or_else(|| "Invalid Semantic Version".into())
}

fn map_of(text: &str) -> Outcome {
    let version = parsed(text)?;
    let number = |at: usize| Value::Int(i64::try_from(version.numbers[at]).unwrap_or(i64::MAX));
    let entries: [(&str, Value); 6] = [
        ("Major", number(0)),
        ("Minor", number(1)),
        ("Patch", number(2)),
        ("Prerelease", version.prerelease.as_str().into()),
        ("Metadata", version.metadata.as_str().into()),
        ("Original", text.into()),
    ];
    let entries: BTreeMap<Arc<str>, Value> = entries
        .into_iter()
        .map(|(key, value)| (Arc::from(key), value))
        .collect();
    Ok(Value::map(entries)?)
}

/// A version whose last numbers may be missing or written `x`.
fn version(text: &str) -> Option<Version> {
    let text = text.trim();
    let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
    let (rest, metadata) = text.split_once('+').unwrap_or((text, ""));
    let (core, prerelease) = rest.split_once('-').unwrap_or((rest, ""));
    let mut version = Version {
        numbers: [0; 3],
        written: 0,
        prerelease: prerelease.to_owned(),
        metadata: metadata.to_owned(),
    };
    let mut wild = false;
    for (at, part) in core.split('.').enumerate() {
        match part {
            "x" | "X" | "*" => wild = true,
            _ => {
                let is_number = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
                let number = part.parse().ok().filter(|_| is_number)?;
                *version.numbers.get_mut(at)? = number;
                if !wild {
                    version.written = at + 1;
                }
            }
        }
    }
    Some(version)
}

fn compare(a: &Version, b: &Version) -> Ordering {
    a.numbers.cmp(&b.numbers).then_with(|| {
        match (a.prerelease.is_empty(), b.prerelease.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) => compare_prereleases(&a.prerelease, &b.prerelease),
        }
    })
}

fn compare_prereleases(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.split('.'), b.split('.'));
    loop {
        let ordering = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(a), Some(b)) => match (a.parse::<u64>(), b.parse::<u64>()) {
                (Ok(a), Ok(b)) => a.cmp(&b),
                (Ok(_), Err(_)) => Ordering::Less,
                (Err(_), Ok(_)) => Ordering::Greater,
                (Err(_), Err(_)) => a.cmp(b),
            },
        };
        if ordering.is_ne() {
            return ordering;
        }
    }
}

/// One bound of a constraint.
#[derive(Debug)]
struct Bound {
    sign: &'static str,
    version: Version,
}

const SIGNS: [&str; 11] = ["!=", ">=", "=>", "<=", "=<", "~>", "=", ">", "<", "~", "^"];

/// Bounds that must all hold: `>=1.2, <3` or `1.2 - 2.4`.
fn alternative(text: &str) -> Option<Vec<Bound>> {
    let mut bounds = Vec::new();
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
        rest = rest[sign.map_or(0, |sign| sign.len())..].trim_start();
        let end = rest
            .find(|c: char| c.is_whitespace() || c == ',')
            .unwrap_or(rest.len());
        let version = version(&rest[..end])?;
        rest = rest[end..].trim_start();
        let to = rest
            .strip_prefix('-')
            .filter(|to| to.starts_with(char::is_whitespace));
        match (sign, to) {
            (None, Some(to)) => {
                bounds.push(Bound {
                    sign: ">=",
                    version,
                });
                rest = to.trim_start();
                let end = rest
                    .find(|c: char| c.is_whitespace() || c == ',')
                    .unwrap_or(rest.len());
                bounds.push(Bound {
                    sign: "<=",
                    version: self::version(&rest[..end])?,
                });
                rest = rest[end..].trim_start();
            }
            (sign, _) => bounds.push(Bound {
                sign: sign.copied().unwrap_or("="),
                version,
            }),
        }
        rest = rest.trim_start_matches(',').trim_start();
    }
    Some(bounds)
}

impl Bound {
    fn holds(&self, version: &Version) -> bool {
        let bound = &self.version;
        // A version before its release is only met by a bound that names such a one.
        if !version.prerelease.is_empty() && bound.prerelease.is_empty() && self.sign != "!=" {
            return false;
        }
        let ordering = compare(version, bound);
        let same_written = version.numbers[..bound.written] == bound.numbers[..bound.written];
        match self.sign {
            "!=" if bound.written < 3 => !same_written,
            "!=" => ordering.is_ne(),
            ">" if bound.written < 3 => ordering.is_gt() && !same_written,
            ">" => ordering.is_gt(),
            "<" => ordering.is_lt(),
            ">=" | "=>" => ordering.is_ge(),
            "<=" | "=<" if bound.written < 3 => ordering.is_le() || same_written,
            "<=" | "=<" => ordering.is_le(),
            "^" => ordering.is_ge() && self.same_until_first_nonzero(version),
            "~" | "~>" => {
                let kept = bound.written.min(2);
                ordering.is_ge() && version.numbers[..kept] == bound.numbers[..kept]
            }
            _ if bound.written < 3 => same_written,
            _ => ordering.is_eq(),
        }
    }

    fn same_until_first_nonzero(&self, version: &Version) -> bool {
        let bound = &self.version;
        let kept = match bound.numbers.iter().position(|number| *number > 0) {
            Some(at) => at + 1,
            None => bound.written.max(1),
        };
        version.numbers[..kept] == bound.numbers[..kept] || bound.written == 0
    }
}
