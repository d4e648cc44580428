//! Go's time layouts, which are written as an example of the moment 2006-01-02 15:04:05 -0700.

use jiff::Zoned;
use jiff::tz::TimeZone;

/// The moment in this layout.
pub(crate) fn format_time(time: &Zoned, layout: &str) -> String {
    let _ = layout;
    time.to_string()
}

/// The moment that a text in this layout means, in this zone if the text names none.
pub(crate) fn parse_time(layout: &str, text: &str, zone: &TimeZone) -> Result<Zoned, String> {
    let _ = (layout, text, zone);
    Err("".into())
}
