//! How far a step says it is. Argo: `monitorProgress`.

use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use argosy_api::Progress;
use argosy_artifacts::tree;

/// As much of the file's end as can hold the last line.
const MAX_LINE: u64 = 4_096;

/// What the last line of a progress file says, if it is `N/M`. `path` is the file on this machine;
/// the step may be writing it, or not have begun to.
pub fn read_progress(path: &Path) -> Option<Progress> {
    let mut file = tree::open(path).ok()?;
    let metadata = file.metadata().ok().filter(std::fs::Metadata::is_file)?;
    file.seek(SeekFrom::Start(metadata.len().saturating_sub(MAX_LINE)))
        .ok()?;
    let mut end = Vec::new();
    file.take(MAX_LINE).read_to_end(&mut end).ok()?;
    let end = String::from_utf8_lossy(&end);
    Progress::parse(end.trim().lines().next_back()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_counts() -> std::io::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("progress");
        assert_eq!(read_progress(&path), None);
        let long = "1/10\n".repeat(2_000) + "7/10\n";
        for (text, expected) in [
            ("", None),
            ("1/10", Some((1, 10))),
            ("1/10\n2/10\n", Some((2, 10))),
            ("1/10\n 3/10 \n\n", Some((3, 10))),
            ("1/10\nnonsense\n", None),
            ("11/10", None),
            ("0/0", None),
            (&long, Some((7, 10))),
        ] {
            std::fs::write(&path, text)?;
            let expected = expected.map(|(done, total)| Progress { done, total });
            assert_eq!(
                read_progress(&path),
                expected,
                "{:?}",
                &text[..text.len().min(40)]
            );
        }
        Ok(())
    }
}
