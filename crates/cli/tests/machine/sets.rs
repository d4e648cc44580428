//! Containers of a set begin when those that they depend on have done well.

use crate::place::{Place, node};
use crate::run;

fn set(end_of_b: &str) -> String {
    format!(
        "  entrypoint: main
  templates:
  - name: main
    containerSet:
      containers:
      - {{name: main, image: busybox, command: [sh, -c], args: ['echo main >> order'], dependencies: [b, c]}}
      - {{name: b, image: busybox, command: [sh, -c], args: ['sleep 0.2; echo b >> order; {end_of_b}'], dependencies: [a]}}
      - {{name: a, image: busybox, command: [sh, -c], args: ['sleep 0.2; echo a >> order']}}
      - {{name: c, image: busybox, command: [sh, -c], args: ['sleep 0.4; echo c >> order'], dependencies: [a]}}
"
    )
}

#[test]
fn containers_begin_in_the_order_of_their_dependencies() {
    for (name, end_of_b, order, phases) in [
        (
            "well",
            "true",
            "a\nb\nc\nmain\n",
            ["Succeeded", "Succeeded", "Succeeded", "Succeeded"],
        ),
        // What depends on one that failed never begins; the others end as they do.
        (
            "badly",
            "exit 3",
            "a\nb\nc\n",
            ["Succeeded", "Failed", "Succeeded", "Error"],
        ),
    ] {
        let place = Place::new();
        let ended = run(&place, name, &set(end_of_b));
        let written = std::fs::read_to_string(place.dir.path().join("order")).expect("a file");
        assert_eq!(written, order, "{name}");
        assert_eq!(
            ended["status"]["phase"],
            if name == "well" {
                "Succeeded"
            } else {
                "Failed"
            },
            "{ended:#}"
        );
        for (container, phase) in ["a", "b", "c", "main"].iter().zip(phases) {
            assert_eq!(
                node(&ended, container)["phase"],
                phase,
                "{name}: {container} {ended:#}"
            );
        }
    }
}
