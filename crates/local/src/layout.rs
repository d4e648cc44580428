//! Where a step's declared paths lie: its own `/tmp`, its volumes, and shadows of folders in which
//! it declares a path that this machine does not have.
//!
//! The step's root is the machine's. A folder in which a declared path is missing is covered by one
//! of the pod's own that shows the same entries, so nothing is made on the machine itself.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use argosy_api::Template;
use argosy_executor::{PathMap, RootedPathMap};
use k8s_openapi::api::core::v1::{Container, Pod, VolumeMount};

use crate::ObjectSource;
use crate::environment::expanded;
use crate::protocol::Mount;
use crate::volumes::{is_plain, volume_source};

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
    /// The container's environment.
    pub environment: &'a BTreeMap<String, String>,
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
    let pod_dir = places.own.as_path();
    let mut layout = Layout::default();
    let failed = |error: io::Error| format!("cannot lay out {}: {error}", pod_dir.display());
    let own_tmp = pod_dir.join("tmp");
    fs::create_dir_all(&own_tmp).map_err(failed)?;
    layout
        .keep_working_directory(places.working_directory, &own_tmp)
        .map_err(failed)?;
    layout.backed.insert(PathBuf::from("/tmp"), own_tmp.clone());
    let declared = template.map(declared).unwrap_or_default();
    let mut wanted: Vec<Wanted> = declared
        .into_iter()
        .map(|(path, is_input)| Wanted {
            path,
            volume: None,
            is_input,
        })
        .collect();
    for mount in container.volume_mounts.iter().flatten() {
        wanted.push(mounted(pod, mount, places, objects)?);
    }
    // What lies further out comes first, so that what lies within is laid over it.
    wanted.sort_by_key(|wanted| wanted.path.components().count());
    layout.shadows(&wanted, pod_dir).map_err(failed)?;
    // A root of the step's own comes first, and shows its `/tmp` already.
    if !layout.has_own_root() {
        layout.cover(Path::new("/tmp"), &own_tmp);
    }
    for wanted in wanted {
        layout.mount(wanted, places.pod).map_err(failed)?;
    }
    Ok(layout)
}

/// What a container's mount shows, and where.
fn mounted(
    pod: &Pod,
    mount: &VolumeMount,
    places: &Places<'_>,
    objects: &dyn ObjectSource,
) -> Result<Wanted, String> {
    let volumes = pod.spec.as_ref().and_then(|spec| spec.volumes.as_ref());
    let volume = volumes
        .and_then(|volumes| volumes.iter().find(|volume| volume.name == mount.name))
        .ok_or_else(|| format!("volume '{}' is not declared", mount.name))?;
    let mut source = volume_source(pod, volume, places, objects)?;
    if let Some(sub_path) = sub_path(mount, places.environment)? {
        if !is_plain(&sub_path) {
            return Err(format!("the subPath {sub_path:?} leads out of its volume"));
        }
        source = source.join(&*sub_path);
        if !source.exists() {
            fs::create_dir_all(&source)
                .map_err(|error| format!("cannot make {}: {error}", source.display()))?;
        }
    }
    let of_claim = volume.persistent_volume_claim.as_ref();
    let read_only = mount.read_only == Some(true)
        || of_claim.is_some_and(|claim| claim.read_only == Some(true));
    Ok(Wanted {
        path: PathBuf::from(&mount.mount_path),
        volume: Some((source, read_only)),
        is_input: false,
    })
}

/// Which part of a volume a mount shows, if not the whole. Kubernetes: `ExpandContainerVolumeMounts`.
fn sub_path<'a>(
    mount: &'a VolumeMount,
    environment: &BTreeMap<String, String>,
) -> Result<Option<Cow<'a, str>>, String> {
    let given = |text: &'a Option<String>| text.as_deref().filter(|text| !text.is_empty());
    if let Some(path) = given(&mount.sub_path) {
        return Ok(Some(path.into()));
    }
    let Some(expression) = given(&mount.sub_path_expr) else {
        return Ok(None);
    };
    let (path, missing) = expanded(expression, environment);
    match missing.first() {
        None => Ok(Some(path.into())),
        Some(name) => Err(format!(
            "the subPathExpr {expression:?} of volume '{}' names the variable {name}, which the container does not declare",
            mount.name
        )),
    }
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

    /// A step starts where it was submitted, also if that lies below the `/tmp` that its own covers.
    fn keep_working_directory(&mut self, directory: &Path, own_tmp: &Path) -> io::Result<()> {
        let Ok(below) = directory.strip_prefix("/tmp") else {
            return Ok(());
        };
        if below.components().next().is_none() || !directory.is_dir() {
            return Ok(());
        }
        let point = own_tmp.join(below);
        fs::create_dir_all(&point)?;
        self.mounts.push(Mount {
            source: directory.to_owned(),
            target: point,
            read_only: false,
            inner: true,
        });
        Ok(())
    }

    /// Mounts what backs a path, if anything does, at a point that is made inside the pod.
    fn mount(&mut self, wanted: Wanted, pod: &Path) -> io::Result<()> {
        let Some((source, read_only)) = wanted.volume else {
            return Ok(());
        };
        let point = self.host_path(&wanted.path);
        if point.starts_with(pod) && !point.exists() {
            if source.is_dir() {
                fs::create_dir_all(&point)?;
            } else {
                if let Some(parent) = point.parent() {
                    fs::create_dir_all(parent)?;
                }
                fs::write(&point, b"")?;
            }
        }
        self.backed.insert(wanted.path.clone(), source.clone());
        self.mounts.push(Mount {
            source,
            target: wanted.path,
            read_only,
            inner: false,
        });
        Ok(())
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
