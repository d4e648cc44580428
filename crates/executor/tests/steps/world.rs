//! A machine with a repository, and the root of a step.

use std::fs;
use std::path::{Path, PathBuf};

use argosy_api::{Artifact, Template};
use argosy_artifacts::{Driver, Durability, Folder, Source, Stores};
use argosy_executor::{
    Collected, ContainerLog, ExecutorError, RootedPathMap, Wanted, Workspace, collect_outputs,
    stage_inputs,
};
use tempfile::TempDir;

use crate::Result;

/// Makes a named pipe, by the program that every system has.
pub fn make_pipe(path: &Path) -> Result {
    let made = std::process::Command::new("mkfifo").arg(path).status()?;
    if made.success() {
        Ok(())
    } else {
        Err("mkfifo failed".into())
    }
}

pub struct World {
    pub dir: TempDir,
    pub root: PathBuf,
    pub volume: PathBuf,
    pub folder: Folder,
    scratch: PathBuf,
}

impl World {
    pub fn new() -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let [root, volume, scratch] =
            ["root", "volume", "scratch"].map(|name| dir.path().join(name));
        for path in [&root, &volume, &scratch] {
            fs::create_dir(path)?;
        }
        fs::write(dir.path().join("main.log"), "")?;
        let folder = Folder::new(dir.path().join("store")).with_durability(Durability::Memory);
        Ok(Self {
            dir,
            root,
            volume,
            folder,
            scratch,
        })
    }

    pub fn workspace(&self) -> Workspace<'_> {
        Workspace::new(&self.scratch)
    }

    /// The step's root, with a volume at /vol.
    pub fn paths(&self) -> RootedPathMap {
        RootedPathMap::new(self.root.clone()).mount(Path::new("/vol"), self.volume.clone())
    }

    pub fn stage(&self, template: &Template) -> std::result::Result<(), ExecutorError> {
        let result = stage_inputs(
            template,
            &self.paths(),
            &Stores::new(&self.folder),
            &self.workspace(),
        );
        self.assert_clean();
        result
    }

    pub fn collect(&self, template: &Template) -> Collected {
        let log = self.log();
        let logs = [ContainerLog {
            container: "main",
            stdout: &log,
            combined: &log,
        }];
        let progress = self.dir.path().join("progress");
        let wanted = Wanted {
            logs: &logs,
            capture_result: true,
            progress_file: Some(&progress),
        };
        let collected = collect_outputs(
            template,
            &self.paths(),
            &Stores::new(&self.folder),
            &self.workspace(),
            &wanted,
        );
        self.assert_clean();
        collected
    }

    pub fn log(&self) -> PathBuf {
        self.dir.path().join("main.log")
    }

    /// Puts a file into the repository.
    pub fn store(&self, key: &str, content: &[u8]) -> Result {
        let from = self.dir.path().join("from");
        fs::write(&from, content)?;
        let artifact: Artifact =
            serde_json::from_str(&format!(r#"{{"name":"x","s3":{{"key":"{key}"}}}}"#))?;
        Ok(self.folder.save(Source::Owned(&from), &artifact)?)
    }

    /// Nothing is left where work is done.
    fn assert_clean(&self) {
        for path in [
            self.scratch.clone(),
            self.dir.path().join("store/.incoming"),
        ] {
            let left = fs::read_dir(&path).map_or(0, |entries| entries.count());
            assert_eq!(left, 0, "left in {}", path.display());
        }
    }
}

/// A template with these `inputs`, `outputs` and so on, as JSON without the outer braces.
pub fn template(json: &str) -> Result<Template> {
    Ok(serde_json::from_str(&format!(
        r#"{{"name":"t","container":{{}},{json}}}"#
    ))?)
}

/// All that is below a path, a line each: kind, mode of files, content.
pub fn tree(path: &Path) -> Result<Vec<String>> {
    use std::os::unix::fs::PermissionsExt;
    let mut lines = Vec::new();
    let mut open = vec![path.to_owned()];
    while let Some(found) = open.pop() {
        let name = found.strip_prefix(path)?.display().to_string();
        let metadata = fs::symlink_metadata(&found)?;
        if metadata.is_symlink() {
            lines.push(format!("{name} -> {}", fs::read_link(&found)?.display()));
        } else if metadata.is_dir() {
            lines.push(format!("{name}/"));
            for entry in fs::read_dir(&found)? {
                open.push(entry?.path());
            }
        } else {
            let executable = if metadata.permissions().mode() & 0o100 == 0 {
                ""
            } else {
                "*"
            };
            lines.push(format!(
                "{name}{executable} {:?}",
                String::from_utf8_lossy(&fs::read(&found)?)
            ));
        }
    }
    lines.sort();
    Ok(lines)
}
