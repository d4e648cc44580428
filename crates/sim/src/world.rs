//! A small world for runs: a clock, a cluster whose pods do what they are told to, and the rows
//! that have been stored.

mod crash;
mod perform;
mod replace;
mod workflows;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use argosy_api::{Workflow, WorkflowPhase};
use argosy_engine::commit::{NodeRow, ValueHash};
use argosy_engine::config::Config;
use argosy_engine::controller::Controller;
use argosy_engine::definition::Definition;
use argosy_engine::effect::TaskRequest;
use argosy_engine::fact::{Command, Fact};
use argosy_engine::ids::{PodKey, RunId, Seconds};
use argosy_engine::lower::{ArtifactRepositoryView, DEFAULT_KEY_FORMAT};
use argosy_engine::outbox::{self, Ticket};
use argosy_engine::run::LoadError;
use argosy_engine::settings::{Events, Settings};

use crate::caches::Caches;
use crate::cluster::Cluster;
use crate::objects::{Objects, read_yaml};
use crate::pods::SimPod;

pub(crate) use crash::{begin, has_begun, load};

/// More turns than this at one instant, and a run goes in circles.
const MOST_TURNS: usize = 1_000_000;

/// Why something can't be done in the simulated world.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// The text is no YAML, or not of the object that it says it is.
    #[error("cannot read the YAML: {0}")]
    Yaml(String),
    /// The workflow can't be compiled.
    #[error(transparent)]
    Compile(#[from] argosy_engine::plan::CompileError),
    /// What was stored can't be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// What was still to be done can't be read.
    #[error(transparent)]
    Outbox(#[from] outbox::OutboxError),
    /// Something of that name is there already.
    #[error("workflows.argoproj.io \"{0}\" already exists")]
    Exists(String),
}

/// What the store would hold of one run.
#[derive(Clone, Default)]
pub(crate) struct Stored {
    pub definition: Arc<Definition>,
    pub state: Option<Vec<u8>>,
    pub rows: BTreeMap<u32, NodeRow>,
    pub values: BTreeMap<ValueHash, Arc<str>>,
    pub log: Vec<Vec<u8>>,
    /// What is not known to have been carried out, by its number.
    pub outbox: BTreeMap<u64, Vec<u8>>,
    pub delete_at: Option<Seconds>,
}

/// What happens to a running pod whose containers are told to end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Halting {
    /// It ends at once, as one that heeds SIGTERM.
    #[default]
    AtOnce,
    /// It goes on until somebody says that it ended.
    WhenTold,
}

/// At which of its nodes a run looks in a turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Diligence {
    /// At those to which something has happened.
    #[default]
    Lazy,
    /// At all.
    Diligent,
}

/// A simulated world.
pub struct World {
    pub(crate) controller: Controller,
    pub(crate) stored: BTreeMap<RunId, Stored>,
    /// Workflows that Argo's controller refuses to begin, as it leaves them.
    pub(crate) refused: BTreeMap<RunId, Workflow>,
    /// How those of them end that nobody has looked at yet.
    pub(crate) refusals: BTreeMap<RunId, (WorkflowPhase, String)>,
    pub(crate) settings: Arc<Settings>,
    pub(crate) objects: Objects,
    pub(crate) pods: BTreeMap<PodKey, SimPod>,
    /// Pods in the order in which they were made, those that have ended too.
    pub(crate) order: Vec<PodKey>,
    /// What somebody has asked of runs, and what the table of metrics refused, until a commit has
    /// taken it up.
    asked: Vec<(RunId, Fact)>,
    /// Entries of outboxes that have been carried out; the next commit takes them out.
    delivered: Vec<(RunId, u64)>,
    halting: Halting,
    /// How the runs are looked at.
    pub(crate) diligence: Diligence,
    /// What was carried out, for comparison; nothing is kept if `None`.
    pub(crate) trace: Option<Vec<String>>,
    /// What of it may be carried out again after a crash.
    noted: BTreeSet<Ticket>,
    noted_tasks: BTreeSet<PodKey>,
    noted_deletions: BTreeSet<PodKey>,
    noted_stops: BTreeSet<PodKey>,
    /// After how many more commits all but what is stored is forgotten.
    crash_after: Option<u64>,
    pub(crate) now: Seconds,
    pub(crate) last_run: u64,
    pub(crate) caches: Caches,
    pub(crate) limits: BTreeMap<String, i64>,
    parallelism: (u32, u32),
    /// How many workflows of a namespace may run, where its label says so.
    pub(crate) namespace_limits: BTreeMap<String, Option<u32>>,
    /// What agents have been asked to carry out.
    pub(crate) tasks: BTreeMap<PodKey, TaskRequest>,
    /// Their pods.
    pub(crate) agents: BTreeMap<PodKey, SimPod>,
    pub(crate) cluster: Cluster,
}

