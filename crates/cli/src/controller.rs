//! The controller's configuration on this machine: what the ConfigMap
//! `workflow-controller-configmap` says that was applied. Argo:
//! `docs/workflow-controller-configmap.md`, `workflow/artifactrepositories`.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use argosy_api::{
    ArtifactLocation, ArtifactRepository, ArtifactRepositoryRef, ArtifactRepositoryRefStatus,
    Diagnostic, FieldPath, S3ArtifactRepository, Workflow, labels,
};
use argosy_artifacts::StoreKind;
use argosy_artifacts::location::is_whole;
use argosy_engine::config::{Config, ConfigError};
use argosy_engine::definition::Definition;
use argosy_engine::lower::{ArtifactRepositoryView, DEFAULT_KEY_FORMAT};
use argosy_engine::settings::{Events, Settings};
use argosy_runtime::Handle;
use argosy_store::{ObjectKind, Store};
use k8s_openapi::api::core::v1::ConfigMap;

use crate::files::read_yaml;
use crate::shelf::Shelf;

/// The name by which Argo knows its configuration.
pub const CONFIG_MAP: &str = "workflow-controller-configmap";

/// The configuration that is kept, with the namespace and the version of its ConfigMap.
pub struct Configuration {
    /// The namespace of its ConfigMap; empty where there is none.
    pub namespace: String,
    /// Grows with each change; 0 where there is none.
    pub version: u64,
    /// What it says.
    pub config: Config,
}

impl Configuration {
    /// Reads what is kept.
    pub fn read(store: &dyn Store) -> Result<Self> {
        let Some(object) = store
            .objects_named(ObjectKind::ConfigMap, CONFIG_MAP)?
            .into_iter()
            .next()
        else {
            return Ok(Self {
                namespace: String::new(),
                version: 0,
                config: Config::default(),
            });
        };
        let map: ConfigMap = serde_json::from_slice(&object.json)
            .with_context(|| format!("cannot read the stored ConfigMap {CONFIG_MAP}"))?;
        let config = Config::read(&map.data.unwrap_or_default(), read_yaml)
            .with_context(|| format!("the ConfigMap {CONFIG_MAP} can't be used"))?;
        Ok(Self {
            namespace: object.namespace,
            version: object.resource_version,
            config,
        })
    }

    /// What the core is told of this machine.
    pub fn settings(&self) -> Arc<Settings> {
        let own = &self.config.artifact_repository;
        let repository = if *own == ArtifactRepository::default() {
            folder()
        } else {
            let view = ArtifactRepositoryView::from(own);
            match &view.location {
                Some(location) if location.store().is_some() => view,
                _ => ArtifactRepositoryView {
                    archive_logs: view.archive_logs,
                    ..folder()
                },
            }
        };
        Arc::new(Settings {
            repository,
            read_yaml,
            config: self.config.clone(),
            events: Events::Unheard,
        })
    }

    /// A workflow with the defaults that it has not. What only refers to a template gets them
    /// when that is known: [`Self::configure`].
    pub fn complete(&self, workflow: &mut Workflow) -> Result<()> {
        let mut definition = Definition {
            workflow: std::mem::take(workflow),
            ..Definition::default()
        };
        self.configure(&mut definition)?;
        *workflow = definition.workflow;
        Ok(())
    }

    /// Brings what the configuration says of workflows into one.
    pub fn configure(&self, definition: &mut Definition) -> Result<()> {
        definition
            .configure(&self.config)
            .context("workflowDefaults of the controller's configuration can't be merged")?;
        if !self.config.instance_id.is_empty() {
            let labels = &mut definition.workflow.metadata.labels;
            labels.get_or_insert_default().insert(
                labels::CONTROLLER_INSTANCE_ID.to_owned(),
                self.config.instance_id.clone(),
            );
        }
        Ok(())
    }

