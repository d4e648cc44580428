//! Compiling: from a definition to a plan.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use argosy_api::{
    Arguments, DagTask, LifecycleHook, Template, TemplateRef, TemplateType, WorkflowSpec,
    WorkflowStep,
};
use argosy_expr::TagError;
use serde::Serialize;

use super::call::{ArgumentPlan, CallPlan, ContinueOn, HookPlan, Target};
use super::looping::LoopPlan;
use super::template::{InputDefault, InputPlan, PlannedTemplate, StepsPlan, TemplateBody};
use super::{DagPlan, Origin, Plan, RetryPlan, TemplateIndex, Text, merge};
use crate::definition::Definition;

/// Why a workflow can't be compiled. Validation finds these first, with their place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CompileError(pub String);

impl From<TagError> for CompileError {
    fn from(error: TagError) -> Self {
        Self(error.to_string())
    }
}

/// Compiles a workflow.
///
/// # Errors
/// If the workflow is not valid.
pub fn compile(definition: &Definition) -> Result<Plan, CompileError> {
    compile_after(definition, &[])
}

/// Compiles a workflow whose templates have changed. Those of its earlier plan keep their places in
/// front, for the nodes that were made of them; nothing that is called leads there.
pub(crate) fn compile_after(
    definition: &Definition,
    before: &[Arc<PlannedTemplate>],
) -> Result<Plan, CompileError> {
    if let Some(violation) = super::restrict::violation(definition) {
        let phase = argosy_api::WorkflowPhase::Error;
        return Ok(Plan::refused(&definition.workflow, phase, violation));
    }
    let mut workflow = definition.workflow.clone();
    workflow.spec = merge::executed_spec(definition)?;
    let mut compiler = Compiler {
        definition,
        defaults: workflow.spec.template_defaults.as_deref().cloned(),
        retry: workflow
            .spec
            .retry_strategy
            .as_ref()
            .map(RetryPlan::new)
            .transpose()?,
        names: BTreeMap::new(),
        found: before
            .iter()
            .map(|planned| (planned.origin.clone(), planned.template.clone()))
            .collect(),
        planned: before.to_vec(),
    };
    for template in &workflow.spec.templates {
        compiler.declare(Origin::Local, Arc::new(template.clone()));
    }
    let spec = &workflow.spec;
    let entrypoint = compiler.call(
        &Origin::Local,
        Call {
            name: "",
            template: &spec.entrypoint,
            ..Call::default()
        },
    )?;
    let mut hooks = Vec::new();
    for (name, hook) in &spec.hooks {
        if name != "exit" {
            hooks.push(compiler.hook(&Origin::Local, name, hook)?);
        }
    }
    let on_exit = compiler.exit_hook(&Origin::Local, &spec.hooks, &spec.on_exit)?;
    compiler.plan_all()?;
    Ok(Plan {
        entrypoint: Arc::new(entrypoint),
        on_exit: on_exit.map(|hook| *hook),
        hooks,
        refusal: None,
        templates: compiler.planned,
        names: compiler.names,
        workflow,
    })
}

/// Compiles a template whose structure had tags, once they are filled in.
///
/// # Errors
/// If the template is not valid.
pub(crate) fn compile_late(
    definition: &Definition,
    plan: &Plan,
    late: &PlannedTemplate,
    template: Template,
) -> Result<PlannedTemplate, CompileError> {
    let mut compiler = Compiler {
        definition,
        defaults: plan.workflow.spec.template_defaults.as_deref().cloned(),
        retry: None,
        names: plan.names.clone(),
        found: plan
            .templates
            .iter()
            .map(|planned| (planned.origin.clone(), planned.template.clone()))
            .collect(),
        planned: Vec::new(),
    };
    let known = compiler.found.len();
    let body = compiler.body(&late.origin, &template)?;
    if compiler.found.len() > known {
        return Err(CompileError(format!(
            "template '{}' writes a template in place, and its structure has tags: give the inner template a name",
            late.name
        )));
    }
    Ok(PlannedTemplate {
        index: late.index,
        name: late.name.clone(),
        origin: late.origin.clone(),
        kind: late.kind,
        inputs: late.inputs.clone(),
        retry: late.retry.clone(),
        template: Arc::new(template),
        body,
    })
}

struct Compiler<'a> {
    definition: &'a Definition,
    defaults: Option<Template>,
    retry: Option<RetryPlan>,
    names: BTreeMap<(Origin, Arc<str>), TemplateIndex>,
    found: Vec<(Origin, Arc<Template>)>,
    planned: Vec<Arc<PlannedTemplate>>,
}

