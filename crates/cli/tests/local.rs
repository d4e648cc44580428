//! Steps on this machine, end to end: what survives a kill, what is left behind, who gets a slot.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

struct Place {
    dir: tempfile::TempDir,
    data: PathBuf,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let data = dir.path().join("data");
        Self { dir, data }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_argosy"));
        command
            .arg("--data-dir")
            .arg(&self.data)
            .args(arguments)
            .current_dir(self.dir.path())
            .stdin(Stdio::null());
        command
    }

    fn argosy(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("argosy runs")
    }

    /// Starts `argosy` and lets it run.
    fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("argosy starts")
    }

    /// Writes a workflow named after the file; `spec` is indented by two spaces.
    fn workflow(&self, name: &str, spec: &str) -> String {
        let path = self.path(&format!("{name}.yaml"));
        let text = format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {{name: {name}}}\nspec:\n{spec}"
        );
        std::fs::write(&path, text).expect("the file can be written");
        path.to_string_lossy().into_owned()
    }

    /// Runs a workflow to its end.
    fn run(&self, name: &str, spec: &str, flags: &[&str]) -> serde_json::Value {
        let file = self.workflow(name, spec);
        let mut arguments = vec!["run", "--host", "-o", "json", &file];
        arguments.extend(flags);
        let output = self.argosy(&arguments);
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
            panic!(
                "{name}: {error}\n{}",
                String::from_utf8_lossy(&output.stderr)
            )
        })
    }

    fn get(&self, name: &str) -> serde_json::Value {
        let output = self.argosy(&["get", name, "-o", "json"]);
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    fn lines(&self, name: &str) -> Vec<String> {
        std::fs::read_to_string(self.path(name))
            .unwrap_or_default()
            .lines()
            .map(str::to_owned)
            .collect()
    }

    /// Processes whose environment names this place's data directory, or that were started in it.
    fn processes_in(&self) -> Vec<u32> {
        let here = self.dir.path().canonicalize().expect("a path");
        std::fs::read_dir("/proc")
            .expect("/proc")
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
}

fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < end, "waited a minute for: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn kill(pid: u32) {
    let status = Command::new("kill").args(["-9", &pid.to_string()]).status();
    assert!(status.is_ok_and(|status| status.success()), "kill {pid}");
}

fn node<'a>(workflow: &'a serde_json::Value, display_name: &str) -> &'a serde_json::Value {
    workflow["status"]["nodes"]
        .as_object()
        .into_iter()
        .flat_map(|nodes| nodes.values())
        .find(|node| node["displayName"] == display_name)
        .unwrap_or_else(|| panic!("no node {display_name}: {workflow:#}"))
}

/// The keepers of a place.
fn keepers(place: &Place) -> Vec<u32> {
    place
        .processes_in()
        .into_iter()
        .filter(|pid| {
            std::fs::read_to_string(format!("/proc/{pid}/comm"))
                .is_ok_and(|name| name.trim() == "argosy-keeper")
        })
        .collect()
}

/// A step that leaves a line, takes a while, and puts out a parameter and an artifact.
const EACH_ONCE: &str = "  entrypoint: main
  templates:
  - name: main
    steps:
    - - name: each
        template: work
        withSequence: {count: '16'}
        arguments: {parameters: [{name: i, value: '{{item}}'}]}
  - name: work
    inputs: {parameters: [{name: i}]}
    outputs:
      parameters: [{name: o, valueFrom: {path: /tmp/o}}]
      artifacts: [{name: a, path: /tmp/a}]
    container:
      image: busybox
      command: [sh, -c]
      args: ['echo {{inputs.parameters.i}} >> $PWD/began; sleep 0.1; echo out-{{inputs.parameters.i}} > /tmp/o; echo x > /tmp/a; echo {{inputs.parameters.i}} >> $PWD/ended']
";

