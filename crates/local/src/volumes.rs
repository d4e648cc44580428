//! What backs the volumes of a pod: folders of its own, of its claims and of the machine, and files
//! made of ConfigMaps and Secrets.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use k8s_openapi::api::core::v1::{HostPathVolumeSource, KeyToPath, Pod, Volume};

use crate::layout::Places;
use crate::{ObjectData, ObjectSource};

/// The folder or file that backs a volume.
pub(crate) fn volume_source(
    pod: &Pod,
    volume: &Volume,
    places: &Places<'_>,
    objects: &dyn ObjectSource,
) -> Result<PathBuf, String> {
    let namespace = pod.metadata.namespace.as_deref().unwrap_or("default");
    if let Some(claim) = &volume.persistent_volume_claim {
        return (places.claim)(namespace, &claim.claim_name);
    }
    if let Some(host_path) = &volume.host_path {
        return of_the_machine(host_path);
    }
    if !is_plain(&volume.name) {
        return Err(format!("volume name {:?} is not valid", volume.name));
    }
    let own = places.pod.join("volumes").join(&volume.name);
    fs::create_dir_all(&own)
        .map_err(|error| format!("cannot make volume '{}': {error}", volume.name))?;
    // A claim that lives as long as its pod is one folder of the pod's.
    if volume.empty_dir.is_some() || volume.ephemeral.is_some() {
        return Ok(own);
    }
    Projected::find(volume, namespace, objects)?.write(&own, &volume.name)?;
    Ok(own)
}

/// A path of this machine, made or looked at as its type says. Kubernetes: `hostPathTypeChecker`.
fn of_the_machine(volume: &HostPathVolumeSource) -> Result<PathBuf, String> {
    let path = PathBuf::from(&volume.path);
    let shown = path.display();
    let kind = volume.type_.as_deref().unwrap_or_default();
    if !path.exists() {
        let made = match kind {
            "DirectoryOrCreate" => fs::create_dir_all(&path),
            "FileOrCreate" => fs::File::create(&path).map(|_| ()),
            _ => return Err(format!("hostPath {shown} does not exist")),
        };
        made.map_err(|error| format!("cannot make hostPath {shown}: {error}"))?;
    }
    let found = fs::metadata(&path)
        .map_err(|error| format!("cannot look at hostPath {shown}: {error}"))?
        .file_type();
    let (fits, wanted) = match kind {
        "" => return Ok(path),
        "Directory" | "DirectoryOrCreate" => (found.is_dir(), "a directory"),
        "File" | "FileOrCreate" => (!found.is_dir(), "a file"),
        "Socket" => (found.is_socket(), "a socket file"),
        "CharDevice" => (found.is_char_device(), "a character device"),
        "BlockDevice" => (found.is_block_device(), "a block device"),
        other => return Err(format!("hostPath {shown} has the unknown type {other:?}")),
    };
    match fits {
        true => Ok(path),
        false => Err(format!(
            "hostPath type check failed: {shown} is not {wanted}"
        )),
    }
}

/// A ConfigMap or Secret that a volume shows as files.
struct Projected<'a> {
    kind: &'static str,
    name: String,
    data: Option<ObjectData>,
    /// The keys that are shown, and where; all of them if none is named.
    items: Option<&'a [KeyToPath]>,
    optional: bool,
    /// The permissions of its files, if it says which.
    mode: Option<i32>,
    /// Those where nobody says.
    own_mode: u32,
}