/// What steps, tasks and hooks have in common.
#[derive(Default)]
struct Call<'a> {
    name: &'a str,
    template: &'a str,
    inline: Option<&'a Template>,
    template_ref: Option<&'a TemplateRef>,
    arguments: Option<&'a Arguments>,
    when: &'a str,
    continue_on: ContinueOn,
}

impl<'a> Compiler<'a> {
    fn declare(&mut self, origin: Origin, template: Arc<Template>) -> TemplateIndex {
        let index = TemplateIndex(self.found.len() as u32);
        if !template.name.is_empty() {
            let key = (origin.clone(), Arc::from(template.name.as_str()));
            self.names.entry(key).or_insert(index);
        }
        self.found.push((origin, template));
        index
    }

    /// Plans templates until none is left; planning one may find more.
    fn plan_all(&mut self) -> Result<(), CompileError> {
        while self.planned.len() < self.found.len() {
            let index = self.planned.len();
            let (origin, template) = self.found[index].clone();
            let planned = self.plan(TemplateIndex(index as u32), origin, &template)?;
            self.planned.push(Arc::new(planned));
        }
        Ok(())
    }

    fn plan(
        &mut self,
        index: TemplateIndex,
        origin: Origin,
        template: &Template,
    ) -> Result<PlannedTemplate, CompileError> {
        let template = merge::with_defaults(template, self.defaults.as_ref())?;
        let body = if structure_has_tags(&template) {
            self.declare_references(&template);
            TemplateBody::Late
        } else {
            self.body(&origin, &template)?
        };
        let retry = match &template.retry_strategy {
            Some(strategy) => Some(RetryPlan::new(strategy)?),
            None => self.retry.clone(),
        };
        Ok(PlannedTemplate {
            index,
            name: Arc::from(template.name.as_str()),
            origin,
            kind: template_type(&template),
            inputs: inputs(&template)?,
            retry,
            body,
            template: Arc::new(template),
        })
    }

    fn body(&mut self, origin: &Origin, template: &Template) -> Result<TemplateBody, CompileError> {
        Ok(match template_type(template) {
            None => TemplateBody::Nothing,
            Some(TemplateType::Steps) => TemplateBody::Steps(self.steps(origin, template)?),
            Some(TemplateType::DAG) => {
                let results = ResultReferences::new(template);
                let dag = template.dag.as_deref().cloned().unwrap_or_default();
                let calls = dag
                    .tasks
                    .iter()
                    .map(|task| self.task(origin, task, &results))
                    .collect::<Result<_, _>>()?;
                TemplateBody::Dag(DagPlan::new(&dag, calls)?)
            }
            Some(TemplateType::Suspend) => TemplateBody::Suspend {
                duration: Text::parse(
                    template
                        .suspend
                        .as_ref()
                        .map_or("", |suspend| suspend.duration.as_str()),
                )?,
            },
            Some(TemplateType::HTTP | TemplateType::Plugin) => TemplateBody::Agent,
            Some(
                TemplateType::Container
                | TemplateType::ContainerSet
                | TemplateType::Script
                | TemplateType::Resource
                | TemplateType::Data,
            ) => TemplateBody::Pod,
        })
    }

    fn steps(&mut self, origin: &Origin, template: &Template) -> Result<StepsPlan, CompileError> {
        let results = ResultReferences::new(template);
        let mut groups = Vec::with_capacity(template.steps.len());
        let mut by_name = BTreeMap::new();
        for (group_index, group) in template.steps.iter().enumerate() {
            let mut calls = Vec::with_capacity(group.0.len());
            for (step_index, step) in group.0.iter().enumerate() {
                let call = self.step(origin, step, &results)?;
                by_name.insert(call.name.clone(), (group_index as u32, step_index as u32));
                calls.push(Arc::new(call));
            }
            groups.push(calls);
        }
        Ok(StepsPlan { groups, by_name })
    }

