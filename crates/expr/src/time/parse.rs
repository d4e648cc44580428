//! Reading a time in one of Go's layouts.

use jiff::Zoned;
use jiff::civil::{Date, DateTime};
use jiff::tz::{Offset, TimeZone};

use super::layout::{DAYS, MONTHS, Pad, Part, parts};

/// The moment that a text in this layout means, in this zone if the text names none.
pub(crate) fn parse_time(layout: &str, text: &str, zone: &TimeZone) -> Result<Zoned, String> {
    let mut reader = Reader {
        rest: text,
        fields: Fields::default(),
    };
    let parts = parts(layout);
    for (at, part) in parts.iter().enumerate() {
        let before = reader.rest;
        if reader.read(*part, parts.get(at + 1).copied()).is_none() {
            return Err(format!(
                "parsing time {text:?} as {layout:?}: cannot parse {before:?} as a part of it"
            ));
        }
    }
    if !reader.rest.is_empty() {
        return Err(format!(
            "parsing time {text:?}: extra text: {:?}",
            reader.rest
        ));
    }
    reader
        .fields
        .to_zoned(zone)
        .ok_or_else(|| format!("parsing time {text:?}: out of range"))
}

#[derive(Default)]
struct Fields {
    year: i16,
    month: Option<i8>,
    day: Option<i8>,
    day_of_year: Option<i16>,
    hour: i8,
    minute: i8,
    second: i8,
    nanosecond: i32,
    afternoon: Option<bool>,
    zone: Option<TimeZone>,
    /// The abbreviation of a zone, which stands for an offset in the zone that is asked for alone.
    abbreviation: Option<String>,
}

impl Fields {
    fn to_zoned(&self, zone: &TimeZone) -> Option<Zoned> {
        let hour = match self.afternoon {
            Some(true) if self.hour < 12 => self.hour + 12,
            Some(false) if self.hour == 12 => 0,
            _ => self.hour,
        };
        let date = match self.day_of_year {
            Some(day) => Date::new(self.year, 1, 1)
                .ok()?
                .with()
                .day_of_year(day)
                .build()
                .ok()?,
            None => Date::new(self.year, self.month.unwrap_or(1), self.day.unwrap_or(1)).ok()?,
        };
        let moment = date.to_datetime(
            jiff::civil::Time::new(hour, self.minute, self.second, self.nanosecond).ok()?,
        );
        match (&self.zone, &self.abbreviation) {
            (Some(zone), _) => moment.to_zoned(zone.clone()).ok(),
            (None, None) => moment.to_zoned(zone.clone()).ok(),
            (None, Some(name)) => match offset_of(name, moment, zone) {
                Some(offset) => {
                    let found = offset.to_timestamp(moment).ok()?;
                    Some(found.to_zoned(zone.clone()))
                }
                None => moment.to_zoned(TimeZone::UTC).ok(),
            },
        }
    }
}

/// The offset that a zone calls by this name, in the year of the moment.
fn offset_of(name: &str, moment: DateTime, zone: &TimeZone) -> Option<Offset> {
    let first = moment.date().first_of_year();
    let summer = first.checked_add(jiff::Span::new().months(6)).ok()?;
    let moments = [moment, first.into(), summer.into()];
    moments.into_iter().find_map(|moment| {
        let moment = moment.to_zoned(TimeZone::UTC).ok()?;
        let info = zone.to_offset_info(moment.timestamp());
        (info.abbreviation() == name).then(|| info.offset())
    })
}

struct Reader<'a> {
    rest: &'a str,
    fields: Fields,
}

