//! `argosy sync`: the limits of semaphores, in ConfigMaps and in the store.
//! Argo: `cmd/argo/commands/sync`, `server/sync`.

use anyhow::{Context, Result, bail};
use argosy_runtime::sync_limit::{set_sync_limit, sync_limit};
use argosy_store::{NewObject, ObjectKind, Precondition};
use k8s_openapi::api::core::v1::ConfigMap;

use crate::client::Client;
use crate::options::Global;

#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Create a sync limit
    Create {
        #[command(flatten)]
        which: Which,
        /// How many may hold the semaphore at a time
        #[arg(long)]
        limit: i32,
    },
    /// Change a sync limit
    Update {
        #[command(flatten)]
        which: Which,
        /// How many may hold the semaphore at a time
        #[arg(long)]
        limit: i32,
    },
    /// Delete a sync limit
    Delete(Which),
    /// Print a sync limit
    Get(Which),
}

#[derive(clap::Args)]
struct Which {
    /// The semaphore's key
    key: String,
    /// Where the limit is kept: database (here the data directory) or configmap
    #[arg(long = "type", value_name = "TYPE")]
    kind: String,
    /// The ConfigMap, where the type is configmap
    #[arg(long, default_value = "")]
    cm_name: String,
}

/// Where a limit is kept.
enum Place {
    Database,
    ConfigMap,
}

impl Which {
    /// Argo: `validateFlags`.
    fn place(&self) -> Result<Place> {
        match self.kind.to_uppercase().as_str() {
            "DATABASE" => Ok(Place::Database),
            "CONFIGMAP" if self.cm_name.is_empty() => {
                bail!("--cm-name is required when type is configmap")
            }
            "CONFIGMAP" => Ok(Place::ConfigMap),
            _ => bail!("--type must be either 'database' or 'configmap'"),
        }
    }

    /// Argo: `printSyncLimit`.
    fn print(&self, namespace: &str, limit: i64) {
        println!("Key: {}", self.key);
        println!("Type: {}", self.kind.to_lowercase());
        if !self.cm_name.is_empty() {
            println!("ConfigMap Name: {}", self.cm_name);
        }
        println!("Namespace: {namespace}");
        println!("Limit: {limit}");
    }
}

/// Whether a limit must be there already, or must not.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Setting {
    New,
    Known,
}

pub fn run(arguments: &Arguments, global: &Global) -> Result<()> {
    let (Command::Create { which, .. }
    | Command::Update { which, .. }
    | Command::Delete(which)
    | Command::Get(which)) = &arguments.command;
    which.place()?;
    let client = Client::open(global)?;
    let namespace = &client.namespace;
    match &arguments.command {
        Command::Create { which, limit } => {
            set(&client, which, *limit, Setting::New).context("failed to create sync limit")?;
            println!("Sync limit created");
            which.print(namespace, i64::from(*limit));
        }
        Command::Update { which, limit } => {
            set(&client, which, *limit, Setting::Known).context("failed to update sync limit")?;
            println!("Sync limit updated");
            which.print(namespace, i64::from(*limit));
        }
        Command::Delete(which) => {
            delete(&client, which).context("failed to delete sync limit")?;
            println!("Sync limit deleted");
        }
        Command::Get(which) => {
            let limit = get(&client, which).context("failed to get sync limit")?;
            which.print(namespace, limit);
        }
    }
    Ok(())
}

fn set(client: &Client, which: &Which, limit: i32, setting: Setting) -> Result<()> {
    let place = which.place()?;
    if limit <= 0 {
        bail!("limit must be greater than zero");
    }
    let namespace = &client.namespace;
    match place {
        Place::Database => {
            let known = sync_limit(&*client.store, namespace, &which.key)?.is_some();
            match (setting, known) {
                (Setting::New, true) => {
                    bail!("Database sync limit already exists in namespace \"{namespace}\".")
                }
                (Setting::Known, false) => bail!(unknown(namespace)),
                (Setting::New, false) | (Setting::Known, true) => {}
            }
            let precondition = match setting {
                Setting::New => Precondition::Absent,
                Setting::Known => Precondition::Any,
            };
            let limit = i64::from(limit);
            set_sync_limit(&*client.store, namespace, &which.key, limit, precondition)?;
        }
        Place::ConfigMap => {
            let (mut map, precondition) = match (config_map(client, which)?, setting) {
                (Some((map, version)), _) => (map, Precondition::Version(version)),
                (None, Setting::New) => (empty(client, which), Precondition::Absent),
                (None, Setting::Known) => bail!(no_map(which)),
            };
            let data = map.data.get_or_insert_default();
            match (setting, data.contains_key(&which.key)) {
                (Setting::New, true) => {
                    bail!("sync limit cannot be created as it already exists")
                }
                (Setting::Known, false) => bail!(
                    "key {} not found in configmap {namespace}/{} - please create it first",
                    which.key,
                    which.cm_name
                ),
                (Setting::New, false) | (Setting::Known, true) => {}
            }
            data.insert(which.key.clone(), limit.to_string());
            put(client, which, &map, precondition)?;
        }
    }
    Ok(())
}

fn get(client: &Client, which: &Which) -> Result<i64> {
    let namespace = &client.namespace;
    match which.place()? {
        Place::Database => {
            sync_limit(&*client.store, namespace, &which.key)?.with_context(|| unknown(namespace))
        }
        Place::ConfigMap => {
            let (map, _) = config_map(client, which)?.with_context(|| no_map(which))?;
            let (key, name) = (&which.key, &which.cm_name);
            let limit = map.data.as_ref().and_then(|data| data.get(key));
            let limit = limit
                .with_context(|| format!("key {key} not found in configmap {namespace}/{name}"))?;
            limit.parse().ok().with_context(|| {
                format!("invalid limit format for key {key} in configmap {namespace}/{name}")
            })
        }
    }
}

/// As in Argo, what is not there is deleted as well.
fn delete(client: &Client, which: &Which) -> Result<()> {
    match which.place()? {
        Place::Database => {
            let kind = ObjectKind::SyncLimit;
            let any = Precondition::Any;
            client
                .store
                .delete_object(kind, &client.namespace, &which.key, any)?;
        }
        Place::ConfigMap => {
            let (mut map, version) = config_map(client, which)?.with_context(|| no_map(which))?;
            map.data.get_or_insert_default().remove(&which.key);
            put(client, which, &map, Precondition::Version(version))?;
        }
    }
    Ok(())
}

fn unknown(namespace: &str) -> String {
    format!("Database sync limit not found in namespace \"{namespace}\".")
}

fn no_map(which: &Which) -> String {
    super::objects::not_found(ObjectKind::ConfigMap, &which.cm_name)
}

fn config_map(client: &Client, which: &Which) -> Result<Option<(ConfigMap, u64)>> {
    let found = client
        .store
        .object(ObjectKind::ConfigMap, &client.namespace, &which.cm_name)?;
    found
        .map(|object| {
            Ok((
                serde_json::from_slice(&object.json)?,
                object.resource_version,
            ))
        })
        .transpose()
}

fn empty(client: &Client, which: &Which) -> ConfigMap {
    let mut map = ConfigMap::default();
    map.metadata.name = Some(which.cm_name.clone());
    map.metadata.namespace = Some(client.namespace.clone());
    map
}

fn put(client: &Client, which: &Which, map: &ConfigMap, precondition: Precondition) -> Result<()> {
    client.store.put_object(NewObject {
        kind: ObjectKind::ConfigMap,
        namespace: client.namespace.clone(),
        name: which.cm_name.clone(),
        json: serde_json::to_vec(map)?,
        precondition,
    })?;
    Ok(())
}
