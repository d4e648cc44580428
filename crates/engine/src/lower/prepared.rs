//! The fast way: a template is lowered once, with its tags; each node then gets a copy in which
//! only the texts with tags are rendered.

use std::collections::BTreeMap;
use std::sync::Arc;

use argosy_api::{Artifact, Template, labels};
use argosy_expr::Template as Tagged;
use k8s_openapi::api::core::v1::{Container, EnvVar, PodSpec};

use super::containers::variables;
use super::deadline::{self, Bounds};
use super::error::LowerError;
use super::{LowerInput, affinity, check_path, containers, layout, lower_with, script, texts};
use crate::effect::{Layout, PodRequest};
use crate::ids::PodKey;

/// Stands in the prepared pod where the node's ID and name will.
const PLACEHOLDER: &str = "\u{1}node";

/// Renders a text: is given its parsed form and its source, and answers with the text in full.
/// It must know the workflow's variables, the inputs' values and `pod.name`.
pub type Render<'r> = dyn FnMut(&Tagged, &str) -> Result<String, LowerError> + 'r;

/// What tells one node of a template from another. The fields are those of [`LowerInput`].
#[derive(Clone, Copy, Debug)]
pub struct NodeInput<'a> {
    /// Which pod this will be.
    pub key: PodKey,
    /// The pod's name.
    pub pod_name: &'a str,
    /// The node's ID.
    pub node_id: &'a str,
    /// The node's name.
    pub node_name: &'a Arc<str>,
    /// The input artifacts, with tags filled in and with locations.
    pub input_artifacts: &'a [Artifact],
    /// No attempt may run past this, in seconds since the epoch.
    pub deadline: Option<i64>,
    /// What is left of the workflow's deadline, in seconds.
    pub active_deadline_seconds: Option<i64>,
    /// When the workflow's time is over, in seconds since the epoch.
    pub workflow_deadline: Option<i64>,
    /// What is left of the template's `timeout`, in seconds.
    pub template_timeout_left: Option<i64>,
    /// The hosts of failed attempts, where `nodeAntiAffinity` asks to avoid them.
    pub retry_hosts: &'a [String],
}

/// A template lowered once for all its nodes.
#[derive(Debug)]
pub struct PreparedTemplate {
    base: PodRequest,
    /// The different texts with tags.
    tagged: Vec<Tagged>,
    /// Where they stand among the texts of the pod and of the supervision's template.
    pod_slots: Vec<Slot>,
    template_slots: Vec<Slot>,
    node_ids: Vec<EnvPlace>,
    deadlines: Vec<EnvPlace>,
    bounds: Bounds,
    on_exit: bool,
}

/// The text with this number, in the order of [`texts`], is the rendered form of that tagged one.
#[derive(Clone, Copy, Debug)]
struct Slot {
    position: usize,
    tagged: usize,
}

/// A variable of a container.
#[derive(Clone, Copy, Debug)]
struct EnvPlace {
    init: bool,
    container: usize,
    variable: usize,
}

impl PreparedTemplate {
    /// Prepares a template whose tags are not filled in. Of `input`, `workflow`, `template`,
    /// `capture_result`, `on_exit`, `repository` and `read_yaml` count.
    ///
    /// `None` if what the pod looks like depends on values that tags bring, or if it can't be
    /// lowered at all: then each node is to be lowered by itself.
    pub fn new(input: &LowerInput) -> Option<Self> {
        let template = input.template;
        let spec_patch = &input.workflow.spec.pod_spec_patch;
        let patched = !spec_patch.is_empty() || !template.pod_spec_patch.is_empty();
        if spec_patch.contains("{{") || template.pod_spec_patch.contains("{{") {
            return None;
        }
        if template.outputs.artifacts.iter().any(has_name_from_path) {
            return None;
        }
        if !input.config.images.is_empty() && has_tagged_image(template) {
            return None;
        }
        let mut base = lower_with(&blank(input), &None).ok()?;
        let spec = base.pod.spec.as_ref()?;
        let bounds = Bounds {
            template: deadline::of_template(template).ok()?,
            workflow: None,
            paused: super::is_paused(&spec.containers),
        };
        if patched && spec.active_deadline_seconds != bounds.active_deadline().ok()? {
            return None;
        }
        let annotations = base.pod.metadata.annotations.as_ref()?;
        let named = |key| annotations.get(key).is_some_and(|text| text == PLACEHOLDER);
        if !named(labels::NODE_ID) || !named(labels::NODE_NAME) {
            return None;
        }
        let unset = containers::deadline_text(None);
        let mut prepared = Self {
            node_ids: env_places(spec, variables::NODE_ID, PLACEHOLDER),
            deadlines: env_places(spec, variables::DEADLINE, &unset),
            base: PodRequest {
                node_name: "".into(),
                ..base.clone()
            },
            tagged: Vec::new(),
            pod_slots: Vec::new(),
            template_slots: Vec::new(),
            bounds,
            on_exit: input.on_exit,
        };
        prepared.find_tags(&mut base)?;
        Some(prepared)
    }

