//! Volume claims are folders of the data directory.

use crate::one_step;
use crate::place::Place;

/// Two steps that share a claim; the second ends as `end` says.
fn sharing(extra: &str, end: &str) -> String {
    format!(
        "  entrypoint: main
{extra}  volumeClaimTemplates:
  - metadata: {{name: work}}
    spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 1Gi}}}}}}
  templates:
  - name: main
    steps: [[{{name: write, template: write}}], [{{name: read, template: read}}]]
  - name: write
    container:
      image: busybox
      command: [sh, -c]
      args: ['echo shared > /mnt/vol/file']
      volumeMounts: [{{name: work, mountPath: /mnt/vol}}]
  - name: read
    container:
      image: busybox
      command: [sh, -c]
      args: ['grep -q shared /other/place/file && {end}']
      volumeMounts: [{{name: work, mountPath: /other/place}}]
"
    )
}

#[test]
fn a_workflows_claims_are_shared_by_its_steps_and_deleted_as_it_says() {
    let place = Place::new();
    let folder = |name: &str| place.data("claims/default").join(name);
    for (name, extra, end, phase, stays) in [
        ("well", "", "true", "Succeeded", false),
        // So that a retry finds it.
        ("badly", "", "false", "Failed", true),
        (
            "always",
            "  volumeClaimGC: {strategy: OnWorkflowCompletion}\n",
            "false",
            "Failed",
            false,
        ),
    ] {
        let ended = place.run_spec(name, &sharing(extra, end));
        assert_eq!(ended["status"]["phase"], phase, "{ended:#}");
        let claim = format!("{name}-work");
        assert_eq!(folder(&claim).exists(), stays, "{name}");
        let kept = ended["status"]["persistentVolumeClaims"]
            .as_array()
            .map_or(0, Vec::len);
        assert_eq!(kept > 0, stays, "{name}");
    }
    assert_eq!(place.says(&["get", "pvc"]), "badly-work\n");
    place.says(&["delete", "badly"]);
    assert!(!folder("badly-work").exists());
    assert_eq!(
        place.says(&["get", "pvc"]),
        "No persistentvolumeclaims found\n"
    );
}

#[test]
fn a_claim_that_was_applied_outlives_workflows() {
    let place = Place::new();
    let using = |line: &str, read_only: bool| {
        one_step(line)
            + &format!(
                "  volumes: [{{name: v, persistentVolumeClaim: {{claimName: mine, readOnly: {read_only}}}}}]\n"
            )
    };
    let mounted = |text: String| {
        text.replace(
            "command:",
            "volumeMounts: [{name: v, mountPath: /mnt/v}], command:",
        )
    };
    let ended = place.run_spec("none", &mounted(using("true", false)));
    assert_eq!(ended["status"]["phase"], "Error", "{ended:#}");
    let message = ended["status"]["nodes"]["none"]["message"]
        .as_str()
        .unwrap_or_default();
    assert!(
        message.contains("persistentvolumeclaim \"mine\" not found"),
        "{message}"
    );
    let said = place.apply("{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: mine}, spec: {accessModes: [ReadWriteOnce]}}");
    assert_eq!(said, "persistentvolumeclaim/mine created\n");
    for (name, line, read_only, phase) in [
        ("first", "echo kept > /mnt/v/file", false, "Succeeded"),
        ("second", "grep -q kept /mnt/v/file", true, "Succeeded"),
        ("third", "touch /mnt/v/other", true, "Failed"),
    ] {
        let ended = place.run_spec(name, &mounted(using(line, read_only)));
        assert_eq!(ended["status"]["phase"], phase, "{name}: {ended:#}");
    }
    let folder = place.data("claims/default/mine");
    assert!(folder.join("file").exists());
    place.says(&["delete", "pvc", "mine"]);
    assert!(!folder.exists());
}

#[test]
fn another_workflows_claim_is_not_taken() {
    let place = Place::new();
    place.apply(
        "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: wants-work}, spec: {}}",
    );
    let file = place.workflow("wants", &sharing("", "true"));
    let ended = place.run(&file);
    assert_eq!(ended["status"]["phase"], "Error");
    assert_eq!(
        ended["status"]["message"],
        "pvc create error: wants-work pvc already exists with different ownerreference"
    );
}
