//! Time as Go sees it: durations, moments, zones, and layouts written by example.

mod duration;
mod layout;
mod parse;

pub(crate) use duration::round_duration;
pub use duration::{duration_text, parse_duration};
pub(crate) use layout::format_time;
pub(crate) use parse::parse_time;

use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, Zoned};

/// A moment in UTC.
pub(crate) fn at(seconds: i64, nanoseconds: u32) -> Zoned {
    let nanoseconds = i32::try_from(nanoseconds).unwrap_or(0);
    Timestamp::new(seconds, nanoseconds)
        .unwrap_or(Timestamp::UNIX_EPOCH)
        .to_zoned(TimeZone::UTC)
}

/// The zone of this name, from the database that is built into the program.
/// `Local` is UTC: Argo's controller runs in a container without a zone of its own.
pub(crate) fn load_zone(name: &str) -> Option<TimeZone> {
    match name {
        "" | "UTC" | "Local" => Some(TimeZone::UTC),
        _ => {
            let zone = TimeZoneDatabase::bundled().get(name).ok()?;
            // The database takes small letters for large ones, Go does not.
            (zone.iana_name() == Some(name)).then_some(zone)
        }
    }
}

/// The names of the time zones that there are in the database which is built into the program.
pub fn zone_names() -> Vec<String> {
    let database = TimeZoneDatabase::bundled();
    database.available().map(|name| name.to_string()).collect()
}

/// The name of a zone, as Go's `Location.String`.
pub(crate) fn zone_name(zone: &TimeZone) -> String {
    if *zone == TimeZone::UTC {
        return "UTC".into();
    }
    zone.iana_name().unwrap_or("").into()
}

/// As Go's `Time.String`.
pub(crate) fn go_text(time: &Zoned) -> String {
    format_time(time, "2006-01-02 15:04:05.999999999 -0700 MST")
}

/// As Go writes a time in JSON.
pub(crate) fn rfc3339(time: &Zoned) -> String {
    format_time(time, "2006-01-02T15:04:05.999999999Z07:00")
}

/// The time that a text means in one of the forms that `when` conditions know, in UTC if it names
/// no zone.
pub(crate) fn parse_any(text: &str) -> Option<Zoned> {
    const LAYOUTS: [&str; 13] = [
        "Mon Jan _2 15:04:05 2006",
        "Mon Jan _2 15:04:05 MST 2006",
        "Mon Jan 02 15:04:05 -0700 2006",
        "3:04PM",
        "2006-01-02T15:04:05Z07:00",
        "2006-01-02",
        "2006-01-02 15:04",
        "2006-01-02 15:04:05",
        "2006-01-02 15:04:05-07:00",
        "2006-01-02T15Z0700",
        "2006-01-02T15:04Z0700",
        "2006-01-02T15:04:05Z0700",
        "2006-01-02T15:04:05.999999999Z0700",
    ];
    // None of these is longer or shorter, and all have a digit: most texts need no further look.
    if !(6..=50).contains(&text.len()) || !text.bytes().any(|b| b.is_ascii_digit()) {
        return None;
    }
    LAYOUTS
        .iter()
        .find_map(|layout| parse_time(layout, text, &TimeZone::UTC).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_go_by_their_exact_names() {
        for (name, is_known) in [
            ("", true),
            ("Local", true),
            ("Europe/Berlin", true),
            ("US/Eastern", true),
            ("Etc/GMT+5", true),
            ("europe/berlin", false),
            ("Europe/Berln", false),
        ] {
            assert_eq!(load_zone(name).is_some(), is_known, "{name:?}");
        }
        let names = zone_names();
        assert!(names.iter().all(|name| load_zone(name).is_some()));
        assert!(names.len() > 500, "{}", names.len());
    }
}
