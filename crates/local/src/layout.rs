//! Where a step's declared paths lie: its own `/tmp`, its volumes, and shadows of folders in which
//! it declares a path that this machine does not have.
//!
//! The step's root is the machine's. A folder in which a declared path is missing is covered by one
//! of the pod's own that shows the same entries, so nothing is made on the machine itself.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use argosy_api::Template;
use argosy_executor::{PathMap, RootedPathMap};
use k8s_openapi::api::core::v1::{Container, Pod, Volume};

use crate::ObjectSource;
use crate::protocol::Mount;

/// How many entries a folder may have that is to be shadowed.
const MAX_ENTRIES: usize = 4_096;

/// The mounts of a step and what backs its paths.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layout {
    pub mounts: Vec<Mount>,
    /// Folders and files of the step that others of this machine back.
    pub backed: BTreeMap<PathBuf, PathBuf>,
}

impl Layout {
    /// From the step's paths to this machine's.
    pub(crate) fn paths(&self) -> RootedPathMap {
        let machine = RootedPathMap::new(PathBuf::from("/"));
        self.backed.iter().fold(machine, |map, (inside, host)| {
            map.mount(inside, host.clone())
        })
    }

    fn host_path(&self, inside: &Path) -> PathBuf {
        self.paths().host_path(&inside.to_string_lossy())
    }
}

/// Whether a step declares any path of its own.
pub(crate) fn declares_paths(template: Option<&Template>, container: &Container) -> bool {
    let mounts = container
        .volume_mounts
        .as_ref()
        .is_some_and(|mounts| !mounts.is_empty());
    mounts || template.is_some_and(|template| !declared(template).is_empty())
}

/// The paths, and whether something is put there before the step begins.
fn declared(template: &Template) -> Vec<(PathBuf, bool)> {
    let inputs = template
        .inputs
        .artifacts
        .iter()
        .map(|artifact| (&artifact.path, true));
    let outputs = template
        .outputs
        .artifacts
        .iter()
        .map(|artifact| (&artifact.path, false));
    let parameters = template
        .outputs
        .parameters
        .iter()
        .filter_map(|parameter| Some((&parameter.value_from.as_ref()?.path, false)));
    inputs
        .chain(outputs)
        .chain(parameters)
        .filter(|(path, _)| path.starts_with('/'))
        .map(|(path, is_input)| (PathBuf::from(path), is_input))
        .collect()
}

/// Where a container is laid out.
pub(crate) struct Places<'a> {
    /// The pod's folder, in which its volumes are.
    pub pod: &'a Path,
    /// The container's own.
    pub own: PathBuf,
    /// Where the workflow was submitted.
    pub working_directory: &'a Path,
    /// Gives the folder of a volume claim of a namespace.
    pub claim: &'a dyn Fn(&str, &str) -> Result<PathBuf, String>,
}

