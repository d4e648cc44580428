//! The state of a data directory, as commands read and change it.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use argosy_engine::definition::Definition;
use argosy_engine::fact::Command;
use argosy_engine::ids::RunId;
use argosy_engine::run::Run;
use argosy_local::keeper::KeeperHandle;
use argosy_runtime::{RunOptions, Sync};
use argosy_store::{
    CommandId, LastSync, ObjectKind, OpenOptions, RunFilter, RunRow, SqliteStore, Store, SyncPolicy,
};

use crate::controller::Configuration;
use crate::options::Global;

/// What is said of a data directory that can't be used.
pub fn unusable(data_dir: &Path) -> String {
    format!(
        "cannot use the data directory {} (--data-dir and ARGOSY_DATA_DIR name another)",
        data_dir.display()
    )
}

/// Whose objects are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Those of the namespace at hand.
    Namespace,
    /// Those of all namespaces.
    Everywhere,
}

impl Scope {
    /// As the flag `--all-namespaces` says.
    pub fn of(all_namespaces: bool) -> Self {
        match all_namespaces {
            true => Self::Everywhere,
            false => Self::Namespace,
        }
    }
}

/// An open data directory.
pub struct Client {
    pub data_dir: PathBuf,
    pub store: Arc<dyn Store>,
    pub namespace: String,
    /// How what is handed over is to be carried out.
    pub options: RunOptions,
    configuration: OnceCell<Configuration>,
}

fn open_options(global: &Global, last_sync: LastSync) -> OpenOptions {
    OpenOptions {
        sync: if global.sync {
            SyncPolicy::EachCommit
        } else {
            SyncPolicy::Interval
        },
        last_sync,
    }
}

impl Client {
    /// Opens the data directory that the flags name, making it if need be.
    pub fn open(global: &Global) -> Result<Self> {
        Self::open_with(global, LastSync::Store)
    }

    /// The same for a runner: its keeper outlives it and syncs what it has committed last.
    pub fn open_beside(global: &Global, _keeper: &KeeperHandle) -> Result<Self> {
        Self::open_with(global, LastSync::Another)
    }

    fn open_with(global: &Global, last_sync: LastSync) -> Result<Self> {
        let data_dir = global.data_dir()?;
        let store = SqliteStore::open(&data_dir, open_options(global, last_sync))
            .with_context(|| unusable(&data_dir))?;
        Ok(Self {
            store: Arc::new(store),
            namespace: global.namespace.clone(),
            options: RunOptions {
                sync: match global.sync {
                    true => Sync::Each,
                    false => Sync::Shared,
                },
            },
            data_dir,
            configuration: OnceCell::new(),
        })
    }

    /// The controller's configuration, as it stands when it is first asked for.
    pub fn configuration(&self) -> Result<&Configuration> {
        if let Some(known) = self.configuration.get() {
            return Ok(known);
        }
        let read = Configuration::read(&*self.store)?;
        Ok(self.configuration.get_or_init(|| read))
    }

    /// The runs, the latest first.
    pub fn rows(&self, scope: Scope) -> Result<Vec<RunRow>> {
        self.rows_in_pages(scope, RunFilter::default().limit)
    }

    /// The same, read so many at a time.
    pub fn rows_in_pages(&self, scope: Scope, page: usize) -> Result<Vec<RunRow>> {
        let mut rows: Vec<RunRow> = Vec::new();
        loop {
            let filter = RunFilter {
                namespace: (scope == Scope::Namespace).then(|| self.namespace.clone()),
                before: rows.last().map(|row| row.id),
                limit: page,
                ..RunFilter::default()
            };
            let more = self.store.runs(&filter)?;
            let is_last = more.len() < page;
            rows.extend(more);
            if is_last {
                return Ok(rows);
            }
        }
    }

    /// A run as it stands in lists; `None` if it was deleted.
    pub fn row_of(&self, id: RunId) -> Result<Option<RunRow>> {
        let filter = RunFilter {
            ids: vec![id],
            ..RunFilter::default()
        };
        Ok(self.store.runs(&filter)?.into_iter().next())
    }

    /// An object that is kept, as JSON.
    pub fn object(
        &self,
        kind: ObjectKind,
        namespace: &str,
        name: &str,
    ) -> Result<Option<serde_json::Value>> {
        let object = self.store.object(kind, namespace, name)?;
        let value = object.map(|object| serde_json::from_slice(&object.json));
        Ok(value.transpose()?)
    }

    /// One run by name; `@latest` is the one that was submitted last.
    pub fn row(&self, name: &str) -> Result<RunRow> {
        self.find_row(name)?.with_context(|| match name {
            "@latest" => format!(
                "no workflow has been submitted in namespace {}",
                self.namespace
            ),
            name => format!(
                "workflows.argoproj.io \"{name}\" not found; `argosy list` shows those there are"
            ),
        })
    }

    /// The same, if there is such a workflow.
    pub fn find_row(&self, name: &str) -> Result<Option<RunRow>> {
        let filter = RunFilter {
            namespace: Some(self.namespace.clone()),
            name: (name != "@latest").then(|| name.to_owned()),
            limit: 1,
            ..RunFilter::default()
        };
        Ok(self.store.runs(&filter)?.into_iter().next())
    }

    /// A run as it stands in the store.
    pub fn load(&self, id: RunId) -> Result<Run> {
        let mut rows = Vec::new();
        let stored = self.store.load(id, &mut |row| rows.push(row))?;
        let definition: Definition = serde_json::from_slice(&stored.definition)
            .context("the stored definition can't be read")?;
        let mut values = std::collections::BTreeMap::new();
        self.store.values(id, &mut |hash, text| {
            values.insert(hash, Arc::<str>::from(text));
        })?;
        let find = |hash| values.get(&hash).cloned();
        let run = Run::load(
            id,
            Arc::new(definition),
            self.configuration()?.settings(),
            stored.state.as_deref(),
            rows,
            &find,
        )?;
        Ok(run)
    }

    /// Puts a command before the owner of a run, and has an owner started if none lives.
    pub fn ask(&self, row: &RunRow, command: &Command) -> Result<()> {
        self.store
            .push_command(row.id, serde_json::to_vec(command)?)?;
        if !self.store.is_owned(row.id)? {
            crate::runner::start(self, None)?;
        }
        Ok(())
    }

    /// Waits until the owner of a run has taken up what was asked of it.
    pub fn until_heard(&self, row: &RunRow) -> Result<()> {
        const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);
        let started = std::time::Instant::now();
        while !self.store.commands(Some(row.id), CommandId(0))?.is_empty() {
            if started.elapsed() > PATIENCE {
                bail!(
                    "nobody has taken the request up; {} may say why",
                    self.data_dir.join("runner.log").display()
                );
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        Ok(())
    }

    /// The log of one of a pod's containers.
    pub fn log_path(&self, key: argosy_engine::ids::PodKey, container: &str) -> PathBuf {
        argosy_local::log_path(&self.data_dir, key, container)
    }
}

/// Refuses what can't be a file's place, before anything is done.
pub fn existing(path: &Path) -> Result<()> {
    let text = path.to_string_lossy();
    if text.starts_with("http://") || text.starts_with("https://") {
        bail!(
            "{text} is an address; files are read from this machine: curl -s {text} | argosy … -"
        );
    }
    if path != Path::new("-") && !path.exists() {
        bail!("{text} does not exist");
    }
    Ok(())
}