impl<'a> Projected<'a> {
    fn find(
        volume: &'a Volume,
        namespace: &str,
        objects: &dyn ObjectSource,
    ) -> Result<Self, String> {
        if let Some(map) = &volume.config_map {
            return Ok(Self {
                kind: "configmap",
                name: map.name.clone(),
                data: objects.config_map(namespace, &map.name)?,
                items: map.items.as_deref(),
                optional: map.optional == Some(true),
                mode: map.default_mode,
                own_mode: 0o644,
            });
        }
        if let Some(secret) = &volume.secret {
            let name = secret.secret_name.clone().unwrap_or_default();
            return Ok(Self {
                kind: "secret",
                data: objects.secret(namespace, &name)?,
                name,
                items: secret.items.as_deref(),
                optional: secret.optional == Some(true),
                mode: secret.default_mode,
                own_mode: 0o600,
            });
        }
        Err(format!(
            "volume '{}' is of a kind that this machine can't give: emptyDir, ephemeral, hostPath, configMap, secret and persistentVolumeClaim can be",
            volume.name
        ))
    }

    fn write(&self, folder: &Path, volume: &str) -> Result<(), String> {
        let (kind, name) = (self.kind, &self.name);
        let Some(data) = &self.data else {
            return match self.optional {
                true => Ok(()),
                false => Err(format!(
                    "MountVolume.SetUp failed for volume \"{volume}\" : {kind} \"{name}\" not found"
                )),
            };
        };
        let files: Vec<(&str, &[u8], Option<i32>)> = match self.items {
            None => data
                .iter()
                .map(|(key, value)| (&**key, &**value, None))
                .collect(),
            Some(items) => items
                .iter()
                .map(|item| {
                    let value = data.get(&item.key);
                    value
                        .map(|value| (&*item.path, &**value, item.mode))
                        .ok_or_else(|| format!("{kind} \"{name}\" has no key {}", item.key))
                })
                .collect::<Result<_, _>>()?,
        };
        for (path, value, mode) in files {
            if !is_plain(path) {
                return Err(format!("the path {path:?} leads out of volume '{volume}'"));
            }
            let file = folder.join(path);
            let mode = mode.or(self.mode).and_then(|mode| u32::try_from(mode).ok());
            write_file(&file, value, self.own_mode)
                .and_then(|()| match mode {
                    Some(mode) => fs::set_permissions(&file, fs::Permissions::from_mode(mode)),
                    None => Ok(()),
                })
                .map_err(|error| format!("cannot make volume '{volume}': {error}"))?;
        }
        Ok(())
    }
}

fn write_file(path: &Path, value: &[u8], mode: u32) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut file = fs::OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(mode)
        .open(path)?;
    file.write_all(value)
}

/// Whether a path leads nowhere but down.
pub(crate) fn is_plain(path: &str) -> bool {
    Path::new(path)
        .components()
        .all(|part| matches!(part, std::path::Component::Normal(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_the_machine_is_what_its_type_says() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        fs::write(directory.path().join("file"), "").expect("written");
        fs::create_dir(directory.path().join("folder")).expect("made");
        for (kind, name, expected) in [
            ("", "file", ""),
            ("", "folder", ""),
            ("", "none", "does not exist"),
            ("Directory", "folder", ""),
            ("Directory", "file", "is not a directory"),
            ("Directory", "none", "does not exist"),
            ("DirectoryOrCreate", "a/b", ""),
            ("DirectoryOrCreate", "file", "is not a directory"),
            ("File", "file", ""),
            ("File", "folder", "is not a file"),
            ("FileOrCreate", "new", ""),
            ("FileOrCreate", "nowhere/new", "cannot make hostPath"),
            ("Socket", "file", "is not a socket file"),
            ("CharDevice", "/dev/null", ""),
            ("BlockDevice", "/dev/null", "is not a block device"),
            ("Folder", "file", "has the unknown type"),
        ] {
            let path = directory.path().join(name);
            let volume = HostPathVolumeSource {
                path: path.display().to_string(),
                type_: Some(kind.to_owned()),
            };
            match of_the_machine(&volume) {
                Ok(found) => {
                    assert_eq!((found, expected), (path.clone(), ""), "{kind} {name}");
                    assert!(path.exists(), "{kind} {name}");
                }
                Err(error) => {
                    assert!(
                        !expected.is_empty() && error.contains(expected),
                        "{kind} {name}: {error}"
                    );
                }
            }
        }
    }
}