#[test]
fn killed_at_random_each_step_still_runs_exactly_once() {
    let place = Place::new();
    let file = place.workflow("once", EACH_ONCE);
    let seed = std::process::id();
    let mut random = u64::from(seed);
    let mut arguments = vec!["run", "--host", &file];
    let mut kills = 0;
    loop {
        let mut runner = place.start(&arguments);
        // The first kill may come before the run was handed over; then it is handed over again.
        let handed_over = || place.argosy(&["get", "once"]).status.success();
        if kills == 0 {
            wait_until("the run is there", handed_over);
        }
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        // Longer and longer, so that it ends on a slow machine too.
        let life = Duration::from_millis((random >> 33) % (100 + 20 * kills));
        let began = Instant::now();
        while began.elapsed() < life && runner.try_wait().expect("wait").is_none() {
            std::thread::sleep(Duration::from_millis(5));
        }
        if let Some(status) = runner.try_wait().expect("wait") {
            assert!(status.success(), "seed {seed}: the run failed");
            break;
        }
        runner.kill().expect("kill");
        runner.wait().expect("wait");
        kills += 1;
        assert!(kills < 200, "seed {seed}: it never ends");
        arguments = vec!["run", "--resume"];
    }
    let workflow = place.get("once");
    assert_eq!(
        workflow["status"]["phase"], "Succeeded",
        "seed {seed}, {kills} kills: {workflow:#}"
    );
    let expected: Vec<String> = (0..16).map(|item| item.to_string()).collect();
    for name in ["began", "ended"] {
        let mut lines = place.lines(name);
        lines.sort_by_key(|line| line.parse::<u32>().unwrap_or(u32::MAX));
        assert_eq!(lines, expected, "seed {seed}, {kills} kills: {name}");
    }
    for item in 0..16 {
        let node = node(&workflow, &format!("each({item}:{item})"));
        assert_eq!(
            node["outputs"]["parameters"][0]["value"],
            format!("out-{item}"),
            "seed {seed}, {kills} kills"
        );
    }
    wait_until("no process is left", || place.processes_in().is_empty());
}

#[test]
fn a_step_that_outlives_its_runner_is_collected_by_the_next() {
    let place = Place::new();
    let file = place.workflow(
        "outlive",
        "  entrypoint: main
  templates:
  - name: main
    outputs: {parameters: [{name: o, valueFrom: {path: /tmp/o}}]}
    script:
      image: busybox
      command: [sh]
      source: |
        touch $PWD/running
        while [ ! -e $PWD/go ]; do sleep 0.02; done
        echo late > /tmp/o
        exit 0
",
    );
    let mut runner = place.start(&["run", "--host", &file]);
    wait_until("the step runs", || place.path("running").exists());
    runner.kill().expect("kill");
    runner.wait().expect("wait");
    std::fs::write(place.path("go"), "").expect("write");
    // Another runner in between, which has nothing to do with it, takes nothing away.
    let other = place.run(
        "other",
        "  entrypoint: main\n  templates:\n  - {name: main, container: {image: x, command: ['true']}}\n",
        &[],
    );
    assert_eq!(other["status"]["phase"], "Succeeded");
    let output = place.argosy(&["run", "--resume"]);
    assert!(output.status.success());
    let workflow = place.get("outlive");
    let main = node(&workflow, "outlive");
    assert_eq!(main["phase"], "Succeeded", "{main:#}");
    assert_eq!(main["outputs"]["parameters"][0]["value"], "late");
}

#[test]
fn the_death_of_the_keeper_kills_its_steps_and_their_nodes_say_so() {
    let place = Place::new();
    let file = place.workflow(
        "orphan",
        "  entrypoint: main
  templates:
  - name: main
    container:
      image: busybox
      command: [sh, -c]
      args: ['sleep 1000 & setsid sleep 1000 & touch running; wait']
",
    );
    let mut runner = place.start(&["run", "--host", &file]);
    wait_until("the step runs", || place.path("running").exists());
    let keeper = keepers(&place);
    assert_eq!(keeper.len(), 1);
    kill(keeper[0]);
    assert!(!runner.wait().expect("wait").success());
    wait_until("the step and what it began are dead", || {
        place.processes_in().is_empty()
    });
    let workflow = place.get("orphan");
    let main = node(&workflow, "orphan");
    assert_eq!(
        (main["phase"].as_str(), main["message"].as_str()),
        (Some("Error"), Some("pod deleted"))
    );
}

#[test]
fn what_a_dead_keeper_and_a_dead_runner_left_is_swept_up_by_the_next() {
    let place = Place::new();
    let file = place.workflow(
        "both",
        "  entrypoint: main
  templates:
  - name: main
    container:
      image: busybox
      command: [sh, -c]
      args: ['setsid sleep 1000 & touch running; wait']
",
    );
    let mut runner = place.start(&["run", "--host", &file]);
    wait_until("the step runs", || place.path("running").exists());
    // One that is not known to run yet would be begun again.
    wait_until("that is known", || {
        node(&place.get("both"), "both")["phase"] == "Running"
    });
    let keeper = keepers(&place);
    runner.kill().expect("kill");
    runner.wait().expect("wait");
    kill(keeper[0]);
    place.argosy(&["run", "--resume"]);
    assert_eq!(node(&place.get("both"), "both")["message"], "pod deleted");
    wait_until("nothing is left", || place.processes_in().is_empty());
}

