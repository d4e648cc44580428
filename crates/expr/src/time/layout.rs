//! Go's time layouts, which are written as an example of the moment 2006-01-02 15:04:05 -0700.

use std::fmt::Write as _;

use jiff::Zoned;
use jiff::tz::TimeZone;

pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

pub(super) const DAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

/// How a number is filled up to its width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pad {
    Zero,
    Space,
    Bare,
}

/// A place in a layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part<'a> {
    Text(&'a str),
    Year,
    ShortYear,
    MonthName,
    ShortMonthName,
    Month(Pad),
    DayName,
    ShortDayName,
    Day(Pad),
    DayOfYear(Pad),
    Hour,
    Hour12(Pad),
    Minute(Pad),
    Second(Pad),
    /// Digits after the second, with their separator; those that are written with 9 lose
    /// their trailing zeros.
    Fraction {
        separator: char,
        digits: usize,
        trimmed: bool,
    },
    UpperPm,
    LowerPm,
    ZoneName,
    /// An offset; `z` if UTC is written `Z`.
    Offset {
        z: bool,
        colon: bool,
        fields: u8,
    },
}

/// The parts of a layout.
pub(super) fn parts(layout: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut text = 0;
    let mut at = 0;
    while at < layout.len() {
        match part_at(layout, at) {
            Some((part, length)) => {
                if text < at {
                    parts.push(Part::Text(&layout[text..at]));
                }
                parts.push(part);
                at += length;
                text = at;
            }
            None => at += layout[at..].chars().next().map_or(1, char::len_utf8),
        }
    }
    if text < layout.len() {
        parts.push(Part::Text(&layout[text..]));
    }
    parts
}

/// Longer spellings before those that they begin with.
const FIXED: [(&str, Part<'static>); 32] = [
    ("January", Part::MonthName),
    ("Monday", Part::DayName),
    ("MST", Part::ZoneName),
    ("002", Part::DayOfYear(Pad::Zero)),
    ("01", Part::Month(Pad::Zero)),
    ("02", Part::Day(Pad::Zero)),
    ("03", Part::Hour12(Pad::Zero)),
    ("04", Part::Minute(Pad::Zero)),
    ("05", Part::Second(Pad::Zero)),
    ("06", Part::ShortYear),
    ("15", Part::Hour),
    ("1", Part::Month(Pad::Bare)),
    ("2006", Part::Year),
    ("2", Part::Day(Pad::Bare)),
    ("__2", Part::DayOfYear(Pad::Space)),
    ("_2006", Part::Text("_")),
    ("_2", Part::Day(Pad::Space)),
    ("3", Part::Hour12(Pad::Bare)),
    ("4", Part::Minute(Pad::Bare)),
    ("5", Part::Second(Pad::Bare)),
    ("PM", Part::UpperPm),
    ("pm", Part::LowerPm),
    ("-07:00:00", offset(false, true, 3)),
    ("-070000", offset(false, false, 3)),
    ("-07:00", offset(false, true, 2)),
    ("-0700", offset(false, false, 2)),
    ("-07", offset(false, false, 1)),
    ("Z07:00:00", offset(true, true, 3)),
    ("Z070000", offset(true, false, 3)),
    ("Z07:00", offset(true, true, 2)),
    ("Z0700", offset(true, false, 2)),
    ("Z07", offset(true, false, 1)),
];

const fn offset(z: bool, colon: bool, fields: u8) -> Part<'static> {
    Part::Offset { z, colon, fields }
}

/// The part that begins here, and how long it is.
fn part_at(layout: &str, at: usize) -> Option<(Part<'_>, usize)> {
    let rest = &layout[at..];
    let lower_follows =
        |length: usize| rest[length..].starts_with(|c: char| c.is_ascii_lowercase());
    if let Some((spelling, part)) = FIXED.iter().find(|(s, _)| rest.starts_with(s)) {
        // `_2006` is an underscore before a year, not a day.
        let length = if *spelling == "_2006" {
            1
        } else {
            spelling.len()
        };
        return Some((*part, length));
    }
    if rest.starts_with("Jan") && !lower_follows(3) {
        return Some((Part::ShortMonthName, 3));
    }
    if rest.starts_with("Mon") && !lower_follows(3) {
        return Some((Part::ShortDayName, 3));
    }
    let mut chars = rest.chars();
    let separator = chars.next().filter(|c| matches!(c, '.' | ','))?;
    let digit = chars.next().filter(|c| matches!(c, '0' | '9'))?;
    let digits = rest[1..].chars().take_while(|c| *c == digit).count();
    if rest[1 + digits..].starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let fraction = Part::Fraction {
        separator,
        digits,
        trimmed: digit == '9',
    };
    Some((fraction, 1 + digits))
}

