//! The walk through all templates that a workflow reaches. Each is looked at once; what it calls
//! goes on a list of what is still to be looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use argosy_api::{Template, TemplateType};

use super::calls::Callee;
use super::declare::check_declaration;
use super::fault::{Finding, GlobalOutput};
use super::library::{BaseId, Held, Library, Located, OWN, Reference};
use super::scope::{Globals, Phase};
use super::shape::Shape;
use super::tags;
use super::values::Values;

/// When this many faults are found, no further template is looked at.
const ENOUGH_FAULTS: usize = 2_000;

/// The number of a visit.
pub(super) type VisitId = usize;

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

/// What a reference leads to, where that is not looked into.
pub(super) enum LookedUp {
    Dynamic,
    Missing(Finding),
    Found(Arc<Shape>),
}

/// The walk.
pub(super) struct Walk<'a> {
    pub library: Library<'a>,
    /// The field of the spec: `spec`, or `spec.workflowSpec`.
    pub spec_path: &'static str,
    pub globals: Arc<Globals>,
    pub phase: Phase,
    pub visits: Vec<Visit>,
    /// Where the templates of objects are looked at.
    named: BTreeMap<(BaseId, usize), VisitId>,
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
    pub fn new(library: Library<'a>, spec_path: &'static str) -> Self {
        Self {
            library,
            spec_path,
            globals: Arc::new(Globals::default()),
            phase: Phase::Main,
            visits: Vec::new(),
            named: BTreeMap::new(),
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
        let base = self.library.get(self.visits[visit].base).clone();
        let held = self.visits[visit].held.clone();
        let template = match &held {
            Held::Named(index) => base.spec().templates.get(*index)?,
            Held::Inline(template) => template,
        };
        let kind = template.template_type()?;
        Some(look(self, template, kind))
    }

    /// Finds the template that a reference leads to, and sees to it that it is looked at.
    pub fn resolve(
        &mut self,
        base: BaseId,
        reference: Reference<'_>,
        values: Option<&Values<'_>>,
        way: &dyn Fn() -> Way,
    ) -> Resolved {
        match self.library.locate(base, reference, values) {
            Located::Dynamic => Resolved::Dynamic,
            Located::Missing(finding) => Resolved::Missing(finding),
            Located::Undefined(name, finding) => match self.stored.get(&name) {
                Some(visit) if base == OWN => Resolved::Found(*visit),
                _ => Resolved::Missing(finding),
            },
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
    ) -> LookedUp {
        let (base, index) = match self.library.locate(base, reference, values) {
            Located::Dynamic => return LookedUp::Dynamic,
            Located::Missing(finding) | Located::Undefined(_, finding) => {
                return LookedUp::Missing(finding);
            }
            Located::At(_, Held::Inline(template)) => {
                return LookedUp::Found(Arc::new(Shape::new(&template)));
            }
            Located::At(base, Held::Named(index)) => (base, index),
        };
        if let Some(visit) = self.named.get(&(base, index)) {
            return LookedUp::Found(self.visits[*visit].shape.clone());
        }
        let object = self.library.get(base).clone();
        let template = &object.spec().templates[index];
        self.note_outputs(template);
        LookedUp::Found(Arc::new(Shape::new(template)))
    }

    /// The visit of a template; if it is new, it will be looked at.
    pub fn visit(&mut self, base: BaseId, held: Held, way: &dyn Fn() -> Way) -> VisitId {
        if let Held::Named(index) = held
            && let Some(visit) = self.named.get(&(base, index))
        {
            return *visit;
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
        let object = self.library.get(base).clone();
        let (template, path): (&Template, String) = match &held {
            Held::Named(index) => {
                self.named.insert((base, *index), id);
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
