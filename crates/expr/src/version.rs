//! Semantic versions as Masterminds/semver reads them, which sprig uses.

use std::cmp::Ordering;

/// A version: `v1.2.3-alpha.1+build`. Minor and patch may be missing, and are 0 then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    numbers: [u64; 3],
    prerelease: String,
    metadata: String,
    original: String,
}

const INVALID: &str = "Invalid Semantic Version";

impl Version {
    /// Reads a version.
    ///
    /// # Errors
    /// If the text is none.
    pub fn read(text: &str) -> Result<Self, String> {
        let rest = text.strip_prefix('v').unwrap_or(text);
        let (rest, metadata) = match rest.split_once('+') {
            Some((rest, metadata)) => (rest, Some(metadata)),
            None => (rest, None),
        };
        let (core, prerelease) = match rest.split_once('-') {
            Some((core, prerelease)) => (core, Some(prerelease)),
            None => (rest, None),
        };
        if [prerelease, metadata].into_iter().flatten().any(is_odd) {
            return Err(INVALID.to_owned());
        }
        let mut numbers = [0; 3];
        for (at, part) in core.split('.').enumerate() {
            let is_number = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
            let (true, Some(number)) = (is_number, numbers.get_mut(at)) else {
                return Err(INVALID.to_owned());
            };
            *number = part.parse().map_err(|_| {
                format!("error parsing version segment: strconv.ParseUint: parsing {part:?}: value out of range")
            })?;
        }
        let padded = |part: &str| {
            part.len() > 1 && part.starts_with('0') && part.bytes().all(|b| b.is_ascii_digit())
        };
        if prerelease.is_some_and(|prerelease| prerelease.split('.').any(padded)) {
            return Err("Version segment starts with 0".to_owned());
        }
        Ok(Self {
            numbers,
            prerelease: prerelease.unwrap_or_default().to_owned(),
            metadata: metadata.unwrap_or_default().to_owned(),
            original: text.to_owned(),
        })
    }

    /// Major, minor and patch.
    pub fn numbers(&self) -> [u64; 3] {
        self.numbers
    }

    /// What stands after a `-`, or nothing.
    pub fn prerelease(&self) -> &str {
        &self.prerelease
    }

    /// What stands after a `+`, or nothing.
    pub fn metadata(&self) -> &str {
        &self.metadata
    }

    /// The text that was read.
    pub fn original(&self) -> &str {
        &self.original
    }

    /// How it stands to another. The metadata does not count.
    pub fn compare(&self, other: &Self) -> Ordering {
        self.numbers.cmp(&other.numbers).then_with(|| {
            match (self.prerelease.is_empty(), other.prerelease.is_empty()) {
                (true, true) => Ordering::Equal,
                (true, false) => Ordering::Greater,
                (false, true) => Ordering::Less,
                (false, false) => compare_prereleases(&self.prerelease, &other.prerelease),
            }
        })
    }

    /// The next major version.
    pub fn next_major(&self) -> Self {
        let [major, ..] = self.numbers;
        self.next([major.wrapping_add(1), 0, 0])
    }

    /// The next minor version.
    pub fn next_minor(&self) -> Self {
        let [major, minor, _] = self.numbers;
        self.next([major, minor.wrapping_add(1), 0])
    }

    /// The next patch version: of one before a release, the release.
    pub fn next_patch(&self) -> Self {
        let [major, minor, patch] = self.numbers;
        match self.prerelease.is_empty() {
            true => self.next([major, minor, patch.wrapping_add(1)]),
            false => self.next(self.numbers),
        }
    }

    fn next(&self, numbers: [u64; 3]) -> Self {
        let mut next = Self {
            numbers,
            prerelease: String::new(),
            metadata: String::new(),
            original: String::new(),
        };
        let v = if self.original.starts_with('v') {
            "v"
        } else {
            ""
        };
        next.original = format!("{v}{next}");
        next
    }
}

/// Without what may stand before it, and with all three numbers.
impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [major, minor, patch] = self.numbers;
        write!(f, "{major}.{minor}.{patch}")?;
        for (sign, part) in [('-', &self.prerelease), ('+', &self.metadata)] {
            if !part.is_empty() {
                write!(f, "{sign}{part}")?;
            }
        }
        Ok(())
    }
}

/// Whether what stands after a sign is not what may stand there: words between dots.
pub(crate) fn is_odd(text: &str) -> bool {
    let is_word = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    !text.split('.').all(is_word)
}

fn compare_prereleases(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.split('.'), b.split('.'));
    loop {
        let ordering = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(a), Some(b)) if a == b => Ordering::Equal,
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
