//! Volume claims: each is a folder of the data directory, and an object of the store that says so.
//!
//! What a claim asks for (a size, access modes, a class) is kept and shown, and nothing is made of it.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use argosy_store::{NewObject, ObjectKind, Precondition, Store, StoreError};
use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;

/// The folder of a claim. `None` if the names would lead elsewhere.
pub fn claim_dir(data_dir: &Path, namespace: &str, name: &str) -> Option<PathBuf> {
    let is_plain = |name: &str| {
        let mut parts = Path::new(name).components();
        matches!(
            (parts.next(), parts.next()),
            (Some(Component::Normal(_)), None)
        )
    };
    let all = is_plain(namespace) && is_plain(name);
    all.then(|| data_dir.join("claims").join(namespace).join(name))
}

/// Makes a claim, or finds that its owner has made it before. Argo: `createPVCs`.
///
/// # Errors
/// If one of that name is there that is not the owner's, or the store fails.
pub(crate) fn make(
    data_dir: &Path,
    store: &dyn Store,
    claim: &PersistentVolumeClaim,
) -> Result<(), String> {
    let namespace = claim.metadata.namespace.as_deref().unwrap_or("default");
    let name = claim.metadata.name.as_deref().unwrap_or_default();
    let dir = claim_dir(data_dir, namespace, name)
        .ok_or_else(|| format!("{name:?} in {namespace:?} is no name for a volume claim"))?;
    let failed = |error: StoreError| error.to_string();
    let kind = ObjectKind::PersistentVolumeClaim;
    match store.object(kind, namespace, name).map_err(failed)? {
        Some(known) => {
            let known: PersistentVolumeClaim = serde_json::from_slice(&known.json)
                .map_err(|error| format!("the stored claim {name} can't be read: {error}"))?;
            if !owners(claim).any(|owner| owners(&known).any(|known| known.uid == owner.uid)) {
                return Err(format!(
                    "{name} pvc already exists with different ownerreference"
                ));
            }
        }
        None => {
            let json = serde_json::to_vec(claim).map_err(|error| error.to_string())?;
            let object = NewObject {
                kind,
                namespace: namespace.to_owned(),
                name: name.to_owned(),
                json,
                precondition: Precondition::Any,
            };
            store.put_object(object).map_err(failed)?;
        }
    }
    make_dir(&dir).map_err(|error| format!("cannot make {}: {error}", dir.display()))
}

/// Deletes a claim with all that lies in it; nothing if there is none.
///
/// # Errors
/// If the store or the folder can't be changed.
pub fn delete_claim(
    data_dir: &Path,
    store: &dyn Store,
    namespace: &str,
    name: &str,
) -> io::Result<bool> {
    if let Some(dir) = claim_dir(data_dir, namespace, name)
        && let Err(error) = fs::remove_dir_all(&dir)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error);
    }
    let kind = ObjectKind::PersistentVolumeClaim;
    store
        .delete_object(kind, namespace, name, Precondition::Any)
        .map_err(io::Error::other)
}

/// Deletes the claims that an object owns: they go with it.
///
/// # Errors
/// If the store or a folder can't be read or changed.
pub fn delete_claims_of(
    data_dir: &Path,
    store: &dyn Store,
    namespace: &str,
    owner_uid: &str,
) -> io::Result<()> {
    let mut names = Vec::new();
    let kind = ObjectKind::PersistentVolumeClaim;
    store
        .objects(kind, Some(namespace), &mut |object| {
            let claim: Option<PersistentVolumeClaim> = serde_json::from_slice(&object.json).ok();
            if claim.is_some_and(|claim| owners(&claim).any(|owner| owner.uid == owner_uid)) {
                names.push(object.name);
            }
        })
        .map_err(io::Error::other)?;
    for name in names {
        delete_claim(data_dir, store, namespace, &name)?;
    }
    Ok(())
}

/// The folder of a claim that a step mounts, if there is such a claim.
pub(crate) fn mounted(
    data_dir: &Path,
    store: &dyn Store,
    namespace: &str,
    name: &str,
) -> Result<PathBuf, String> {
    let kind = ObjectKind::PersistentVolumeClaim;
    let known = store
        .object(kind, namespace, name)
        .map_err(|error| error.to_string())?;
    let dir = known.and_then(|_| claim_dir(data_dir, namespace, name));
    let Some(dir) = dir else {
        return Err(format!(
            "persistentvolumeclaim \"{name}\" not found; `argosy apply -f FILE` makes one, which is a folder of the data directory"
        ));
    };
    // One that was applied is made when it is used first.
    make_dir(&dir).map_err(|error| format!("cannot make {}: {error}", dir.display()))?;
    Ok(dir)
}

fn make_dir(dir: &Path) -> io::Result<()> {
    if let Some(above) = dir.parent() {
        argosy_store::create_private(above)?;
    }
    match fs::create_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        done => done,
    }
}

fn owners(claim: &PersistentVolumeClaim) -> impl Iterator<Item = &OwnerReference> {
    claim.metadata.owner_references.iter().flatten()
}

#[cfg(test)]
mod tests {
    use argosy_store::{OpenOptions, SqliteStore};
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

    use super::*;

    fn claim(name: &str, owner: &str) -> PersistentVolumeClaim {
        PersistentVolumeClaim {
            metadata: ObjectMeta {
                name: Some(name.to_owned()),
                namespace: Some("n".to_owned()),
                owner_references: Some(vec![OwnerReference {
                    uid: owner.to_owned(),
                    ..OwnerReference::default()
                }]),
                ..ObjectMeta::default()
            },
            ..PersistentVolumeClaim::default()
        }
    }

    #[test]
    fn claims_are_their_owners_and_go_with_them() {
        let place = tempfile::tempdir().expect("a temporary directory");
        let data = place.path();
        let store = SqliteStore::open(data, OpenOptions::default()).expect("a store");
        make(data, &store, &claim("a", "me")).expect("made");
        make(data, &store, &claim("a", "me")).expect("made before");
        assert_eq!(
            make(data, &store, &claim("a", "you")),
            Err("a pvc already exists with different ownerreference".to_owned())
        );
        make(data, &store, &claim("b", "you")).expect("made");
        let dir = mounted(data, &store, "n", "a").expect("there");
        fs::write(dir.join("file"), b"x").expect("written");
        delete_claims_of(data, &store, "n", "me").expect("deleted");
        assert!(!dir.exists());
        let gone = mounted(data, &store, "n", "a").expect_err("gone");
        assert!(
            gone.starts_with("persistentvolumeclaim \"a\" not found"),
            "{gone}"
        );
        assert!(mounted(data, &store, "n", "b").is_ok());
        assert!(!delete_claim(data, &store, "n", "a").expect("nothing to do"));
    }

    #[test]
    fn no_name_leads_out_of_the_folder_of_claims() {
        let data = Path::new("/data");
        for (namespace, name, fits) in [
            ("n", "a", true),
            ("n", "..", false),
            ("..", "a", false),
            ("n", "a/b", false),
            ("n", "", false),
            ("n", "/a", false),
        ] {
            assert_eq!(
                claim_dir(data, namespace, name).is_some(),
                fits,
                "{namespace}/{name}"
            );
        }
    }
}