    /// Notes where tags stand; `None` if they stand where none are looked for.
    fn find_tags(&mut self, base: &mut PodRequest) -> Option<()> {
        let mut numbers = BTreeMap::new();
        let mut finder = Finder {
            numbers: &mut numbers,
            tagged: &mut self.tagged,
            slots: Vec::new(),
            position: 0,
            sound: true,
        };
        let expected = texts::count_tagged(&*base.pod)?;
        texts::of_pod(&mut base.pod, &mut |text| finder.look_at(text));
        self.pod_slots = finder.take(expected)?;
        let Layout::Supervised(supervision) = &mut base.layout else {
            return Some(());
        };
        let template = &mut supervision.template;
        if template
            .archive_location
            .as_deref()
            .is_some_and(has_unclean_key)
        {
            return None;
        }
        if let Layout::Supervised(own) = &mut self.base.layout {
            own.template.inputs.artifacts.clear();
        }
        template.inputs.artifacts.clear();
        let expected = texts::count_tagged(template)?;
        texts::of_template(template, &mut |text| finder.look_at(text));
        self.template_slots = finder.take(expected)?;
        Some(())
    }

    /// Whether every pod of this template is bare.
    pub fn is_bare(&self) -> bool {
        matches!(self.base.layout, Layout::Bare)
    }

    /// Lowers a node. `None` if its values ask for the general way, [`lower`](super::lower).
    ///
    /// # Errors
    /// Those of `render`, and those of [`lower`](super::lower) that deadlines cause.
    pub fn lower(
        &self,
        node: &NodeInput,
        render: &mut Render,
    ) -> Result<Option<PodRequest>, LowerError> {
        let bare = self.is_bare();
        if bare && (node.deadline.is_some() || !node.input_artifacts.is_empty()) {
            return Ok(None);
        }
        let mut rendered = Vec::with_capacity(self.tagged.len());
        for tagged in &self.tagged {
            let text = render(tagged, tagged.source())?;
            let long = text.len() > layout::MAX_ARGUMENTS / 4;
            if text.contains("{{") || bare && (long || layout::mentions(&text)) {
                return Ok(None);
            }
            rendered.push(text);
        }
        let mut request = self.base.clone();
        request.key = node.key;
        request.node_name = node.node_name.clone();
        fill(&self.pod_slots, &rendered, |visit| {
            texts::of_pod(&mut request.pod, visit)
        });
        self.set_identity(node, &mut request);
        let Some(spec) = &mut request.pod.spec else {
            return Ok(None);
        };
        self.set_limits(node, spec)?;
        if let Layout::Supervised(supervision) = &mut request.layout {
            let template = &mut supervision.template;
            fill(&self.template_slots, &rendered, |visit| {
                texts::of_template(template, visit)
            });
            set_input_artifacts(template, node.input_artifacts)?;
            supervision.script = script(&supervision.template, spec);
            supervision.deadline = node.deadline;
        }
        Ok(Some(request))
    }

    fn set_identity(&self, node: &NodeInput, request: &mut PodRequest) {
        let metadata = &mut request.pod.metadata;
        metadata.name = Some(node.pod_name.to_owned());
        if let Some(annotations) = &mut metadata.annotations {
            for (key, value) in [
                (labels::NODE_ID, node.node_id),
                (labels::NODE_NAME, node.node_name),
            ] {
                if let Some(text) = annotations.get_mut(key) {
                    value.clone_into(text);
                }
            }
        }
        if let Some(spec) = &mut request.pod.spec {
            set_variables(spec, &self.node_ids, node.node_id);
            let of_workflow = node.workflow_deadline.filter(|_| !self.on_exit);
            let told = super::earliest(node.deadline, of_workflow);
            if told.is_some() {
                set_variables(spec, &self.deadlines, &containers::deadline_text(told));
            }
        }
    }

    fn set_limits(&self, node: &NodeInput, spec: &mut PodSpec) -> Result<(), LowerError> {
        let bounds = Bounds {
            workflow: node.active_deadline_seconds.filter(|_| !self.on_exit),
            ..self.bounds
        };
        let left = node.template_timeout_left;
        spec.active_deadline_seconds =
            deadline::with_timeout(bounds.active_deadline()?, left, node.node_name)?;
        affinity::avoid_hosts(&mut spec.affinity, node.retry_hosts);
        Ok(())
    }
}

