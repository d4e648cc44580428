//! Points in time as text.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::ids::Seconds;

fn timestamp(at: Seconds) -> Timestamp {
    Timestamp::from_second(at.0).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// `2026-01-02T03:04:05Z`.
pub fn rfc3339(at: Seconds) -> String {
    timestamp(at).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Reads RFC 3339; fractions of a second are dropped.
pub fn parse_rfc3339(text: &str) -> Option<Seconds> {
    text.parse::<Timestamp>()
        .ok()
        .map(|at| Seconds(at.as_second()))
}

/// As Kubernetes' types hold it.
pub fn kubernetes(at: Seconds) -> k8s_openapi::apimachinery::pkg::apis::meta::v1::Time {
    k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(timestamp(at))
}

/// From Kubernetes' types.
pub fn seconds(time: &k8s_openapi::apimachinery::pkg::apis::meta::v1::Time) -> Seconds {
    Seconds(time.0.as_second())
}

/// `workflow.creationTimestamp.<format>`: `s`, `RFC3339`, or one letter of strftime.
/// Argo: the library lestrrat-go/strftime with its own letters.
pub fn formatted(at: Seconds, format: &str) -> Option<String> {
    let mut letters = format.chars();
    let (letter, rest) = (letters.next(), letters.next());
    match (format, letter, rest) {
        ("RFC3339", _, _) => Some(rfc3339(at)),
        ("s", _, _) => Some(at.0.to_string()),
        (_, Some(letter), None) => {
            let zoned = timestamp(at).to_zoned(TimeZone::UTC);
            let directive = match letter {
                'a' | 'A' | 'b' | 'B' | 'C' | 'd' | 'D' | 'e' | 'F' | 'H' | 'I' | 'j' | 'k'
                | 'l' | 'm' | 'M' | 'p' | 'R' | 'S' | 'T' | 'u' | 'U' | 'V' | 'w' | 'W' | 'y'
                | 'Y' | 'Z' | 'z' | 'h' | 'n' | 't' => format!("%{letter}"),
                'c' => "%v %X".to_owned(),
                'v' => "%e-%b-%Y".to_owned(),
                'x' => "%m/%d/%y".to_owned(),
                'X' => "%H:%M:%S".to_owned(),
                'r' => "%I:%M:%S %p".to_owned(),
                'L' => "000".to_owned(),
                'f' => "000000".to_owned(),
                _ => return None,
            };
            let directive = directive
                .replace("%v", "%e-%b-%Y")
                .replace("%X", "%H:%M:%S");
            Some(zoned.strftime(&directive).to_string())
        }
        _ => None,
    }
}

/// As Go prints a time in UTC: `2026-01-02 03:04:05 +0000 UTC`.
pub fn go_utc(at: Seconds) -> String {
    timestamp(at)
        .strftime("%Y-%m-%d %H:%M:%S +0000 UTC")
        .to_string()
}
