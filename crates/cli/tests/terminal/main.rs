//! What the program shows on a terminal: pictures that are drawn again and again, in their place.

#[path = "../place/mod.rs"]
mod place;
mod pty;
mod screen;

use std::process::Command;

use place::Place;
use pty::Terminal;

/// A diamond whose steps B and C wait for a file.
const DIAMOND: &str = "  entrypoint: main
  templates:
  - name: main
    dag:
      tasks:
      - {name: A, template: quick}
      - {name: B-with-a-name-that-is-rather-long-for-a-terminal, template: waits, depends: A}
      - {name: C, template: waits, depends: A}
      - {name: D, template: quick, depends: B-with-a-name-that-is-rather-long-for-a-terminal && C}
  - name: quick
    container: {image: busybox, command: ['true']}
  - name: waits
    container: {image: busybox, command: [sh, -c, 'until [ -e go ]; do sleep 0.05; done']}
";

fn diamond(place: &Place) -> Command {
    let file = place.workflow("diamond", DIAMOND);
    place.command(&["run", "--host", "--max-processes", "4", &file])
}

/// How often the workflow's own line is on the screen.
fn pictures(screen: &str) -> usize {
    let own = |line: &&str| line.contains(" diamond ");
    screen.lines().filter(own).count()
}

#[test]
fn the_tree_of_a_run_is_drawn_in_its_place() {
    let place = Place::new();
    let mut terminal = Terminal::start(diamond(&place), 80, 24);
    terminal.until("B and C run", |screen| screen.contains("└─● C"));
    assert_eq!(pictures(&terminal.screen.text()), 1);
    place.write("go", "");
    assert!(terminal.ended().success());
    let text = terminal.screen.text();
    assert_eq!(pictures(&text), 1, "{text}");
    for line in [" ✔ diamond Succeeded 4/4", " ├─✔ A", " └─✔ D"] {
        assert!(text.contains(line), "no {line:?} in\n{text}");
    }
    assert!(terminal.raw.contains("\x1b[32m"), "nothing has a colour");
}

#[test]
fn lines_fit_a_terminal_that_is_narrow_or_made_so() {
    let place = Place::new();
    let mut terminal = Terminal::start(diamond(&place), 30, 24);
    terminal.until("B and C run", |screen| screen.contains("└─● C"));
    assert!(
        terminal.screen.longest() <= 30,
        "{}",
        terminal.screen.text()
    );
    terminal.resize(80, 24);
    terminal.until("the long name is shown", |screen| {
        screen.contains("├─● B-with-a-name-that-is-rather-long-for-a-terminal")
    });
    terminal.resize(20, 24);
    terminal.until("the picture is drawn anew", |screen| {
        screen.contains("├─● B-with-a-name-…") && !screen.contains("rather-long")
    });
    assert!(
        terminal.screen.longest() <= 20,
        "{}",
        terminal.screen.text()
    );
    assert_eq!(pictures(&terminal.screen.text()), 1);
    place.write("go", "");
    assert!(terminal.ended().success());
    let text = terminal.screen.text();
    assert_eq!(pictures(&text), 1, "{text}");
}

#[test]
fn colours_and_pictures_are_left_out_where_they_are_not_wanted() {
    for (variable, forbidden) in [(("NO_COLOR", "1"), "\x1b[3"), (("TERM", "dumb"), "\x1b")] {
        let place = Place::new();
        let mut terminal = Terminal::start_with(diamond(&place), variable);
        terminal.until("C runs", |screen| {
            screen.contains("● C") || screen.contains("diamond.C")
        });
        place.write("go", "");
        assert!(terminal.ended().success());
        let raw = &terminal.raw;
        assert!(!raw.contains(forbidden), "{variable:?}: {raw:?}");
        assert!(terminal.screen.text().contains("diamond Succeeded 4/4"));
    }
}

