//! sprig's functions on times. The local zone is UTC, as in Argo's controller.

use std::sync::Arc;

use jiff::Zoned;
use jiff::tz::TimeZone;

use crate::expr::budget::{Failure, Tools};
use crate::expr::functions::{Arguments, Entry, Outcome, entry};
use crate::expr::operators::{nanoseconds_between, shifted};
use crate::time;
use crate::value::Value;

const HTML_DATE: &str = "2006-01-02";
const SECOND: i64 = 1_000_000_000;
/// Go's zero time, the first day of the year 1.
const ZERO_SECONDS: i64 = -62_135_596_800;

pub(super) const TABLE: &[Entry] = &[
    entry("now", 0, 0, |tools, _| {
        Ok(Value::Time(Arc::new(now(tools))))
    }),
    entry("date", 2, 2, |tools, a| {
        in_zone(tools, a.string(0)?, a.get(1), "UTC")
    }),
    entry("dateInZone", 3, 3, date_in_zone),
    entry("date_in_zone", 3, 3, date_in_zone),
    entry("htmlDate", 1, 1, |tools, a| {
        in_zone(tools, HTML_DATE, a.get(0), "UTC")
    }),
    entry("htmlDateInZone", 2, 2, |tools, a| {
        in_zone(tools, HTML_DATE, a.get(0), a.string(1)?)
    }),
    entry("dateModify", 2, 2, modify),
    entry("date_modify", 2, 2, modify),
    entry("mustDateModify", 2, 2, must_modify),
    entry("must_date_modify", 2, 2, must_modify),
    entry("ago", 1, 1, |tools, a| {
        let since = nanoseconds_between(&moment(tools, a.get(0)), &now(tools));
        Ok(time::duration_text(time::round_duration(since, SECOND)).into())
    }),
    entry("duration", 1, 1, |_, a| {
        let seconds = match a.get(0) {
            Value::String(text) => text.parse().unwrap_or(0),
            Value::Int(n) => *n,
            Value::Float(f) => *f as i64,
            _ => 0,
        };
        Ok(time::duration_text(seconds.wrapping_mul(SECOND)).into())
    }),
    entry("durationRound", 1, 1, |tools, a| {
        let nanoseconds = match a.get(0) {
            Value::String(text) => time::parse_duration(text).unwrap_or(0),
            Value::Int(n) | Value::Duration(n) => *n,
            Value::Time(start) => nanoseconds_between(start, &now(tools)),
            _ => 0,
        };
        Ok(rounded(nanoseconds.unsigned_abs()).into())
    }),
    entry("toDate", 2, 2, |_, a| {
        let parsed = time::parse_time(a.string(0)?, a.string(1)?, &TimeZone::UTC);
        let zero = || time::at(ZERO_SECONDS, 0);
        Ok(Value::Time(Arc::new(parsed.unwrap_or_else(|_| zero()))))
    }),
    entry("mustToDate", 2, 2, |_, a| {
        let parsed = time::parse_time(a.string(0)?, a.string(1)?, &TimeZone::UTC)?;
        Ok(Value::Time(Arc::new(parsed)))
    }),
    entry("unixEpoch", 1, 1, |_, a| {
        let moment = a_time(a, 0)?;
        let nanoseconds = moment.timestamp().as_nanosecond();
        Ok(nanoseconds.div_euclid(SECOND.into()).to_string().into())
    }),
];

fn now(tools: &Tools<'_>) -> Zoned {
    time::at(tools.context.now_seconds, tools.context.now_nanoseconds)
}

/// A time, or whole seconds since 1970; all else is now.
fn moment(tools: &Tools<'_>, value: &Value) -> Zoned {
    match value {
        Value::Time(time) => (**time).clone(),
        Value::Int(seconds) => time::at(*seconds, 0),
        _ => now(tools),
    }
}

/// The time that is given; nil stands for Go's zero time.
fn a_time(a: &Arguments<'_>, at: usize) -> Result<Zoned, Failure> {
    match a.get(at) {
        Value::Time(time) => Ok((**time).clone()),
        Value::Nil => Ok(time::at(ZERO_SECONDS, 0)),
        _ => Err(a.mistyped(at, "time.Time")),
    }
}

fn date_in_zone(tools: &Tools<'_>, a: &Arguments<'_>) -> Outcome {
    in_zone(tools, a.string(0)?, a.get(1), a.string(2)?)
}

fn in_zone(tools: &Tools<'_>, layout: &str, date: &Value, zone: &str) -> Outcome {
    let zone = time::load_zone(zone).unwrap_or(TimeZone::UTC);
    let moment = moment(tools, date).with_time_zone(zone);
    Ok(time::format_time(&moment, layout).into())
}

fn modify(tools: &Tools<'_>, a: &Arguments<'_>) -> Outcome {
    match time::parse_duration(a.string(0)?) {
        Ok(_) => must_modify(tools, a),
        Err(_) => Ok(Value::Time(Arc::new(a_time(a, 1)?))),
    }
}

fn must_modify(_: &Tools<'_>, a: &Arguments<'_>) -> Outcome {
    shifted(&a_time(a, 1)?, time::parse_duration(a.string(0)?)?)
}

/// The largest unit that fits more than once, and how often.
fn rounded(nanoseconds: u64) -> String {
    const UNITS: [(u64, &str); 6] = [
        (365 * 24 * 3_600, "y"),
        (30 * 24 * 3_600, "mo"),
        (24 * 3_600, "d"),
        (3_600, "h"),
        (60, "m"),
        (1, "s"),
    ];
    for (seconds, name) in UNITS {
        let unit = seconds * SECOND.unsigned_abs();
        if nanoseconds > unit {
            return format!("{}{name}", nanoseconds / unit);
        }
    }
    "0s".into()
}