impl Default for World {
    fn default() -> Self {
        Self {
            controller: Controller::default(),
            stored: BTreeMap::new(),
            refused: BTreeMap::new(),
            refusals: BTreeMap::new(),
            settings: Arc::new(settings()),
            objects: Objects::default(),
            pods: BTreeMap::new(),
            order: Vec::new(),
            asked: Vec::new(),
            delivered: Vec::new(),
            halting: Halting::default(),
            diligence: Diligence::default(),
            trace: None,
            noted_tasks: BTreeSet::new(),
            noted_deletions: BTreeSet::new(),
            noted_stops: BTreeSet::new(),
            noted: BTreeSet::new(),
            crash_after: None,
            now: Seconds(1_767_225_600),
            last_run: 0,
            caches: Caches::default(),
            limits: BTreeMap::new(),
            parallelism: (0, 0),
            namespace_limits: BTreeMap::new(),
            tasks: BTreeMap::new(),
            agents: BTreeMap::new(),
            cluster: Cluster::default(),
        }
    }
}

pub(crate) fn settings() -> Settings {
    let repository = ArtifactRepositoryView {
        location: Some(argosy_api::ArtifactLocation {
            s3: Some(Box::new(argosy_api::S3Artifact {
                key: DEFAULT_KEY_FORMAT.to_owned(),
                ..Default::default()
            })),
            ..Default::default()
        }),
        archive_logs: false,
    };
    Settings {
        repository,
        read_yaml,
        config: Config::default(),
        events: Events::Kept,
    }
}

impl World {
    /// A world whose pods end only when told so.
    pub fn halting(halting: Halting) -> Self {
        Self {
            halting,
            ..Self::default()
        }
    }

    /// The virtual time.
    pub fn now(&self) -> Seconds {
        self.now
    }

    /// Does all that can be done at this instant.
    ///
    /// # Panics
    /// If a run goes in circles.
    pub fn settle(&mut self) {
        self.settle_some(None);
    }

    /// Does all that can be done at this instant, for one run or for all.
    ///
    /// # Panics
    /// If a run goes in circles.
    pub fn settle_some(&mut self, only: Option<RunId>) {
        self.end_refused(only);
        self.hand_over(only);
        for _ in 0..MOST_TURNS {
            if self.diligence == Diligence::Diligent {
                self.controller.look_at_everything();
            }
            let turn = match only {
                None => self.controller.turn(self.now),
                Some(id) => self.controller.turn_of(self.now, id).map(|turn| (id, turn)),
            };
            if let Some((id, turn)) = turn {
                self.carry_out(id, turn, only);
                continue;
            }
            let requests = self.controller.pull(usize::MAX);
            let pulled = !requests.is_empty();
            for request in requests {
                self.make_pod(request);
            }
            let more = match only {
                None => self.controller.has_work(),
                Some(_) => pulled,
            };
            if !more {
                return;
            }
        }
        panic!("after {MOST_TURNS} turns at one instant there is still something to do");
    }

    /// Tells the runs what was asked of them.
    fn hand_over(&mut self, only: Option<RunId>) {
        for (id, fact) in &self.asked {
            if only.is_none_or(|only| only == *id) {
                self.controller.tell(self.now, *id, fact.clone());
            }
        }
    }

    /// Moves the clock, doing what becomes due on the way.
    pub fn advance(&mut self, seconds: i64) {
        self.advance_to(self.now.plus(seconds));
    }

    /// Moves the clock to a time, doing what can be done now and what becomes due on the way.
    pub fn advance_to(&mut self, end: Seconds) {
        self.settle();
        while let Some(at) = self.next_due().filter(|&at| at <= end) {
            self.now = self.now.max(at);
            self.delete_due();
            self.settle();
        }
        self.now = self.now.max(end);
        self.settle();
    }

    /// When something will happen by itself.
    pub(crate) fn next_due(&self) -> Option<Seconds> {
        let deletions = self.stored.values().filter_map(|stored| stored.delete_at);
        let dues = [
            self.controller.next_due(),
            self.cluster.next_due(),
            deletions.min(),
        ];
        dues.into_iter().flatten().min()
    }

    /// Sets how many workflows may run at a time, in all and in each namespace; 0 for no limit.
    pub fn set_parallelism(&mut self, total: u32, namespace: u32) {
        self.parallelism = (total, namespace);
        self.controller.set_parallelism(total, namespace);
    }

    /// The locks that have been asked for.
    pub fn locks(&self) -> Vec<argosy_engine::locks::LockView> {
        self.controller.locks()
    }

    /// Asks something of a run.
    pub fn ask(&mut self, id: RunId, command: Command) {
        self.ask_later(id, command);
        self.settle();
    }

    /// Asks something of a run, without settling.
    pub fn ask_later(&mut self, id: RunId, command: Command) {
        self.asked.push((id, Fact::Asked(command)));
    }

    /// Asks something of a run that takes it in at once; what follows from it waits for the next
    /// settling. One that can't yet is told then.
    pub fn ask_now(&mut self, id: RunId, command: Command) {
        let in_order =
            self.crash_after.is_none() && self.asked.iter().all(|(asked, _)| *asked != id);
        let fact = Fact::Asked(command.clone());
        let turn = in_order
            .then(|| self.controller.hear(self.now, id, fact))
            .flatten();
        match turn {
            Some(turn) => self.carry_out(id, turn, Some(id)),
            None => self.ask_later(id, command),
        }
    }
}
