//! The table: what was measured, what is aimed at, and how the two compare.

use std::fmt;

/// Whether more or less of a figure is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// A rate.
    More,
    /// A time or a size.
    Less,
}

#[derive(Default)]
pub struct Table {
    rows: Vec<[String; 4]>,
}

impl Table {
    /// A figure with its goal. The ratio is how many times as good as the goal it is.
    pub fn figure(&mut self, what: &str, measured: f64, unit: &str, goal: f64, better: Better) {
        let ratio = match better {
            Better::More => measured / goal,
            Better::Less => goal / measured,
        };
        let bound = match better {
            Better::More => "at least",
            Better::Less => "at most",
        };
        self.push([
            what.to_owned(),
            format!("{} {unit}", number(measured)),
            format!("{bound} {} {unit}", number(goal)),
            format!("{ratio:.2}"),
        ]);
    }

    /// Something to be known beside the figures.
    pub fn note(&mut self, what: &str, measured: &str) {
        self.push([
            what.to_owned(),
            measured.to_owned(),
            String::new(),
            String::new(),
        ]);
    }

    /// What the lines that follow are about.
    pub fn head(&mut self, what: &str) {
        self.push([
            format!("**{what}**"),
            String::new(),
            String::new(),
            String::new(),
        ]);
    }

    fn push(&mut self, row: [String; 4]) {
        eprintln!("{}: {}", row[0], row[1]);
        self.rows.push(row);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = ["what", "measured", "goal", "times the goal"].map(str::to_owned);
        let width = |column: usize| {
            self.rows
                .iter()
                .chain([&head])
                .map(|row| row[column].chars().count())
                .max()
                .unwrap_or_default()
        };
        let widths = [width(0), width(1), width(2), width(3)];
        let rule = widths.map(|width| "-".repeat(width));
        for row in [&head, &rule].into_iter().chain(&self.rows) {
            for (text, width) in row.iter().zip(widths) {
                write!(f, "| {text:width$} ")?;
            }
            writeln!(f, "|")?;
        }
        Ok(())
    }
}

/// With thousands apart, and decimals only where they say something.
fn number(value: f64) -> String {
    if value < 10.0 {
        return format!("{value:.2}");
    }
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
