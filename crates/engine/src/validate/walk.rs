//! The walk through all templates that a workflow reaches. Each is looked at once; what it calls
//! goes on a list of what is still to be looked at.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use argosy_api::{
    ClusterWorkflowTemplate, Severity, Template, TemplateRef, TemplateType, WorkflowSpec,
    WorkflowTemplate,
};

use super::ValidateOptions;
use super::calls::{Call, Callee};
use super::declare::check_declaration;
use super::fault::{Finding, GlobalOutput};
use super::nearest::nearest;
use super::scope::{Globals, Phase};
use super::shape::{Shape, kind_of};
use super::values::{Values, has_placeholder};
use super::{MissingReferences, tags};
use crate::source::TemplateSource;

/// When this many faults are found, no further template is looked at.
const ENOUGH_FAULTS: usize = 2_000;

/// An object that has templates.
#[derive(Clone)]
pub(super) enum Base<'a> {
    /// The one that is validated.
    Own(&'a WorkflowSpec),
    Namespaced(Arc<WorkflowTemplate>),
    Cluster(Arc<ClusterWorkflowTemplate>),
}

impl Base<'_> {
    pub fn spec(&self) -> &WorkflowSpec {
        match self {
            Self::Own(spec) => spec,
            Self::Namespaced(template) => &template.spec,
            Self::Cluster(template) => &template.spec,
        }
    }

    /// For a person to read.
    pub fn title(&self) -> String {
        let (kind, name) = match self {
            Self::Own(_) => return "this object".to_owned(),
            Self::Namespaced(template) => ("WorkflowTemplate", &template.metadata.name),
            Self::Cluster(template) => ("ClusterWorkflowTemplate", &template.metadata.name),
        };
        format!("{kind} '{}'", name.as_deref().unwrap_or_default())
    }
}

pub(super) type BaseId = usize;
pub(super) type VisitId = usize;

/// The object that is validated.
pub(super) const OWN: BaseId = 0;

pub(super) struct BaseEntry<'a> {
    pub base: Base<'a>,
    /// Indices of its templates, ordered by name, the first of a name first.
    by_name: Vec<u32>,
    /// Where each template is looked at.
    visits: Vec<Option<VisitId>>,
}

impl<'a> BaseEntry<'a> {
    fn new(base: Base<'a>) -> Self {
        let templates = &base.spec().templates;
        let count = u32::try_from(templates.len()).unwrap_or(u32::MAX);
        let mut by_name: Vec<u32> = (0..count).collect();
        by_name.sort_by(|a, b| {
            templates[*a as usize]
                .name
                .cmp(&templates[*b as usize].name)
        });
        let visits = vec![None; templates.len()];
        Self {
            base,
            by_name,
            visits,
        }
    }

    /// The first template of this name.
    pub fn find(&self, name: &str) -> Option<usize> {
        let templates = &self.base.spec().templates;
        let at = self
            .by_name
            .partition_point(|index| templates[*index as usize].name.as_str() < name);
        let index = *self.by_name.get(at)? as usize;
        (templates[index].name == name).then_some(index)
    }
}

/// A template of an object, or one that stands inside a step or task.
#[derive(Clone)]
pub(super) enum Held {
    Named(usize),
    Inline(Arc<Template>),
}

/// How a template was reached first.
#[derive(Clone, Debug)]
pub(super) struct Way {
    /// From which other template; else from the object itself.
    pub from: Option<VisitId>,
    /// What Argo puts before a message of what is reached this way.
    pub via: String,
    /// The field that leads there, from the template it stands in, or else from the object's root.
    pub path: String,
}

/// What the entrypoint is given.
#[derive(Clone, Debug, Default)]
pub(super) struct EntryInputs {
    pub values: BTreeMap<String, String>,
    /// The parameters that come from the arguments.
    pub parameters: BTreeSet<String>,
    /// The artifacts that come from the arguments.
    pub artifacts: BTreeSet<String>,
}

/// What a visit found, in order.
pub(super) enum Entry {
    Found(Finding),
    Enter(VisitId),
}

/// One template that is looked at.
pub(super) struct Visit {
    pub base: BaseId,
    pub held: Held,
    pub way: Way,
    /// The template's field in its object.
    pub path: String,
    pub phase: Phase,
    /// The inputs of the entrypoint; others are looked at whatever their inputs may be.
    pub inputs: Option<EntryInputs>,
    /// The inputs of the templates around an inline one.
    pub outer: Option<Arc<BTreeSet<String>>>,
    pub shape: Arc<Shape>,
    pub entries: Vec<Entry>,
    /// How many of the entries come from before its body was looked at.
    pub body_from: usize,
}

