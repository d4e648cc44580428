//! The schedules of CronWorkflows, as robfig/cron v3 reads them.

use argosy_expr::parse_duration;

use super::zones::{Zone, zone};

/// The bounds of a field, and the names that its values may have.
struct Field {
    min: u64,
    max: u64,
    names: &'static [&'static str],
}

const FIELDS: [Field; 5] = [
    Field {
        min: 0,
        max: 59,
        names: &[],
    },
    Field {
        min: 0,
        max: 23,
        names: &[],
    },
    Field {
        min: 1,
        max: 31,
        names: &[],
    },
    Field {
        min: 1,
        max: 12,
        names: &[
            "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
        ],
    },
    Field {
        min: 0,
        max: 6,
        names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
    },
];

const DESCRIPTORS: [&str; 7] = [
    "@yearly",
    "@annually",
    "@monthly",
    "@weekly",
    "@daily",
    "@midnight",
    "@hourly",
];

/// Why a schedule is none, in the words of robfig/cron; nothing if it is one.
pub(super) fn schedule_error(schedule: &str) -> Option<String> {
    if schedule.is_empty() {
        return Some("empty spec string".to_owned());
    }
    let mut rest = schedule;
    if rest.starts_with("TZ=") || rest.starts_with("CRON_TZ=") {
        // Argo's process ends in a panic where no space follows.
        let Some((prefix, after)) = rest.split_once(' ') else {
            return Some(format!("expected a schedule after {schedule}"));
        };
        let name = prefix.split_once('=').map_or("", |(_, name)| name);
        if let Zone::Unknown(problem, _) = zone(name) {
            return Some(format!(
                "provided bad location {name}: {}",
                zone_text(problem, name)
            ));
        }
        rest = after.trim();
    }
    if rest.starts_with('@') {
        return descriptor_error(rest);
    }
    let fields: Vec<&str> = rest.split_whitespace().collect();
    if fields.len() != FIELDS.len() {
        return Some(format!(
            "expected exactly 5 fields, found {}: [{}]",
            fields.len(),
            fields.join(" ")
        ));
    }
    fields
        .iter()
        .zip(&FIELDS)
        .flat_map(|(text, field)| {
            text.split(',')
                .filter(|range| !range.is_empty())
                .map(move |range| (range, field))
        })
        .find_map(|(range, field)| range_error(range, field).err())
}

/// What Go says of a name that is no time zone.
pub(super) fn zone_text(problem: &str, name: &str) -> String {
    if problem.starts_with("unknown") {
        format!("{problem} {name}")
    } else {
        problem.to_owned()
    }
}

fn descriptor_error(text: &str) -> Option<String> {
    if DESCRIPTORS.contains(&text) {
        return None;
    }
    match text.strip_prefix("@every ") {
        Some(duration) => parse_duration(duration)
            .err()
            .map(|error| format!("failed to parse duration {text}: {error}")),
        None => Some(format!("unrecognized descriptor: {text}")),
    }
}

/// `number`, `number-number` or `*`, and perhaps `/step`.
fn range_error(range: &str, field: &Field) -> Result<(), String> {
    let parts: Vec<&str> = range.split('/').collect();
    let bounds: Vec<&str> = parts[0].split('-').collect();
    let (start, mut end) = if matches!(bounds[0], "*" | "?") {
        (field.min, field.max)
    } else {
        let start = value(bounds[0], field)?;
        match bounds.len() {
            1 => (start, start),
            2 => (start, value(bounds[1], field)?),
            _ => return Err(format!("too many hyphens: {range}")),
        }
    };
    let step = match parts.len() {
        1 => 1,
        2 => {
            let step = number(parts[1])?;
            if bounds.len() == 1 {
                end = field.max;
            }
            step
        }
        _ => return Err(format!("too many slashes: {range}")),
    };
    let (min, max) = (field.min, field.max);
    if start < min {
        return Err(format!(
            "beginning of range ({start}) below minimum ({min}): {range}"
        ));
    }
    if end > max {
        return Err(format!(
            "end of range ({end}) above maximum ({max}): {range}"
        ));
    }
    if start > end {
        return Err(format!(
            "beginning of range ({start}) beyond end of range ({end}): {range}"
        ));
    }
    if step == 0 {
        return Err(format!(
            "step of range should be a positive number: {range}"
        ));
    }
    Ok(())
}

fn value(text: &str, field: &Field) -> Result<u64, String> {
    let lower = text.to_lowercase();
    match field.names.iter().position(|name| *name == lower) {
        Some(index) => Ok(field.min + index as u64),
        None => number(text),
    }
}

fn number(text: &str) -> Result<u64, String> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(format!(
            "failed to parse int from {text}: strconv.Atoi: parsing {text:?}: invalid syntax"
        ));
    }
    let Ok(number) = text.parse::<i64>() else {
        return Err(format!(
            "failed to parse int from {text}: strconv.Atoi: parsing {text:?}: value out of range"
        ));
    };
    u64::try_from(number).map_err(|_| format!("negative number ({number}) not allowed: {text}"))
}

#[cfg(test)]
mod tests {
    use super::schedule_error;

    #[test]
    fn reads_as_robfig_cron_does() {
        for (schedule, expected) in [
            ("* * * * *", None),
            ("*/5 0-6/2 1,15 JAN-mar sun", None),
            ("5/15 ? * * ?", None),
            (",1, * * * *", None),
            ("@hourly", None),
            ("@every 1h30m", None),
            ("CRON_TZ=Europe/Berlin 0 6 * * *", None),
            ("TZ=UTC @daily", None),
            ("", Some("empty spec string")),
            (
                "* * * *",
                Some("expected exactly 5 fields, found 4: [* * * *]"),
            ),
            (
                "60 * * * *",
                Some("end of range (60) above maximum (59): 60"),
            ),
            (
                "* * 0 * *",
                Some("beginning of range (0) below minimum (1): 0"),
            ),
            (
                "5-1 * * * *",
                Some("beginning of range (5) beyond end of range (1): 5-1"),
            ),
            (
                "*/0 * * * *",
                Some("step of range should be a positive number: */0"),
            ),
            ("1-2-3 * * * *", Some("too many hyphens: 1-2-3")),
            ("1/2/3 * * * *", Some("too many slashes: 1/2/3")),
            (
                "a * * * *",
                Some("failed to parse int from a: strconv.Atoi: parsing \"a\": invalid syntax"),
            ),
            ("* * * * 7", Some("end of range (7) above maximum (6): 7")),
            (
                "@fortnightly",
                Some("unrecognized descriptor: @fortnightly"),
            ),
            (
                "@every 5",
                Some("failed to parse duration @every 5: time: missing unit in duration \"5\""),
            ),
            (
                "CRON_TZ=Nowhere/City * * * * *",
                Some("provided bad location Nowhere/City: unknown time zone Nowhere/City"),
            ),
        ] {
            assert_eq!(schedule_error(schedule).as_deref(), expected, "{schedule}");
        }
    }
}