#[test]
fn what_a_step_leaves_behind_ends_with_it() {
    let place = Place::new();
    let workflow = place.run(
        "leave",
        "  entrypoint: main
  templates:
  - name: main
    steps:
    - - {name: first, template: leave}
    - - {name: second, template: look}
  - name: leave
    container:
      image: busybox
      command: [sh, -c]
      args: ['setsid sh -c \"sleep 1000; true\" & sleep 1001 & (setsid sleep 1002 &) ; sleep 0.1']
  - name: look
    container:
      image: busybox
      command: [sh, -c]
      args: ['for i in $(seq 100); do pgrep -f \"^sleep 100[012]\" > $PWD/left || exit 0; sleep 0.05; done; exit 1']
",
        &[],
    );
    assert_eq!(
        workflow["status"]["phase"],
        "Succeeded",
        "left: {:?}",
        place.lines("left")
    );
    wait_until("nothing is left", || place.processes_in().is_empty());
}

#[test]
fn init_containers_run_first_and_sidecars_end_with_the_work() {
    let place = Place::new();
    let workflow = place.run(
        "aside",
        "  entrypoint: main
  templates:
  - name: main
    initContainers:
    - {name: one, image: x, command: [sh, -c, 'sleep 0.1; echo one >> order']}
    - {name: two, image: x, command: [sh, -c, 'echo two >> order']}
    sidecars:
    - {name: beside, image: x, command: [sh, -c, 'echo beside >> aside; exec sleep 1000']}
    container:
      image: x
      command: [sh, -c, 'while [ ! -e aside ]; do sleep 0.01; done; echo main >> order']
",
        &[],
    );
    assert_eq!(workflow["status"]["phase"], "Succeeded", "{workflow:#}");
    assert_eq!(place.lines("order"), ["one", "two", "main"]);
    assert_eq!(place.lines("aside"), ["beside"]);
    let failed = place.run(
        "init-fails",
        "  entrypoint: main
  templates:
  - name: main
    initContainers:
    - {name: one, image: x, command: [sh, -c, 'exit 4']}
    container: {image: x, command: [touch, ran]}
",
        &[],
    );
    assert_eq!(failed["status"]["phase"], "Failed", "{failed:#}");
    assert_eq!(
        node(&failed, "init-fails")["message"],
        "one: Error (exit code 4)"
    );
    assert!(!place.path("ran").exists());
}

#[test]
fn a_result_is_what_stands_on_the_standard_output() {
    let place = Place::new();
    let workflow = place.run(
        "streams",
        "  entrypoint: main
  templates:
  - name: main
    steps:
    - - {name: say, template: say}
    - - {name: hear, template: hear, arguments: {parameters: [{name: v, value: '{{steps.say.outputs.result}}'}]}}
  - name: say
    script: {image: x, command: [sh], source: 'echo warning >&2; echo 5'}
  - name: hear
    inputs: {parameters: [{name: v}]}
    container: {image: x, command: ['true']}
",
        &[],
    );
    assert_eq!(node(&workflow, "say")["outputs"]["result"], "5");
    let logs = place.argosy(&["logs", "streams"]);
    let logs = String::from_utf8_lossy(&logs.stdout);
    assert!(logs.contains("warning") && logs.contains('5'), "{logs}");
}

#[test]
fn steps_see_what_argos_executor_tells_them() {
    let place = Place::new();
    let workflow = place.run(
        "told",
        "  entrypoint: main
  templates:
  - name: main
    outputs: {parameters: [{name: o, valueFrom: {path: /tmp/o}}]}
    container:
      image: x
      command: [sh, -c]
      args: ['echo $ARGO_NODE_ID $ARGO_CONTAINER_NAME $ARGO_WORKFLOW_NAME > /tmp/o; echo \"$ARGO_TEMPLATE\" > template; for i in 3 7; do echo $i/10 > $ARGO_PROGRESS_FILE; sleep 1.2; done']
",
        &[],
    );
    let main = node(&workflow, "told");
    assert_eq!(main["phase"], "Succeeded", "{main:#}");
    assert_eq!(main["outputs"]["parameters"][0]["value"], "told main told");
    let template: serde_json::Value =
        serde_json::from_str(&place.lines("template").concat()).expect("a template");
    assert_eq!(template["outputs"]["parameters"][0]["name"], "o");
    let log = place.argosy(&["why", "told"]);
    assert!(log.status.success());
}

#[test]
fn long_arguments_go_through_files_and_long_data_directories_work() {
    let mut place = Place::new();
    let long = place.path(&"long".repeat(30));
    std::fs::create_dir(&long).expect("a folder");
    place.data = long.join("data");
    let value = "0123456789".repeat(20_000);
    let workflow = place.run(
        "long",
        &"  entrypoint: main
  arguments: {parameters: [{name: v, value: 'LONG'}]}
  templates:
  - name: main
    container:
      image: x
      command: [sh, -c, 'head -c 12 \"${1#@}\" > began; wc -c < \"${1#@}\" >> count', sh]
      args: ['{{workflow.parameters.v}}']
"
        .replace("LONG", &value),
        &[],
    );
    assert_eq!(workflow["status"]["phase"], "Succeeded", "{workflow:#}");
    assert_eq!(place.lines("began"), ["012345678901"]);
    assert_eq!(place.lines("count"), ["200000"]);
}

