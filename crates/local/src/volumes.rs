//! What backs the volumes of a pod: folders of its own, of its claims and of the machine, and files
//! made of ConfigMaps and Secrets.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use k8s_openapi::api::core::v1::{KeyToPath, Pod, Volume};

use crate::ObjectSource;
use crate::layout::Places;

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
        let path = PathBuf::from(&host_path.path);
        if !path.exists() {
            return Err(format!("hostPath {} does not exist", path.display()));
        }
        return Ok(path);
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

/// A ConfigMap or Secret that a volume shows as files.
struct Projected<'a> {
    kind: &'static str,
    name: String,
    data: Option<BTreeMap<String, Vec<u8>>>,
    /// The keys that are shown, and where; all of them if none is named.
    items: Option<&'a [KeyToPath]>,
    optional: bool,
    /// The permissions of its files.
    mode: u32,
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
                data: objects.config_map(namespace, &map.name),
                items: map.items.as_deref(),
                optional: map.optional == Some(true),
                mode: 0o644,
            });
        }
        if let Some(secret) = &volume.secret {
            let name = secret.secret_name.clone().unwrap_or_default();
            return Ok(Self {
                kind: "secret",
                data: objects.secret(namespace, &name),
                name,
                items: secret.items.as_deref(),
                optional: secret.optional == Some(true),
                mode: 0o600,
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
        let files: Vec<(&str, &[u8])> = match self.items {
            None => data.iter().map(|(key, value)| (&**key, &**value)).collect(),
            Some(items) => items
                .iter()
                .map(|item| {
                    let value = data.get(&item.key);
                    value
                        .map(|value| (&*item.path, &**value))
                        .ok_or_else(|| format!("{kind} \"{name}\" has no key {}", item.key))
                })
                .collect::<Result<_, _>>()?,
        };
        for (path, value) in files {
            if !is_plain(path) {
                return Err(format!("the path {path:?} leads out of volume '{volume}'"));
            }
            write_file(&folder.join(path), value, self.mode)
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
