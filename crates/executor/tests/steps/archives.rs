//! Archives from strangers.

use std::fs;
use std::io::Write;

use argosy_artifacts::Stores;
use argosy_artifacts::tree::Limits;
use argosy_executor::{Workspace, stage_inputs};
use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{EntryType, Header};
use zip::write::SimpleFileOptions;

use crate::Result;
use crate::world::{World, template, tree};

/// An entry of a tar: kind, name, content or target.
type Entry<'a> = (EntryType, &'a str, &'a str);

/// A tar whose names are written as they are, however bad.
fn tgz(entries: &[Entry<'_>]) -> Result<Vec<u8>> {
    let mut builder = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (kind, name, content) in entries {
        let mut header = Header::new_gnu();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(*kind);
        header.set_mode(0o644);
        header.set_mtime(1);
        let data = match kind {
            EntryType::Symlink | EntryType::Link => {
                header.as_old_mut().linkname[..content.len()].copy_from_slice(content.as_bytes());
                ""
            }
            _ => content,
        };
        header.set_size(data.len() as u64);
        header.set_cksum();
        builder.append(&header, data.as_bytes())?;
    }
    Ok(builder.into_inner()?.finish()?)
}

const FILE: EntryType = EntryType::Regular;
const FOLDER: EntryType = EntryType::Directory;
const LINK: EntryType = EntryType::Symlink;
const HARD: EntryType = EntryType::Link;

fn stage(world: &World, archive: &str) -> Result<std::result::Result<Vec<String>, String>> {
    let inputs = format!(
        r#""inputs":{{"artifacts":[{{"name":"a","path":"/in/a","s3":{{"key":"k"}}{archive}}}]}}"#
    );
    match world.stage(&template(&inputs)?) {
        Ok(()) => Ok(Ok(tree(&world.root.join("in/a"))?)),
        Err(error) => {
            assert!(
                !world.root.join("in/a").exists(),
                "nothing is put there after {error}"
            );
            Ok(Err(error.to_string()))
        }
    }
}

#[test]
fn no_tar_leads_out() -> Result {
    let table: &[(&[Entry<'_>], &str)] = &[
        (&[(FILE, "../evil", "x")], "leads out"),
        (&[(FILE, "a/../../evil", "x")], "leads out"),
        (&[(FOLDER, "..", "")], "leads out"),
        (&[(LINK, "l", "/etc"), (FILE, "b", "")], "leads out"),
        (&[(LINK, "l", "../x"), (FILE, "b", "")], "leads out"),
        (&[(LINK, "only", "x")], "leads out"),
        (&[(FOLDER, "d", ""), (LINK, "d/l", "../b")], "leads out"),
        (&[(LINK, "l", "a/.."), (FILE, "b", "")], "leads out"),
        (&[(LINK, "l", ""), (FILE, "b", "")], "leads out"),
        (&[(LINK, "l", "/"), (FILE, "l/etc/evil", "x")], "leads out"),
        (
            &[(LINK, "l", "d"), (FOLDER, "d", ""), (FILE, "l/x", "x")],
            "irectory",
        ),
        (&[(FILE, "f", ""), (HARD, "h", "../../secret")], "leads out"),
        (&[(FILE, "f", ""), (HARD, "h", "/secret")], "no such file"),
        (
            &[(LINK, "l", "b"), (FILE, "b", ""), (HARD, "h", "l")],
            "no such file",
        ),
        (
            &[(FOLDER, "d", ""), (FILE, "f", ""), (HARD, "h", "d")],
            "which is no file",
        ),
        (&[(EntryType::Char, "d", "")], "neither a file"),
        (&[(EntryType::Block, "d", "")], "neither a file"),
        (&[(EntryType::Fifo, "d", "")], "neither a file"),
        (&[(FILE, "f", ""), (FILE, "f/x", "x")], "irectory"),
        (&[(FOLDER, "d", ""), (FILE, "d", "x")], "irectory"),
    ];
    for (entries, expected) in table {
        let world = World::new()?;
        fs::write(world.dir.path().join("secret"), "secret")?;
        world.store("k", &tgz(entries)?)?;
        match stage(&world, "")? {
            Ok(found) => return Err(format!("{entries:?} gave {found:?}").into()),
            Err(error) => assert!(
                error.to_lowercase().contains(&expected.to_lowercase()),
                "{entries:?}: {error}"
            ),
        }
        assert!(!world.root.join("in/evil").exists() && !world.dir.path().join("evil").exists());
    }
    Ok(())
}

#[test]
fn odd_tars_are_read_as_they_mean() -> Result {
    let table: &[(&[Entry<'_>], &[&str])] = &[
        (&[(FILE, "one", "x")], &[" \"x\""]),
        (&[(FOLDER, "d", ""), (FILE, "d/x", "x")], &["/", "x \"x\""]),
        (&[(FILE, "d/x", "x")], &["/", "x \"x\""]),
        (
            &[(FILE, "a", "1"), (FILE, "b", "2")],
            &["/", "a \"1\"", "b \"2\""],
        ),
        (
            &[(FOLDER, "./", ""), (FILE, "./a", "1"), (FILE, "./b", "2")],
            &["/", "a \"1\"", "b \"2\""],
        ),
        (&[(FILE, "/etc/x", "x")], &["/", "x \"x\""]),
        (&[(FILE, "a/../b", "x")], &[" \"x\""]),
        (&[(FILE, "a", "old"), (FILE, "a", "new")], &[" \"new\""]),
        (
            &[(FILE, "d/a", "x"), (HARD, "d/h", "d/a")],
            &["/", "a \"x\"", "h \"x\""],
        ),
        (
            &[(LINK, "d/l", "a"), (FILE, "d/a", "x")],
            &["/", "a \"x\"", "l -> a"],
        ),
        (
            &[(LINK, "a/l", "../b"), (FILE, "b", "x")],
            &["/", "a/", "a/l -> ../b", "b \"x\""],
        ),
        (
            &[(LINK, "d/l", "x"), (FILE, "d/l", "file")],
            &["/", "l \"file\""],
        ),
        (
            &[(FILE, "d/sub/", ""), (FILE, "d/x", "x")],
            &["/", "sub/", "x \"x\""],
        ),
    ];
    for (entries, expected) in table {
        let world = World::new()?;
        world.store("k", &tgz(entries)?)?;
        assert_eq!(
            stage(&world, "")?.as_deref(),
            Ok(&expected.map_strings()[..]),
            "{entries:?}"
        );
    }
    Ok(())
}

trait Strings {
    fn map_strings(&self) -> Vec<String>;
}

impl Strings for &[&str] {
    fn map_strings(&self) -> Vec<String> {
        self.iter().map(|text| (*text).to_owned()).collect()
    }
}

#[test]
fn what_is_no_tar_is_left_as_it_is() -> Result {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(b"just text")?;
    let gzip = gzip.finish()?;
    let empty_tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()))
        .into_inner()?
        .finish()?;
    let a_tar = tgz(&[(FILE, "f", "x")])?;
    let mut a_zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    a_zip.start_file("f", SimpleFileOptions::default())?;
    let a_zip = a_zip.finish()?.into_inner();
    let tar = r#","archive":{"tar":{}}"#;
    let zip = r#","archive":{"zip":{}}"#;
    for (name, content, archive, expected) in [
        ("text", &b"text"[..], "", Ok(())),
        ("gzip", &gzip, "", Ok(())),
        ("empty tar", &empty_tar, "", Ok(())),
        ("zip", &a_zip, "", Ok(())),
        ("tar", &a_tar, r#","archive":{"none":{}}"#, Ok(())),
        ("text", b"text", tar, Err("it is no gzipped tar")),
        ("zip", &a_zip, tar, Err("it is no gzipped tar")),
        ("text", b"text", zip, Err("it is no zip")),
        ("tar", &a_tar, zip, Err("it is no zip")),
        ("half a tar", &a_tar[..a_tar.len() / 2], tar, Err("")),
    ] {
        let world = World::new()?;
        world.store("k", content)?;
        match (stage(&world, archive)?, expected) {
            (Ok(_), Ok(())) => assert!(
                fs::read(world.root.join("in/a"))? == content,
                "{name} {archive}"
            ),
            (Err(error), Err(part)) => assert!(error.contains(part), "{name} {archive}: {error}"),
            (found, _) => return Err(format!("{name} {archive}: {found:?}").into()),
        }
    }
    Ok(())
}

#[test]
fn no_zip_leads_out() -> Result {
    let options = SimpleFileOptions::default();
    type Make = fn(
        &mut zip::ZipWriter<std::io::Cursor<Vec<u8>>>,
        SimpleFileOptions,
    ) -> zip::result::ZipResult<()>;
    type Outcome = std::result::Result<&'static [&'static str], &'static str>;
    let table: [(&str, Make, Outcome); 8] = [
        (
            "up",
            |zip, options| zip.start_file("../evil", options),
            Err("leads out"),
        ),
        (
            "up within",
            |zip, options| zip.start_file("a/../../evil", options),
            Err("leads out"),
        ),
        (
            "absolute",
            |zip, options| zip.start_file("/etc/x", options),
            Ok(&["/", "x \"\""]),
        ),
        (
            "link out",
            |zip, options| zip.add_symlink("d/l", "../../x", options),
            Err("leads out"),
        ),
        (
            "link absolute",
            |zip, options| zip.add_symlink("d/l", "/etc", options),
            Err("leads out"),
        ),
        (
            "link alone",
            |zip, options| zip.add_symlink("l", "x", options),
            Err("leads out"),
        ),
        (
            "through a link",
            |zip, options| {
                zip.add_symlink("d/l", "x", options)?;
                zip.start_file("d/l/file", options)
            },
            Err("irectory"),
        ),
        (
            "link inside",
            |zip, options| zip.add_symlink("d/l", "x", options),
            Ok(&["/", "l -> x"]),
        ),
    ];
    for (name, make, expected) in table {
        let world = World::new()?;
        let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        make(&mut zip, options)?;
        world.store("k", &zip.finish()?.into_inner())?;
        match (stage(&world, r#","archive":{"zip":{}}"#)?, expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected.map_strings(), "{name}"),
            (Err(error), Err(part)) => assert!(error.contains(part), "{name}: {error}"),
            (found, _) => return Err(format!("{name}: {found:?}").into()),
        }
    }
    Ok(())
}

#[test]
fn bombs_are_refused() -> Result {
    let limits = Limits {
        bytes: 1 << 20,
        entries: 100,
        depth: 20,
    };
    let zeros = "\0".repeat(2 << 20);
    let names: Vec<String> = (0..200).map(|number| format!("f{number}")).collect();
    let many: Vec<Entry<'_>> = names.iter().map(|name| (FILE, name.as_str(), "")).collect();
    let deep = "d/".repeat(40);
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("f", SimpleFileOptions::default())?;
    zip.write_all(zeros.as_bytes())?;
    let zip = zip.finish()?.into_inner();
    for (name, archive, content, expected) in [
        (
            "large",
            "",
            tgz(&[(FILE, "f", &zeros)])?,
            "more than 1048576 bytes",
        ),
        (
            "two halves",
            "",
            tgz(&[
                (FILE, "f", &zeros[..700_000]),
                (FILE, "g", &zeros[..700_000]),
            ])?,
            "more than 1048576 bytes",
        ),
        (
            "long name",
            "",
            tgz(&[
                (FILE, "first", ""),
                (EntryType::GNULongName, "n", &zeros),
                (FILE, "f", ""),
            ])?,
            "headers",
        ),
        (
            "attributes",
            "",
            tgz(&[
                (FILE, "first", ""),
                (EntryType::XHeader, "n", &zeros),
                (FILE, "f", ""),
            ])?,
            "headers",
        ),
        (
            "comment",
            "",
            tgz(&[
                (FILE, "first", ""),
                (EntryType::XGlobalHeader, "n", &zeros),
                (FILE, "f", ""),
            ])?,
            "more than 1048576 bytes",
        ),
        ("many", "", tgz(&many)?, "more than 100 entries"),
        (
            "deep",
            "",
            tgz(&[(FOLDER, &deep, "")])?,
            "more than the 20 folders deep",
        ),
        (
            "large zip",
            r#","archive":{"zip":{}}"#,
            zip,
            "more than 1048576 bytes",
        ),
    ] {
        let world = World::new()?;
        world.store("k", &content)?;
        let inputs = format!(
            r#""inputs":{{"artifacts":[{{"name":"a","path":"/a","s3":{{"key":"k"}}{archive}}}]}}"#
        );
        let workspace = Workspace {
            limits,
            ..world.workspace()
        };
        let result = stage_inputs(
            &template(&inputs)?,
            &world.paths(),
            &Stores::new(&world.folder),
            &workspace,
        );
        match result {
            Ok(()) => return Err(format!("{name} was unpacked").into()),
            Err(error) => assert!(error.to_string().contains(expected), "{name}: {error}"),
        }
    }
    Ok(())
}
