//! sprig's functions on paths. Argo's controller runs on Linux, so `osBase` is `base`.

use crate::expr::functions::{Entry, entry};

pub(super) const TABLE: &[Entry] = &[
    entry("base", 1, 1, |_, a| Ok(base(a.string(0)?).into())),
    entry("osBase", 1, 1, |_, a| Ok(base(a.string(0)?).into())),
    entry("dir", 1, 1, |_, a| Ok(dir(a.string(0)?).into())),
    entry("osDir", 1, 1, |_, a| Ok(dir(a.string(0)?).into())),
    entry("clean", 1, 1, |_, a| Ok(clean(a.string(0)?).into())),
    entry("osClean", 1, 1, |_, a| Ok(clean(a.string(0)?).into())),
    entry("ext", 1, 1, |_, a| Ok(extension(a.string(0)?).into())),
    entry("osExt", 1, 1, |_, a| Ok(extension(a.string(0)?).into())),
    entry("isAbs", 1, 1, |_, a| {
        Ok(a.string(0)?.starts_with('/').into())
    }),
    entry("osIsAbs", 1, 1, |_, a| {
        Ok(a.string(0)?.starts_with('/').into())
    }),
];

fn base(path: &str) -> &str {
    if path.is_empty() {
        return ".";
    }
    let path = path.trim_end_matches('/');
    match path.rsplit('/').next() {
        Some("") | None => "/",
        Some(name) => name,
    }
}

fn dir(path: &str) -> String {
    let end = path.rfind('/').map_or(0, |at| at + 1);
    clean(&path[..end])
}

fn extension(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rfind('.').map_or("", |at| &name[at..])
}

fn clean(path: &str) -> String {
    let is_absolute = path.starts_with('/');
    let mut kept: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if kept.last().is_some_and(|last| *last != "..") => {
                kept.pop();
            }
            ".." if is_absolute => {}
            _ => kept.push(part),
        }
    }
    let joined = kept.join("/");
    match (is_absolute, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".into(),
        (false, false) => joined,
    }
}
