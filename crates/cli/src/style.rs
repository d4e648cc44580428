//! How text looks: colours on a terminal, glyphs or words, tables.

use std::io::IsTerminal;

use argosy_api::{NodePhase, NodeStatus, NodeType};

/// Colours and glyphs.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    color: bool,
    utf8: bool,
}

#[derive(Clone, Copy)]
enum Color {
    Red = 31,
    Green = 32,
    Yellow = 33,
    Cyan = 36,
    Default = 39,
}

/// The flag that is against colours.
#[derive(clap::Args, Clone, Copy, Debug, Default)]
pub struct ColorFlag {
    /// Print without colours, also on a terminal
    #[arg(long)]
    no_color: bool,
}

impl ColorFlag {
    pub fn style(self) -> Style {
        match self.no_color {
            true => Style::plain(),
            false => Style::usual(),
        }
    }
}

/// Flags on how text looks.
#[derive(clap::Args, Clone, Copy, Debug, Default)]
pub struct StyleFlags {
    #[command(flatten)]
    color: ColorFlag,
    /// Print words in place of glyphs
    #[arg(long)]
    no_utf8: bool,
}

impl StyleFlags {
    pub fn style(self) -> Style {
        Style {
            utf8: !self.no_utf8,
            ..self.color.style()
        }
    }
}

/// Whether pictures can be drawn there, again and again in one place: on a terminal, unless it
/// says of itself that it obeys nothing.
pub fn drawn_on(stream: &impl IsTerminal) -> bool {
    let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    stream.is_terminal() && !is_dumb
}

impl Style {
    /// Colours are for terminals only, and not where the environment is against them.
    pub fn usual() -> Self {
        Self::on(&std::io::stdout())
    }

    /// How what goes to standard error looks.
    pub fn of_errors() -> Self {
        Self::on(&std::io::stderr())
    }

    fn on(stream: &impl IsTerminal) -> Self {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            color: drawn_on(stream) && !unwanted,
            utf8: true,
        }
    }

    /// Without colours: for programs to read.
    pub fn plain() -> Self {
        Self {
            color: false,
            utf8: true,
        }
    }

    pub fn utf8(self) -> bool {
        self.utf8
    }

    fn paint(self, text: &str, color: Color) -> String {
        match (self.color, color) {
            (false, _) | (_, Color::Default) => text.to_owned(),
            (true, color) => format!("\x1b[{}m{text}\x1b[0m", color as u8),
        }
    }

    /// Prints something that went well.
    pub fn good(self, text: &str) -> String {
        self.paint(text, Color::Green)
    }

    /// Prints something that went wrong.
    pub fn bad(self, text: &str) -> String {
        self.paint(text, Color::Red)
    }

    /// Prints something to beware of.
    pub fn doubtful(self, text: &str) -> String {
        self.paint(text, Color::Yellow)
    }

    /// Prints something that helps.
    pub fn helpful(self, text: &str) -> String {
        self.paint(text, Color::Cyan)
    }

    /// A line of a pod's log, in a colour of the pod's own. Argo: `ansiColorCode`.
    pub fn by_name(self, name: &str, line: &str) -> String {
        const COLORS: [u8; 6] = [32, 33, 34, 35, 36, 37];
        if !self.color {
            return line.to_owned();
        }
        let sum: usize = name.chars().map(|letter| letter as usize).sum();
        format!("\x1b[{}m{line}\x1b[0m", COLORS[sum % COLORS.len()])
    }

    /// A phase's glyph, or its name.
    pub fn glyph(self, phase: Option<NodePhase>) -> String {
        let (glyph, word, color) = match phase {
            Some(NodePhase::Pending) => ("◷", "Pending", Color::Yellow),
            Some(NodePhase::Running) => ("●", "Running", Color::Cyan),
            Some(NodePhase::Succeeded) => ("✔", "Succeeded", Color::Green),
            Some(NodePhase::Skipped) => ("○", "Skipped", Color::Default),
            Some(NodePhase::Omitted) => ("○", "Omitted", Color::Default),
            Some(NodePhase::Failed) => ("✖", "Failed", Color::Red),
            Some(NodePhase::Error) => ("⚠", "Error", Color::Red),
            None => (" ", " ", Color::Default),
        };
        self.paint(if self.utf8 { glyph } else { word }, color)
    }

    /// A node's glyph: its phase's, but for a suspended node that waits.
    pub fn node_glyph(self, node: &NodeStatus) -> String {
        let waits =
            node.r#type == Some(NodeType::Suspend) && node.phase == Some(NodePhase::Running);
        match waits {
            true => self.suspend_glyph(),
            false => self.glyph(node.phase),
        }
    }

    /// The glyph of a condition that tells of a fault; others have none.
    pub fn condition_glyph(self, name: &str) -> String {
        let (glyph, word, color) = match name {
            "MetricsError" => ("✖", "Error", Color::Red),
            "SpecWarning" => ("⚠", "Warning", Color::Yellow),
            _ => return String::new(),
        };
        self.paint(if self.utf8 { glyph } else { word }, color)
    }

    /// What a suspended node has for a glyph.
    pub fn suspend_glyph(self) -> String {
        self.paint(if self.utf8 { "ǁ" } else { "Suspend" }, Color::Cyan)
    }
}

/// The longest message that is printed whole, in letters.
pub const LONGEST: usize = 600;

/// A text in one line, of at most [`LONGEST`] letters, without what a terminal would obey.
pub fn one_line(text: &str) -> String {
    shortened(text, LONGEST).replace(char::is_control, " ")
}

/// A text of at most so many letters: of a longer one the middle is left out.
pub fn shortened(text: &str, most: usize) -> std::borrow::Cow<'_, str> {
    if text.len() <= most {
        return text.into();
    }
    let letters: Vec<char> = text.chars().collect();
    if letters.len() <= most {
        return text.into();
    }
    let tail = most / 3;
    let head: String = letters[..most - tail].iter().collect();
    let rest: String = letters[letters.len() - tail..].iter().collect();
    let missing = letters.len() - most;
    format!("{head}… ({missing} letters left out) …{rest}").into()
}

/// How many columns a text takes: of East Asian letters each takes two, colours take none.
pub fn width(text: &str) -> usize {
    let mut columns = 0;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter == '\x1b' {
            letters.find(|letter| letter.is_ascii_alphabetic());
        } else {
            columns += letter_width(letter);
        }
    }
    columns
}

/// How many columns a letter takes; none if it does something to the terminal instead.
pub fn letter_width(letter: char) -> usize {
    unicode_width::UnicodeWidthChar::width(letter).unwrap_or_default()
}

/// Rows in columns, each as wide as its widest cell and so many spaces more.
pub fn table(rows: &[Vec<String>], padding: usize) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| width(cell)).max().unwrap_or_default()
        })
        .collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            line.push_str(cell);
            let pad = widths[column].saturating_sub(width(cell)) + padding;
            line.push_str(&" ".repeat(pad));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
