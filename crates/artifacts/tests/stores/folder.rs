//! What only the folder does.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use argosy_api::{Artifact, S3Artifact};
use argosy_artifacts::{ArtifactError, Driver, Durability, Folder, Source};

use crate::Result;

fn at(key: &str) -> Artifact {
    Artifact {
        name: "a".to_owned(),
        s3: Some(Box::new(S3Artifact {
            key: key.to_owned(),
            ..S3Artifact::default()
        })),
        ..Artifact::default()
    }
}

fn mode(path: &Path) -> Result<u32> {
    Ok(fs::symlink_metadata(path)?.permissions().mode() & 0o777)
}

#[test]
fn keys_that_escape_are_refused() -> Result {
    let dir = tempfile::tempdir()?;
    let folder = Folder::new(dir.path().join("store"));
    fs::write(dir.path().join("secret"), "secret")?;
    for key in ["../secret", "a/../../secret", "..", ".incoming/x"] {
        let to = dir.path().join("to");
        for result in [
            folder.load(&at(key), &to),
            folder.save(Source::Shared(&dir.path().join("secret")), &at(key)),
            folder.delete(&at(key)),
            folder.list(&at(key)).map(drop),
        ] {
            assert!(
                matches!(result, Err(ArtifactError::BadKey { .. })),
                "{key}: {result:?}"
            );
        }
    }
    assert_eq!(fs::read_to_string(dir.path().join("secret"))?, "secret");
    Ok(())
}

#[test]
fn stored_files_are_read_only_and_loaded_ones_are_not() -> Result {
    let dir = tempfile::tempdir()?;
    let folder = Folder::new(dir.path().join("store"));
    for (number, (before, stored, loaded)) in [
        (0o644, 0o400, 0o666),
        (0o755, 0o500, 0o777),
        (0o600, 0o400, 0o666),
    ]
    .into_iter()
    .enumerate()
    {
        let from = dir.path().join(format!("from{number}"));
        fs::write(&from, "x")?;
        fs::set_permissions(&from, fs::Permissions::from_mode(before))?;
        let artifact = at(&format!("f{number}"));
        folder.save(Source::Owned(&from), &artifact)?;
        assert_eq!(mode(&dir.path().join(format!("store/f{number}")))?, stored);
        let to = dir.path().join(format!("to{number}"));
        folder.load(&artifact, &to)?;
        assert_eq!(mode(&to)?, loaded);
    }
    Ok(())
}

#[test]
fn links_are_kept_inside_and_refused_outside() -> Result {
    let dir = tempfile::tempdir()?;
    let folder = Folder::new(dir.path().join("store"));
    fs::write(dir.path().join("secret"), "secret")?;
    for (target, kept) in [
        ("file", true),
        ("sub/../file", false),
        ("../secret", false),
        ("/etc/passwd", false),
    ] {
        let from = dir.path().join("from");
        fs::create_dir_all(from.join("sub"))?;
        fs::write(from.join("file"), "x")?;
        symlink(target, from.join("link"))?;
        let saved = folder.save(Source::Shared(&from), &at("tree"));
        assert_eq!(saved.is_ok(), kept, "{target}: {saved:?}");
        fs::remove_dir_all(&from)?;
        folder.delete(&at("tree"))?;
    }
    symlink("secret", dir.path().join("link"))?;
    assert!(
        folder
            .save(Source::Shared(&dir.path().join("link")), &at("link"))
            .is_err()
    );
    assert_eq!(
        fs::read_dir(dir.path().join("store/.incoming"))?.count(),
        0,
        "nothing is left behind"
    );
    Ok(())
}

#[test]
fn what_was_cut_off_is_swept() -> Result {
    let dir = tempfile::tempdir()?;
    let folder = Folder::new(dir.path().join("store"));
    let incoming = folder.incoming()?;
    fs::create_dir(incoming.join("save-x"))?;
    fs::write(incoming.join("save-x/new"), "part")?;
    assert_eq!(folder.sweep(Duration::from_secs(3_600))?, 0);
    assert_eq!(folder.sweep(Duration::ZERO)?, 1);
    assert_eq!(folder.sweep(Duration::ZERO)?, 0);
    Ok(())
}

#[test]
fn saves_and_deletes_side_by_side_lose_nothing() -> Result {
    let dir = tempfile::tempdir()?;
    let folder =
        Arc::new(Folder::new(dir.path().join("store")).with_durability(Durability::Memory));
    let from = dir.path().join("from");
    fs::write(&from, "x")?;
    let threads: Vec<_> = (0..4)
        .map(|thread| {
            let (folder, from) = (Arc::clone(&folder), from.clone());
            std::thread::spawn(move || -> std::result::Result<(), ArtifactError> {
                for turn in 0..100 {
                    let artifact = at(&format!("wf/pod/{thread}-{turn}"));
                    folder.save(Source::Shared(&from), &artifact)?;
                    folder.load(
                        &artifact,
                        &from.with_file_name(format!("to-{thread}-{turn}")),
                    )?;
                    folder.delete(&artifact)?;
                }
                Ok(())
            })
        })
        .collect();
    for thread in threads {
        thread.join().map_err(|_| "a thread panicked")??;
    }
    assert_eq!(
        fs::read_dir(dir.path().join("store"))?.count(),
        1,
        "only .incoming is left"
    );
    Ok(())
}
