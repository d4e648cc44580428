//! Reading manifests: YAML or JSON, several documents, files and folders, `-` for standard input.

use std::fmt::Write;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::style::{LONGEST, shortened};
use anyhow::{Context, Result, bail};
use argosy_api::{Diagnostic, Document, Source, Strictness, read_objects};

pub use argosy_api::Object;

/// The largest file that is read as a manifest.
const MAX_BYTES: u64 = 20 << 20;

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
        let message = shortened(&diagnostic.message, LONGEST);
        diagnostic.message = message.replace('\n', "\\n");
        diagnostic.help = diagnostic
            .help
            .map(|help| shortened(&help, LONGEST).into_owned());
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
    pub fn line(&self) -> String {
        let mut text = self.file.clone();
        // Writing to a String can't fail.
        if let Some(span) = self.diagnostic.span {
            let _ = write!(text, ":{}:{}", span.line, span.column);
        }
        let kind = if self.is_error() { "error" } else { "warning" };
        let _ = write!(text, ": {kind}: ");
        if !self.diagnostic.path.is_root() {
            let _ = write!(text, "{}: ", self.diagnostic.path);
        }
        text.push_str(&self.diagnostic.message);
        text
    }
}

/// The line, the text that it is about, and what to do.
impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.line())?;
        if let Some(span) = self.diagnostic.span
            && let Some(line) = self.text.lines().nth(span.line.saturating_sub(1) as usize)
        {
            let number = span.line.to_string();
            let margin = " ".repeat(number.len());
            let before: String = line
                .chars()
                .take(span.column.saturating_sub(1) as usize)
                .map(|letter| if letter == '\t' { '\t' } else { ' ' })
                .collect();
            let left = line.chars().count().saturating_sub(before.chars().count());
            let width = (span.end.saturating_sub(span.start) as usize).clamp(1, left.max(1));
            let line: String = line.chars().take(160).collect();
            write!(f, "\n {margin} |\n {number} | {line}")?;
            write!(f, "\n {margin} | {before}{}", "^".repeat(width.min(80)))?;
        }
        if let Some(help) = &self.diagnostic.help {
            write!(f, "\n  help: {help}")?;
        }
        Ok(())
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

/// Reads a file's objects.
pub fn parse(path: &Path, strict: bool) -> Result<Parsed> {
    let file = path.display().to_string();
    Ok(parse_text(&file, &read_text(path)?, strict))
}

/// Reads objects from a text.
pub fn parse_text(file: &str, text: &str, strict: bool) -> Parsed {
    let strictness = if strict {
        Strictness::Strict
    } else {
        Strictness::Lenient
    };
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

    #[test]
    fn faults_say_where_and_what() {
        let text = "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nspec: {entrypont: x}\n";
        let parsed = parse_text("f.yaml", text, true);
        let shown = parsed.faults[0].to_string();
        assert!(
            shown.starts_with("f.yaml:3:8: error: spec.entrypont: "),
            "{shown}"
        );
        assert!(shown.contains("entrypoint"), "{shown}");
    }
}