    /// Finds the repository that a workflow refers to. Argo: `Resolve`.
    pub fn resolve_repository(&self, definition: &mut Definition, shelf: &Shelf<'_>) -> Result<()> {
        let namespace = definition.namespace().to_owned();
        let spec = wanted_repository(definition);
        let places: &[&str] = match &spec {
            Some(_) => &[&namespace, &self.namespace],
            None => &[&namespace],
        };
        let wanted = spec.clone().unwrap_or_default();
        let map_name = match wanted.config_map.as_str() {
            "" => "artifact-repositories",
            name => name,
        };
        for &place in places {
            let Some(json) = shelf.object(ObjectKind::ConfigMap, place, map_name)? else {
                continue;
            };
            let map: ConfigMap = serde_json::from_slice(&json)
                .with_context(|| format!("cannot read the stored ConfigMap {map_name}"))?;
            let annotations = map.metadata.annotations.unwrap_or_default();
            let key = match wanted.key.as_str() {
                "" => annotations
                    .get(labels::DEFAULT_ARTIFACT_REPOSITORY)
                    .map_or("", |key| key),
                key => key,
            };
            let Some(text) = map.data.as_ref().and_then(|data| data.get(key)) else {
                continue;
            };
            let repository = read_repository(text).map_err(|why| {
                anyhow::anyhow!("the artifact repository {key} of ConfigMap {map_name}: {why}")
            })?;
            definition.artifact_repository = Some(ArtifactRepositoryRefStatus {
                config_map: map_name.to_owned(),
                key: key.to_owned(),
                namespace: place.to_owned(),
                default: false,
                artifact_repository: Some(repository),
            });
            return Ok(());
        }
        if spec.is_some() {
            bail!(
                "failed to find any artifact repository for artifact repository ref \"{map_name}#{}\"; `argosy apply` keeps the ConfigMap",
                wanted.key
            );
        }
        Ok(())
    }
}

/// Hands each change of the configuration to a pump, as long as this process lives.
pub fn follow(store: Arc<dyn Store>, mut version: u64, pump: Handle) {
    const EVERY: Duration = Duration::from_secs(1);
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(EVERY);
            // What can't be read now is read the next time.
            match Configuration::read(&*store) {
                Ok(read) if read.version != version => {
                    version = read.version;
                    pump.configure(read.settings());
                }
                Ok(_) | Err(_) => {}
            }
        }
    });
}

/// The repository that the data directory is.
fn folder() -> ArtifactRepositoryView {
    ArtifactRepositoryView {
        location: Some(argosy_api::ArtifactLocation {
            s3: Some(Box::new(argosy_api::S3Artifact {
                key: DEFAULT_KEY_FORMAT.to_owned(),
                ..Default::default()
            })),
            ..Default::default()
        }),
        archive_logs: false,
    }
}

/// The repository that a workflow asks for: itself, else its template, else the defaults.
fn wanted_repository(definition: &Definition) -> Option<ArtifactRepositoryRef> {
    let own = &definition.workflow.spec;
    let defaults = definition.workflow_defaults.as_deref();
    [
        Some(own),
        definition.inherited(),
        defaults.map(|defaults| &defaults.spec),
    ]
    .into_iter()
    .flatten()
    .find_map(|spec| spec.artifact_repository_ref.clone())
}

fn read_repository(text: &str) -> Result<ArtifactRepository, String> {
    let mut repository: ArtifactRepository =
        serde_json::from_value(read_yaml(text)?).map_err(|error| error.to_string())?;
    servable(&repository)?;
    let view = ArtifactRepositoryView::from(&repository);
    let location = view.location.as_ref();
    if location.and_then(ArtifactLocation::store).is_none() {
        // One that names no store is the folder.
        repository.s3 = Some(S3ArtifactRepository::default());
    }
    Ok(repository)
}

/// Whether the folder of this machine can stand for a repository.
fn servable(repository: &ArtifactRepository) -> Result<(), String> {
    let view = ArtifactRepositoryView::from(repository);
    let Some(location) = &view.location else {
        return Ok(());
    };
    match location.store() {
        Some(store) if is_whole(store) => Err(format!(
            "it is a store of kind {}, and this machine keeps artifacts in its data directory: leave out all but the format of its keys",
            StoreKind::from(store)
        )),
        _ => Ok(()),
    }
}

/// What is wrong with a ConfigMap that the controller or a workflow's repository is read from, at
/// its place in the object; nothing of any other.
pub fn faults(map: &ConfigMap) -> Vec<Diagnostic> {
    if map.metadata.name.as_deref() != Some(CONFIG_MAP) {
        return Vec::new();
    }
    let data = map.data.clone().unwrap_or_default();
    let together = data.contains_key("config");
    let place = |key: Option<&str>| {
        let path = FieldPath::root().field("data");
        match key {
            Some(_) if together => path.field("config"),
            Some(key) => path.field(key.to_owned()),
            None => path,
        }
    };
    match Config::read(&data, read_yaml) {
        Err(error) => {
            let path = place(error.key());
            let fault = Diagnostic::error("controller-config", path, error.to_string());
            vec![match &error {
                ConfigError::NotAlone => fault.with_help("put all keys into `config`, or none"),
                ConfigError::Unknown { .. } | ConfigError::Unreadable { .. } => {
                    fault.with_help("docs/workflow-controller-configmap.md of Argo lists the keys")
                }
            }]
        }
        Ok(config) => servable(&config.artifact_repository)
            .err()
            .map(|why| {
                let path = place(Some("artifactRepository"));
                Diagnostic::error("controller-config", path, why)
            })
            .into_iter()
            .collect(),
    }
}
