//! What a step is given, prints and keeps is its user's alone.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;

use crate::place::{Place, errors};

const SECRETIVE: &str = "  entrypoint: main
  archiveLogs: true
  volumes: [{name: keys, secret: {secretName: keys}}]
  templates:
  - name: main
    outputs: {artifacts: [{name: a, path: /tmp/a}]}
    script:
      image: none
      command: [sh]
      env: [{name: KEY, valueFrom: {secretKeyRef: {name: keys, key: key}}}]
      volumeMounts: [{name: keys, mountPath: /mnt/keys}]
      source: 'umask > $PWD/mask; touch $PWD/made; echo $KEY; cp /mnt/keys/key /tmp/a; touch $PWD/running; while [ ! -e $PWD/go ]; do sleep 0.02; done'
";

/// Runs the program by way of a shell with this umask.
fn with_umask(place: &Place, mask: &str, arguments: &[&str]) -> bool {
    let script = format!("umask {mask}; exec \"$0\" --data-dir \"$@\"");
    let status = place
        .through_shell(&script)
        .args(arguments)
        .stdout(std::process::Stdio::null())
        .status();
    status.expect("sh runs").success()
}

/// What others than its user could come to.
fn open_to_others(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        // It may be gone by now.
        let Ok(metadata) = std::fs::symlink_metadata(&path) else {
            continue;
        };
        if metadata.mode() & 0o077 != 0 {
            found.push(format!("{} {:o}", path.display(), metadata.mode()));
        }
    }
    found
}

#[test]
fn nobody_else_sees_what_is_kept_whatever_the_umask_and_the_folder_are() {
    for words in [&["submit"][..], &["run", "--host", "--resume"]] {
        let place = Place::new();
        // A data directory that somebody has made, open to all.
        std::fs::create_dir(place.data("")).expect("a folder");
        let open = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(place.data(""), open).expect("opened");
        place.write(
            "keys.yaml",
            "{apiVersion: v1, kind: Secret, metadata: {name: keys}, stringData: {key: hush}}",
        );
        assert!(with_umask(&place, "000", &["apply", "-f", "keys.yaml"]));
        let file = place.workflow("secretive", SECRETIVE);
        assert!(with_umask(&place, "027", &["submit", &file]));
        place.wait_until("the step runs", || place.path("running").exists());
        if words[0] == "run" {
            // Another runner takes it up, with a umask of its own.
            crate::place::kill(place.runners()[0]);
            place.write("go", "");
            assert!(with_umask(&place, "000", words));
        }
        assert_eq!(open_to_others(&place.data("")), [""; 0]);
        place.write("go", "");
        place.wait_until("it ends", || place.phase("secretive") == "Succeeded");
        assert_eq!(open_to_others(&place.data("")), [""; 0]);
        // The step has the umask of its submission.
        assert_eq!(place.read("mask").trim(), "0027");
        let made = std::fs::metadata(place.path("made")).expect("it is there");
        assert_eq!(made.mode() & 0o777, 0o640);
    }
}

#[test]
fn a_runner_has_each_step_under_the_umask_of_its_submission() {
    let place = Place::new();
    for (mask, name) in [("022", "one"), ("077", "two"), ("002", "three")] {
        let file = place.workflow(name, &crate::one_step(&format!("umask > {name}")));
        assert!(with_umask(&place, mask, &["submit", "--wait", &file]));
        assert_eq!(place.read(name).trim(), format!("0{mask}"));
    }
    assert_eq!(place.runners().len(), 1, "one runner has run them all");
}

#[test]
fn two_users_of_a_machine_do_not_meet() {
    const OTHER: &str = "65534";
    let place = Place::new();
    let is_root = std::fs::metadata(place.dir.path()).expect("a folder").uid() == 0;
    let open = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(place.dir.path(), open).expect("opened");
    let as_other = |data: &Path, arguments: &[&str]| {
        Command::new("setpriv")
            .args(["--reuid", OTHER, "--regid", OTHER, "--clear-groups", "--"])
            .arg(env!("CARGO_BIN_EXE_argosy"))
            .arg("--data-dir")
            .arg(data)
            .args(arguments)
            .current_dir(place.dir.path())
            .output()
    };
    let may =
        is_root && as_other(place.dir.path(), &["version"]).is_ok_and(|ran| ran.status.success());
    if !may {
        eprintln!("this user can't be another one: nothing was tested");
        return;
    }
    let file = place.workflow(
        "mine",
        &crate::one_step("touch running; while [ ! -e go ]; do sleep 0.02; done"),
    );
    let mut runner = place.start(&["run", "--host", "--max-processes", "1", &file]);
    place.wait_until("the step runs", || place.path("running").exists());
    // The other's own data directory is another world: its slots, locks and names too.
    let own = place.path("own");
    std::fs::create_dir(&own).expect("a folder");
    std::os::unix::fs::chown(&own, Some(65_534), Some(65_534)).expect("given away");
    let theirs = place.workflow("theirs", &crate::one_step("true"));
    let ran = as_other(&own.join("data"), &["run", "--host", &theirs]).expect("it runs");
    assert!(ran.status.success(), "{}", errors(&ran));
    // This one is closed.
    for words in [
        &["list"][..],
        &["logs", "mine"],
        &["stop", "mine"],
        &["run", "--host", "--resume"],
    ] {
        let refused = as_other(&place.data(""), words).expect("it runs");
        assert_eq!(refused.status.code(), Some(1), "{words:?}");
        assert!(
            errors(&refused).contains("Permission denied"),
            "{}",
            errors(&refused)
        );
    }
    place.write("go", "");
    assert!(runner.ends_well());
    assert_eq!(open_to_others(&place.data("")), [""; 0]);
}