/// Notes when each step begins and ends, so that overlaps are seen.
fn overlapping(lines: &[String]) -> i32 {
    let mut running = 0;
    let mut most = 0;
    for line in lines {
        running += if line.starts_with('+') { 1 } else { -1 };
        most = most.max(running);
    }
    most
}

const NOTED: &str = "  entrypoint: main
  templates:
  - name: main
    steps:
    - - {name: each, template: work, withSequence: {count: '6'}}
  - name: work
    container: {image: x, command: [sh, -c, 'echo + >> notes; sleep 0.05; echo - >> notes']}
";

#[test]
fn runners_of_one_data_directory_share_its_slots() {
    for (slots, expected) in [("1", 1), ("2", 2)] {
        let place = Place::new();
        let (one, two) = (place.workflow("one", NOTED), place.workflow("two", NOTED));
        let mut runners: Vec<Child> = [&one, &two]
            .into_iter()
            .map(|file| place.start(&["run", "--host", "--max-processes", slots, file]))
            .collect();
        for runner in &mut runners {
            assert!(runner.wait().expect("wait").success());
        }
        let lines = place.lines("notes");
        assert_eq!(lines.len(), 24);
        assert_eq!(overlapping(&lines), expected, "{slots} slots: {lines:?}");
    }
}

#[test]
fn a_step_that_is_larger_than_the_machine_fails_at_once() {
    let place = Place::new();
    let workflow = place.run(
        "large",
        "  entrypoint: main
  templates:
  - name: main
    container: {image: x, command: ['true'], resources: {requests: {cpu: '3'}}}
",
        &["--max-processes", "2"],
    );
    let main = node(&workflow, "large");
    assert_eq!(main["phase"], "Error", "{main:#}");
    let message = main["message"].as_str().unwrap_or_default();
    assert!(
        message.contains("asks for 3 cores") && message.contains("--max-processes"),
        "{message}"
    );
}

#[test]
fn a_daemon_that_is_ready_gives_its_slot_back() {
    let place = Place::new();
    let spec = |probe: &str| {
        format!(
            "  entrypoint: main
  templates:
  - name: main
    steps:
    - - {{name: server, template: server}}
    - - {{name: client, template: client}}
  - name: server
    daemon: true
    container:
      image: x
      command: [sh, -c, 'sleep 0.3; touch up; exec sleep 1000']
{probe}
  - name: client
    container: {{image: x, command: [sh, -c, 'ls up > seen 2>&1; true']}}
"
        )
    };
    let probe = "      readinessProbe: {periodSeconds: 1, exec: {command: [test, -e, up]}}";
    let workflow = place.run("daemon", &spec(probe), &["--max-processes", "1"]);
    assert_eq!(workflow["status"]["phase"], "Succeeded", "{workflow:#}");
    assert_eq!(
        place.lines("seen"),
        ["up"],
        "the client ran before the server was ready"
    );
    let place = Place::new();
    let workflow = place.run("daemon", &spec(""), &["--max-processes", "1"]);
    assert_eq!(workflow["status"]["phase"], "Succeeded", "{workflow:#}");
    wait_until("the daemon has ended", || place.processes_in().is_empty());
}

#[test]
fn a_list_shows_counts_that_are_less_than_a_second_old() {
    let place = Place::new();
    let file = place.workflow(
        "count",
        "  entrypoint: main
  templates:
  - name: main
    steps:
    - - {name: each, template: work, withSequence: {count: '1500'}}
  - name: work
    container: {image: x, command: [sh, -c, 'echo x >> notes']}
",
    );
    let mut runner = place.start(&["run", "--host", &file]);
    let done = || -> usize {
        let list = place.argosy(&["list", "-o", "json"]);
        let list: serde_json::Value = serde_json::from_slice(&list.stdout).unwrap_or_default();
        let text = list[0]["status"]["progress"].as_str().unwrap_or("0/0");
        text.split('/')
            .next()
            .and_then(|done| done.parse().ok())
            .unwrap_or_default()
    };
    let mut looks = 0;
    while runner.try_wait().expect("wait").is_none() {
        let before = place.lines("notes").len();
        std::thread::sleep(Duration::from_millis(900));
        let shown = done();
        if before > 0 && before < 1500 && runner.try_wait().expect("wait").is_none() {
            assert!(
                shown >= before,
                "{shown} shown, {before} done 900 ms before"
            );
            looks += 1;
        }
    }
    assert!(Path::new(&place.path("notes")).exists());
    assert_eq!(done(), 1500, "after {looks} looks");
}
