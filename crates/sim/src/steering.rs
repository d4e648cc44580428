//! What is done to the pods of a world.

use argosy_engine::effect::PodRequest;
use argosy_engine::fact::ResultSeen;
use argosy_engine::ids::PodKey;

use crate::pods::{Outcome, SimPod};
use crate::world::World;

impl World {
    /// The pods that have not ended, in the order in which they were made, with their nodes' names.
    pub fn pods(&self) -> Vec<(PodKey, String)> {
        self.all_pods()
            .filter(|pod| pod.is_live())
            .map(|pod| (pod.request.key, pod.request.node_name.to_string()))
            .collect()
    }

    /// All pods in the order in which they were made, those too that the cluster has no more.
    pub fn all_pods(&self) -> impl Iterator<Item = &SimPod> {
        self.order.iter().filter_map(|key| self.pods.get(key))
    }

    /// One pod as it was asked for.
    pub fn pod(&self, key: PodKey) -> Option<&PodRequest> {
        self.pods.get(&key).map(|pod| &pod.request)
    }

    fn key_of(&self, node_name: &str) -> Option<PodKey> {
        self.all_pods()
            .find(|pod| pod.is_live() && *pod.request.node_name == *node_name)
            .map(|pod| pod.request.key)
    }

    /// Tells a run how one of its pods stands.
    pub(crate) fn tell_pod(&mut self, key: PodKey) {
        if let Some(pod) = self.pods.get(&key) {
            self.controller.tell(self.now, key.run, pod.seen());
        }
    }

    /// Tells a run what the executor of one of its pods reports.
    pub(crate) fn tell_result(&mut self, key: PodKey, seen: ResultSeen) {
        if let Some(pod) = self.pods.get_mut(&key) {
            let fact = pod.report(seen);
            self.controller.tell(self.now, key.run, fact);
        }
    }

    /// Has the pod of a node run.
    pub fn run_pod(&mut self, node_name: &str) {
        if let Some(key) = self.key_of(node_name) {
            self.start_pod(key);
            self.settle();
        }
    }

    /// Has a pod run, without settling.
    pub fn start_pod(&mut self, key: PodKey) {
        if let Some(pod) = self.pods.get_mut(&key) {
            pod.enter("Running", 0, self.now);
        }
        self.tell_pod(key);
    }

    /// Has the pod of a node end.
    pub fn end(&mut self, node_name: &str, outcome: &Outcome) {
        if let Some(key) = self.key_of(node_name) {
            self.end_pod(key, outcome);
            self.settle();
        }
    }

    /// Has a pod end, without settling.
    pub fn end_pod(&mut self, key: PodKey, outcome: &Outcome) {
        let Some(pod) = self.pods.get_mut(&key) else {
            return;
        };
        for fact in pod.end(outcome, self.now) {
            self.controller.tell(self.now, key.run, fact);
        }
    }

    /// Deletes the pod of a node.
    pub fn delete_pod(&mut self, node_name: &str) {
        if let Some(key) = self.key_of(node_name) {
            self.remove_pod(key);
            self.settle();
        }
    }

    /// Deletes a pod, without settling.
    pub fn remove_pod(&mut self, key: PodKey) {
        if let Some(pod) = self.pods.get_mut(&key) {
            pod.gone = true;
        }
        self.tell_pod(key);
    }

    /// Has all pods end as `outcome` says, until none is left or `most` have ended.
    pub fn run_all(&mut self, most: usize, mut outcome: impl FnMut(&str) -> Outcome) {
        self.settle();
        let mut ended = 0;
        while let Some((key, name)) = self.pods().into_iter().next() {
            self.end_pod(key, &outcome(&name));
            self.settle();
            ended += 1;
            if ended >= most {
                return;
            }
        }
    }
}
