//! What a step printed. Argo: `CaptureScriptResult`, `SaveLogs`.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// The most of a step's output that is kept as its result: the last 256 kB.
const MAX_RESULT: usize = 256 * 1_024;

/// Where what a container printed was written.
#[derive(Clone, Copy, Debug)]
pub struct ContainerLog<'a> {
    /// The container's name.
    pub container: &'a str,
    /// What it wrote to its standard output, of which `outputs.result` is made.
    pub stdout: &'a Path,
    /// What it wrote to both its standard output and its standard error, which is its log. May be
    /// the same file.
    pub combined: &'a Path,
}

/// The end of a log as `outputs.result` has it: one newline is trimmed, then the last 256 kB kept.
pub(crate) fn read_result(log: &Path) -> io::Result<String> {
    let mut file = File::open(log)?;
    // One byte more, for the newline.
    let most = MAX_RESULT as u64 + 1;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(most)))?;
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes)?;
    trim_newline(&mut bytes);
    let start = bytes.len().saturating_sub(MAX_RESULT);
    Ok(text(&bytes[start..]))
}

/// One newline at the end is for people, not part of the value.
pub(crate) fn trim_newline(bytes: &mut Vec<u8>) {
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
    }
}

/// Bytes as the text that Go's JSON encoder makes of them: U+FFFD for each byte that is not UTF-8.
pub(crate) fn text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(std::iter::repeat_n(
            char::REPLACEMENT_CHARACTER,
            chunk.invalid().len(),
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_the_end_of_the_log() -> io::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("log");
        let kept = "y".repeat(MAX_RESULT);
        for (log, expected) in [
            (Vec::new(), String::new()),
            (b"hello\n".to_vec(), "hello".to_owned()),
            (b"a\nb\n\n".to_vec(), "a\nb\n".to_owned()),
            (b"\n".to_vec(), String::new()),
            (b"no newline".to_vec(), "no newline".to_owned()),
            (
                b"\xe2\x82x\xff".to_vec(),
                "\u{fffd}\u{fffd}x\u{fffd}".to_owned(),
            ),
            (format!("{kept}\n").into_bytes(), kept.clone()),
            (format!("x{kept}\n").into_bytes(), kept.clone()),
            (format!("x{kept}").into_bytes(), kept.clone()),
        ] {
            std::fs::write(&path, &log)?;
            assert!(read_result(&path)? == expected, "{} bytes", log.len());
        }
        Ok(())
    }
}