/// What a reference leads to.
pub(super) enum Resolved {
    /// It is known only when the workflow runs.
    Dynamic,
    /// Not to be found, and why.
    Missing(Finding),
    Found(VisitId),
}

/// Where the template of a reference is.
enum Located {
    Dynamic,
    Missing(Finding),
    Stored(VisitId),
    At(BaseId, Held),
}

/// A reference to a template.
#[derive(Clone, Copy, Default)]
pub(super) struct Reference<'r> {
    pub template: &'r str,
    pub template_ref: Option<&'r TemplateRef>,
    pub inline: Option<&'r Template>,
}

impl<'t> From<&Call<'t>> for Reference<'t> {
    fn from(call: &Call<'t>) -> Self {
        Self {
            template: call.template,
            template_ref: call.template_ref,
            inline: call.inline,
        }
    }
}

/// The walk.
pub(super) struct Walk<'a> {
    pub source: &'a dyn TemplateSource,
    pub options: &'a ValidateOptions,
    pub namespace: &'a str,
    /// The name under which the object itself may be referred to, and whether cluster-wide.
    pub own_name: Option<(bool, &'a str)>,
    /// The field of the spec: `spec`, or `spec.workflowSpec`.
    pub spec_path: &'static str,
    pub globals: Arc<Globals>,
    pub phase: Phase,
    pub bases: Vec<BaseEntry<'a>>,
    base_ids: BTreeMap<(bool, String), Option<BaseId>>,
    pub visits: Vec<Visit>,
    todo: Vec<VisitId>,
    pub root: Vec<Entry>,
    /// Names of templates that were reached by `templateRef`: Argo then finds them by name alone.
    stored: BTreeMap<String, VisitId>,
    pub produced: Produced,
    found: usize,
}

/// The global outputs of the templates that are looked at.
#[derive(Default)]
pub(super) struct Produced {
    pub outputs: BTreeSet<GlobalOutput>,
    /// Some have names that are known only when the workflow runs.
    pub any_parameter: bool,
    pub any_artifact: bool,
}

impl<'a> Walk<'a> {
    pub fn new(
        spec: &'a WorkflowSpec,
        spec_path: &'static str,
        source: &'a dyn TemplateSource,
        options: &'a ValidateOptions,
        namespace: &'a str,
    ) -> Self {
        Self {
            source,
            options,
            namespace,
            own_name: None,
            spec_path,
            globals: Arc::new(Globals::default()),
            phase: Phase::Main,
            bases: vec![BaseEntry::new(Base::Own(spec))],
            base_ids: BTreeMap::new(),
            visits: Vec::new(),
            todo: Vec::new(),
            root: Vec::new(),
            stored: BTreeMap::new(),
            produced: Produced::default(),
            found: 0,
        }
    }

    /// Adds what was found at the object itself; paths are from its root.
    pub fn at_root(&mut self, findings: impl IntoIterator<Item = Finding>) {
        for finding in findings {
            self.found += 1;
            self.root.push(Entry::Found(finding));
        }
    }

    /// Adds what was found in a template; paths are from the template.
    pub fn at(&mut self, visit: VisitId, findings: impl IntoIterator<Item = Finding>) {
        for finding in findings {
            self.found += 1;
            self.visits[visit].entries.push(Entry::Found(finding));
        }
    }

    /// Looks at everything that is reached so far.
    pub fn run(&mut self) {
        while let Some(visit) = self.todo.pop() {
            if self.found >= ENOUGH_FAULTS {
                return;
            }
            self.visits[visit].body_from = self.visits[visit].entries.len();
            super::body::check_body(self, visit);
        }
    }

    /// Calls `look` with a template and where it stands. (The object that holds it is kept alive
    /// meanwhile, so that the walk can go on collecting.)
    pub fn with_template<T>(
        &mut self,
        visit: VisitId,
        look: impl FnOnce(&mut Self, &Template, TemplateType) -> T,
    ) -> Option<T> {
        let base = self.bases[self.visits[visit].base].base.clone();
        let held = self.visits[visit].held.clone();
        let template = match &held {
            Held::Named(index) => base.spec().templates.get(*index)?,
            Held::Inline(template) => template,
        };
        let kind = kind_of(template)?;
        Some(look(self, template, kind))
    }

