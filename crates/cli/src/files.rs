//! Reading manifests: YAML or JSON, several documents, files and folders, `-` for standard input.

use std::fmt::Write;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::style::{Style, letter_width, shortened};
use anyhow::{Context, Result, bail};
use argosy_api::{Diagnostic, Document, Source, Span, Strictness, read_objects};

pub use argosy_api::Object;

/// The largest file that is read as a manifest.
const MAX_BYTES: u64 = 20 << 20;

/// The longest message of a fault that is printed whole, in letters: what it is about is shown
/// beside it, and there may be many.
const MOST_LETTERS: usize = 300;

/// A fault of a file, with the text that it is about.
#[derive(Clone, Debug)]
pub struct Fault {
    /// The file.
    pub file: String,
    /// What is wrong.
    pub diagnostic: Diagnostic,
    text: Arc<str>,
}

impl Fault {
    /// A fault in a text. Of what its author wrote, messages repeat so much at most.
    pub fn new(file: &str, text: &Arc<str>, mut diagnostic: Diagnostic) -> Self {
        let message = shortened(&diagnostic.message, MOST_LETTERS);
        diagnostic.message = message
            .replace('\n', "\\n")
            .replace(char::is_control, "\u{fffd}");
        diagnostic.help = diagnostic
            .help
            .map(|help| shortened(&help, MOST_LETTERS).into_owned());
        Self {
            file: file.to_owned(),
            diagnostic,
            text: text.clone(),
        }
    }

    /// Whether it is more than a warning.
    pub fn is_error(&self) -> bool {
        self.diagnostic.is_error()
    }

    /// Where it is and what is wrong, in one line.
    pub fn line(&self, style: Style) -> String {
        let mut text = self.file.clone();
        // Writing to a String can't fail.
        if let Some(span) = self.diagnostic.span {
            let _ = write!(text, ":{}:{}", span.line, span.column);
        }
        let _ = match self.is_error() {
            true => write!(text, ": {}: ", style.bad("error")),
            false => write!(text, ": {}: ", style.doubtful("warning")),
        };
        if !self.diagnostic.path.is_root() {
            let _ = write!(text, "{}: ", self.diagnostic.path);
        }
        text.push_str(&self.diagnostic.message);
        text
    }

    /// The same for programs to read.
    pub fn plain_line(&self) -> String {
        self.line(Style::plain())
    }

    /// The line, the text that it is about, and what to do.
    pub fn shown(&self, style: Style) -> String {
        let mut text = self.line(style);
        if let Some(span) = self.diagnostic.span
            && let Some(line) = line_around(&self.text, span)
        {
            let marked = marked(line, span);
            let marks = match self.is_error() {
                true => style.bad(&marked.marks),
                false => style.doubtful(&marked.marks),
            };
            let number = span.line.to_string();
            let margin = " ".repeat(number.len());
            let Marked { line, before, .. } = marked;
            let _ = write!(text, "\n {margin} |\n {number} | {line}");
            let _ = write!(text, "\n {margin} | {before}{marks}");
        }
        if let Some(help) = &self.diagnostic.help {
            let _ = write!(text, "\n  {}: {help}", style.helpful("help"));
        }
        text
    }
}

/// The line of a text in which a stretch of it begins.
fn line_around(text: &str, span: Span) -> Option<&str> {
    let begun = text.get(..span.start as usize)?;
    let start = begun.rfind('\n').map_or(0, |end| end + 1);
    text.get(start..)?.lines().next()
}

/// As it is told on standard error.
impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.shown(Style::of_errors()))
    }
}

/// A line of a file with a stretch of it underlined.
struct Marked {
    line: String,
    before: String,
    marks: String,
}

/// Of a long line, what stands around the stretch.
fn marked(line: &str, span: Span) -> Marked {
    const WIDTH: usize = 160;
    const BEFORE: usize = 60;
    const MOST_MARKS: usize = 80;
    let column = span.column.saturating_sub(1) as usize;
    let bytes = span.end.saturating_sub(span.start) as usize;
    let start = line
        .char_indices()
        .nth(column)
        .map_or(line.len(), |(at, _)| at);
    let left_out = match column > WIDTH - MOST_MARKS {
        true => column - BEFORE,
        false => 0,
    };
    // No letter does anything to a terminal.
    let plain = |letter: char| match letter.is_control() && letter != '\t' {
        true => '\u{fffd}',
        false => letter,
    };
    let shown: String = line.chars().skip(left_out).take(WIDTH).map(plain).collect();
    let dots = if left_out > 0 { "…" } else { "" };
    // What stands below a letter is as wide as that: a tab, or nothing to two spaces.
    let before = line.chars().skip(left_out).take(column - left_out);
    let before = before.map(plain).map(|letter| match letter {
        '\t' => "\t".to_owned(),
        letter => " ".repeat(letter_width(letter)),
    });
    let meant = line[start..].char_indices();
    let meant = meant.take_while(|(at, _)| *at < bytes).take(MOST_MARKS);
    let width: usize = meant.map(|(_, letter)| letter_width(plain(letter))).sum();
    Marked {
        before: " ".repeat(dots.chars().count()) + &before.collect::<String>(),
        marks: "^".repeat(width.max(1)),
        line: format!("{dots}{shown}"),
    }
}

/// A file's objects, with the faults of those that can't be read.
#[derive(Debug, Default)]
pub struct Parsed {
    pub objects: Vec<(Object, Document)>,
    pub faults: Vec<Fault>,
    pub text: Arc<str>,
}

