//! sprig's functions on regular expressions.

use regex::{NoExpand, Regex};

use crate::expr::budget::{Failure, Tools};
use crate::expr::functions::{Arguments, Entry, Outcome, entry};
use crate::pattern;
use crate::value::Value;

pub(super) const TABLE: &[Entry] = &[
    entry("regexMatch", 2, 2, |tools, a| {
        let text = a.string(1)?;
        match tools.pattern(a.string(0)?) {
            Ok(regex) => Ok(regex.is_match(text).into()),
            Err(Failure::Message(_)) => Ok(false.into()),
            Err(budget) => Err(budget),
        }
    }),
    entry("mustRegexMatch", 2, 2, |tools, a| {
        Ok(compiled(tools, a)?.is_match(a.string(1)?).into())
    }),
    entry("regexFind", 2, 2, find),
    entry("mustRegexFind", 2, 2, find),
    entry("regexFindAll", 3, 3, find_all),
    entry("mustRegexFindAll", 3, 3, find_all),
    entry("regexReplaceAll", 3, 3, replace_all),
    entry("mustRegexReplaceAll", 3, 3, replace_all),
    entry("regexReplaceAllLiteral", 3, 3, replace_all_literal),
    entry("mustRegexReplaceAllLiteral", 3, 3, replace_all_literal),
    entry("regexSplit", 3, 3, split),
    entry("mustRegexSplit", 3, 3, split),
    entry("regexQuoteMeta", 1, 1, |_, a| {
        Ok(pattern::quote_meta(a.string(0)?).into())
    }),
];

fn compiled(tools: &Tools<'_>, a: &Arguments<'_>) -> Result<Regex, Failure> {
    let pattern = a.string(0)?;
    tools.pattern(pattern).map_err(|failure| match failure {
        // Those without must call what Go has for patterns that are known to be right.
        Failure::Message(message) if !a.function.starts_with("must") => {
            Failure::Message(format!("regexp: Compile(`{pattern}`): {message}"))
        }
        failure => failure,
    })
}

fn find(tools: &Tools<'_>, a: &Arguments<'_>) -> Outcome {
    let regex = compiled(tools, a)?;
    let found = regex.find(a.string(1)?);
    Ok(found.map_or("", |found| found.as_str()).into())
}

fn find_all(tools: &Tools<'_>, a: &Arguments<'_>) -> Outcome {
    let regex = compiled(tools, a)?;
    let text = a.string(1)?;
    let limit = usize::try_from(a.int(2)?).unwrap_or(usize::MAX);
    tools.grow_by(text.len() + 1, size_of::<Value>())?;
    let found = regex.find_iter(text).take(limit);
    Ok(Value::strings(found.map(|found| found.as_str()))?)
}

fn check_replacement(
    tools: &Tools<'_>,
    regex: &Regex,
    text: &str,
    by: &str,
) -> Result<(), Failure> {
    // Each match may bring the replacement, and in that each `$1` the match.
    let references = by.matches('$').count();
    let found = regex.find_iter(text).count();
    tools.grow_by(found, by.len())?;
    tools.grow_by(references, text.len())
}

fn replace_all(tools: &Tools<'_>, a: &Arguments<'_>) -> Outcome {
    let (regex, text, by) = (compiled(tools, a)?, a.string(1)?, a.string(2)?);
    check_replacement(tools, &regex, text, by)?;
    Ok(regex.replace_all(text, by).into_owned().into())
}

fn replace_all_literal(tools: &Tools<'_>, a: &Arguments<'_>) -> Outcome {
    let (regex, text, by) = (compiled(tools, a)?, a.string(1)?, a.string(2)?);
    check_replacement(tools, &regex, text, by)?;
    Ok(regex.replace_all(text, NoExpand(by)).into_owned().into())
}

/// As Go's `Regexp.Split`: an empty match at the beginning cuts nothing off.
fn split(tools: &Tools<'_>, a: &Arguments<'_>) -> Outcome {
    let (regex, text, limit) = (compiled(tools, a)?, a.string(1)?, a.int(2)?);
    tools.grow_by(text.len() + 1, size_of::<Value>())?;
    if limit == 0 {
        return Ok(Value::list(Vec::new())?);
    }
    if text.is_empty() && !regex.as_str().is_empty() {
        return Ok(Value::strings([""])?);
    }
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut parts = Vec::new();
    let mut start = 0;
    let mut end = 0;
    for found in regex.find_iter(text).take(limit) {
        if parts.len() + 1 == limit {
            break;
        }
        end = found.start();
        if found.end() != 0 {
            parts.push(&text[start..end]);
        }
        start = found.end();
    }
    if end != text.len() {
        parts.push(&text[start..]);
    }
    Ok(Value::strings(parts)?)
}