    fn step(
        &mut self,
        origin: &Origin,
        step: &WorkflowStep,
        results: &ResultReferences,
    ) -> Result<CallPlan, CompileError> {
        let mut call = self.call(
            origin,
            Call {
                name: &step.name,
                template: &step.template,
                inline: step.inline.as_deref(),
                template_ref: step.template_ref.as_ref(),
                arguments: Some(&step.arguments),
                when: &step.when,
                continue_on: step
                    .continue_on
                    .as_ref()
                    .map_or_else(ContinueOn::default, |on| ContinueOn {
                        error: on.error,
                        failed: on.failed,
                    }),
            },
        )?;
        call.looping = looping(
            &step.with_items,
            &step.with_param,
            step.with_sequence.as_ref(),
        )?;
        call.exit = self.exit_hook(origin, &step.hooks, &step.on_exit)?;
        for (name, hook) in step.hooks.iter().filter(|(name, _)| *name != "exit") {
            call.hooks.push(self.hook(origin, name, hook)?);
        }
        call.wants_result = results.contains(&step.name);
        Ok(call)
    }

    fn task(
        &mut self,
        origin: &Origin,
        task: &DagTask,
        results: &ResultReferences,
    ) -> Result<CallPlan, CompileError> {
        let mut call = self.call(
            origin,
            Call {
                name: &task.name,
                template: &task.template,
                inline: task.inline.as_deref(),
                template_ref: task.template_ref.as_ref(),
                arguments: Some(&task.arguments),
                when: &task.when,
                continue_on: task
                    .continue_on
                    .as_ref()
                    .map_or_else(ContinueOn::default, |on| ContinueOn {
                        error: on.error,
                        failed: on.failed,
                    }),
            },
        )?;
        call.looping = looping(
            &task.with_items,
            &task.with_param,
            task.with_sequence.as_ref(),
        )?;
        call.exit = self.exit_hook(origin, &task.hooks, &task.on_exit)?;
        for (name, hook) in task.hooks.iter().filter(|(name, _)| *name != "exit") {
            call.hooks.push(self.hook(origin, name, hook)?);
        }
        call.wants_result = results.contains(&task.name);
        Ok(call)
    }

    fn hook(
        &mut self,
        origin: &Origin,
        name: &str,
        hook: &LifecycleHook,
    ) -> Result<HookPlan, CompileError> {
        let call = self.call(
            origin,
            Call {
                name,
                template: &hook.template,
                template_ref: hook.template_ref.as_ref(),
                arguments: Some(&hook.arguments),
                ..Call::default()
            },
        )?;
        let expression = (!hook.expression.is_empty()).then(|| Arc::from(hook.expression.as_str()));
        Ok(HookPlan {
            call: Arc::new(call),
            expression,
        })
    }

    /// `hooks.exit`, else `onExit`. Argo: `GetExitHook`.
    fn exit_hook(
        &mut self,
        origin: &Origin,
        hooks: &BTreeMap<String, LifecycleHook>,
        on_exit: &str,
    ) -> Result<Option<Box<HookPlan>>, CompileError> {
        if on_exit.is_empty() {
            return hooks
                .get("exit")
                .map(|hook| self.hook(origin, "exit", hook).map(Box::new))
                .transpose();
        }
        let hook = LifecycleHook {
            template: on_exit.to_owned(),
            ..LifecycleHook::default()
        };
        Ok(Some(Box::new(self.hook(origin, "exit", &hook)?)))
    }

    fn call(&mut self, origin: &Origin, call: Call<'_>) -> Result<CallPlan, CompileError> {
        let target = self.target(origin, &call)?;
        let arguments = call.arguments.cloned().unwrap_or_default();
        let mut parameters = Vec::with_capacity(arguments.parameters.len());
        for parameter in arguments.parameters {
            parameters.push(ArgumentPlan {
                name: Arc::from(parameter.name),
                value: parameter
                    .value
                    .map(|value| Text::parse(value.as_str()))
                    .transpose()?,
                value_from: parameter.value_from,
            });
        }
        Ok(CallPlan {
            name: Arc::from(call.name),
            target,
            template_name: Arc::from(call.template),
            template_ref: call.template_ref.cloned(),
            inline: call.inline.map(|template| Arc::new(template.clone())),
            parameters,
            artifacts_tagged: has_tags(&arguments.artifacts),
            artifacts: arguments.artifacts,
            when: (!call.when.is_empty())
                .then(|| Text::parse(call.when))
                .transpose()?,
            looping: None,
            continue_on: call.continue_on,
            hooks: Vec::new(),
            exit: None,
            wants_result: false,
        })
    }

