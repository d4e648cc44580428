//! A data directory of a test's own, and the program run on it.
#![allow(dead_code, reason = "each test file uses some of it")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// A folder with a data directory in it; the program's working directory.
pub struct Place {
    pub dir: tempfile::TempDir,
}

impl Place {
    pub fn new() -> Self {
        Self {
            dir: tempfile::tempdir().expect("a temporary directory"),
        }
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_argosy"));
        command
            .arg("--data-dir")
            .arg(self.dir.path().join("data"))
            .args(arguments)
            .current_dir(self.dir.path())
            .stdin(Stdio::null());
        command
    }

    pub fn argosy(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("argosy runs")
    }

    /// What a command that must succeed prints.
    pub fn says(&self, arguments: &[&str]) -> String {
        let output = self.argosy(arguments);
        assert!(
            output.status.success(),
            "argosy {}: {}{}",
            arguments.join(" "),
            text(&output),
            errors(&output)
        );
        text(&output)
    }

    /// What a command that must fail prints as its error.
    pub fn fails(&self, arguments: &[&str]) -> String {
        let output = self.argosy(arguments);
        assert_eq!(
            output.status.code(),
            Some(1),
            "argosy {}: {}{}",
            arguments.join(" "),
            text(&output),
            errors(&output)
        );
        errors(&output)
    }

    /// The workflow as it ended.
    pub fn run(&self, file: &Path) -> serde_json::Value {
        let output = self.argosy(&["run", "--host", "-o", "json", &file.to_string_lossy()]);
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{}: {error}\n{}", file.display(), errors(&output)))
    }

    /// A workflow's phase.
    pub fn phase(&self, name: &str) -> String {
        let workflow: serde_json::Value =
            serde_json::from_str(&self.says(&["get", name, "-o", "json"])).expect("JSON");
        let phase = workflow["status"]["phase"].as_str().unwrap_or_default();
        phase.to_owned()
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, text).expect("the file can be written");
        path
    }

    pub fn wait_until(&self, what: &str, holds: impl Fn() -> bool) {
        let end = Instant::now() + Duration::from_secs(60);
        while !holds() {
            assert!(Instant::now() < end, "waited a minute for: {what}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

pub fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub fn node<'a>(workflow: &'a serde_json::Value, display_name: &str) -> &'a serde_json::Value {
    workflow["status"]["nodes"]
        .as_object()
        .into_iter()
        .flat_map(|nodes| nodes.values())
        .find(|node| node["displayName"] == display_name)
        .unwrap_or_else(|| panic!("no node {display_name}"))
}
