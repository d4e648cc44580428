//! A workflow as a whole: its arguments, its entrypoint and its settings.

use std::collections::BTreeSet;
use std::sync::Arc;

use argosy_api::{
    Arguments, Parameter, PodGcStrategy, Severity, TemplateScope, WorkflowMetadata, WorkflowSpec,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};

use super::arguments::{EmptyValues, check_arguments, check_supplied};
use super::declare::check_pod_resources;
use super::fault::{Fault, Finding, join};
use super::invoke::{Site, check_hook, check_hook_expressions, late_timeout_error};
use super::library::{BaseId, Held, Library, OWN, Reference};
use super::names::{NameRule, check_names};
use super::report::report;
use super::scope::{Globals, Phase};
use super::selector::selector_error;
use super::tags;
use super::walk::{EntryInputs, Resolved, VisitId, Walk, Way};
use super::{MissingReferences, Purpose, ValidateOptions, advice};
use crate::source::TemplateSource;

/// What is validated as a workflow.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    pub spec: &'a WorkflowSpec,
    /// Where the spec stands.
    pub spec_path: &'static str,
    pub metadata: &'a ObjectMeta,
    /// It is a template that is kept: an entrypoint is not needed, and parameters may come later.
    pub template: Option<TemplateScope>,
    /// What is written before everything that is wrong.
    pub via: &'static str,
}

/// Validates it.
pub(super) fn check_workflow(
    subject: Subject<'_>,
    source: &dyn TemplateSource,
    options: &ValidateOptions,
) -> Vec<Fault> {
    let metadata = subject.metadata;
    let name = metadata.name.as_deref().unwrap_or_default();
    let library = Library::new(
        subject.spec,
        subject.template.map(|scope| (scope, name)),
        metadata.namespace.as_deref().unwrap_or_default(),
        source,
        options.missing_references,
    );
    let mut walk = Walk::new(library, subject.spec_path);
    let mut check = Check {
        main: OWN,
        arguments: subject.spec.arguments.clone(),
        subject,
        options,
    };
    check.run(&mut walk);
    report(&walk, subject.via)
}

struct Check<'a> {
    subject: Subject<'a>,
    options: &'a ValidateOptions,
    /// The object that has the templates.
    main: BaseId,
    /// The workflow's own and those of the template that it is made from.
    arguments: Arguments,
}