/// Collects the texts with tags.
struct Finder<'f> {
    numbers: &'f mut BTreeMap<String, usize>,
    tagged: &'f mut Vec<Tagged>,
    slots: Vec<Slot>,
    position: usize,
    sound: bool,
}

impl Finder<'_> {
    fn look_at(&mut self, text: &str) {
        if text.contains("{{") {
            match self.number(text) {
                Some(tagged) => self.slots.push(Slot {
                    position: self.position,
                    tagged,
                }),
                None => self.sound = false,
            }
        }
        self.position += 1;
    }

    fn number(&mut self, text: &str) -> Option<usize> {
        if let Some(number) = self.numbers.get(text) {
            return Some(*number);
        }
        let tagged = Tagged::parse(text).ok()?;
        let number = self.tagged.len();
        self.tagged.push(tagged);
        self.numbers.insert(text.to_owned(), number);
        Some(number)
    }

    /// What was found, if it is all that there is.
    fn take(&mut self, expected: usize) -> Option<Vec<Slot>> {
        self.position = 0;
        let slots = std::mem::take(&mut self.slots);
        (self.sound && slots.len() == expected).then_some(slots)
    }
}

/// The input without what differs from node to node.
fn blank<'a>(input: &LowerInput<'a>) -> LowerInput<'a> {
    LowerInput {
        pod_name: PLACEHOLDER,
        node_id: PLACEHOLDER,
        node_name: PLACEHOLDER,
        deadline: None,
        active_deadline_seconds: None,
        workflow_deadline: None,
        template_timeout_left: None,
        retry_hosts: &[],
        ..*input
    }
}

/// Puts rendered texts where their tagged ones stand.
fn fill(slots: &[Slot], rendered: &[String], walk: impl FnOnce(&mut texts::Visit)) {
    if slots.is_empty() {
        return;
    }
    let mut slots = slots.iter().peekable();
    let mut position = 0;
    walk(&mut |text| {
        if let Some(slot) = slots.next_if(|slot| slot.position == position) {
            text.clone_from(&rendered[slot.tagged]);
        }
        position += 1;
    });
}

fn set_input_artifacts(template: &mut Template, artifacts: &[Artifact]) -> Result<(), LowerError> {
    for artifact in artifacts {
        check_path(artifact)?;
    }
    template.inputs.artifacts = artifacts.to_vec();
    Ok(())
}

/// Whether the name of the saved file is the last part of a path that tags make.
fn has_name_from_path(artifact: &Artifact) -> bool {
    let unpacked = |strategy: &argosy_api::ArchiveStrategy| {
        strategy.none.is_some() || strategy.zip.is_none() && strategy.tar.is_none()
    };
    artifact.path.contains("{{") && artifact.archive.as_ref().is_some_and(unpacked)
}

/// Whether tags decide which image is run.
fn has_tagged_image(template: &Template) -> bool {
    let container = template.container.iter().filter_map(|c| c.image.as_deref());
    let script = template.script.iter().map(|script| script.image.as_str());
    let set = template
        .container_set
        .iter()
        .flat_map(|set| &set.containers);
    let set = set.map(|container| container.image.as_str());
    let users = template.sidecars.iter().map(|user| user.image.as_str());
    let mut images = container.chain(script).chain(set).chain(users);
    images.any(|image| image.contains("{{"))
}

/// Whether tags in the key may bring something that joining of paths would clean away.
fn has_unclean_key(location: &argosy_api::ArtifactLocation) -> bool {
    serde_json::to_string(location)
        .is_ok_and(|text| text.contains("{{=") || text.contains(".parameters."))
}

fn env_places(spec: &PodSpec, name: &str, value: &str) -> Vec<EnvPlace> {
    let lists = [
        (false, spec.containers.as_slice()),
        (true, spec.init_containers.as_deref().unwrap_or_default()),
    ];
    let mut places = Vec::new();
    for (init, list) in lists {
        for (container, lowered) in list.iter().enumerate() {
            let env = lowered.env.as_deref().unwrap_or_default();
            let matches = |v: &EnvVar| v.name == name && v.value.as_deref() == Some(value);
            places.extend(env.iter().rposition(matches).map(|variable| EnvPlace {
                init,
                container,
                variable,
            }));
        }
    }
    places
}

fn set_variables(spec: &mut PodSpec, places: &[EnvPlace], value: &str) {
    for place in places {
        let list: &mut [Container] = if place.init {
            spec.init_containers.as_deref_mut().unwrap_or_default()
        } else {
            &mut spec.containers
        };
        let container = list.get_mut(place.container);
        let env = container.and_then(|container| container.env.as_mut());
        if let Some(variable) = env.and_then(|env| env.get_mut(place.variable)) {
            variable.value = Some(value.to_owned());
        }
    }
}
