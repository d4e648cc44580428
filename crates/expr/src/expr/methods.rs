//! Go's methods of times and durations, which expressions can call: `now().Unix()`.

use std::sync::Arc;

use jiff::{ToSpan, Zoned};

use super::budget::Failure;
use super::operators::{nanoseconds_between, shifted};
use crate::time;
use crate::value::Value;
use crate::version::Version;

type Outcome = Result<Value, Failure>;

/// The method that gives the name of what another gives as a number.
pub(crate) fn name_of(method: &str) -> Option<&'static str> {
    match method {
        "Month" => Some(MONTH_NAME),
        "Weekday" => Some(WEEKDAY_NAME),
        _ => None,
    }
}

/// Go's zero time, the first day of the year 1.
const ZERO_SECONDS: i64 = -62_135_596_800;

// No expression can write these names.
const MONTH_NAME: &str = "name of the month";
const WEEKDAY_NAME: &str = "name of the weekday";

/// The names of the methods that some value has.
const NAMES: [&str; 49] = [
    "Abs",
    "Add",
    "AddDate",
    "After",
    "Before",
    "Compare",
    "Day",
    "Equal",
    "Format",
    "GreaterThan",
    "GreaterThanEqual",
    "Hour",
    "Hours",
    "In",
    "IncMajor",
    "IncMinor",
    "IncPatch",
    "IsZero",
    "LessThan",
    "LessThanEqual",
    "Local",
    "Location",
    "Major",
    "Metadata",
    "Microseconds",
    "Milliseconds",
    "Minor",
    "Minute",
    "Minutes",
    "Month",
    "Nanosecond",
    "Nanoseconds",
    "Original",
    "Patch",
    "Prerelease",
    "Round",
    "Second",
    "Seconds",
    "String",
    "Sub",
    "Truncate",
    "UTC",
    "Unix",
    "UnixMicro",
    "UnixMilli",
    "UnixNano",
    "Weekday",
    "Year",
    "YearDay",
];

/// Whether some value has a method of this name.
pub(crate) fn is_known(name: &str) -> bool {
    NAMES.contains(&name)
}

/// Calls a method of a value.
pub(crate) fn call(base: &Value, name: &str, arguments: &[Value]) -> Outcome {
    let result = match base {
        Value::Time(moment) => of_time(moment, name, arguments)?,
        Value::Duration(nanoseconds) => of_duration(*nanoseconds, name, arguments)?,
        Value::Zone(zone) if name == "String" => Some(Value::from(time::zone_name(zone))),
        Value::Version(version) => of_version(version, name, arguments),
        Value::Nil => {
            return Err(Failure::Message(format!("cannot fetch {name} from <nil>")));
        }
        Value::Map(map) => {
            return Err(match map.get(name) {
                None | Some(Value::Nil) => "invalid operation: cannot call nil".into(),
                Some(entry) => Failure::Message(format!(
                    "invalid operation: cannot call non-function of type {}",
                    entry.go_type()
                )),
            });
        }
        _ => None,
    };
    result.ok_or_else(|| {
        Failure::Message(format!(
            "{} has no method {name} with {} arguments of these types",
            base.go_type(),
            arguments.len()
        ))
    })
}

fn of_time(moment: &Zoned, name: &str, arguments: &[Value]) -> Result<Option<Value>, Failure> {
    let at = |zoned: Zoned| Value::Time(Arc::new(zoned));
    let int = |n: i64| Value::Int(n);
    let value = match (name, arguments) {
        ("Unix", []) => int(moment.timestamp().as_second().min(whole_seconds(moment))),
        ("UnixMilli", []) => int(moment.timestamp().as_millisecond()),
        ("UnixMicro", []) => int(moment.timestamp().as_microsecond()),
        ("UnixNano", []) => int(nanoseconds_between(&time::at(0, 0), moment)),
        ("Year", []) => int(moment.year().into()),
        ("Month", []) => int(moment.month().into()),
        ("Day", []) => int(moment.day().into()),
        ("Hour", []) => int(moment.hour().into()),
        ("Minute", []) => int(moment.minute().into()),
        ("Second", []) => int(moment.second().into()),
        ("Nanosecond", []) => int(moment.subsec_nanosecond().into()),
        ("YearDay", []) => int(moment.day_of_year().into()),
        ("Weekday", []) => int(moment.weekday().to_sunday_zero_offset().into()),
        (MONTH_NAME, []) => Value::from(time::format_time(moment, "January")),
        (WEEKDAY_NAME, []) => Value::from(time::format_time(moment, "Monday")),
        ("Compare", [Value::Time(other)]) => int(moment.timestamp().cmp(&other.timestamp()) as i64),
        ("IsZero", []) => Value::Bool(moment.timestamp().as_second() == ZERO_SECONDS),
        ("UTC", []) => at(moment.with_time_zone(jiff::tz::TimeZone::UTC)),
        ("Local", []) => at(moment.with_time_zone(jiff::tz::TimeZone::UTC)),
        ("String", []) => Value::from(time::go_text(moment)),
        ("Location", []) => Value::Zone(Arc::new(moment.time_zone().clone())),
        ("In", [Value::Zone(zone)]) => at(moment.with_time_zone((**zone).clone())),
        ("Format", [Value::String(layout)]) => Value::from(time::format_time(moment, layout)),
        ("Add", [Value::Duration(n) | Value::Int(n)]) => shifted(moment, *n)?,
        ("Sub", [Value::Time(other)]) => Value::Duration(nanoseconds_between(other, moment)),
        ("Before", [Value::Time(other)]) => Value::Bool(moment.timestamp() < other.timestamp()),
        ("After", [Value::Time(other)]) => Value::Bool(moment.timestamp() > other.timestamp()),
        ("Equal", [Value::Time(other)]) => Value::Bool(moment.timestamp() == other.timestamp()),
        ("AddDate", [Value::Int(years), Value::Int(months), Value::Int(days)]) => {
            at(add_date(moment, *years, *months, *days)?)
        }
        ("Truncate", [Value::Duration(unit)]) => {
            let since = nanoseconds_between(&time::at(0, 0), moment);
            match since.checked_rem_euclid(*unit) {
                Some(rest) => shifted(moment, -rest)?,
                None => at(moment.clone()),
            }
        }
        _ => return Ok(None),
    };
    Ok(Some(value))
}

