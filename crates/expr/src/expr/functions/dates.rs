//! expr-lang's functions on times.

use std::sync::Arc;

use jiff::tz::TimeZone;

use super::{Arguments, Entry, Outcome, entry};
use crate::expr::budget::{Failure, Tools};
use crate::time;
use crate::value::Value;

pub(super) const TABLE: &[Entry] = &[
    entry("now", 0, 1, |tools, a| {
        let now = time::at(tools.context.now_seconds, tools.context.now_nanoseconds);
        let now = match a.get(0) {
            Value::Zone(zone) => now.with_time_zone((**zone).clone()),
            _ if a.len() == 0 => now,
            _ => return a.refuse(0),
        };
        Ok(Value::Time(Arc::new(now)))
    }),
    entry("duration", 1, 1, |_, a| {
        Ok(Value::Duration(time::parse_duration(a.string(0)?)?))
    }),
    entry("date", 1, 4, date),
    entry("timezone", 1, 1, |_, a| {
        Ok(Value::Zone(Arc::new(zone(a.string(0)?)?)))
    }),
];

/// The layouts in which `date(text)` tries to read, in this order.
const LAYOUTS: [&str; 7] = [
    "2006-01-02",
    "15:04:05",
    "2006-01-02 15:04:05",
    "2006-01-02T15:04:05Z07:00",
    "02 Jan 06 15:04 MST",
    "Monday, 02-Jan-06 15:04:05 MST",
    "Mon, 02 Jan 2006 15:04:05 MST",
];

fn zone(name: &str) -> Result<TimeZone, Failure> {
    time::load_zone(name).ok_or_else(|| Failure::Message(format!("unknown time zone {name}")))
}

fn date(_: &Tools<'_>, a: &Arguments<'_>) -> Outcome {
    let (given, at) = match a.get(0) {
        Value::Zone(zone) => ((**zone).clone(), 1),
        _ => (TimeZone::UTC, 0),
    };
    let text = a.string(at)?;
    let time = match a.len() - at {
        1 => LAYOUTS
            .iter()
            .find_map(|layout| time::parse_time(layout, text, &given).ok())
            .ok_or_else(|| Failure::Message(format!("invalid date {text}")))?,
        2 => time::parse_time(a.string(at + 1)?, text, &given)?,
        _ => time::parse_time(a.string(at + 1)?, text, &zone(a.string(at + 2)?)?)?,
    };
    Ok(Value::Time(Arc::new(time)))
}