impl Reader<'_> {
    fn read(&mut self, part: Part<'_>, next: Option<Part<'_>>) -> Option<()> {
        match part {
            Part::Text(text) => return self.literal(text),
            Part::Year => self.fields.year = self.digits(4, 4)?,
            Part::ShortYear => {
                let year: i16 = self.digits(2, 2)?;
                self.fields.year = if year >= 69 { 1900 + year } else { 2000 + year };
            }
            Part::MonthName => self.fields.month = Some(self.name(&MONTHS, usize::MAX)?),
            Part::ShortMonthName => self.fields.month = Some(self.name(&MONTHS, 3)?),
            Part::DayName => {
                self.name(&DAYS, usize::MAX)?;
            }
            Part::ShortDayName => {
                self.name(&DAYS, 3)?;
            }
            Part::Month(pad) => self.fields.month = Some(self.number(pad)?),
            Part::Day(pad) => self.fields.day = Some(self.number(pad)?),
            Part::DayOfYear(_) => {
                self.rest = self.rest.trim_start_matches(' ');
                self.fields.day_of_year = Some(self.digits(1, 3)?);
            }
            Part::Hour => self.fields.hour = self.digits(1, 2)?,
            Part::Hour12(pad) => {
                self.fields.hour = self.number(pad)?;
                if self.fields.hour > 12 {
                    return None;
                }
            }
            Part::Minute(pad) => self.fields.minute = self.number(pad)?,
            Part::Second(pad) => {
                self.fields.second = self.number(pad)?;
                // Digits after the second are read even if the layout has none.
                let has_part = matches!(next, Some(Part::Fraction { .. }));
                if !has_part && fraction_length(self.rest) > 1 {
                    self.fraction(None)?;
                }
            }
            Part::Fraction {
                digits, trimmed, ..
            } => {
                if !trimmed {
                    self.fraction(Some(digits))?;
                } else if fraction_length(self.rest) > 1 {
                    self.fraction(None)?;
                }
            }
            Part::UpperPm => self.fields.afternoon = Some(self.either("AM", "PM")?),
            Part::LowerPm => self.fields.afternoon = Some(self.either("am", "pm")?),
            Part::ZoneName => self.zone_name()?,
            Part::Offset { z, colon, fields } => self.offset(z, colon, fields)?,
        }
        Some(())
    }

    /// A run of spaces in the layout stands for any run of spaces.
    fn literal(&mut self, text: &str) -> Option<()> {
        let mut text = text;
        while let Some(c) = text.chars().next() {
            if c == ' ' {
                if !self.rest.is_empty() && !self.rest.starts_with(' ') {
                    return None;
                }
                text = text.trim_start_matches(' ');
                self.rest = self.rest.trim_start_matches(' ');
            } else {
                self.rest = self.rest.strip_prefix(c)?;
                text = &text[c.len_utf8()..];
            }
        }
        Some(())
    }

    fn digits<T: std::str::FromStr>(&mut self, least: usize, most: usize) -> Option<T> {
        let count = self
            .rest
            .bytes()
            .take(most)
            .take_while(u8::is_ascii_digit)
            .count();
        if count < least {
            return None;
        }
        let (digits, rest) = self.rest.split_at(count);
        self.rest = rest;
        digits.parse().ok()
    }

    fn number(&mut self, pad: Pad) -> Option<i8> {
        if pad == Pad::Space {
            self.rest = self.rest.strip_prefix(' ').unwrap_or(self.rest);
        }
        self.digits(if pad == Pad::Zero { 2 } else { 1 }, 2)
    }

    /// One of these names, or of their first letters, whatever the case; its place from 1.
    fn name(&mut self, names: &[&str], length: usize) -> Option<i8> {
        for (at, name) in names.iter().enumerate() {
            let name = &name[..name.len().min(length)];
            if let Some(found) = self.rest.get(..name.len())
                && found.eq_ignore_ascii_case(name)
            {
                self.rest = &self.rest[name.len()..];
                return i8::try_from(at + 1).ok();
            }
        }
        None
    }

    fn either(&mut self, no: &str, yes: &str) -> Option<bool> {
        if let Some(rest) = self.rest.strip_prefix(yes) {
            self.rest = rest;
            return Some(true);
        }
        self.rest = self.rest.strip_prefix(no)?;
        Some(false)
    }

    fn fraction(&mut self, digits: Option<usize>) -> Option<()> {
        let length = match digits {
            Some(digits) => digits + 1,
            None => fraction_length(self.rest),
        };
        let fraction = self.rest.get(1..length)?;
        if !self.rest.starts_with(['.', ',']) || !fraction.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let nine: String = fraction
            .chars()
            .chain(std::iter::repeat('0'))
            .take(9)
            .collect();
        self.fields.nanosecond = nine.parse().ok()?;
        self.rest = &self.rest[length..];
        Some(())
    }

    /// The abbreviation of a zone. Its offset is not known from it, but for `UTC` and `GMT+3`.
    fn zone_name(&mut self) -> Option<()> {
        if let Some(rest) = self.rest.strip_prefix("UTC") {
            self.rest = rest;
            self.fields.zone = Some(TimeZone::UTC);
            return Some(());
        }
        let letters = self.rest.bytes().take_while(u8::is_ascii_uppercase).count();
        if self.rest.starts_with("GMT") && self.rest[3..].starts_with(['+', '-']) {
            let negative = self.rest[3..].starts_with('-');
            self.rest = &self.rest[4..];
            let hours: i8 = self.digits(1, 2)?;
            let offset = Offset::from_hours(if negative { -hours } else { hours }).ok()?;
            self.fields.zone = Some(TimeZone::fixed(offset));
            return Some(());
        }
        if !(3..=5).contains(&letters) {
            return None;
        }
        self.fields.abbreviation = Some(self.rest[..letters].to_owned());
        self.rest = &self.rest[letters..];
        Some(())
    }

    fn offset(&mut self, z: bool, colon: bool, fields: u8) -> Option<()> {
        if z && let Some(rest) = self.rest.strip_prefix('Z') {
            self.rest = rest;
            self.fields.zone = Some(TimeZone::UTC);
            return Some(());
        }
        let negative = self.rest.starts_with('-');
        self.rest = self.rest.strip_prefix(['+', '-'])?;
        let mut seconds: i32 = self.digits::<i32>(2, 2)? * 3_600;
        for unit in [60, 1].into_iter().take(usize::from(fields) - 1) {
            if colon {
                self.rest = self.rest.strip_prefix(':')?;
            }
            seconds += self.digits::<i32>(2, 2)? * unit;
        }
        let offset = Offset::from_seconds(if negative { -seconds } else { seconds }).ok()?;
        self.fields.zone = Some(if offset == Offset::UTC {
            TimeZone::UTC
        } else {
            TimeZone::fixed(offset)
        });
        Some(())
    }
}

/// How long the separator and the digits after a second are.
fn fraction_length(rest: &str) -> usize {
    if !rest.starts_with(['.', ',']) {
        return 0;
    }
    1 + rest[1..].bytes().take_while(u8::is_ascii_digit).count()
}