    fn target(&mut self, origin: &Origin, call: &Call<'_>) -> Result<Target, CompileError> {
        if let Some(inline) = call.inline {
            let index = self.declare(origin.clone(), Arc::new(inline.clone()));
            return Ok(Target::Static(index));
        }
        if let Some(reference) = call.template_ref {
            if has_tags(reference) {
                self.declare_possible(reference);
                return Ok(Target::Dynamic {
                    template: Text::parse(&reference.template)?,
                    reference: Some((Text::parse(&reference.name)?, reference.cluster_scope)),
                });
            }
            return Ok(self.referenced(reference));
        }
        if call.template.contains("{{") {
            return Ok(Target::Dynamic {
                template: Text::parse(call.template)?,
                reference: None,
            });
        }
        let key = (origin.clone(), Arc::from(call.template));
        Ok(match self.names.get(&key) {
            Some(&index) => Target::Static(index),
            None => Target::Missing(Arc::from(format!(
                "template name '{}' undefined",
                call.template
            ))),
        })
    }

    /// Declares what a template may refer to that is compiled only when its node begins.
    fn declare_references(&mut self, template: &Template) {
        let steps = template.steps.iter().flat_map(|group| &group.0);
        let steps = steps.filter_map(|step| step.template_ref.as_ref());
        let tasks = template.dag.iter().flat_map(|dag| &dag.tasks);
        let tasks = tasks.filter_map(|task| task.template_ref.as_ref());
        let references: Vec<TemplateRef> = steps.chain(tasks).cloned().collect();
        for reference in &references {
            self.declare_possible(reference);
        }
    }

    /// Declares what a reference with tags may come to mean: the templates of the object that it
    /// names or, where the name has tags, of all.
    fn declare_possible(&mut self, reference: &TemplateRef) {
        let definition = self.definition;
        if !reference.name.contains("{{") {
            let (origin, spec) = self.spec_of(&reference.name, reference.cluster_scope);
            self.declare_all(&origin, spec);
            return;
        }
        let names: Vec<&String> = if reference.cluster_scope {
            definition.cluster_workflow_templates.keys().collect()
        } else {
            definition.workflow_templates.keys().collect()
        };
        for name in names {
            let (origin, spec) = self.spec_of(name, reference.cluster_scope);
            self.declare_all(&origin, spec);
        }
    }

    fn spec_of(&self, name: &str, cluster_scope: bool) -> (Origin, Option<&'a WorkflowSpec>) {
        let definition = self.definition;
        if cluster_scope {
            let found = definition.cluster_workflow_templates.get(name);
            let spec = found.map(|found| &found.spec);
            (Origin::Cluster(Arc::from(name)), spec)
        } else {
            let found = definition.workflow_templates.get(name);
            let spec = found.map(|found| &found.spec);
            (Origin::Namespaced(Arc::from(name)), spec)
        }
    }

    /// All templates of an object are declared together, so that those inside can call each other.
    /// The object's `podMetadata` goes with each of them. Argo: `addPodMetadata`.
    fn declare_all(&mut self, origin: &Origin, spec: Option<&WorkflowSpec>) {
        let Some(spec) = spec else {
            return;
        };
        for template in &spec.templates {
            let key = (origin.clone(), Arc::from(template.name.as_str()));
            if self.names.contains_key(&key) {
                continue;
            }
            let mut template = template.clone();
            if let Some(more) = &spec.pod_metadata {
                add_missing(&mut template.metadata.labels, &more.labels);
                add_missing(&mut template.metadata.annotations, &more.annotations);
            }
            self.declare(origin.clone(), Arc::new(template));
        }
    }

    /// A template of a WorkflowTemplate or ClusterWorkflowTemplate.
    fn referenced(&mut self, reference: &TemplateRef) -> Target {
        let (origin, spec) = self.spec_of(&reference.name, reference.cluster_scope);
        if spec.is_none() {
            let kind = if reference.cluster_scope {
                "cluster"
            } else {
                ""
            };
            return Target::Missing(Arc::from(format!(
                "{kind}workflowtemplates.argoproj.io \"{}\" not found",
                reference.name
            )));
        }
        let key = (origin.clone(), Arc::from(reference.template.as_str()));
        if !self.names.contains_key(&key) {
            self.declare_all(&origin, spec);
        }
        match self.names.get(&key) {
            Some(&index) => Target::Static(index),
            None => Target::Missing(Arc::from(format!(
                "template {} not found in workflow template {}",
                reference.template, reference.name
            ))),
        }
    }
}

fn add_missing(own: &mut BTreeMap<String, String>, more: &BTreeMap<String, String>) {
    for (key, value) in more {
        own.entry(key.clone()).or_insert_with(|| value.clone());
    }
}

