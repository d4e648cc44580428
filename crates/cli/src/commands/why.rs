//! `argosy why`: why a workflow, or a node, is where it is.

use anyhow::{Result, bail};
use argosy_api::{NodePhase, NodeType, WorkflowPhase};
use argosy_engine::ids::NodeIndex;
use argosy_engine::run::{Run, Why};
use argosy_store::{RunFilter, RunRow};

use crate::client::Client;
use crate::options::Global;
use crate::style::one_line;

/// A name may mean many nodes, such as one step in each item of a loop: so many are told of.
const MOST: usize = 5;

/// What the core says of a node that waits for nothing else that it knows of.
const FOR_ITS_POD: &str = "waits for its pod to begin";

/// So many others that are in the way are named.
const NAMED: usize = 5;

#[derive(clap::Args)]
pub struct Arguments {
    /// The workflow; `@latest` is the one submitted last
    name: String,
    /// A node: its ID, name, display name or pod; without one, all that wait or went wrong
    node: Option<String>,
}

pub fn run(arguments: &Arguments, global: &Global) -> Result<()> {
    let client = Client::open(global)?;
    let row = client.row(&arguments.name)?;
    let run = client.load(row.id)?;
    let around = Surroundings {
        client: &client,
        row: &row,
        run: &run,
    };
    match &arguments.node {
        None => around.workflow(),
        Some(node) => around.node(node),
    }
}

/// A run, with who else is there: what it waits for may be theirs.
struct Surroundings<'a> {
    client: &'a Client,
    row: &'a RunRow,
    run: &'a Run,
}

impl Surroundings<'_> {
    fn workflow(&self) -> Result<()> {
        let run = self.run;
        let phase = run.phase().map_or("Pending", WorkflowPhase::as_str);
        let name = run.definition().name();
        let message = match run.message() {
            "" => String::new(),
            message => format!(": {}", one_line(message)),
        };
        println!("{name} is {phase}{message}");
        self.tell_if_abandoned()?;
        let held_up = run.held_up();
        if let Some(text) = &held_up {
            println!("  now: {}", one_line(text));
        }
        if let Some(others) = self.others_before_it()? {
            println!("  {others}");
        }
        let answers = run.why_workflow();
        for why in &answers {
            self.print(why)?;
        }
        if answers.is_empty() && run.message().is_empty() && held_up.is_none() {
            println!(
                "  nothing waits and nothing went wrong; `argosy why {name} NODE` tells a node's story"
            );
        }
        Ok(())
    }

    /// A killed runner's workflow stands still until somebody takes it up.
    fn tell_if_abandoned(&self) -> Result<()> {
        let over = self.run.phase().is_some_and(WorkflowPhase::is_completed);
        if !over && !self.client.store.is_owned(self.row.id)? {
            println!(
                "  now: no process carries it out; `argosy run --resume` goes on with it, and so does whatever is submitted next"
            );
        }
        Ok(())
    }

    fn node(&self, node: &str) -> Result<()> {
        let run = self.run;
        let mut found = run.find_nodes(node);
        if found.is_empty() {
            let mut all = (0..run.node_count() as u32).map(NodeIndex);
            found.extend(all.find(|index| {
                run.pod_key_at(index.0).is_some() && run.pod_name_at(index.0) == *node
            }));
        }
        if found.is_empty() {
            let name = &self.row.name;
            let Some(why) = run.why_unmade(node) else {
                bail!("workflow {name} has no node {node}; `argosy get {name}` shows its nodes");
            };
            println!("{node} is {}", one_line(&why));
            return Ok(());
        }
        let mut entries = Vec::new();
        self.client
            .store
            .log(run.id(), 0, &mut |_, entry| entries.push(entry))?;
        for &index in found.iter().take(MOST) {
            self.print(&run.why_with_log(index, &entries))?;
        }
        if found.len() > MOST {
            println!(
                "… and {} more nodes of that name; name one by its ID",
                found.len() - MOST
            );
        }
        self.tell_if_abandoned()
    }

    fn print(&self, why: &Why) -> Result<()> {
        println!("{} is {}", one_line(&why.node), why.phase);
        if let Some(alike) = &why.alike {
            println!("  and so, for the same reason, is {}", one_line(alike));
        }
        for step in &why.chain {
            let at = step
                .at
                .map_or_else(String::new, argosy_engine::timestamp::rfc3339);
            println!("  {at} {}", one_line(&step.text));
        }
        if let Some(waits) = &why.waits_for {
            let waits = match self.who_is_busy(why.index)? {
                Some(busy) if waits.contains(FOR_ITS_POD) => waits.replace(FOR_ITS_POD, &busy),
                Some(busy) => format!("{waits}; it {busy}"),
                None => waits.clone(),
            };
            println!("  now: {}", one_line(&waits));
        }
        Ok(())
    }

    /// Who uses the slots of this machine up, where that is what a node's pod may wait for.
    fn who_is_busy(&self, index: NodeIndex) -> Result<Option<String>> {
        let run = self.run;
        let waits = run.waits_for_its_pod(index);
        // A runner that is kept from its slots says so in the node's message.
        let message = run.message_at(index.0);
        if !waits && !message.starts_with("Unschedulable") {
            return Ok(None);
        }
        let slots = self.client.store.slots_status()?;
        if slots.total == 0 || slots.free() > 0 {
            return Ok(None);
        }
        let runs = |index: &u32| {
            run.glance(*index)
                .is_some_and(|node| (node.kind, node.phase) == (NodeType::Pod, NodePhase::Running))
        };
        let own = (0..run.node_count() as u32).filter(runs);
        let mut users: Vec<String> = own
            .take(NAMED + 1)
            .map(|index| run.display_name_at(index))
            .collect();
        let others = self.running()?.into_iter();
        users.extend(others.map(|name| format!("workflow {name}")));
        if users.is_empty() {
            return Ok(None);
        }
        let slots = match slots.total {
            1 => "this machine's only one is".to_owned(),
            many => format!("this machine's {many} are"),
        };
        Ok(Some(format!(
            "waits for a slot: {slots} used up by {}",
            listed(&users)
        )))
    }

    /// Who runs while this workflow is kept from its beginning by the controller's `parallelism`.
    fn others_before_it(&self) -> Result<Option<String>> {
        if !self.run.awaits_start() || self.run.message().is_empty() {
            return Ok(None);
        }
        let running = self.running()?;
        Ok((!running.is_empty()).then(|| format!("running: {}", listed(&running))))
    }

    /// The other workflows that run here.
    fn running(&self) -> Result<Vec<String>> {
        let filter = RunFilter {
            phases: vec![Some(WorkflowPhase::Running)],
            limit: NAMED + 2,
            ..RunFilter::default()
        };
        let rows = self.client.store.runs(&filter)?;
        let others = rows.into_iter().filter(|row| row.id != self.row.id);
        Ok(others.map(|row| row.name).collect())
    }
}

/// A few names, and whether there are more.
fn listed(names: &[String]) -> String {
    let more = if names.len() > NAMED {
        " and others"
    } else {
        ""
    };
    let shown: Vec<&str> = names.iter().take(NAMED).map(String::as_str).collect();
    format!("{}{more}", one_line(&shown.join(", ")))
}
