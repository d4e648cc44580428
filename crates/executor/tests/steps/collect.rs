//! Outputs.

use std::fs;
use std::os::unix::fs::symlink;

use argosy_api::Progress;

use crate::Result;
use crate::world::{World, make_pipe, template};

#[test]
fn parameters_are_read() -> Result {
    let base = "open /var/run/argo/outputs/parameters";
    for (from, expected) in [
        (r#"{"path":"/tmp/value"}"#, Ok("one\n".to_owned())),
        (r#"{"path":"/tmp/empty"}"#, Ok(String::new())),
        (
            r#"{"path":"/tmp/bytes"}"#,
            Ok("\u{fffd}\u{fffd}x".to_owned()),
        ),
        (r#"{"path":"/tmp/link"}"#, Ok("one\n".to_owned())),
        (r#"{"path":"/vol/value"}"#, Ok("of the volume".to_owned())),
        (
            r#"{"path":"/tmp/missing","default":"d\n"}"#,
            Ok("d".to_owned()),
        ),
        (r#"{"path":"/tmp","default":"d"}"#, Ok("d".to_owned())),
        (
            r#"{"path":"/tmp/missing"}"#,
            Err(format!("{base}/tmp/missing: no such file or directory")),
        ),
        (
            r#"{"path":"/vol/missing"}"#,
            Err("open /mainctrfs/vol/missing: no such file or directory".to_owned()),
        ),
        (
            r#"{"path":"/tmp/value/below"}"#,
            Err(format!("{base}/tmp/value/below: no such file or directory")),
        ),
        (
            r#"{"path":"/tmp"}"#,
            Err(format!("{base}/tmp: is a directory")),
        ),
        (
            r#"{"path":"/tmp/out"}"#,
            Err(format!("{base}/tmp/out: no such file or directory")),
        ),
        (
            r#"{"path":"/tmp/pipe"}"#,
            Err(format!("{base}/tmp/pipe: is neither")),
        ),
    ] {
        let world = World::new()?;
        let tmp = world.root.join("tmp");
        fs::create_dir(&tmp)?;
        fs::write(tmp.join("value"), "one\n\n")?;
        fs::write(tmp.join("empty"), "\n")?;
        fs::write(tmp.join("bytes"), b"\xe2\x82x\n")?;
        symlink("/tmp/value", tmp.join("link"))?;
        fs::write(world.dir.path().join("secret"), "of the machine")?;
        symlink(world.dir.path().join("secret"), tmp.join("out"))?;
        fs::write(world.volume.join("value"), "of the volume\n")?;
        make_pipe(&tmp.join("pipe"))?;
        let mut template = template(&format!(
            r#""outputs":{{"parameters":[{{"name":"p","valueFrom":{from}}},{{"name":"supplied","valueFrom":{{"supplied":{{}}}}}}]}}"#
        ))?;
        if let Some(container) = &mut template.container {
            container.volume_mounts = Some(vec![k8s_openapi::api::core::v1::VolumeMount {
                mount_path: "/vol".to_owned(),
                ..Default::default()
            }]);
        }
        let collected = world.collect(&template);
        match (expected, collected.error) {
            (Ok(value), None) => {
                assert_eq!(collected.parameters, [("p".to_owned(), value)], "{from}")
            }
            (Err(text), Some(error)) => assert!(error.starts_with(&text), "{from}: {error}"),
            (_, error) => return Err(format!("{from}: {error:?}").into()),
        }
    }
    Ok(())
}

#[test]
fn artifacts_are_saved_or_missed() -> Result {
    for (artifact, key, error) in [
        (
            r#"{"name":"a","path":"/tmp/f.txt"}"#,
            Some("wf/pod/a.tgz"),
            "",
        ),
        (
            r#"{"name":"a","path":"/tmp/f.txt","archive":{"zip":{}}}"#,
            Some("wf/pod/a.zip"),
            "",
        ),
        (
            r#"{"name":"a","path":"/tmp/f.txt","archive":{"none":{}}}"#,
            Some("wf/pod/f.txt"),
            "",
        ),
        (
            r#"{"name":"a","path":"/tmp//f.txt","s3":{"key":"my/own"}}"#,
            Some("my/own"),
            "",
        ),
        (
            r#"{"name":"a","path":"/tmp/missing","optional":true}"#,
            None,
            "",
        ),
        (
            r#"{"name":"a","path":"/tmp/missing"}"#,
            None,
            "open /var/run/argo/outputs/artifacts/tmp/missing.tgz: no such file or directory",
        ),
        (
            r#"{"name":"a"}"#,
            None,
            "Artifact 'a' did not specify a path",
        ),
        (
            r#"{"name":"a","path":"/tmp/f.txt","archive":{"tar":{"compressionLevel":10}}}"#,
            None,
            "failed to save artifact 'a': cannot pack it: 10 is no compression level",
        ),
        (
            r#"{"name":"a","path":"/tmp/f.txt","s3":{"key":"../x"}}"#,
            None,
            "failed to save artifact 'a': cannot save artifact 'a': its key",
        ),
        (
            r#"{"name":"a","path":"/tmp/f.txt","s3":{"endpoint":"e","bucket":"b","key":"k"}}"#,
            None,
            "failed to save artifact 'a': cannot save artifact 'a': S3 needs",
        ),
        (
            r#"{"name":"a","path":"/tmp/out"}"#,
            None,
            "open /var/run/argo/outputs/artifacts/tmp/out.tgz: no such file or directory",
        ),
        (
            r#"{"name":"a","path":"/tmp/pipe"}"#,
            None,
            "failed to save artifact 'a': cannot pack it: it is neither a file nor a folder",
        ),
        (
            r#"{"name":"a","path":"/tmp/tree","archive":{"none":{}}}"#,
            None,
            "failed to save artifact 'a': cannot pack it: the symbolic link out leads out",
        ),
        (
            r#"{"name":"a","path":"/tmp/tree"}"#,
            Some("wf/pod/a.tgz"),
            "",
        ),
    ] {
        let world = World::new()?;
        let tmp = world.root.join("tmp");
        fs::create_dir_all(tmp.join("tree"))?;
        fs::write(tmp.join("f.txt"), "x")?;
        fs::write(world.dir.path().join("secret"), "of the machine")?;
        symlink(world.dir.path().join("secret"), tmp.join("out"))?;
        symlink(world.dir.path().join("secret"), tmp.join("tree/out"))?;
        make_pipe(&tmp.join("pipe"))?;
        let outputs = format!(
            r#""outputs":{{"artifacts":[{artifact}]}},"archiveLocation":{{"s3":{{"key":"wf/pod"}}}}"#
        );
        let collected = world.collect(&template(&outputs)?);
        let found = collected
            .artifacts
            .first()
            .and_then(|saved| saved.s3.as_ref())
            .map(|s3| s3.key.as_str());
        assert_eq!(found, key, "{artifact}: {:?}", collected.error);
        let text = collected.error.unwrap_or_default();
        assert!(
            text.starts_with(error) && text.is_empty() == error.is_empty(),
            "{artifact}: {text}"
        );
        if let Some(key) = found {
            assert!(
                world.dir.path().join("store").join(key).is_file(),
                "{artifact}"
            );
        }
    }
    Ok(())
}

#[test]
fn one_fault_does_not_hide_the_rest() -> Result {
    let world = World::new()?;
    fs::write(world.root.join("f"), "x")?;
    fs::write(world.log(), "printed\n")?;
    fs::write(world.dir.path().join("progress"), "1/2\n2/2\n")?;
    let collected = world.collect(&template(
        r#""outputs":{
            "parameters":[
                {"name":"p","valueFrom":{"path":"/missing"}},
                {"name":"q","valueFrom":{"path":"/f"}}],
            "artifacts":[
                {"name":"a","path":"/missing"},
                {"name":"b","path":"/f","globalName":"g","artifactGC":{"strategy":"Never"},"mode":420},
                {"name":"c","path":"/missing"}]},
           "archiveLocation":{"archiveLogs":true,"s3":{"key":"wf/pod"}}"#,
    )?);
    assert_eq!(collected.result.as_deref(), Some("printed"));
    assert_eq!(collected.parameters, [("q".to_owned(), "x".to_owned())]);
    assert_eq!(collected.progress, Some(Progress { done: 2, total: 2 }));
    let names: Vec<_> = collected
        .artifacts
        .iter()
        .map(|artifact| artifact.name.as_str())
        .collect();
    assert_eq!(names, ["b", "main-logs"]);
    let json = serde_json::to_string(&collected.artifacts)?;
    let expected = concat!(
        r#"[{"name":"b","path":"/f","mode":420,"s3":{"key":"wf/pod/b.tgz"},"globalName":"g","artifactGC":{"strategy":"Never"}},"#,
        r#"{"name":"main-logs","s3":{"key":"wf/pod/main.log"}}]"#
    );
    assert_eq!(json, expected);
    assert!(
        collected
            .error
            .is_some_and(|error| error.contains("parameters/missing"))
    );
    let [artifacts] = &collected.further_errors[..] else {
        return Err(format!("{:?}", collected.further_errors).into());
    };
    assert_eq!(artifacts.matches("artifacts/missing.tgz").count(), 2);
    Ok(())
}

#[test]
fn logs_are_artifacts() -> Result {
    for (name, json, has_log, expected) in [
        (
            "wished for",
            r#""archiveLocation":{"archiveLogs":true,"s3":{"key":"wf/pod"}}"#,
            true,
            Some("wf/pod/main.log"),
        ),
        (
            "no log",
            r#""archiveLocation":{"archiveLogs":true,"s3":{"key":"wf/pod"}}"#,
            false,
            None,
        ),
        (
            "not wished for",
            r#""archiveLocation":{"s3":{"key":"wf/pod"}}"#,
            true,
            None,
        ),
        (
            "lowered",
            r#""outputs":{"artifacts":[{"name":"main-logs","archiveLogs":true,"s3":{"key":"k/main.log"}}]},"archiveLocation":{"archiveLogs":true,"s3":{"key":"wf/pod"}}"#,
            true,
            Some("k/main.log"),
        ),
    ] {
        let world = World::new()?;
        if has_log {
            fs::write(world.log(), "out and err\n")?;
        } else {
            fs::remove_file(world.log())?;
        }
        let collected = world.collect(&template(json)?);
        let keys: Vec<_> = collected
            .artifacts
            .iter()
            .filter_map(|saved| saved.s3.as_ref())
            .map(|s3| s3.key.as_str())
            .collect();
        assert_eq!(keys, expected.into_iter().collect::<Vec<_>>(), "{name}");
        for saved in &collected.artifacts {
            assert_eq!(
                (saved.name.as_str(), saved.archive_logs),
                ("main-logs", None),
                "{name}"
            );
        }
        if let Some(key) = expected {
            assert_eq!(
                fs::read_to_string(world.dir.path().join("store").join(key))?,
                "out and err\n"
            );
        }
    }
    Ok(())
}

#[test]
fn without_a_place_nothing_is_saved() -> Result {
    let world = World::new()?;
    fs::write(world.root.join("f"), "x")?;
    let collected = world.collect(&template(
        r#""outputs":{"artifacts":[{"name":"a","path":"/f"}]}"#,
    )?);
    let error = collected.error.unwrap_or_default();
    assert!(
        error.starts_with("failed to save artifact 'a': artifact storage is not configured"),
        "{error}"
    );
    Ok(())
}
