//! Input artifacts.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use crate::Result;
use crate::world::{World, template, tree};

fn inputs(artifacts: &str) -> Result<argosy_api::Template> {
    template(&format!(r#""inputs":{{"artifacts":[{artifacts}]}}"#))
}

#[test]
fn artifacts_come_or_are_missed() -> Result {
    for (artifact, expected) in [
        (
            r#"{"name":"a","path":"/x","raw":{"data":"hello"}}"#,
            Ok(true),
        ),
        (r#"{"name":"a","path":"/x","s3":{"key":"there"}}"#, Ok(true)),
        (
            r#"{"name":"a","path":"/x","gcs":{"key":"there"}}"#,
            Ok(true),
        ),
        (r#"{"name":"a","path":"/x","optional":true}"#, Ok(false)),
        (r#"{"name":"a","optional":true}"#, Ok(false)),
        (
            r#"{"name":"a","path":"/x","optional":true,"s3":{"key":"missing"}}"#,
            Ok(false),
        ),
        (
            r#"{"name":"a","path":"/x"}"#,
            Err("required artifact 'a' not supplied"),
        ),
        (
            r#"{"name":"a","path":"/x","s3":{}}"#,
            Err("required artifact 'a' not supplied"),
        ),
        (
            r#"{"name":"a","path":"/x","s3":{"key":"missing"}}"#,
            Err(
                "artifact a failed to load: cannot load artifact 'a': there is nothing at key \"missing\"",
            ),
        ),
        (
            r#"{"name":"a","raw":{"data":""}}"#,
            Err("Artifact 'a' did not specify a path"),
        ),
        (
            r#"{"name":"a","path":"/safe/../etc","raw":{"data":""}}"#,
            Err("Artifact 'a' attempted to use a path containing '..'"),
        ),
        (
            r#"{"name":"a","path":"/x","optional":true,"s3":{"key":"../../x"}}"#,
            Err("artifact a failed to load: cannot load artifact 'a': its key"),
        ),
        (
            r#"{"name":"a","path":"/x","optional":true,"git":{"repo":"r"}}"#,
            Err("artifact a failed to load: cannot load artifact 'a': git needs"),
        ),
    ] {
        let world = World::new()?;
        world.store("there", b"hello")?;
        match (world.stage(&inputs(artifact)?), expected) {
            (Ok(()), Ok(there)) => {
                let found = fs::read_to_string(world.root.join("x")).ok();
                assert_eq!(found.as_deref(), there.then_some("hello"), "{artifact}");
            }
            (Err(error), Err(part)) => {
                assert!(error.to_string().starts_with(part), "{artifact}: {error}")
            }
            (found, _) => return Err(format!("{artifact}: {found:?}").into()),
        }
    }
    Ok(())
}

#[test]
fn the_rest_of_a_location_is_the_archive_locations() -> Result {
    let world = World::new()?;
    world.store("k", b"x")?;
    let artifact = r#""inputs":{"artifacts":[{"name":"a","path":"/x","s3":{"key":"k"}}]}"#;
    world.stage(&template(&format!(
        r#"{artifact},"archiveLocation":{{"s3":{{"key":"wf/pod"}}}}"#
    ))?)?;
    assert_eq!(fs::read_to_string(world.root.join("x"))?, "x");
    let elsewhere = r#""archiveLocation":{"s3":{"endpoint":"e","bucket":"b","key":"wf"}}"#;
    let result = world.stage(&template(&format!("{artifact},{elsewhere}"))?);
    assert!(result.is_err_and(|error| error.to_string().contains("S3 needs a later capability")));
    Ok(())
}

#[test]
fn modes_are_set() -> Result {
    for (extra, folder, inner, file) in [
        ("", 0o755, 0o755, 0o644),
        (r#","mode":448"#, 0o700, 0o755, 0o644),
        (r#","mode":320,"recurseMode":true"#, 0o500, 0o500, 0o500),
        (r#","recurseMode":true"#, 0o755, 0o755, 0o644),
    ] {
        let world = World::new()?;
        let out = world.root.join("out");
        fs::create_dir_all(out.join("sub"))?;
        fs::write(out.join("sub/file"), "x")?;
        fs::set_permissions(out.join("sub/file"), fs::Permissions::from_mode(0o644))?;
        symlink("sub/file", out.join("link"))?;
        let collected = world.collect(&template(
            r#""outputs":{"artifacts":[{"name":"a","path":"/out","s3":{"key":"k"}}]}"#,
        )?);
        assert_eq!(collected.error, None);
        world.stage(&inputs(&format!(
            r#"{{"name":"a","path":"/in","s3":{{"key":"k"}}{extra}}}"#
        ))?)?;
        for (path, expected) in [("in", folder), ("in/sub", inner), ("in/sub/file", file)] {
            let mode = fs::metadata(world.root.join(path))?.permissions().mode() & 0o777;
            assert_eq!(mode, expected, "{extra} {path}: {mode:o}");
        }
        // So that the folder of the test can be deleted by anybody.
        fs::set_permissions(world.root.join("in"), fs::Permissions::from_mode(0o755))?;
        fs::set_permissions(world.root.join("in/sub"), fs::Permissions::from_mode(0o755))?;
    }
    let world = World::new()?;
    world.stage(&inputs(r#"{"name":"a","path":"/raw","raw":{"data":""}}"#)?)?;
    assert_eq!(
        fs::metadata(world.root.join("raw"))?.permissions().mode() & 0o777,
        0o666
    );
    Ok(())
}

#[test]
fn places_are_found_and_nothing_of_a_volume_is_lost() -> Result {
    let world = World::new()?;
    symlink("/vol", world.root.join("data"))?;
    world.stage(&inputs(
        r#"{"name":"inner","path":"/in/deep/b","raw":{"data":"b"}},
           {"name":"volume","path":"/vol/new/x","raw":{"data":"x"}},
           {"name":"linked","path":"/data/y","raw":{"data":"y"}},
           {"name":"beside","path":"/in/a","raw":{"data":"a"}}"#,
    )?)?;
    assert_eq!(
        tree(&world.root.join("in"))?,
        ["/", "a \"a\"", "deep/", "deep/b \"b\""]
    );
    assert_eq!(
        tree(&world.volume)?,
        ["/", "new/", "new/x \"x\"", "y \"y\""]
    );
    let result = world.stage(&inputs(
        r#"{"name":"whole","path":"/vol","raw":{"data":"x"}}"#,
    )?);
    let text = result
        .err()
        .map(|error| error.to_string())
        .unwrap_or_default();
    assert!(
        text.contains("a folder that isn't empty is at /vol already"),
        "{text}"
    );
    assert_eq!(
        tree(&world.volume)?,
        ["/", "new/", "new/x \"x\"", "y \"y\""]
    );
    Ok(())
}