impl Check<'_> {
    fn run(&mut self, walk: &mut Walk<'_>) {
        let spec = self.subject.spec;
        let path = self.subject.spec_path;
        if let Some(reference) = &spec.workflow_template_ref {
            let base = self.template_of(walk, reference.scope(), &reference.name);
            // Without that template nothing more can be said.
            let Some(base) = base else { return };
            self.main = base;
        }
        let held = walk.library.get(self.main).clone();
        let main = held.spec();
        let mut findings = Vec::new();
        if !spec.templates.is_empty() {
            check_names(
                NameRule::Field,
                "spec.templates",
                &join(path, "templates"),
                spec.templates.iter().map(|template| template.name.as_str()),
                &mut findings,
            );
        }
        check_plugins(spec, path, &mut findings);
        if self.main != OWN {
            merge_arguments(&mut self.arguments, &main.arguments);
        }
        check_arguments(
            &|| "spec.arguments.".to_owned(),
            &|| join(path, "arguments"),
            &str::to_owned,
            &self.arguments,
            self.empty_values(),
            &mut findings,
        );
        walk.at_root(findings);
        walk.globals = Arc::new(self.globals(main));
        self.check_entrypoint(walk, main);
        walk.run();
        self.check_exit(walk, main);
        walk.run();
        let mut findings = Vec::new();
        check_settings(spec, path, &mut findings);
        walk.at_root(findings);
        self.check_hooks(walk);
        self.visit_all(walk, main);
        walk.run();
        let mut findings = Vec::new();
        advice::check_spec(spec, path, &mut findings);
        walk.at_root(findings);
    }

    /// The object that a `workflowTemplateRef` names.
    fn template_of(&self, walk: &mut Walk<'_>, scope: TemplateScope, name: &str) -> Option<BaseId> {
        let path = self.subject.spec_path;
        if !self.subject.spec.templates.is_empty() {
            walk.at_root([Finding::error("template-ref", join(path, "templates"), "Templates is invalid field in spec if workflow referred WorkflowTemplate reference")]);
        }
        let base = walk.library.base(scope, name);
        if base.is_none() {
            let kind = scope.plural();
            let mut finding = Finding::error(
                "template-ref-not-found",
                join(path, "workflowTemplateRef.name"),
                format!("{kind}.argoproj.io {name:?} not found"),
            );
            if self.options.missing_references == MissingReferences::Warn {
                finding.severity = Severity::Warning;
            }
            walk.at_root([finding]);
        }
        base
    }

    /// Linting, and templates that are not submitted, leave open what is given on submission.
    fn empty_values(&self) -> EmptyValues {
        let later = match self.options.purpose {
            Purpose::Lint => true,
            Purpose::Create | Purpose::Begin => self.subject.template.is_some(),
            Purpose::Submit => false,
        };
        if later {
            EmptyValues::Allowed
        } else {
            EmptyValues::Refused
        }
    }

    fn globals(&self, main: &WorkflowSpec) -> Globals {
        let mut labels: BTreeSet<String> = BTreeSet::new();
        let mut annotations: BTreeSet<String> = BTreeSet::new();
        let metadata = self.subject.metadata;
        labels.extend(metadata.labels.iter().flatten().map(|(key, _)| key.clone()));
        annotations.extend(
            metadata
                .annotations
                .iter()
                .flatten()
                .map(|(key, _)| key.clone()),
        );
        let own = self.subject.spec.workflow_metadata.as_ref();
        let from_template = main.workflow_metadata.as_ref();
        let defaults = self.options.workflow_metadata.as_ref();
        for metadata in [own, from_template, defaults].into_iter().flatten() {
            let WorkflowMetadata {
                labels: given,
                annotations: notes,
                labels_from,
            } = metadata;
            labels.extend(given.keys().chain(labels_from.keys()).cloned());
            annotations.extend(notes.keys().cloned());
        }
        let value = |parameter: &Parameter| parameter.value.as_ref().map(|v| v.as_str().to_owned());
        let named = self
            .arguments
            .parameters
            .iter()
            .filter(|p| !p.name.is_empty());
        let parameters: std::collections::BTreeMap<_, _> = named
            .map(|parameter| (parameter.name.clone(), value(parameter)))
            .collect();
        Globals {
            values_have_tags: parameters
                .values()
                .flatten()
                .any(|value| tags::has_tags(value)),
            parameters,
            labels,
            annotations,
            priority: self.subject.spec.priority,
            is_template: self.subject.template.is_some(),
        }
    }

    fn check_entrypoint(&self, walk: &mut Walk<'_>, main: &WorkflowSpec) {
        let own = &self.subject.spec.entrypoint;
        let entrypoint = if own.is_empty() {
            &main.entrypoint
        } else {
            own
        };
        if entrypoint.is_empty() {
            if self.subject.template.is_none() {
                let finding = Finding::error(
                    "entrypoint-missing",
                    join(self.subject.spec_path, "entrypoint"),
                    "spec.entrypoint is required",
                );
                walk.at_root([finding.help("name the template that the workflow begins with")]);
            }
            return;
        }
        // A template by itself is looked at whatever its arguments will be.
        let arguments = match self.subject.template {
            None => Some(&self.arguments),
            Some(_) if self.subject.spec.entrypoint.is_empty() => return,
            Some(_) => None,
        };
        self.start(walk, entrypoint, "entrypoint", arguments);
    }

    fn check_exit(&self, walk: &mut Walk<'_>, main: &WorkflowSpec) {
        let own = &self.subject.spec.on_exit;
        let on_exit = if own.is_empty() { &main.on_exit } else { own };
        if on_exit.is_empty() {
            return;
        }
        walk.phase = Phase::Exit;
        let arguments = &self.subject.spec.arguments;
        self.start(walk, on_exit, "onExit", Some(arguments));
    }

    /// Finds a template that a field of the spec names, gives it the arguments, and sees to it
    /// that it is looked at.
    fn start(&self, walk: &mut Walk<'_>, name: &str, field: &str, arguments: Option<&Arguments>) {
        let own_spec = self.subject.spec;
        let is_own = match field {
            "entrypoint" => !own_spec.entrypoint.is_empty(),
            _ => !own_spec.on_exit.is_empty(),
        };
        let field = if is_own { field } else { "workflowTemplateRef" };
        let path = join(self.subject.spec_path, field);
        let known = walk.visits.len();
        let reference = Reference {
            template: name,
            ..Reference::default()
        };
        if own_spec.workflow_template_ref.is_some() && tags::has_tags(name) {
            return;
        }
        let way = || Way {
            from: None,
            via: String::new(),
            path: path.clone(),
        };
        let visit = match walk.resolve(self.main, reference, None, &way) {
            Resolved::Dynamic => return,
            Resolved::Missing(mut finding) => {
                finding.path = path;
                if let Some(reference) = &own_spec.workflow_template_ref {
                    finding.code = "template-ref-not-found";
                    finding.message =
                        format!("template reference {}.{name} not found", reference.name);
                }
                walk.at_root([finding]);
                return;
            }
            Resolved::Found(visit) => visit,
        };
        let Some(arguments) = arguments else { return };
        let shape = walk.visits[visit].shape.clone();
        let mut findings = Vec::new();
        check_supplied(&shape, arguments, &|| path.clone(), &mut findings);
        let late = late_timeout_error(&shape, arguments);
        findings.extend(late.map(|finding| Finding {
            path: path.clone(),
            ..finding
        }));
        // Argo comes upon these before it looks into the template.
        let entered = (visit >= known).then(|| walk.root.pop()).flatten();
        walk.at_root(findings);
        if let Some(entered) = entered {
            walk.root.push(entered);
            walk.visits[visit].inputs = entry_inputs(walk, visit, arguments);
        }
    }

    /// Every other template, whether something calls it or not.
    fn visit_all(&self, walk: &mut Walk<'_>, main: &WorkflowSpec) {
        for (index, template) in main.templates.iter().enumerate() {
            let way = || Way {
                from: None,
                via: format!("templates.{}", template.name),
                path: join(self.subject.spec_path, "workflowTemplateRef"),
            };
            // Of several of one name, the first is the template.
            if walk.library.find(self.main, &template.name) == Some(index) {
                walk.visit(self.main, Held::Named(index), &way);
            }
        }
    }

    fn check_hooks(&self, walk: &mut Walk<'_>) {
        let hooks = &self.subject.spec.hooks;
        let path = self.subject.spec_path;
        let mut findings = Vec::new();
        let site = Site {
            prefix: &|| "hooks".to_owned(),
            path: &|| path.to_owned(),
        };
        check_hook_expressions(hooks, site, &mut findings);
        walk.at_root(findings);
        for (name, hook) in hooks {
            let path = || join(path, &format!("hooks.{name}"));
            let reference = Reference::from(hook);
            let findings = check_hook(walk, self.main, reference, &hook.arguments, None, &path);
            walk.at_root(findings);
        }
    }
}

