//! From a node that waits for its pod to the pod. Pods are pulled: only when the backend has a
//! slot are they lowered, in the order of their nodes.

use std::sync::Arc;

use argosy_api::NodeType;
use argosy_expr::{Template as Tagged, Unresolved};

use super::Run;
use super::body::{Body, LoopState, StepState};
use super::node::{Flags, Role};
use crate::effect::PodRequest;
use crate::ids::NodeIndex;
use crate::lower::{
    ArtifactRepositoryView, LowerError, LowerInput, NodeInput, PreparedTemplate, lower_within,
    needs_executor, pod_name,
};
use crate::plan::{PlannedTemplate, TemplateIndex};

/// What is known of a template's pods before any is made, for one combination of flags.
pub(super) struct Prepared {
    supervised: [Option<bool>; 2],
    templates: [Option<Option<Arc<PreparedTemplate>>>; 4],
}

impl Prepared {
    const fn new() -> Self {
        Self {
            supervised: [None; 2],
            templates: [None, None, None, None],
        }
    }
}

impl Run {
    /// Lowers up to `most` of the pods that are wanted. A step that can't be lowered is an error;
    /// the next turn tells.
    pub fn pull(&mut self, most: usize) -> Vec<PodRequest> {
        let mut requests = Vec::new();
        while requests.len() < most && self.wanted_pods() > 0 {
            let Some(index) = self.wanted_pods.pop_first() else {
                break;
            };
            match self.lower_node(index) {
                Ok(request) => {
                    self.nodes[index.offset()].flags.set(Flags::POD_ASKED);
                    self.counts.asked_pods += 1;
                    self.take_first_progress(index, &request);
                    requests.push(request);
                }
                Err(error) => self.refuse_late(index, &error),
            }
        }
        requests
    }

    /// A pod may say in an annotation how much there is to do.
    fn take_first_progress(&mut self, index: NodeIndex, request: &PodRequest) {
        let annotations = request.pod.metadata.annotations.as_ref();
        let text = annotations.and_then(|list| list.get(argosy_api::labels::PROGRESS));
        let told = text
            .and_then(|text| text.split_once('/'))
            .and_then(|(done, total)| Some((done.parse().ok()?, total.parse().ok()?)));
        if let Some((done, total)) = told.filter(|(done, total)| done <= total && *total > 0) {
            self.recount(index, |node| {
                node.details_mut().progress = Some((done, total));
            });
        }
    }

    /// Takes up to `most` of the pods that are wanted without lowering them: for whoever simulates
    /// pods and looks at none.
    pub fn pull_keys(&mut self, most: usize) -> Vec<crate::ids::PodKey> {
        let mut keys = Vec::new();
        while keys.len() < most && self.wanted_pods() > 0 {
            let Some(index) = self.wanted_pods.pop_first() else {
                break;
            };
            self.nodes[index.offset()].flags.set(Flags::POD_ASKED);
            self.counts.asked_pods += 1;
            keys.push(self.pod_key(index));
        }
        keys
    }

    /// How many pods wait to be pulled.
    pub fn wanted_pods(&self) -> usize {
        if self.status.suspended || self.awaits_claims() {
            return 0;
        }
        self.wanted_pods.len()
    }

    /// Whether a pod of this template needs the executor.
    pub(super) fn is_supervised(&self, planned: &PlannedTemplate, wants_result: bool) -> bool {
        let mut prepared = self.prepared.borrow_mut();
        let known = prepared
            .entry((planned.index, TemplateIndex::NONE))
            .or_insert_with(Prepared::new);
        *known.supervised[usize::from(wants_result)].get_or_insert_with(|| {
            let archive_logs = self.repository().archive_logs;
            archive_logs || needs_executor(&planned.template, &self.plan.workflow, wants_result)
        })
    }

    /// The name of a node's pod.
    pub(crate) fn pod_name(&self, index: NodeIndex) -> String {
        if self.has_old_pod_names() {
            return self.node_id(index);
        }
        let salt = self
            .node(index)
            .details
            .as_ref()
            .map_or(0, |details| details.salt);
        pod_name(
            self.definition.name(),
            &self.name(index),
            &self.template_name(index),
            salt,
        )
    }

