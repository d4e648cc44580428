//! The whole program on this machine: steps a second against a bare loop, and the time of one step.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use crate::table::{Better, Table};

/// Steps of a round of each.
const STEPS: usize = 10_000;
const ROUNDS: usize = 3;

/// Runs of hello world.
const HELLOS: usize = 21;

pub fn measure(table: &mut Table) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let concurrency = std::thread::available_parallelism().map_or(1, usize::from);
    let (mut bare, mut ours) = (0.0, 0.0);
    for round in 0..ROUNDS {
        // Half before and half after, so that a machine that changes its pace favours neither.
        let half = |name: &str| {
            bare_loop(
                &dir.path().join(format!("bare-{round}-{name}")),
                STEPS / 2,
                concurrency,
            )
        };
        bare += half("before");
        ours += workflow(dir.path(), round);
        bare += half("after");
    }
    let steps = (STEPS * ROUNDS) as f64;
    table.note(
        &format!("bare loop of spawn and wait, {concurrency} at a time"),
        &format!("{:.0} a second", steps / bare),
    );
    table.note(
        &format!("{STEPS} steps of /bin/true under --host, all committed"),
        &format!("{:.0} a second", steps / ours),
    );
    table.figure(
        "share of the bare loop's rate",
        100.0 * bare / ours,
        "%",
        70.0,
        Better::More,
    );
    let mut times: Vec<f64> = (0..HELLOS).map(|place| hello(dir.path(), place)).collect();
    times.sort_by(f64::total_cmp);
    table.figure(
        "hello world, whole process, new data directory (median)",
        times[HELLOS / 2] * 1e3,
        "ms",
        20.0,
        Better::Less,
    );
}

/// Seconds that it takes to start and wait for `/bin/true` so often, so many at once, the output of
/// each to a file.
fn bare_loop(folder: &Path, steps: usize, concurrency: usize) -> f64 {
    std::fs::create_dir_all(folder).expect("a folder");
    let next = AtomicUsize::new(0);
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..concurrency {
            scope.spawn(|| {
                loop {
                    let step = next.fetch_add(1, Ordering::Relaxed);
                    if step >= steps {
                        return;
                    }
                    let log = File::create(folder.join(format!("{step}.log"))).expect("a log");
                    let status = Command::new("/bin/true")
                        .stdin(Stdio::null())
                        .stdout(log.try_clone().expect("a file"))
                        .stderr(log)
                        .status();
                    assert!(status.is_ok_and(|status| status.success()));
                }
            });
        }
    });
    began.elapsed().as_secs_f64()
}

fn workflow(dir: &Path, round: usize) -> f64 {
    let spec = format!(
        "  entrypoint: main
  templates:
  - name: main
    steps:
    - - {{name: each, template: work, withSequence: {{count: '{STEPS}'}}}}
  - {{name: work, container: {{image: busybox, command: [/bin/true]}}}}
"
    );
    run(dir, &format!("loop-{round}"), &spec)
}

fn hello(dir: &Path, place: usize) -> f64 {
    let spec = "  entrypoint: main
  templates:
  - {name: main, container: {image: busybox, command: [echo, hello world]}}
";
    run(dir, &format!("hello-{place}"), spec)
}

/// Seconds from the start of `argosy run` to its end, in a data directory of its own.
fn run(dir: &Path, name: &str, spec: &str) -> f64 {
    let file = dir.join(format!("{name}.yaml"));
    let text = format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {{name: {name}}}\nspec:\n{spec}"
    );
    std::fs::write(&file, text).expect("the file can be written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_argosy"));
    command
        .arg("--data-dir")
        .arg(dir.join(format!("data-{name}")))
        .args(["run", "--host"])
        .arg(&file)
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    let began = Instant::now();
    let status = command.status();
    let seconds = began.elapsed().as_secs_f64();
    assert!(status.is_ok_and(|status| status.success()), "{name} failed");
    seconds
}