/// Files and folders as the list of files to read.
pub fn expand(arguments: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut open: Vec<(PathBuf, bool)> = arguments
        .iter()
        .rev()
        .map(|path| (path.clone(), true))
        .collect();
    while let Some((path, named)) = open.pop() {
        if path == Path::new("-") {
            files.push(path);
        } else if path.is_dir() {
            let mut entries: Vec<PathBuf> = fs::read_dir(&path)
                .with_context(|| format!("cannot read the folder {}", path.display()))?
                .map(|entry| entry.map(|entry| entry.path()))
                .collect::<Result<_, _>>()?;
            entries.sort();
            open.extend(entries.into_iter().rev().map(|entry| (entry, false)));
        } else {
            let manifest = path.extension().is_some_and(|extension| {
                ["yaml", "yml", "json"]
                    .iter()
                    .any(|known| extension == *known)
            });
            if named || manifest {
                files.push(path);
            }
        }
    }
    Ok(files)
}

/// Reads a file's text: UTF-8, or UTF-16 with its mark.
pub fn read_text(path: &Path) -> Result<String> {
    let mut bytes = Vec::new();
    let limit = MAX_BYTES + 1;
    let read = if path == Path::new("-") {
        std::io::stdin().take(limit).read_to_end(&mut bytes)
    } else {
        fs::File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes))
    };
    let shown = path.display();
    read.with_context(|| format!("cannot read {shown}"))?;
    if bytes.len() as u64 > MAX_BYTES {
        bail!(
            "{shown} is larger than {} MiB, which no workflow needs: pass data as artifacts or as files of parameters",
            MAX_BYTES >> 20
        );
    }
    match Source::from_bytes("", &bytes) {
        Ok(source) => Ok(source.text.as_ref().to_owned()),
        Err(_) if bytes.contains(&0) => {
            bail!("cannot read {shown}: it is no text, but some other kind of file")
        }
        Err(fault) => {
            let place = fault.span.unwrap_or_default();
            bail!(
                "cannot read {shown}: what stands in line {}, column {} is not UTF-8; save the file as UTF-8",
                place.line,
                place.column
            )
        }
    }
}

/// How a command reads files.
#[derive(clap::Args, Clone, Copy, Debug)]
pub struct Reading {
    /// Refuse unknown fields
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    strict: bool,
}

impl Reading {
    /// What becomes of fields that there are not.
    pub fn strictness(self) -> Strictness {
        match self.strict {
            true => Strictness::Strict,
            false => Strictness::Lenient,
        }
    }
}

/// Reads a file's objects.
pub fn parse(path: &Path, strictness: Strictness) -> Result<Parsed> {
    let file = path.display().to_string();
    Ok(parse_text(&file, &read_text(path)?, strictness))
}

/// Reads objects from a text.
pub fn parse_text(file: &str, text: &str, strictness: Strictness) -> Parsed {
    let text: Arc<str> = Arc::from(text);
    let parsed = read_objects(&Source::new(file, text.clone()), strictness);
    Parsed {
        objects: parsed.objects,
        faults: parsed
            .diagnostics
            .into_iter()
            .map(|diagnostic| Fault::new(file, &text, diagnostic))
            .collect(),
        text,
    }
}

/// YAML to JSON, for the engine.
pub fn read_yaml(text: &str) -> Result<serde_json::Value, String> {
    let source = Source::new("", text);
    let (documents, diagnostics) =
        argosy_api::read_documents(&source, &argosy_api::Limits::default());
    if let Some(fault) = diagnostics.iter().find(|fault| fault.is_error()) {
        return Err(fault.message.clone());
    }
    Ok(documents
        .first()
        .map_or(serde_json::Value::Null, Document::to_json))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::style::width;

    #[test]
    fn faults_say_where_and_what() {
        let text = "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nspec: {entrypont: x}\n";
        let parsed = parse_text("f.yaml", text, Strictness::Strict);
        let shown = parsed.faults[0].shown(Style::plain());
        assert!(
            shown.starts_with("f.yaml:3:8: error: spec.entrypont: "),
            "{shown}"
        );
        assert!(shown.contains("entrypoint"), "{shown}");
    }

    #[test]
    fn of_a_long_line_what_matters_is_shown() {
        let long = format!("{}here{}", "é".repeat(500), "x".repeat(500));
        let wide = format!("{}here", "漢".repeat(300));
        for (line, column, length, before, marks) in [
            ("a: b", 4, 1, 3, 1),
            ("a: é!", 4, 3, 3, 2),
            ("\ta: b", 5, 1, 4, 1),
            (&*long, 501, 4, 61, 4),
            (&*long, 1, 2_000, 0, 80),
            ("日本: 語!", 5, 3, 6, 2),
            ("e\u{301}: b", 5, 1, 3, 1),
            (&*wide, 301, 4, 121, 4),
        ] {
            let start = 10;
            let span = Span {
                start,
                end: start + length,
                line: 1,
                column,
            };
            let found = marked(line, span);
            let expected = (before, marks);
            let shown = (found.before.chars().count(), found.marks.len());
            assert_eq!(shown, expected, "{line}");
            let mut under = found.line.as_str();
            while width(&found.line[..found.line.len() - under.len()]) < before {
                under = &under[under.chars().next().map_or(0, char::len_utf8)..];
            }
            // A tab counts for none where it begins a line.
            let under = under.trim_start_matches(['\t', '\u{301}']);
            let meant: String = line.chars().skip(column as usize - 1).take(1).collect();
            assert!(
                line.starts_with('\t') || under.starts_with(&meant),
                "{line}"
            );
        }
    }
}
