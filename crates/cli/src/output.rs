//! Objects and times as text.

use anyhow::Result;
use argosy_engine::ids::Seconds;
use serde::Serialize;

/// The forms in which most commands print a workflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    Name,
    Json,
    Yaml,
    Wide,
}

/// An object as YAML, as Kubernetes' tools print it.
pub fn yaml<T: Serialize>(value: &T) -> Result<String> {
    Ok(argosy_api::convert_to_yaml(value)?)
}

/// An object as JSON, indented as Argo does.
pub fn json<T: Serialize>(value: &T, indent: usize) -> Result<String> {
    let indent = " ".repeat(indent);
    let formatter = serde_json::ser::PrettyFormatter::with_indent(indent.as_bytes());
    let mut bytes = Vec::new();
    value.serialize(&mut serde_json::Serializer::with_formatter(
        &mut bytes, formatter,
    ))?;
    bytes.push(b'\n');
    Ok(String::from_utf8(bytes)?)
}

/// A span as Argo's lists have it: `4m`, `2h`, `3d`.
pub fn short_duration(seconds: i64) -> String {
    match seconds.max(0) {
        seconds @ 0..60 => format!("{seconds}s"),
        seconds @ 60..3_600 => format!("{}m", seconds / 60),
        seconds @ 3_600..86_400 => format!("{}h", seconds / 3_600),
        seconds => format!("{}d", seconds / 86_400),
    }
}

/// A span as Go prints it: `1h2m3s`.
pub fn go_duration(seconds: i64) -> String {
    let (hours, minutes, rest) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{rest}s"),
        (0, _) => format!("{minutes}m{rest}s"),
        (_, _) => format!("{hours}h{minutes}m{rest}s"),
    }
}

/// A time, and how long ago that is: `Thu Nov 26 02:06:33 +0000 (40 seconds ago)`.
pub fn moment(at: Seconds, now: Seconds) -> String {
    let time = jiff::Timestamp::from_second(at.0)
        .unwrap_or_default()
        .to_zoned(jiff::tz::TimeZone::system());
    let text = time.strftime("%a %b %d %H:%M:%S %z");
    format!("{text} ({})", ago(now.since(at)))
}

/// How long ago something was, in one unit.
fn ago(seconds: i64) -> String {
    const UNITS: [(i64, &str); 7] = [
        (365 * 86_400, "year"),
        (30 * 86_400, "month"),
        (7 * 86_400, "week"),
        (86_400, "day"),
        (3_600, "hour"),
        (60, "minute"),
        (1, "second"),
    ];
    for (length, unit) in UNITS {
        match seconds / length {
            ..=0 => {}
            1 => return format!("1 {unit} ago"),
            count => return format!("{count} {unit}s ago"),
        }
    }
    "now".to_owned()
}
