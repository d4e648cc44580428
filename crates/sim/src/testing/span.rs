//! Spans of virtual time, and numbers that may be told by tags.

use argosy_expr::{EvalContext, Scope, Template, Unresolved};
use serde::{Deserialize, Deserializer};

use crate::protocol::Scalar;

/// A span of virtual time in whole seconds: `90`, or `1m30s`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Span(pub i64);

impl std::fmt::Display for Span {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (hours, minutes, seconds) = (self.0 / 3_600, self.0 / 60 % 60, self.0 % 60);
        if hours != 0 {
            write!(f, "{hours}h")?;
        }
        if minutes != 0 {
            write!(f, "{minutes}m")?;
        }
        match seconds == 0 && self.0 != 0 {
            true => Ok(()),
            false => write!(f, "{seconds}s"),
        }
    }
}

impl std::str::FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        seconds(text)
            .map(Self)
            .ok_or_else(|| format!("{text:?} is no duration such as 90 or 1m30s"))
    }
}

/// The seconds of a span; `None` if the text is none.
pub(super) fn seconds(text: &str) -> Option<i64> {
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(i64::from(seconds));
    }
    let mut total: i64 = 0;
    let mut number: Option<i64> = None;
    for letter in text.chars() {
        if let Some(digit) = letter.to_digit(10) {
            let more = number.unwrap_or(0).checked_mul(10)?;
            number = Some(more.checked_add(i64::from(digit))?);
            continue;
        }
        let unit = match letter {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            _ => return None,
        };
        total = total.checked_add(number.take()?.checked_mul(unit)?)?;
    }
    // The clock is a timestamp: a century is more than it needs.
    (number.is_none() && !text.is_empty() && total <= 3_200_000_000).then_some(total)
}

/// An exit code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ExitCode(pub i32);

impl std::str::FromStr for ExitCode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse()
            .map(Self)
            .map_err(|_| format!("{text:?} is no exit code"))
    }
}

/// A value that is there, or a text whose tags give it when it is asked for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Said<T> {
    Known(T),
    Tags(String),
}

impl<T: Default> Default for Said<T> {
    fn default() -> Self {
        Self::Known(T::default())
    }
}

impl<T: Copy + std::str::FromStr<Err = String>> Said<T> {
    /// The value, tags filled in.
    pub fn told(&self, scope: &dyn Scope, context: &EvalContext) -> Result<T, String> {
        match self {
            Self::Known(value) => Ok(*value),
            Self::Tags(text) => filled(text, scope, context)?.trim().parse(),
        }
    }
}

impl<'de, T: std::str::FromStr<Err = String>> Deserialize<'de> for Said<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Scalar(text) = Scalar::deserialize(deserializer)?;
        if text.contains("{{") {
            return Ok(Self::Tags(text));
        }
        text.parse()
            .map(Self::Known)
            .map_err(serde::de::Error::custom)
    }
}

/// A text with its tags filled in.
pub(super) fn filled(
    text: &str,
    scope: &dyn Scope,
    context: &EvalContext,
) -> Result<String, String> {
    if !text.contains("{{") {
        return Ok(text.to_owned());
    }
    Template::parse(text)
        .and_then(|template| template.render(scope, Unresolved::Error, context))
        .map(|rendered| rendered.text)
        .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::{Span, seconds};

    #[test]
    fn durations() {
        for (text, wanted) in [
            ("0", Some(0)),
            ("90", Some(90)),
            ("1m30s", Some(90)),
            ("2h", Some(7_200)),
            ("1d", Some(86_400)),
            ("", None),
            ("5x", None),
            ("s", None),
            ("1m30", None),
            ("-3", None),
        ] {
            assert_eq!(seconds(text), wanted, "{text}");
            if let Some(seconds) = wanted.filter(|_| text.parse::<u32>().is_err()) {
                let again = Span(seconds).to_string();
                assert_eq!(super::seconds(&again), wanted, "{text} as {again}");
            }
        }
    }
}
