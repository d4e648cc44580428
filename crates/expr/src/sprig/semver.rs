//! sprig's functions on versions, with the constraints of Masterminds/semver 3.3.
//! What `semver` gives has methods: see [`Version`].

use std::sync::Arc;

use crate::expr::budget::Failure;
use crate::expr::functions::{Entry, entry};
use crate::value::Value;
use crate::version::{Version, is_odd};

pub(super) const TABLE: &[Entry] = &[
    entry("semver", 1, 1, |_, a| {
        Ok(Value::Version(Arc::new(Version::read(a.string(0)?)?)))
    }),
    entry("semverCompare", 2, 2, |_, a| {
        let (constraint, version) = (a.string(0)?, a.string(1)?);
        let alternatives = constraint
            .split("||")
            .map(|text| {
                let improper = || Failure::Message(format!("improper constraint: {text}"));
                alternative(text).ok_or_else(improper)
            })
            .collect::<Result<Vec<_>, Failure>>()?;
        let version = Version::read(version)?;
        let holds = alternatives
            .iter()
            .any(|all| all.iter().all(|bound| bound.holds(&version)));
        Ok(holds.into())
    }),
];

/// One bound of a constraint.
#[derive(Debug)]
struct Bound {
    sign: &'static str,
    version: Version,
    /// How many numbers of the version were written; the others are 0.
    written: usize,
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
        let word;
        (word, rest) = next_word(rest);
        let to = rest
            .strip_prefix('-')
            .filter(|to| to.starts_with(char::is_whitespace));
        match (sign, to) {
            (None, Some(to)) => {
                bounds.push(Bound::read(">=", word)?);
                let last;
                (last, rest) = next_word(to.trim_start());
                bounds.push(Bound::read("<=", last)?);
            }
            (sign, _) => bounds.push(Bound::read(sign.copied().unwrap_or("="), word)?),
        }
        if let Some(after) = rest.strip_prefix(',') {
            rest = after.trim_start();
            if rest.is_empty() {
                return None;
            }
        }
    }
    Some(bounds)
}

/// What stands before the next space or comma, and what follows.
fn next_word(text: &str) -> (&str, &str) {
    let end = text
        .find(|c: char| c.is_whitespace() || c == ',')
        .unwrap_or(text.len());
    (&text[..end], text[end..].trim_start())
}

impl Bound {
    /// A version whose last numbers may be missing or written `x`.
    fn read(sign: &'static str, text: &str) -> Option<Self> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let (rest, metadata) = match text.split_once('+') {
            Some((rest, metadata)) => (rest, Some(metadata)),
            None => (text, None),
        };
        let (core, prerelease) = match rest.split_once('-') {
            Some((core, prerelease)) => (core, Some(prerelease)),
            None => (rest, None),
        };
        if [prerelease, metadata].into_iter().flatten().any(is_odd) {
            return None;
        }
        let parts: Vec<&str> = core.split('.').collect();
        let is_wild = |part: &&str| matches!(*part, "x" | "X" | "*");
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if parts.len() > 3 || parts.iter().any(|part| !is_wild(part) && !is_number(part)) {
            return None;
        }
        let written = parts.iter().position(is_wild).unwrap_or(parts.len());
        let number = |at: usize| match at < written {
            true => parts[at],
            false => "0",
        };
        let mut whole = format!("{}.{}.{}", number(0), number(1), number(2));
        if let Some(prerelease) = prerelease {
            whole = format!("{whole}-{prerelease}");
        }
        Some(Self {
            sign,
            version: Version::read(&whole).ok()?,
            written,
        })
    }

    fn holds(&self, version: &Version) -> bool {
        let bound = &self.version;
        let whole = self.written == 3;
        // A version before its release is only met by a bound that names such a one.
        let is_before = !version.prerelease().is_empty() && bound.prerelease().is_empty();
        if is_before && (self.sign != "!=" || !whole) {
            return false;
        }
        let ordering = version.compare(bound);
        let (numbers, wanted) = (version.numbers(), bound.numbers());
        let is_like = numbers[..self.written] == wanted[..self.written];
        match self.sign {
            "!=" if whole || self.written == 0 => ordering.is_ne(),
            "!=" => !is_like || (self.written == 2 && version.prerelease() != bound.prerelease()),
            ">" if whole || self.written == 0 => ordering.is_gt(),
            ">" => numbers[..self.written] > wanted[..self.written],
            "<" => ordering.is_lt(),
            ">=" | "=>" => ordering.is_ge(),
            "<=" | "=<" if whole => ordering.is_le(),
            "<=" | "=<" => {
                let kept = if self.written == 1 { 1 } else { 2 };
                numbers[..kept] <= wanted[..kept]
            }
            "^" => ordering.is_ge() && self.is_below_next(numbers),
            "=" if whole => ordering.is_eq(),
            _ => ordering.is_ge() && self.is_near(numbers),
        }
    }

    /// `~`: of the same minor version, or of the same major one if no minor is written.
    fn is_near(&self, numbers: [u64; 3]) -> bool {
        let wanted = self.version.numbers();
        if wanted == [0; 3] && !matches!(self.written, 1 | 2) {
            return true;
        }
        let kept = if self.written == 1 { 1 } else { 2 };
        numbers[..kept] == wanted[..kept]
    }

    /// `^`: without a change of the first number that is not 0.
    fn is_below_next(&self, numbers: [u64; 3]) -> bool {
        let wanted = self.version.numbers();
        let kept = if wanted[0] > 0 || self.written == 1 {
            1
        } else if wanted[1] > 0 || self.written == 2 {
            2
        } else {
            3
        };
        numbers[..kept] == wanted[..kept]
    }
}