    /// The object of this name.
    pub fn base(&mut self, cluster: bool, name: &str) -> Option<BaseId> {
        if self.own_name == Some((cluster, name)) {
            return Some(OWN);
        }
        let key = (cluster, name.to_owned());
        if let Some(known) = self.base_ids.get(&key) {
            return *known;
        }
        let base = if cluster {
            self.source
                .cluster_workflow_template(name)
                .map(Base::Cluster)
        } else {
            self.source
                .workflow_template(self.namespace, name)
                .map(Base::Namespaced)
        };
        let id = base.map(|base| {
            self.bases.push(BaseEntry::new(base));
            self.bases.len() - 1
        });
        self.base_ids.insert(key, id);
        id
    }

    /// Finds the template that a reference leads to, and sees to it that it is looked at.
    pub fn resolve(
        &mut self,
        base: BaseId,
        reference: Reference<'_>,
        values: Option<&Values<'_>>,
        way: &dyn Fn() -> Way,
    ) -> Resolved {
        match self.locate(base, reference, values) {
            Located::Dynamic => Resolved::Dynamic,
            Located::Missing(finding) => Resolved::Missing(finding),
            Located::Stored(visit) => Resolved::Found(visit),
            Located::At(base, held) => {
                let visit = self.visit(base, held, way);
                if reference.template_ref.is_some() {
                    let name = &self.visits[visit].shape.name;
                    if !self.stored.contains_key(name) {
                        let name = name.clone();
                        self.stored.insert(name, visit);
                    }
                }
                Resolved::Found(visit)
            }
        }
    }

    /// Finds the template that a reference leads to, but does not look into it.
    pub fn look_up(
        &mut self,
        base: BaseId,
        reference: Reference<'_>,
        values: Option<&Values<'_>>,
    ) -> Result<Option<Arc<Shape>>, Finding> {
        let (base, index) = match self.locate(base, reference, values) {
            Located::Dynamic => return Ok(None),
            Located::Missing(finding) => return Err(finding),
            Located::Stored(visit) => return Ok(Some(self.visits[visit].shape.clone())),
            Located::At(_, Held::Inline(template)) => {
                return Ok(Some(Arc::new(Shape::new(&template))));
            }
            Located::At(base, Held::Named(index)) => (base, index),
        };
        if let Some(visit) = self.bases[base].visits[index] {
            return Ok(Some(self.visits[visit].shape.clone()));
        }
        let object = self.bases[base].base.clone();
        let template = &object.spec().templates[index];
        self.note_outputs(template);
        Ok(Some(Arc::new(Shape::new(template))))
    }

    fn locate(
        &mut self,
        base: BaseId,
        reference: Reference<'_>,
        values: Option<&Values<'_>>,
    ) -> Located {
        fn fill<'t>(values: Option<&Values<'_>>, text: &'t str) -> Cow<'t, str> {
            match values {
                Some(values) => values.substitute(text),
                None => Cow::Borrowed(text),
            }
        }
        if let Some(template_ref) = reference.template_ref {
            let name = fill(values, &template_ref.name);
            let template = fill(values, &template_ref.template);
            let problem = if !reference.template.is_empty() {
                Some("template name cannot be specified with templateRef")
            } else if name.is_empty() {
                Some("resource name is required")
            } else if template.is_empty() {
                Some("template name is required")
            } else {
                None
            };
            if let Some(problem) = problem {
                return Located::Missing(Finding::error("template-ref", "templateRef", problem));
            }
            if tags::has_tags(&name) || tags::has_tags(&template) {
                return Located::Dynamic;
            }
            if reference.inline.is_none() {
                return self.locate_ref(template_ref.cluster_scope, &name, &template);
            }
        } else if !reference.template.is_empty() {
            let name = fill(values, reference.template);
            if name.contains("{{=") {
                return Located::Dynamic;
            }
            match self.bases[base].find(&name) {
                None => return self.undefined(base, &name),
                Some(index) if reference.inline.is_none() => {
                    return Located::At(base, Held::Named(index));
                }
                Some(_) => {}
            }
        }
        match reference.inline {
            Some(inline) => Located::At(base, Held::Inline(Arc::new(inline.clone()))),
            None => Located::Missing(
                Finding::error("template-undefined", "", "failed to get a template")
                    .help("say with template, templateRef or inline what is to run"),
            ),
        }
    }

    fn undefined(&self, base: BaseId, name: &str) -> Located {
        if let Some(visit) = self.stored.get(name).filter(|_| base == OWN) {
            return Located::Stored(*visit);
        }
        let entry = &self.bases[base];
        let names = entry.base.spec().templates.iter().map(|t| t.name.as_str());
        Located::Missing(
            Finding::error(
                "template-undefined",
                "template",
                format!("template name '{name}' undefined"),
            )
            .propose(nearest(name, names)),
        )
    }