/// The arguments of the template that a workflow is made from, after the workflow's own; of
/// several of one name, the first counts.
fn merge_arguments(arguments: &mut Arguments, of_template: &Arguments) {
    let mut seen = BTreeSet::new();
    arguments.parameters.retain(|p| seen.insert(p.name.clone()));
    let mut seen = BTreeSet::new();
    arguments.artifacts.retain(|a| seen.insert(a.name.clone()));
    let given: BTreeSet<String> = arguments
        .parameters
        .iter()
        .map(|p| p.name.clone())
        .collect();
    let more = of_template
        .parameters
        .iter()
        .filter(|p| !given.contains(&p.name));
    arguments.parameters.extend(more.cloned());
    let given: BTreeSet<String> = arguments.artifacts.iter().map(|a| a.name.clone()).collect();
    let more = of_template
        .artifacts
        .iter()
        .filter(|a| !given.contains(&a.name));
    arguments.artifacts.extend(more.cloned());
}

/// What the inputs of the entrypoint are.
fn entry_inputs(walk: &mut Walk<'_>, visit: VisitId, arguments: &Arguments) -> Option<EntryInputs> {
    walk.with_template(visit, |_, template, _| {
        let values = template.inputs.parameters.iter().filter_map(|input| {
            let given = arguments
                .parameters
                .iter()
                .find(|given| given.name == input.name);
            let value = match given {
                Some(given) => given.value.as_ref()?,
                None => input.value.as_ref().or(input.default.as_ref())?,
            };
            Some((input.name.clone(), value.as_str().to_owned()))
        });
        EntryInputs {
            values: values.collect(),
            parameters: arguments
                .parameters
                .iter()
                .map(|p| p.name.clone())
                .collect(),
            artifacts: arguments.artifacts.iter().map(|a| a.name.clone()).collect(),
        }
    })
}

fn check_plugins(spec: &WorkflowSpec, path: &str, findings: &mut Vec<Finding>) {
    for (index, plugin) in spec.executor_plugins.iter().enumerate() {
        let named = plugin.metadata.name.as_deref().unwrap_or_default();
        let error = match named {
            "" => "executor plugin metadata name is mandatory",
            _ => match plugin.spec.sidecar.lacks() {
                Some(what) => what,
                None => continue,
            },
        };
        findings.push(Finding::error(
            "executor-plugin",
            join(path, &format!("executorPlugins[{index}]")),
            format!("spec.executorPlugins: {error}"),
        ));
    }
}

fn check_settings(spec: &WorkflowSpec, path: &str, findings: &mut Vec<Finding>) {
    let strategy = spec.pod_gc.as_ref().map_or("", |gc| gc.strategy.as_str());
    if !strategy.is_empty() && PodGcStrategy::parse(strategy).is_none() {
        findings.push(
            Finding::error(
                "pod-gc",
                join(path, "podGC.strategy"),
                format!("podGC.strategy unknown strategy '{strategy}'"),
            )
            .help(format!(
                "choose one of: {}",
                PodGcStrategy::WORDS.join(", ")
            )),
        );
    }
    let selector = spec
        .pod_gc
        .as_ref()
        .and_then(|gc| gc.label_selector.as_ref());
    if let Some(error) = selector.and_then(|selector: &LabelSelector| selector_error(selector)) {
        findings.push(Finding::error(
            "pod-gc",
            join(path, "podGC.labelSelector"),
            format!("podGC.labelSelector invalid: {error}"),
        ));
    }
    if let Some(resources) = &spec.pod_resources {
        let path = join(path, "podResources");
        check_pod_resources("spec.podResources", &path, resources, findings);
    }
}