#[test]
fn what_is_watched_fits_the_screen() {
    let place = Place::new();
    let suspended = "  entrypoint: main
  templates:
  - name: main
    steps:
    - - {name: each, template: one, withSequence: {count: '3000'}}
  - {name: one, suspend: {}}
";
    let file = place.workflow("wide", suspended);
    place.says(&["submit", &file]);
    let mut terminal = Terminal::start(place.command(&["watch", "wide"]), 60, 12);
    terminal.until("items are counted", |screen| screen.contains("more: ● "));
    assert!(terminal.screen.height() <= 12, "{}", terminal.screen.text());
    let selected = ["watch", "wide", "--status", "Running"];
    let mut other = Terminal::start(place.command(&selected), 60, 12);
    other.until("the rest is counted", |screen| {
        screen.contains("more lines")
    });
    assert!(other.screen.height() <= 12, "{}", other.screen.text());
    place.says(&["terminate", "wide"]);
    for (terminal, end) in [
        (&mut terminal, "✖ wide Failed"),
        (&mut other, "Failed (Terminated)"),
    ] {
        assert!(terminal.ended().success());
        let text = terminal.screen.text();
        assert!(text.contains(end), "{text}");
        assert!(text.lines().count() < 300, "{text}");
    }
}

#[test]
fn of_many_workflows_as_many_as_fit_are_shown() {
    let place = Place::new();
    std::fs::create_dir(place.path("many")).expect("a folder");
    for number in 0..12 {
        place.workflow(
            &format!("many/w{number}"),
            "  entrypoint: main\n  templates:\n  - {name: main, container: {image: a, command: [sh, -c, 'until [ -e go ]; do sleep 0.05; done']}}\n",
        );
    }
    // A name has no slash.
    for entry in std::fs::read_dir(place.path("many")).expect("a folder") {
        let path = entry.expect("an entry").path();
        let text = std::fs::read_to_string(&path).expect("a file");
        std::fs::write(&path, text.replace("many/", "")).expect("a file");
    }
    let arguments = ["run", "--host", "--max-processes", "12", "many"];
    let mut terminal = Terminal::start(place.command(&arguments), 60, 8);
    terminal.until("the rest is counted", |screen| {
        screen.contains("● w0 Running") && screen.contains("more workflows")
    });
    assert!(terminal.screen.height() <= 8, "{}", terminal.screen.text());
    place.write("go", "");
    assert!(terminal.ended().success());
    let text = terminal.screen.text();
    for number in 0..12 {
        let line = format!("✔ w{number} Succeeded 1/1");
        assert_eq!(text.matches(&line).count(), 1, "{line}\n{text}");
    }
    assert!(!text.contains("Running"), "{text}");
}

#[test]
fn tests_are_played_again_when_a_file_changes() {
    let place = Place::new();
    let workflow = |command: &str| {
        format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {{name: w}}\nspec:\n  entrypoint: main\n  templates:\n  - {{name: main, container: {{image: a, command: [{command}]}}}}\n"
        )
    };
    place.write("w.yaml", &workflow("one"));
    let test = |command: &str| {
        format!(
            "apiVersion: argosy.dev/v1alpha1\nkind: WorkflowTest\nmetadata: {{name: its command}}\nspec:\n  workflow: w.yaml\n  expect: {{pods: {{w: {{command: [{command}]}}}}}}\n"
        )
    };
    place.write("w_test.yaml", &test("one"));
    let mut terminal = Terminal::start(place.command(&["test", "--watch"]), 80, 24);
    terminal.until("the first round is over", |screen| {
        screen.contains("✔ its command") && screen.contains("2 files are watched")
    });
    place.write("w.yaml", &workflow("other"));
    terminal.until("the workflow's change shows", |screen| {
        screen.contains("✖ its command") && screen.contains("files are watched")
    });
    let text = terminal.screen.text();
    assert!(
        !text.contains('✔'),
        "the last round is still there:\n{text}"
    );
    place.write("w_test.yaml", &test("other"));
    terminal.until("the test's change shows", |screen| {
        screen.contains("✔ its command")
    });
    place.write("new_test.yaml", "kind: WorkflowTest\nspec: [");
    terminal.until("a new file with a fault shows", |screen| {
        screen.contains("new_test.yaml:2:") && screen.contains("1 file has faults")
    });
}