    fn locate_ref(&mut self, cluster: bool, name: &str, template: &str) -> Located {
        let found = self
            .base(cluster, name)
            .map(|base| (base, self.bases[base].find(template)));
        let message = || format!("template reference {name}.{template} not found");
        match found {
            Some((base, Some(index))) => Located::At(base, Held::Named(index)),
            _ if has_placeholder(template) => Located::Dynamic,
            Some((base, None)) => {
                let base = &self.bases[base].base;
                let names = base.spec().templates.iter().map(|t| t.name.as_str());
                let finding =
                    Finding::error("template-ref-not-found", "templateRef.template", message());
                Located::Missing(match nearest(template, names) {
                    None => finding.help(format!("{} has no template '{template}'", base.title())),
                    near => finding.propose(near),
                })
            }
            None => {
                let kind = if cluster {
                    "ClusterWorkflowTemplate"
                } else {
                    "WorkflowTemplate"
                };
                let mut finding =
                    Finding::error("template-ref-not-found", "templateRef.name", message())
                        .help(format!("there is no {kind} '{name}' at hand"));
                if self.options.missing_references == MissingReferences::Warn {
                    finding.severity = Severity::Warning;
                }
                Located::Missing(finding)
            }
        }
    }

    /// The visit of a template; if it is new, it will be looked at.
    pub fn visit(&mut self, base: BaseId, held: Held, way: &dyn Fn() -> Way) -> VisitId {
        if let Held::Named(index) = held
            && let Some(visit) = self.bases[base].visits[index]
        {
            return visit;
        }
        self.start(base, held, way(), None)
    }

    /// Begins to look at a template.
    pub fn start(
        &mut self,
        base: BaseId,
        held: Held,
        way: Way,
        inputs: Option<EntryInputs>,
    ) -> VisitId {
        let id = self.visits.len();
        let object = self.bases[base].base.clone();
        let (template, path): (&Template, String) = match &held {
            Held::Named(index) => {
                self.bases[base].visits[*index] = Some(id);
                let spec_path = if base == OWN { self.spec_path } else { "spec" };
                (
                    &object.spec().templates[*index],
                    format!("{spec_path}.templates[{index}]"),
                )
            }
            Held::Inline(template) => {
                let outer = way.from.map_or("", |from| self.visits[from].path.as_str());
                (template, format!("{outer}.{}.inline", way.path))
            }
        };
        let outer = match (&held, way.from) {
            (Held::Inline(_), Some(from)) => self.inputs_around(from),
            _ => None,
        };
        let mut findings = Vec::new();
        check_declaration(template, &mut findings);
        self.note_outputs(template);
        let shape = Arc::new(Shape::new(template));
        let from = way.from;
        self.visits.push(Visit {
            base,
            held: held.clone(),
            way,
            path,
            phase: self.phase,
            inputs,
            outer,
            shape,
            entries: Vec::new(),
            body_from: 0,
        });
        self.at(id, findings);
        match from {
            Some(from) => self.visits[from].entries.push(Entry::Enter(id)),
            None => self.root.push(Entry::Enter(id)),
        }
        self.todo.push(id);
        id
    }

    /// The input parameters of a template and of those around it.
    fn inputs_around(&self, visit: VisitId) -> Option<Arc<BTreeSet<String>>> {
        let visit = &self.visits[visit];
        let own = visit.shape.inputs.names().map(str::to_owned);
        let outer = visit.outer.iter().flat_map(|outer| outer.iter().cloned());
        let all: BTreeSet<String> = own.chain(outer).collect();
        (!all.is_empty()).then(|| Arc::new(all))
    }

    /// What callers of a resolved reference see.
    pub fn callee(&self, resolved: &Resolved) -> Callee {
        match resolved {
            Resolved::Dynamic => Callee::Dynamic,
            Resolved::Missing(_) => Callee::Missing,
            Resolved::Found(visit) => match &self.visits[*visit].shape {
                shape if shape.kind.is_none() => Callee::Missing,
                shape => Callee::Known(shape.clone()),
            },
        }
    }

    fn note_outputs(&mut self, template: &Template) {
        let produced = &mut self.produced;
        for parameter in &template.outputs.parameters {
            let name = &parameter.global_name;
            if tags::has_tags(name) {
                produced.any_parameter = true;
            } else if !name.is_empty() {
                produced
                    .outputs
                    .insert(GlobalOutput::Parameter(name.clone()));
            }
        }
        for artifact in &template.outputs.artifacts {
            let name = &artifact.global_name;
            if tags::has_tags(name) {
                produced.any_artifact = true;
            } else if !name.is_empty() {
                produced
                    .outputs
                    .insert(GlobalOutput::Artifact(name.clone()));
            }
        }
    }
}