    /// The name of a node's template, as Argo's pods and clients have it.
    pub(crate) fn template_name(&self, index: NodeIndex) -> String {
        if let Some(call) = self.call_of(index) {
            if let Some(reference) = &call.template_ref
                && !reference.template.contains("{{")
            {
                return reference.template.clone();
            }
            if !call.template_name.is_empty() && !call.template_name.contains("{{") {
                return call.template_name.to_string();
            }
        }
        self.template_of(index)
            .map_or_else(String::new, |template| template.name.to_string())
    }

    pub(super) fn lower_node(&self, index: NodeIndex) -> Result<PodRequest, String> {
        let planned = self
            .template_of(index)
            .ok_or_else(|| "the node has no template".to_owned())?;
        let node_name: Arc<str> = Arc::from(self.name(index));
        let name = self.pod_name(index);
        let id = self.node_id(index);
        let hosts = self.failed_hosts(index);
        let limits = Limits {
            deadline: self.attempt_deadline(index),
            workflow: self.seconds_left(index),
            timeout: self.timeout_left(index, &planned)?,
        };
        let around = self.choosy_boundary(index);
        if let Some(prepared) = self.prepared_template(index, &planned, around.as_deref()) {
            let input = NodeInput {
                key: self.pod_key(index),
                pod_name: &name,
                node_id: &id,
                node_name: &node_name,
                input_artifacts: &self.inputs_of(index).artifacts,
                deadline: limits.deadline,
                active_deadline_seconds: limits.workflow,
                workflow_deadline: self.deadline().map(|at| at.0),
                template_timeout_left: limits.timeout,
                retry_hosts: &hosts,
            };
            let mut variables = self.variables(index, Some(&planned), None, &[]);
            variables.siblings = None;
            let context = self.eval_context(index, self.node(index).incarnation, &["pod"]);
            let mut render = |tagged: &Tagged, _: &str| -> Result<String, LowerError> {
                tagged
                    .render(&variables, Unresolved::Keep, &context)
                    .map(|rendered| rendered.text)
                    .map_err(|error| LowerError::Render(error.to_string()))
            };
            match prepared.lower(&input, &mut render) {
                Ok(Some(request)) => return Ok(request),
                Ok(None) => {}
                Err(error) => return Err(error.to_string()),
            }
        }
        let template = self.filled_template(index, &planned)?;
        let input = LowerInput {
            key: self.pod_key(index),
            workflow: &self.plan.workflow,
            template: &template,
            pod_name: &name,
            node_id: &id,
            node_name: &node_name,
            capture_result: self.captures_result(index, &planned),
            on_exit: self.node(index).flags.has(Flags::EXIT_HANDLER),
            deadline: limits.deadline,
            active_deadline_seconds: limits.workflow,
            template_timeout_left: limits.timeout,
            retry_hosts: &hosts,
            repository: self.repository(),
            read_yaml: self.settings.read_yaml,
            config: &self.settings.config,
            boundary: around.as_ref().map(|around| &*around.template),
            workflow_deadline: self.deadline().map(|at| at.0),
        };
        let mut variables = self.variables(index, Some(&planned), None, &[]);
        variables.siblings = None;
        lower_within(&input, &variables).map_err(|error| error.to_string())
    }

    fn prepared_template(
        &self,
        index: NodeIndex,
        planned: &PlannedTemplate,
        around: Option<&PlannedTemplate>,
    ) -> Option<Arc<PreparedTemplate>> {
        let capture_result = self.captures_result(index, planned);
        let on_exit = self.node(index).flags.has(Flags::EXIT_HANDLER);
        let slot = usize::from(capture_result) + 2 * usize::from(on_exit);
        let mut prepared = self.prepared.borrow_mut();
        let around_index = around.map_or(TemplateIndex::NONE, |around| around.index);
        let known = prepared
            .entry((planned.index, around_index))
            .or_insert_with(Prepared::new);
        known.templates[slot]
            .get_or_insert_with(|| {
                PreparedTemplate::new(&LowerInput {
                    key: self.pod_key(index),
                    workflow: &self.plan.workflow,
                    template: &planned.template,
                    pod_name: "",
                    node_id: "",
                    node_name: "",
                    capture_result,
                    on_exit,
                    deadline: None,
                    active_deadline_seconds: None,
                    template_timeout_left: None,
                    retry_hosts: &[],
                    repository: self.repository(),
                    read_yaml: self.settings.read_yaml,
                    config: &self.settings.config,
                    boundary: around.map(|around| &*around.template),
                    workflow_deadline: None,
                })
                .map(Arc::new)
            })
            .clone()
    }