/// What a template does. Argo: `GetType`.
pub(crate) fn template_type(template: &Template) -> Option<TemplateType> {
    Some(if template.container.is_some() {
        TemplateType::Container
    } else if template.container_set.is_some() {
        TemplateType::ContainerSet
    } else if !template.steps.is_empty() {
        TemplateType::Steps
    } else if template.dag.is_some() {
        TemplateType::DAG
    } else if template.script.is_some() {
        TemplateType::Script
    } else if template.resource.is_some() {
        TemplateType::Resource
    } else if template.data.is_some() {
        TemplateType::Data
    } else if template.suspend.is_some() {
        TemplateType::Suspend
    } else if template.http.is_some() {
        TemplateType::HTTP
    } else if template.plugin.is_some() {
        TemplateType::Plugin
    } else {
        return None;
    })
}

fn inputs(template: &Template) -> Result<Vec<InputPlan>, CompileError> {
    let mut inputs = Vec::with_capacity(template.inputs.parameters.len());
    for parameter in &template.inputs.parameters {
        let config_map = parameter
            .value_from
            .as_ref()
            .and_then(|from| from.config_map_key_ref.as_ref().map(|key| (from, key)));
        let default = if let Some(value) = parameter.value.as_ref().or(parameter.default.as_ref()) {
            InputDefault::Value(Text::parse(value.as_str())?)
        } else if let Some((from, key)) = config_map {
            InputDefault::ConfigMap {
                name: Text::parse(&key.name)?,
                key: Text::parse(&key.key)?,
                default: from
                    .default
                    .as_ref()
                    .map(|default| Arc::from(default.as_str())),
            }
        } else if parameter.value_from.is_some() {
            InputDefault::Other
        } else {
            InputDefault::None
        };
        inputs.push(InputPlan {
            name: Arc::from(parameter.name.as_str()),
            default,
        });
    }
    Ok(inputs)
}

fn looping(
    items: &[argosy_api::Item],
    param: &str,
    sequence: Option<&argosy_api::Sequence>,
) -> Result<Option<LoopPlan>, CompileError> {
    if !items.is_empty() {
        let tagged = has_tags(items);
        let items: Arc<[serde_json::Value]> = items.iter().map(|item| item.0.clone()).collect();
        return Ok(Some(if tagged {
            LoopPlan::TaggedItems(items)
        } else {
            LoopPlan::Items(items)
        }));
    }
    if !param.is_empty() {
        return Ok(Some(LoopPlan::Param(Text::parse(param)?)));
    }
    let Some(sequence) = sequence else {
        return Ok(None);
    };
    Ok(Some(LoopPlan::Sequence {
        start: super::retry::number(sequence.start.as_ref())?,
        end: super::retry::number(sequence.end.as_ref())?,
        count: super::retry::number(sequence.count.as_ref())?,
        format: Text::parse(&sequence.format)?,
    }))
}

/// Whether the structure of steps or a DAG, not just what they pass on, depends on inputs.
fn structure_has_tags(template: &Template) -> bool {
    template.dag.as_ref().is_some_and(|dag| {
        dag.target.contains("{{")
            || dag.tasks.iter().any(|task| {
                task.depends.contains("{{")
                    || task.dependencies.iter().any(|name| name.contains("{{"))
            })
    })
}

fn has_tags<T: Serialize + ?Sized>(value: &T) -> bool {
    serde_json::to_string(value).is_ok_and(|text| text.contains("{{"))
}

/// The names whose `outputs.result` the texts of a template refer to. Argo matches
/// `.NAME.outputs.result` and `['NAME'].outputs.result` in the template's JSON.
struct ResultReferences(BTreeSet<String>);

impl ResultReferences {
    fn new(template: &Template) -> Self {
        let json = serde_json::to_string(template).unwrap_or_default();
        let mut names = BTreeSet::new();
        for (end, _) in json.match_indices(".outputs.result") {
            let before = &json[..end];
            let name = if let Some(open) = before.strip_suffix(['\'', '"', ']']) {
                let open = open.trim_end_matches(['\'', '"', '\\']);
                open.rsplit(['\'', '"', '\\']).next()
            } else {
                before.rsplit(['.', ' ', '{', '(', '=', '"']).next()
            };
            names.extend(name.map(str::to_owned));
        }
        Self(names)
    }

    fn contains(&self, name: &str) -> bool {
        self.0.contains(name)
    }
}