fn of_version(version: &Version, name: &str, arguments: &[Value]) -> Option<Value> {
    let number = |n: u64| Value::Int(i64::try_from(n).unwrap_or(i64::MAX));
    let made = |version: Version| Value::Version(Arc::new(version));
    let [major, minor, patch] = version.numbers();
    Some(match (name, arguments) {
        ("Major", []) => number(major),
        ("Minor", []) => number(minor),
        ("Patch", []) => number(patch),
        ("Prerelease", []) => version.prerelease().into(),
        ("Metadata", []) => version.metadata().into(),
        ("Original", []) => version.original().into(),
        ("String", []) => version.to_string().into(),
        ("IncMajor", []) => made(version.next_major()),
        ("IncMinor", []) => made(version.next_minor()),
        ("IncPatch", []) => made(version.next_patch()),
        ("Compare", [Value::Version(other)]) => Value::Int(version.compare(other) as i64),
        ("Equal", [Value::Version(other)]) => version.compare(other).is_eq().into(),
        ("LessThan", [Value::Version(other)]) => version.compare(other).is_lt().into(),
        ("LessThanEqual", [Value::Version(other)]) => version.compare(other).is_le().into(),
        ("GreaterThan", [Value::Version(other)]) => version.compare(other).is_gt().into(),
        ("GreaterThanEqual", [Value::Version(other)]) => version.compare(other).is_ge().into(),
        _ => return None,
    })
}

fn whole_seconds(moment: &Zoned) -> i64 {
    i64::try_from(moment.timestamp().as_nanosecond().div_euclid(1_000_000_000)).unwrap_or(i64::MAX)
}

/// As Go's `AddDate`: a day past the end of a month runs over into the next.
fn add_date(moment: &Zoned, years: i64, months: i64, days: i64) -> Result<Zoned, Failure> {
    let out_of_range = || Failure::Message("the date is out of range".into());
    let months = years
        .checked_mul(12)
        .and_then(|months_of_years| months_of_years.checked_add(months))
        .filter(|months| months.abs() < 120_000)
        .ok_or_else(out_of_range)?;
    if days.abs() > 4_000_000 {
        return Err(out_of_range());
    }
    let date = moment.date();
    let first = date
        .first_of_month()
        .checked_add(months.months())
        .and_then(|first| first.checked_add((i64::from(date.day()) - 1).days()))
        .and_then(|date| date.checked_add(days.days()))
        .map_err(|_| out_of_range())?;
    moment
        .with()
        .date(first)
        .build()
        .map_err(|_| out_of_range())
}

fn of_duration(
    nanoseconds: i64,
    name: &str,
    arguments: &[Value],
) -> Result<Option<Value>, Failure> {
    let as_float = |unit: f64| Value::Float(nanoseconds as f64 / unit);
    Ok(Some(match (name, arguments) {
        ("Nanoseconds", []) => Value::Int(nanoseconds),
        ("Microseconds", []) => Value::Int(nanoseconds / 1_000),
        ("Milliseconds", []) => Value::Int(nanoseconds / 1_000_000),
        ("Seconds", []) => as_float(1e9),
        ("Minutes", []) => as_float(60e9),
        ("Hours", []) => as_float(3_600e9),
        ("Abs", []) => Value::Duration(nanoseconds.saturating_abs()),
        ("String", []) => Value::from(time::duration_text(nanoseconds)),
        ("Truncate", [Value::Duration(unit)]) => Value::Duration(match unit {
            ..=0 => nanoseconds,
            _ => nanoseconds - nanoseconds % unit,
        }),
        ("Round", [Value::Duration(unit)]) => {
            Value::Duration(time::round_duration(nanoseconds, *unit))
        }
        _ => return Ok(None),
    }))
}