    /// Where artifacts go: as the workflow says, else as the controller does.
    pub(super) fn repository(&self) -> &ArtifactRepositoryView {
        self.own_repository
            .as_deref()
            .unwrap_or(&self.settings.repository)
    }

    /// A `data` step's result is what it lists.
    fn captures_result(&self, index: NodeIndex, planned: &PlannedTemplate) -> bool {
        self.node(index).flags.has(Flags::WANTS_RESULT) || planned.template.data.is_some()
    }

    /// The template of the steps or the DAG around a node, if it is particular about machines.
    fn choosy_boundary(&self, index: NodeIndex) -> Option<Arc<PlannedTemplate>> {
        let around = self.template_of(self.node(index).boundary.some()?)?;
        let template = &around.template;
        let choosy = !template.node_selector.is_empty()
            || template.affinity.is_some()
            || !template.tolerations.is_empty();
        choosy.then_some(around)
    }

    /// What is left of the workflow's time.
    fn seconds_left(&self, index: NodeIndex) -> Option<i64> {
        if self.node(index).flags.has(Flags::EXIT_HANDLER) {
            return None;
        }
        self.deadline()
            .map(|deadline| deadline.since(self.now).max(1))
    }

    /// Seconds until the template's `timeout`. Argo: `checkTemplateTimeouts`.
    fn timeout_left(
        &self,
        index: NodeIndex,
        planned: &PlannedTemplate,
    ) -> Result<Option<i64>, String> {
        let seconds = |text: &str| match text {
            "" => Ok(None),
            text => self
                .node_seconds(index, text)
                .map(Some)
                .map_err(|error| format!("invalid timeout format {error}")),
        };
        let timeout = seconds(&planned.template.timeout)?;
        seconds(&planned.template.pending_timeout)?;
        Ok(timeout.map(|timeout| {
            let end = self.node(index).started_at().plus(timeout);
            end.since(self.now).max(1)
        }))
    }

    fn attempt_deadline(&self, index: NodeIndex) -> Option<i64> {
        let node = self.node(index);
        match &self.nodes.get(node.parent.offset())?.body {
            Body::Retry(body) if node.role == Role::Attempt => body.deadline,
            _ => None,
        }
    }

    /// The hosts on which earlier attempts failed. Argo: `GetFailHosts`.
    fn failed_hosts(&self, index: NodeIndex) -> Vec<String> {
        let is_attempt = |at: &NodeIndex| self.node(*at).role == Role::Attempt;
        let around = [Some(index), self.node(index).boundary.some()];
        let Some(attempt) = around.into_iter().flatten().find(is_attempt) else {
            return Vec::new();
        };
        let retried = self.node(attempt).parent;
        let planned = self.template_of(retried);
        let strategy = planned.as_ref().and_then(|planned| planned.retry.as_ref());
        if !strategy.is_some_and(|retry| retry.different_host) {
            return Vec::new();
        }
        let mut hosts: Vec<String> = Vec::new();
        let mut open = vec![retried];
        while let Some(at) = open.pop() {
            let node = self.node(at);
            if node.kind == NodeType::Pod && node.phase.is_failed_or_error() {
                let details = node.details.as_ref();
                let host = details.and_then(|details| details.host.as_deref());
                let host = host.unwrap_or_default().to_owned();
                if !hosts.contains(&host) {
                    hosts.push(host);
                }
            }
            open.extend(self.made_below(at));
        }
        hosts
    }

    /// The nodes that a composite has made, in their order.
    fn made_below(&self, index: NodeIndex) -> Vec<NodeIndex> {
        let items = |state: &LoopState| -> Vec<NodeIndex> {
            state.nodes.iter().filter_map(|node| node.some()).collect()
        };
        match &self.node(index).body {
            Body::None | Body::Gate(_) => Vec::new(),
            Body::Retry(body) => body.attempts.clone(),
            Body::Steps(body) => body.groups.clone(),
            Body::Loop(state) => items(state),
            Body::Dag(body) => (body.tasks.iter())
                .filter_map(|task| task.node.some())
                .collect(),
            Body::Group(body) => (body.steps.iter())
                .flat_map(|step| match step {
                    StepState::Unmade => Vec::new(),
                    StepState::Single(node) => vec![*node],
                    StepState::Loop(state) => items(state),
                })
                .collect(),
        }
    }
}

struct Limits {
    deadline: Option<i64>,
    workflow: Option<i64>,
    timeout: Option<i64>,
}
