//! What one step leaves another finds: every kind of archive with every kind of content.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use crate::Result;
use crate::world::{World, template, tree};

type Make = fn(&Path) -> std::io::Result<()>;

const CONTENTS: [(&str, Make); 9] = [
    ("file", |path| fs::write(path, "content\n")),
    ("empty file", |path| fs::write(path, "")),
    ("executable", |path| {
        fs::write(path, "#!/bin/sh\n")?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o755))
    }),
    ("empty folder", |path| fs::create_dir(path)),
    ("folder with one file", |path| {
        fs::create_dir(path)?;
        fs::write(path.join("only"), "x")
    }),
    ("nested", |path| {
        fs::create_dir_all(path.join("a/b/c"))?;
        fs::create_dir(path.join("a/empty"))?;
        fs::write(path.join("a/b/c/deep"), "deep")?;
        fs::write(path.join("日本 x"), "name")?;
        fs::write(path.join("run"), "")?;
        fs::set_permissions(path.join("run"), fs::Permissions::from_mode(0o700))
    }),
    ("long names", |path| {
        let long = path.join("x".repeat(200)).join("y".repeat(200));
        fs::create_dir_all(&long)?;
        fs::write(long.join("z".repeat(250)), "long")
    }),
    ("links inside", |path| {
        fs::create_dir_all(path.join("sub"))?;
        fs::write(path.join("file"), "x")?;
        symlink("file", path.join("link"))?;
        symlink("../file", path.join("sub/up"))?;
        symlink("sub", path.join("folder"))
    }),
    ("large", |path| fs::write(path, vec![b'x'; 5 << 20])),
];

#[test]
fn what_is_left_is_found() -> Result {
    let strategies = [
        ("", "tgz"),
        (r#","archive":{}"#, "tgz"),
        (r#","archive":{"tar":{}}"#, "tgz"),
        (r#","archive":{"tar":{"compressionLevel":0}}"#, "tgz"),
        (r#","archive":{"tar":{"compressionLevel":9}}"#, "tgz"),
        (r#","archive":{"zip":{}}"#, "zip"),
        (r#","archive":{"none":{}}"#, "none"),
    ];
    for (archive, extension) in strategies {
        for (name, make) in CONTENTS {
            for folder in ["/tmp", "/vol"] {
                let case = format!("{name} {archive} in {folder}");
                let world = World::new()?;
                let host = if folder == "/vol" {
                    world.volume.clone()
                } else {
                    world.root.join("tmp")
                };
                fs::create_dir_all(&host)?;
                make(&host.join("out"))?;
                let expected = tree(&host.join("out"))?;
                let outputs = format!(
                    r#""outputs":{{"artifacts":[{{"name":"a","path":"{folder}/out"{archive}}}]}},"archiveLocation":{{"s3":{{"key":"wf/pod"}}}}"#
                );
                let collected = world.collect(&template(&outputs)?);
                assert_eq!(collected.error, None, "{case}");
                let saved = &collected.artifacts[0];
                let key = saved.s3.as_ref().map(|s3| s3.key.as_str());
                let file = if extension == "none" {
                    "out".to_owned()
                } else {
                    format!("a.{extension}")
                };
                assert_eq!(key, Some(format!("wf/pod/{file}").as_str()), "{case}");
                let key = key.unwrap_or_default();
                let inputs = format!(
                    r#""inputs":{{"artifacts":[{{"name":"a","path":"{folder}/in/deep"{archive},"s3":{{"key":"{key}"}}}}]}}"#
                );
                world.stage(&template(&inputs)?)?;
                assert_eq!(tree(&host.join("in/deep"))?, expected, "{case}");
            }
        }
    }
    Ok(())
}

#[test]
fn archives_of_the_same_are_the_same_and_times_are_kept() -> Result {
    let old = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    for (archive, extension) in [("", "tgz"), (r#","archive":{"zip":{}}"#, "zip")] {
        let mut archives = Vec::new();
        for names in [["a", "b", "c"], ["c", "a", "b"]] {
            let world = World::new()?;
            let out = world.root.join("out");
            fs::create_dir(&out)?;
            for name in names {
                fs::write(out.join(name), name)?;
                fs::File::options()
                    .write(true)
                    .open(out.join(name))?
                    .set_modified(old)?;
            }
            fs::File::open(&out)?.set_modified(old)?;
            let key = format!("k.{extension}");
            let artifact =
                format!(r#"{{"name":"a","path":"/out","s3":{{"key":"{key}"}}{archive}}}"#);
            assert_eq!(
                world
                    .collect(&template(&format!(
                        r#""outputs":{{"artifacts":[{artifact}]}}"#
                    ))?)
                    .error,
                None
            );
            archives.push(fs::read(world.dir.path().join("store").join(&key))?);
            fs::remove_dir_all(&out)?;
            world.stage(&template(&format!(
                r#""inputs":{{"artifacts":[{artifact}]}}"#
            ))?)?;
            if extension == "tgz" {
                assert_eq!(fs::metadata(out.join("a"))?.modified()?, old);
            }
        }
        assert!(archives[0] == archives[1], "{extension}");
    }
    Ok(())
}
