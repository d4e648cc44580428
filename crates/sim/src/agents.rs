//! Simulated agents: the pods that carry out `http` and `plugin` templates, one for a workflow. What
//! an agent does with its tasks is told apart, by the names of their nodes.

use std::sync::Arc;

use argosy_api::NodePhase;
use argosy_engine::effect::{Layout, PodRequest, TaskRequest};
use argosy_engine::fact::{Fact, ResultSeen, TaskSeen};
use argosy_engine::ids::{NodeIndex, PodKey, RunId};

use crate::World;
use crate::pods::SimPod;

/// What stands for the agent of a run.
fn agent_key(run: RunId) -> PodKey {
    PodKey {
        run,
        node: NodeIndex::AGENT,
        incarnation: 0,
    }
}

impl World {
    /// The tasks that agents would carry out.
    pub fn tasks(&self) -> impl Iterator<Item = &TaskRequest> {
        self.tasks.values()
    }

    /// Pods and agents' pods in the order in which they were made.
    pub fn pods_and_agents(&self) -> impl Iterator<Item = &SimPod> {
        self.order
            .iter()
            .filter_map(|key| self.pods.get(key).or_else(|| self.agents.get(key)))
    }

    /// A task for the agent of its workflow, which is made if it is not there.
    pub(crate) fn take_task(&mut self, task: TaskRequest) {
        let key = task.key;
        self.tasks.insert(key, task);
        self.make_agent(key.run);
        self.tell_of_agent(agent_key(key.run));
    }

    fn make_agent(&mut self, run: RunId) {
        let key = agent_key(run);
        if self.agents.get(&key).is_some_and(|agent| !agent.gone) {
            return;
        }
        let task = self.tasks.values().find(|task| task.key.run == run);
        let Some(pod) = task.and_then(|task| task.agent.pod.clone()) else {
            return;
        };
        let request = PodRequest {
            key,
            node_name: Arc::from(""),
            pod: Box::new(pod),
            layout: Layout::Bare,
            daemon: false,
        };
        self.order.retain(|known| *known != key);
        self.order.push(key);
        self.agents.insert(key, SimPod::new(request));
    }

    /// An agent that failed fails what it was to do. Argo: `updateAgentPodStatus`.
    pub(crate) fn tell_of_agent(&mut self, key: PodKey) {
        let Some(agent) = self.agents.get(&key).filter(|agent| !agent.gone) else {
            return;
        };
        if agent.phase() != "Failed" {
            return;
        }
        let status = agent.pod().status.as_ref();
        let reason = status.and_then(|status| status.message.clone());
        let message = format!(
            "agent pod failed with reason:\"{}\"",
            reason.unwrap_or_default()
        );
        let tasks: Vec<PodKey> = self.tasks.keys().copied().collect();
        for task in tasks.into_iter().filter(|task| task.run == key.run) {
            let seen = TaskSeen {
                phase: NodePhase::Error,
                message: Some(message.as_str().into()),
                outputs: ResultSeen::default(),
                exit_code: None,
            };
            self.tell_task(task, seen);
        }
    }

    /// The cluster has an agent's pod no more. As long as there are tasks, there is another.
    pub(crate) fn remove_agent(&mut self, key: PodKey) {
        if let Some(agent) = self.agents.get_mut(&key) {
            agent.gone = true;
        }
        self.make_agent(key.run);
    }

    /// A run has ended, and its agent with it.
    pub(crate) fn end_agent(&mut self, run: RunId) {
        if let Some(agent) = self.agents.get_mut(&agent_key(run)) {
            agent.gone = true;
        }
    }

    /// Reports on the task of a node, as an agent does.
    pub fn report_task(&mut self, key: PodKey, seen: TaskSeen) {
        self.tell_task(key, seen);
        self.settle();
    }

    /// Reports on the task of a node, without settling.
    pub(crate) fn tell_task(&mut self, key: PodKey, seen: TaskSeen) {
        if seen.phase.is_fulfilled() {
            self.tasks.remove(&key);
        }
        self.controller
            .tell(self.now, key.run, Fact::TaskSeen(key, seen));
    }
}
