//! What every driver that saves must do, run on each of them.

use std::fs;
use std::io::Read;
use std::path::Path;

use crate::Result;
use crate::loopback::Loopback;
use argosy_api::{Artifact, HttpArtifact, S3Artifact};
use argosy_artifacts::{
    ArtifactError, Driver, Durability, Folder, Http, NoSecrets, Source, Stores,
};

/// A driver under test.
struct Case<'a> {
    driver: &'a dyn Driver,
    /// The artifact at a key.
    at: &'a dyn Fn(&str) -> Artifact,
    /// Whether it knows folders, lists and deletes.
    has_folders: bool,
}

fn at_key(key: &str) -> Artifact {
    Artifact {
        name: "a".to_owned(),
        s3: Some(Box::new(S3Artifact {
            key: key.to_owned(),
            ..S3Artifact::default()
        })),
        ..Artifact::default()
    }
}

fn check(run: fn(&Case<'_>, &Path) -> Result) -> Result {
    let dir = tempfile::tempdir()?;
    for (number, durability) in [Durability::Disk, Durability::Memory]
        .into_iter()
        .enumerate()
    {
        let folder =
            Folder::new(dir.path().join(format!("store{number}"))).with_durability(durability);
        let work = dir.path().join(format!("work{number}"));
        fs::create_dir(&work)?;
        run(
            &Case {
                driver: &folder,
                at: &at_key,
                has_folders: true,
            },
            &work,
        )?;
    }
    let folder = Folder::new(dir.path().join("store"));
    let work = dir.path().join("work");
    fs::create_dir(&work)?;
    run(
        &Case {
            driver: &Stores::new(&folder),
            at: &at_key,
            has_folders: true,
        },
        &work,
    )?;
    let server = Loopback::start()?;
    let work = dir.path().join("http");
    fs::create_dir(&work)?;
    let at_url = |key: &str| Artifact {
        name: "a".to_owned(),
        http: Some(Box::new(HttpArtifact {
            url: format!("{}/{key}", server.base),
            ..HttpArtifact::default()
        })),
        ..Artifact::default()
    };
    run(
        &Case {
            driver: &Http::new(&NoSecrets),
            at: &at_url,
            has_folders: false,
        },
        &work,
    )
}

#[test]
fn what_is_saved_is_loaded() -> Result {
    check(|case, work| {
        for (number, content) in [&b""[..], b"text\n", &[0, 159, 146, 150], &vec![7; 3 << 20]]
            .into_iter()
            .enumerate()
        {
            for (kind, owned) in [("shared", false), ("owned", true)] {
                let artifact = (case.at)(&format!("wf/pod/{kind}{number}"));
                let from = work.join(format!("from-{kind}{number}"));
                fs::write(&from, content)?;
                let source = if owned {
                    Source::Owned(&from)
                } else {
                    Source::Shared(&from)
                };
                case.driver.save(source, &artifact)?;
                // What the step does afterwards to what it has left doesn't matter.
                fs::write(&from, "changed afterwards")?;
                let to = work.join(format!("to-{kind}{number}"));
                case.driver.load(&artifact, &to)?;
                assert!(fs::read(&to)? == content, "{kind} {number}");
                // Nor what it does to what it was given.
                fs::write(&to, "changed by the step")?;
                let mut opened = Vec::new();
                case.driver.open(&artifact)?.read_to_end(&mut opened)?;
                assert!(opened == content, "{kind} {number}");
            }
        }
        Ok(())
    })
}

#[test]
fn saving_again_replaces() -> Result {
    check(|case, work| {
        let artifact = (case.at)("again");
        for content in ["long content", "short"] {
            let from = work.join("from");
            fs::write(&from, content)?;
            case.driver.save(Source::Shared(&from), &artifact)?;
            let mut opened = String::new();
            case.driver.open(&artifact)?.read_to_string(&mut opened)?;
            assert_eq!(opened, content);
        }
        Ok(())
    })
}

#[test]
fn what_is_missing_is_not_found() -> Result {
    check(|case, work| {
        fs::write(work.join("from"), "x")?;
        case.driver
            .save(Source::Shared(&work.join("from")), &(case.at)("file"))?;
        for key in ["missing", "missing/below", "file/below"] {
            let artifact = (case.at)(key);
            let load = case.driver.load(&artifact, &work.join("to"));
            assert!(load.is_err_and(|error| error.is_not_found()), "{key}");
            assert!(
                case.driver
                    .open(&artifact)
                    .is_err_and(|error| error.is_not_found()),
                "{key}"
            );
            if case.has_folders {
                assert!(
                    case.driver
                        .list(&artifact)
                        .is_err_and(|error| error.is_not_found()),
                    "{key}"
                );
                assert!(
                    case.driver
                        .is_directory(&artifact)
                        .is_err_and(|error| error.is_not_found()),
                    "{key}"
                );
                case.driver.delete(&artifact)?;
            }
        }
        Ok(())
    })
}

#[test]
fn a_failed_save_leaves_nothing() -> Result {
    check(|case, work| {
        let artifact = (case.at)("nothing");
        assert!(
            case.driver
                .save(Source::Shared(&work.join("no such file")), &artifact)
                .is_err()
        );
        assert!(
            case.driver
                .open(&artifact)
                .is_err_and(|error| error.is_not_found())
        );
        Ok(())
    })
}

#[test]
fn folders_are_trees_of_keys() -> Result {
    check(|case, work| {
        if !case.has_folders {
            let folder = case.driver.save(Source::Shared(work), &(case.at)("tree"));
            assert!(matches!(folder, Err(ArtifactError::Unsupported { .. })));
            return Ok(());
        }
        let from = work.join("from");
        fs::create_dir_all(from.join("sub/deep"))?;
        fs::create_dir_all(from.join("empty"))?;
        fs::write(from.join("b"), "b")?;
        fs::write(from.join("sub/deep/a"), "a")?;
        let tree = (case.at)("tree");
        case.driver.save(Source::Shared(&from), &tree)?;
        assert!(case.driver.is_directory(&tree)?);
        assert!(!case.driver.is_directory(&(case.at)("tree/b"))?);
        assert_eq!(case.driver.list(&tree)?, ["tree/b", "tree/sub/deep/a"]);
        assert_eq!(case.driver.list(&(case.at)("tree/b"))?, [""; 0]);
        assert!(
            case.driver
                .open(&tree)
                .is_err_and(|error| !error.is_not_found())
        );
        let to = work.join("to");
        case.driver.load(&tree, &to)?;
        assert_eq!(fs::read_to_string(to.join("sub/deep/a"))?, "a");
        assert!(to.join("empty").is_dir());
        // A part of it is an artifact too.
        case.driver
            .load(&(case.at)("tree/sub"), &work.join("part"))?;
        assert_eq!(fs::read_to_string(work.join("part/deep/a"))?, "a");
        // Steps side by side may save to one prefix.
        let other = work.join("other");
        fs::create_dir_all(other.join("sub"))?;
        fs::write(other.join("b"), "new")?;
        fs::write(other.join("sub/c"), "c")?;
        case.driver.save(Source::Owned(&other), &tree)?;
        assert_eq!(
            case.driver.list(&tree)?,
            ["tree/b", "tree/sub/c", "tree/sub/deep/a"]
        );
        let mut opened = String::new();
        case.driver
            .open(&(case.at)("tree/b"))?
            .read_to_string(&mut opened)?;
        assert_eq!(opened, "new");
        // A file and a folder don't replace each other.
        assert!(
            case.driver
                .save(Source::Shared(&from.join("b")), &tree)
                .is_err()
        );
        assert!(
            case.driver
                .save(Source::Shared(&from), &(case.at)("tree/b"))
                .is_err()
        );
        case.driver.delete(&(case.at)("tree/sub/deep/a"))?;
        assert_eq!(case.driver.list(&tree)?, ["tree/b", "tree/sub/c"]);
        case.driver.delete(&tree)?;
        assert!(
            case.driver
                .is_directory(&tree)
                .is_err_and(|error| error.is_not_found())
        );
        Ok(())
    })
}
