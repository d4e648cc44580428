//! A data directory of a test's own, and the program run on it.
#![allow(dead_code, reason = "each test file uses some of it")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A folder with a data directory in it; the program's working directory. What still runs there when
/// the test is done is killed.
pub struct Place {
    pub dir: tempfile::TempDir,
    data: PathBuf,
}

/// A run of the program that does not outlive its test.
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        // One that has ended is no trouble.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    /// Has it die as a power cut would, and waits until it is gone.
    pub fn kill(&mut self) {
        self.0.kill().expect("it can be killed");
        self.0.wait().expect("it ends");
    }

    /// Waits for its end; whether it was a good one.
    pub fn ends_well(&mut self) -> bool {
        self.0.wait().expect("it ends").success()
    }

    /// Waits for its end; its exit code.
    pub fn code(&mut self) -> Option<i32> {
        self.0.wait().expect("it ends").code()
    }

    pub fn lives(&mut self) -> bool {
        self.0.try_wait().expect("it can be asked").is_none()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        for pid in self.processes() {
            // One that ends by itself meanwhile is no trouble.
            let _ = Command::new("kill")
                .args(["-9", &pid.to_string()])
                .stderr(Stdio::null())
                .status();
        }
        self.remove_cgroups();
    }
}

impl Place {
    /// Removes the cgroups of keepers that were killed, which their next runner would have done.
    fn remove_cgroups(&self) {
        let entries = std::fs::read_dir(self.data("keepers"));
        for entry in entries.into_iter().flatten().flatten() {
            let path = entry.path();
            if path.extension().is_none_or(|end| end != "cgroup") {
                continue;
            }
            let folder = std::fs::read_to_string(path).map(PathBuf::from);
            // One that was killed just then has not written it.
            let Some(folder) = folder.ok().filter(|folder| folder.is_absolute()) else {
                continue;
            };
            let _ = std::fs::write(folder.join("cgroup.kill"), "1");
            let end = Instant::now() + Duration::from_secs(5);
            // What was killed takes a moment to be gone.
            while folder.exists() && Instant::now() < end {
                for below in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
                    let _ = std::fs::remove_dir(below.path());
                }
                if std::fs::remove_dir(&folder).is_err() {
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
        }
    }

    pub fn new() -> Self {
        Self::with_data("data")
    }

    /// A place whose data directory is that folder below it.
    pub fn with_data(folder: &str) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let data = dir.path().join(folder);
        std::fs::create_dir_all(data.parent().expect("it is below the place")).expect("a folder");
        Self { dir, data }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Something below the data directory.
    pub fn data(&self, name: &str) -> PathBuf {
        self.data.join(name)
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).expect("the file can be written");
        path
    }

    /// What stands in a file; nothing where there is none.
    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    pub fn lines(&self, name: &str) -> Vec<String> {
        self.read(name).lines().map(str::to_owned).collect()
    }