/// The moment in this layout.
pub(crate) fn format_time(time: &Zoned, layout: &str) -> String {
    let mut out = String::with_capacity(layout.len() + 8);
    for part in parts(layout) {
        write_part(&mut out, time, part).expect("writing to a String can't fail");
    }
    out
}

fn write_part(out: &mut String, time: &Zoned, part: Part<'_>) -> std::fmt::Result {
    let month = MONTHS[(time.month() - 1).unsigned_abs() as usize];
    let day = DAYS[time.weekday().to_sunday_zero_offset().unsigned_abs() as usize];
    let hour12 = match time.hour() % 12 {
        0 => 12,
        hour => hour,
    };
    match part {
        Part::Text(text) => out.write_str(text),
        Part::Year => {
            if time.year() < 0 {
                out.push('-');
            }
            write!(out, "{:04}", time.year().unsigned_abs())
        }
        Part::ShortYear => write!(out, "{:02}", time.year().unsigned_abs() % 100),
        Part::MonthName => out.write_str(month),
        Part::ShortMonthName => out.write_str(&month[..3]),
        Part::Month(pad) => padded(out, time.month().into(), 2, pad),
        Part::DayName => out.write_str(day),
        Part::ShortDayName => out.write_str(&day[..3]),
        Part::Day(pad) => padded(out, time.day().into(), 2, pad),
        Part::DayOfYear(pad) => padded(out, time.day_of_year(), 3, pad),
        Part::Hour => padded(out, time.hour().into(), 2, Pad::Zero),
        Part::Hour12(pad) => padded(out, hour12.into(), 2, pad),
        Part::Minute(pad) => padded(out, time.minute().into(), 2, pad),
        Part::Second(pad) => padded(out, time.second().into(), 2, pad),
        Part::Fraction {
            separator,
            digits,
            trimmed,
        } => {
            let nanoseconds = format!("{:09}", time.subsec_nanosecond());
            let mut fraction: String = nanoseconds.chars().take(digits).collect();
            if trimmed {
                fraction.truncate(fraction.trim_end_matches('0').len());
                if fraction.is_empty() {
                    return Ok(());
                }
            }
            write!(out, "{separator}{fraction}")
        }
        Part::UpperPm => out.write_str(if time.hour() >= 12 { "PM" } else { "AM" }),
        Part::LowerPm => out.write_str(if time.hour() >= 12 { "pm" } else { "am" }),
        Part::ZoneName => write_zone_name(out, time),
        Part::Offset { z, colon, fields } => write_offset(out, time, z, colon, fields),
    }
}

fn padded(out: &mut String, number: i16, width: usize, pad: Pad) -> std::fmt::Result {
    match pad {
        Pad::Zero => write!(out, "{number:0width$}"),
        Pad::Space => write!(out, "{number:width$}"),
        Pad::Bare => write!(out, "{number}"),
    }
}

fn write_zone_name(out: &mut String, time: &Zoned) -> std::fmt::Result {
    let zone = time.time_zone();
    if *zone == TimeZone::UTC {
        return out.write_str("UTC");
    }
    let info = zone.to_offset_info(time.timestamp());
    let name = info.abbreviation();
    if name.starts_with(|c: char| c.is_ascii_alphabetic()) && zone.iana_name().is_some() {
        return out.write_str(name);
    }
    write_offset(out, time, false, false, 2)
}

fn write_offset(
    out: &mut String,
    time: &Zoned,
    z: bool,
    colon: bool,
    fields: u8,
) -> std::fmt::Result {
    let seconds = time.offset().seconds();
    if z && seconds == 0 {
        return out.write_str("Z");
    }
    let sign = if seconds < 0 { '-' } else { '+' };
    let size = seconds.unsigned_abs();
    let colon = if colon { ":" } else { "" };
    write!(out, "{sign}{:02}", size / 3_600)?;
    if fields >= 2 {
        write!(out, "{colon}{:02}", size / 60 % 60)?;
    }
    if fields >= 3 {
        write!(out, "{colon}{:02}", size % 60)?;
    }
    Ok(())
}
