//! Lines at the end of a terminal that are drawn again and again.

use std::io::Write;

use crate::style::width;

/// How large a terminal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Letters in a line.
    pub columns: usize,
    /// Lines.
    pub rows: usize,
}

impl Size {
    /// The terminal's size now, which may have changed; what is usual where it does not say.
    pub fn of_terminal() -> Self {
        let told = terminal_size::terminal_size();
        told.map_or(
            Self {
                columns: 80,
                rows: 24,
            },
            |(columns, rows)| Self {
                columns: usize::from(columns.0).max(1),
                rows: usize::from(rows.0).max(1),
            },
        )
    }
}

/// What was drawn last.
#[derive(Debug, Default)]
pub struct Screen {
    /// The columns that each line takes.
    lines: Vec<usize>,
}

impl Screen {
    /// Draws lines in place of the last ones, cut to the terminal's width.
    pub fn draw(&mut self, lines: &[String], size: Size) {
        let mut text = self.erased(size);
        for line in lines {
            let line = cut(line, size.columns);
            self.lines.push(width(&line));
            text.push_str(&line);
            text.push('\n');
        }
        write(&text);
    }

    /// Prints a text that stays, in place of what was drawn last.
    pub fn print(&mut self, text: &str) {
        let erased = match self.lines.is_empty() {
            true => String::new(),
            false => self.erased(Size::of_terminal()),
        };
        write(&format!("{erased}{text}"));
    }

    /// What takes the last lines off. Where the terminal is narrower by now, each takes several.
    fn erased(&mut self, size: Size) -> String {
        let lines = std::mem::take(&mut self.lines);
        let rows: usize = lines
            .into_iter()
            .map(|width| width.div_ceil(size.columns).max(1))
            .sum();
        match rows {
            0 => String::new(),
            rows => format!("\x1b[{rows}A\r\x1b[J"),
        }
    }
}

fn write(text: &str) {
    let mut out = std::io::stdout().lock();
    // Nobody reads on when the pipe is closed; the workflow goes on all the same.
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
}

/// A text cut to so many columns.
fn cut(line: &str, columns: usize) -> String {
    if width(line) <= columns {
        return line.to_owned();
    }
    let (mut text, mut taken, mut in_code, mut codes) = (String::new(), 1, false, false);
    for letter in line.chars() {
        if letter == '\x1b' {
            in_code = true;
            codes = true;
        } else if in_code {
            in_code = !letter.is_ascii_alphabetic();
        } else {
            taken += letter_width(letter);
            if taken > columns {
                text.push('…');
                break;
            }
        }
        text.push(letter);
    }
    if codes {
        text.push_str("\x1b[0m");
    }
    text
}

fn letter_width(letter: char) -> usize {
    width(letter.encode_utf8(&mut [0; 4]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_to_the_terminal() {
        for (line, columns, expected) in [
            ("short", 10, "short"),
            ("short", 5, "short"),
            ("a longer line", 5, "a lo…"),
            ("a longer line", 1, "…"),
            ("\x1b[31mred\x1b[0m", 3, "\x1b[31mred\x1b[0m"),
            ("\x1b[31mlong red\x1b[0m", 3, "\x1b[31mlo…\x1b[0m"),
            ("資料資料資料", 6, "資料…"),
            ("資料資料資料", 12, "資料資料資料"),
        ] {
            assert_eq!(cut(line, columns), expected, "{line:?}");
            assert!(width(&cut(line, columns)) <= columns, "{line:?}");
        }
    }

    #[test]
    fn a_terminal_that_was_made_narrower_shows_a_line_in_several() {
        for (columns, expected) in [
            (80, "\x1b[2A\r\x1b[J"),
            (30, "\x1b[3A\r\x1b[J"),
            (10, "\x1b[6A\r\x1b[J"),
        ] {
            let mut screen = Screen { lines: vec![50, 0] };
            let size = Size { columns, rows: 24 };
            assert_eq!(screen.erased(size), expected, "{columns} columns");
            assert_eq!(screen.erased(size), "", "there is nothing left");
        }
    }
}
