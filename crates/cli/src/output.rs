//! Objects as text: JSON, YAML, and durations as people read them.

use anyhow::Result;
use argosy_engine::ids::Seconds;
use serde::Serialize;

/// What is printed of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    Json,
    Yaml,
    Name,
    Wide,
    Short,
}

/// An object as JSON or YAML.
pub fn object<T: Serialize>(value: &T, format: Format) -> Result<String> {
    Ok(match format {
        Format::Yaml => serde_saphyr::to_string(&serde_json::to_value(value)?)?,
        _ => format!("{}\n", serde_json::to_string_pretty(value)?),
    })
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

/// A time, and how long ago that is.
pub fn moment(at: Seconds, now: Seconds) -> String {
    let time = jiff::Timestamp::from_second(at.0).unwrap_or_default();
    let text = time.strftime("%a %b %d %H:%M:%S +0000");
    format!(
        "{text} ({} ago)",
        argosy_engine::duration::humanized(now.since(at))
    )
}

/// Rows in columns, each as wide as its widest cell.
pub fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            rows.iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or_default()
        })
        .collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            line.push_str(cell);
            let pad = widths[column].saturating_sub(cell.chars().count()) + 3;
            line.push_str(&" ".repeat(pad));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