/// Lays out a container.
pub(crate) fn lay_out(
    pod: &Pod,
    container: &Container,
    template: Option<&Template>,
    places: &Places<'_>,
    objects: &dyn ObjectSource,
) -> Result<Layout, String> {
    let (pod_dir, working_directory) = (places.own.as_path(), places.working_directory);
    let mut layout = Layout::default();
    let failed = |error: io::Error| format!("cannot lay out {}: {error}", pod_dir.display());
    let own_tmp = pod_dir.join("tmp");
    fs::create_dir_all(&own_tmp).map_err(failed)?;
    // The step starts where it was submitted, also if that lies below /tmp.
    if let Ok(below) = working_directory.strip_prefix("/tmp")
        && below.components().next().is_some()
        && working_directory.is_dir()
    {
        let point = own_tmp.join(below);
        fs::create_dir_all(&point).map_err(failed)?;
        layout.mounts.push(Mount {
            source: working_directory.to_owned(),
            target: point,
            read_only: false,
            inner: true,
        });
    }
    layout.backed.insert(PathBuf::from("/tmp"), own_tmp.clone());
    let mut wanted: Vec<Wanted> = template
        .map(declared)
        .unwrap_or_default()
        .into_iter()
        .map(|(path, is_input)| Wanted {
            path,
            volume: None,
            is_input,
        })
        .collect();
    for mount in container.volume_mounts.iter().flatten() {
        let volume = pod
            .spec
            .as_ref()
            .and_then(|spec| spec.volumes.as_ref())
            .and_then(|volumes| volumes.iter().find(|volume| volume.name == mount.name))
            .ok_or_else(|| format!("volume '{}' is not declared", mount.name))?;
        let mut source = volume_source(pod, volume, places, objects)?;
        if let Some(sub_path) = mount.sub_path.as_deref().filter(|path| !path.is_empty()) {
            if !is_plain(sub_path) {
                return Err(format!("the subPath {sub_path:?} leads out of its volume"));
            }
            source = source.join(sub_path);
            if !source.exists() {
                fs::create_dir_all(&source).map_err(failed)?;
            }
        }
        let of_claim = volume.persistent_volume_claim.as_ref();
        let read_only = mount.read_only == Some(true)
            || of_claim.is_some_and(|claim| claim.read_only == Some(true));
        wanted.push(Wanted {
            path: PathBuf::from(&mount.mount_path),
            volume: Some((source, read_only)),
            is_input: false,
        });
    }
    // What lies further out comes first, so that what lies within is laid over it.
    wanted.sort_by_key(|wanted| wanted.path.components().count());
    layout.shadows(&wanted, pod_dir).map_err(failed)?;
    // A root of the step's own comes first, and shows its `/tmp` already.
    if !layout.has_own_root() {
        layout.cover(Path::new("/tmp"), &own_tmp);
    }
    for wanted in wanted {
        let path = wanted.path;
        let Some((source, read_only)) = wanted.volume else {
            continue;
        };
        let point = layout.host_path(&path);
        let inside_pod = point.starts_with(places.pod);
        if inside_pod && !point.exists() {
            if source.is_dir() {
                fs::create_dir_all(&point).map_err(failed)?;
            } else {
                if let Some(parent) = point.parent() {
                    fs::create_dir_all(parent).map_err(failed)?;
                }
                fs::write(&point, b"").map_err(failed)?;
            }
        }
        layout.backed.insert(path.clone(), source.clone());
        layout.mounts.push(Mount {
            source,
            target: path,
            read_only,
            inner: false,
        });
    }
    Ok(layout)
}

/// A path that a step declares.
struct Wanted {
    path: PathBuf,
    /// What backs it, and whether that can't be written; none for an artifact or a parameter.
    volume: Option<(PathBuf, bool)>,
    /// Something is put there before the step begins.
    is_input: bool,
}

impl Layout {
    /// Whether the step declares a path right below `/`, so that its root is one of its own.
    pub(crate) fn has_own_root(&self) -> bool {
        self.mounts
            .iter()
            .any(|mount| mount.target == Path::new("/"))
    }

    fn cover(&mut self, inside: &Path, host: &Path) {
        self.mounts.push(Mount {
            source: host.to_owned(),
            target: inside.to_owned(),
            read_only: false,
            inner: false,
        });
    }

    /// Makes the shadows of folders in which a declared path is missing, and the folders above
    /// paths where something is put. Nothing is made above an output: that is the step's to do.
    fn shadows(&mut self, wanted: &[Wanted], pod_dir: &Path) -> io::Result<()> {
        let mut folders: BTreeMap<PathBuf, Shadow> = BTreeMap::new();
        for Wanted { path, volume, .. } in wanted {
            let host = self.host_path(path);
            if host.starts_with(pod_dir) || (path.exists() && volume.is_some()) {
                continue;
            }
            let folder = existing_folder(path);
            let below = path.strip_prefix(&folder).unwrap_or(path);
            let Some(first) = below.components().next() else {
                continue;
            };
            let number = folders.len();
            let shadow = folders.entry(folder.clone()).or_insert_with(|| Shadow {
                place: pod_dir.join("shadow").join(number.to_string()),
                own: BTreeSet::new(),
            });
            let own = folder.join(first);
            self.backed.insert(own.clone(), shadow.place.join(first));
            shadow.own.insert(own);
        }
        for (folder, shadow) in &folders {
            self.show(folder, shadow)?;
        }
        for (folder, shadow) in &folders {
            self.cover(folder, &shadow.place);
        }
        for wanted in wanted.iter().filter(|wanted| wanted.is_input) {
            let host = self.host_path(&wanted.path);
            if let Some(parent) = host.parent() {
                fs::create_dir_all(parent)?;
            }
        }
        Ok(())
    }

    /// Shows a folder's entries in its shadow, save those that are the pod's own.
    fn show(&mut self, folder: &Path, shadow: &Shadow) -> io::Result<()> {
        fs::create_dir_all(&shadow.place)?;
        for entry in bounded(folder)? {
            let (from, to) = (entry.path(), shadow.place.join(entry.file_name()));
            if shadow.own.contains(&from) {
                continue;
            }
            let kind = entry.file_type()?;
            if kind.is_symlink() {
                let _ = std::os::unix::fs::symlink(fs::read_link(&from)?, &to);
                continue;
            }
            if kind.is_dir() {
                fs::create_dir_all(&to)?;
            } else {
                fs::write(&to, b"")?;
            }
            self.mounts.push(Mount {
                source: self.host_path(&from),
                target: to,
                read_only: false,
                inner: true,
            });
        }
        Ok(())
    }
}