    /// Writes a workflow into a file named after it; `spec` is indented by two spaces.
    pub fn workflow(&self, name: &str, spec: &str) -> String {
        let file = format!("{name}.yaml");
        let text = format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {{name: {name}}}\nspec:\n{spec}"
        );
        self.write(&file, &text);
        file
    }

    /// The program, with no signal ignored, also where the tests were begun to ignore some: by
    /// `nohup`, or in the background of a shell.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("env");
        if cfg!(target_os = "linux") {
            command.arg("--default-signal=HUP,INT,TERM");
        }
        command
            .arg(env!("CARGO_BIN_EXE_argosy"))
            .arg("--data-dir")
            .arg(&self.data)
            .args(arguments)
            .current_dir(self.dir.path())
            .stdin(Stdio::null());
        command
    }

    /// What a shell does before it becomes the program: `script` ends in `exec "$0" --data-dir "$1"`
    /// and the arguments, or in `exec "$0" --data-dir "$@"` for those that are given to the command.
    pub fn through_shell(&self, script: &str) -> Command {
        let mut command = Command::new("sh");
        command
            .args(["-c", script, env!("CARGO_BIN_EXE_argosy")])
            .arg(&self.data)
            .current_dir(self.dir.path());
        command
    }

    pub fn argosy(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("argosy runs")
    }

    /// Starts the program and lets it run.
    pub fn start(&self, arguments: &[&str]) -> Running {
        let mut command = self.command(arguments);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        Running(command.spawn().expect("argosy starts"))
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

    /// The workflow of a file as it ended.
    pub fn run(&self, file: impl AsRef<Path>) -> Value {
        let file = file.as_ref().to_string_lossy();
        self.run_with(&file, &[])
    }

    /// A workflow as it ended, written as [`Place::workflow`] does.
    pub fn run_spec(&self, name: &str, spec: &str) -> Value {
        self.run(self.workflow(name, spec))
    }

    /// The same as [`Place::run`], with more flags.
    pub fn run_with(&self, file: &str, flags: &[&str]) -> Value {
        let output = self.argosy(&[&["run", "--host", "-o", "json", file][..], flags].concat());
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{file}: {error}\n{}", errors(&output)))
    }

    /// Applies a text.
    pub fn apply(&self, text: &str) -> String {
        self.write("applied.yaml", text);
        self.says(&["apply", "-f", "applied.yaml"])
    }

    /// A workflow as it stands.
    pub fn get(&self, name: &str) -> Value {
        serde_json::from_str(&self.says(&["get", name, "-o", "json"])).expect("JSON")
    }

    /// A workflow's phase.
    pub fn phase(&self, name: &str) -> String {
        let workflow = self.get(name);
        let phase = workflow["status"]["phase"].as_str().unwrap_or_default();
        phase.to_owned()
    }

    pub fn wait_until(&self, what: &str, holds: impl Fn() -> bool) {
        let end = Instant::now() + Duration::from_secs(60);
        while !holds() {
            assert!(Instant::now() < end, "waited a minute for: {what}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The processes that were started here and live.
    pub fn processes(&self) -> Vec<u32> {
        let Ok(here) = self.dir.path().canonicalize() else {
            return Vec::new();
        };
        std::fs::read_dir("/proc")
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
            .filter(|pid| {
                std::fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == here)
            })
            .filter(|pid| {
                let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
                !stat.is_empty() && !stat.contains(") Z ")
            })
            .collect()
    }

    /// Those of them that go by this name.
    fn named(&self, wanted: impl Fn(&str) -> bool) -> Vec<u32> {
        let mut processes = self.processes();
        processes.retain(|pid| {
            std::fs::read_to_string(format!("/proc/{pid}/comm"))
                .is_ok_and(|name| wanted(name.trim()))
        });
        processes
    }

    /// Those of them that are keepers.
    pub fn keepers(&self) -> Vec<u32> {
        self.named(|name| name == "argosy-keeper")
    }

    /// Those of them that carry workflows out.
    pub fn runners(&self) -> Vec<u32> {
        self.named(|name| name == "argosy")
    }

    /// Those of them that are steps, or what steps have begun.
    pub fn steps(&self) -> Vec<u32> {
        self.named(|name| !name.starts_with("argosy"))
    }
}

/// Kills a process that is none of the test's children.
pub fn kill(pid: u32) {
    signal(pid, "KILL");
}

/// Sends a signal to a process.
pub fn signal(pid: u32, name: &str) {
    let status = Command::new("kill")
        .args([&format!("-{name}"), &pid.to_string()])
        .status();
    assert!(
        status.is_ok_and(|status| status.success()),
        "kill -{name} {pid}"
    );
}

/// One of the examples of this repository.
pub fn example(name: &str) -> String {
    format!("{}/../../examples/{name}", env!("CARGO_MANIFEST_DIR"))
}

pub fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub fn node<'a>(workflow: &'a Value, display_name: &str) -> &'a Value {
    workflow["status"]["nodes"]
        .as_object()
        .into_iter()
        .flat_map(|nodes| nodes.values())
        .find(|node| node["displayName"] == display_name)
        .unwrap_or_else(|| panic!("no node {display_name}: {workflow:#}"))
}
