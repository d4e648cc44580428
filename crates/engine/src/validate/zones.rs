//! The names of time zones.
//!
//! The database in the program is asked for misspelt names. Which zones there are is up to the machine
//! that a schedule runs on, and new ones come: a name that resembles none of these may still be one.

use argosy_api::nearest;
use argosy_expr::zone_names;

/// Go's words for a text that can't be a name.
const NO_NAME: &str = "time: invalid location name";
/// Go's words for a name that no zone has.
const NO_ZONE: &str = "unknown time zone";

/// What is known of the name of a time zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Zone {
    Known,
    /// It may have come after the database was made.
    Perhaps,
    /// It can't be one, and why; with the name that was probably meant.
    Unknown(&'static str, Option<String>),
}

/// Judges the name of a time zone. Go: `time.LoadLocation`.
pub(super) fn zone(name: &str) -> Zone {
    if matches!(name, "" | "UTC" | "Local") {
        return Zone::Known;
    }
    if name.contains("..") || name.starts_with(['/', '\\']) {
        return Zone::Unknown(NO_NAME, None);
    }
    let names = zone_names();
    if names.iter().any(|known| known == name) {
        return Zone::Known;
    }
    let near = nearest(name, names.iter().map(String::as_str));
    let area_is_known = name.split_once('/').is_some_and(|(area, _)| {
        let areas = names.iter().filter_map(|known| known.split_once('/'));
        areas.into_iter().any(|(known, _)| known == area)
    });
    if near.is_none() && area_is_known {
        return Zone::Perhaps;
    }
    Zone::Unknown(NO_ZONE, near.map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_judged_by_their_names() {
        for (name, expected) in [
            ("", Zone::Known),
            ("Local", Zone::Known),
            ("UTC", Zone::Known),
            ("Europe/Berlin", Zone::Known),
            ("America/Argentina/Buenos_Aires", Zone::Known),
            ("US/Eastern", Zone::Known),
            ("Antarctica/Quite_New_Station", Zone::Perhaps),
            ("../etc/passwd", Zone::Unknown(NO_NAME, None)),
            ("/etc/localtime", Zone::Unknown(NO_NAME, None)),
            ("Quite/New", Zone::Unknown(NO_ZONE, None)),
            (
                "Europe/Berln",
                Zone::Unknown(NO_ZONE, Some("Europe/Berlin".to_owned())),
            ),
            (
                "europe/berlin",
                Zone::Unknown(NO_ZONE, Some("Europe/Berlin".to_owned())),
            ),
        ] {
            assert_eq!(zone(name), expected, "{name:?}");
        }
    }
}