/// What covers a folder of the machine.
struct Shadow {
    place: PathBuf,
    /// What it does not show of its folder, since it is the pod's own.
    own: BTreeSet<PathBuf>,
}

fn bounded(folder: &Path) -> io::Result<Vec<fs::DirEntry>> {
    let entries: Vec<fs::DirEntry> = fs::read_dir(folder)?
        .take(MAX_ENTRIES + 1)
        .collect::<Result<_, _>>()?;
    if entries.len() > MAX_ENTRIES {
        return Err(io::Error::other(format!(
            "{} has more than {MAX_ENTRIES} entries; declare a path elsewhere, such as below /tmp",
            folder.display()
        )));
    }
    Ok(entries)
}

/// The nearest folder above a path that this machine has.
fn existing_folder(path: &Path) -> PathBuf {
    let mut folder = path.parent().unwrap_or(Path::new("/"));
    while !folder.is_dir() {
        match folder.parent() {
            Some(above) => folder = above,
            None => break,
        }
    }
    folder.to_owned()
}

/// Whether a path leads nowhere but down.
pub(crate) fn is_plain(path: &str) -> bool {
    Path::new(path)
        .components()
        .all(|part| matches!(part, std::path::Component::Normal(_)))
}

/// The folder or file that backs a volume.
fn volume_source(
    pod: &Pod,
    volume: &Volume,
    places: &Places<'_>,
    objects: &dyn ObjectSource,
) -> Result<PathBuf, String> {
    let namespace = pod.metadata.namespace.as_deref().unwrap_or("default");
    if let Some(claim) = &volume.persistent_volume_claim {
        return (places.claim)(namespace, &claim.claim_name);
    }
    let own = places.pod.join("volumes").join(&volume.name);
    let failed = |error: io::Error| format!("cannot make volume '{}': {error}", volume.name);
    if let Some(host_path) = &volume.host_path {
        let path = PathBuf::from(&host_path.path);
        if !path.exists() {
            return Err(format!("hostPath {} does not exist", path.display()));
        }
        return Ok(path);
    }
    if !is_plain(&volume.name) {
        return Err(format!("volume name {:?} is not valid", volume.name));
    }
    fs::create_dir_all(&own).map_err(failed)?;
    // A claim that lives as long as its pod is one folder of the pod's.
    if volume.empty_dir.is_some() || volume.ephemeral.is_some() {
        return Ok(own);
    }
    let (data, kind, name, items, optional) = if let Some(map) = &volume.config_map {
        let data = objects.config_map(namespace, &map.name);
        (
            data,
            "configmap",
            map.name.clone(),
            &map.items,
            map.optional,
        )
    } else if let Some(secret) = &volume.secret {
        let name = secret.secret_name.clone().unwrap_or_default();
        let data = objects.secret(namespace, &name);
        (data, "secret", name, &secret.items, secret.optional)
    } else {
        return Err(format!(
            "volume '{}' is of a kind that this machine can't give: emptyDir, ephemeral, hostPath, configMap, secret and persistentVolumeClaim can be",
            volume.name
        ));
    };
    let Some(data) = data else {
        if optional == Some(true) {
            return Ok(own);
        }
        return Err(format!(
            "MountVolume.SetUp failed for volume \"{}\" : {kind} \"{name}\" not found",
            volume.name
        ));
    };
    let files: Vec<(String, &Vec<u8>)> = match items {
        None => data
            .iter()
            .map(|(key, value)| (key.clone(), value))
            .collect(),
        Some(items) => items
            .iter()
            .map(|item| {
                data.get(&item.key)
                    .map(|value| (item.path.clone(), value))
                    .ok_or_else(|| format!("{kind} \"{name}\" has no key {}", item.key))
            })
            .collect::<Result<_, _>>()?,
    };
    for (path, value) in files {
        if !is_plain(&path) {
            return Err(format!(
                "the path {path:?} leads out of volume '{}'",
                volume.name
            ));
        }
        let path = own.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(failed)?;
        }
        write_private(&path, value, kind == "secret").map_err(failed)?;
    }
    Ok(own)
}

fn write_private(path: &Path, value: &[u8], secret: bool) -> io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mode = if secret { 0o600 } else { 0o644 };
    let mut file = fs::OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(mode)
        .open(path)?;
    file.write_all(value)
}
