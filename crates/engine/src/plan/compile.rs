//! Compiling: from a definition to a plan.

mod calls;
mod references;

use std::collections::BTreeMap;
use std::sync::Arc;

use argosy_api::{Template, TemplateType, Workflow};
use argosy_expr::TagError;

use super::template::{InputDefault, InputPlan, PlannedTemplate, TemplateBody};
use super::{DagPlan, GatesPlan, Origin, Plan, RetryPlan, TemplateIndex, Text, merge};
use crate::definition::Definition;

use calls::{CallSource, ResultReferences};

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
    let written = &definition.workflow;
    let workflow = Workflow {
        api_version: written.api_version.clone(),
        kind: written.kind.clone(),
        metadata: written.metadata.clone(),
        spec: merge::executed_spec(definition)?,
        status: written.status.clone(),
    };
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
        compiler.declare(Origin::Local, template.clone());
    }
    let spec = &workflow.spec;
    let entrypoint = compiler.call(
        &Origin::Local,
        CallSource {
            name: "",
            template: &spec.entrypoint,
            ..CallSource::default()
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
        gates: late.gates.clone(),
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

impl<'a> Compiler<'a> {
    /// Plans templates until none is left; planning one may find more.
    fn plan_all(&mut self) -> Result<(), CompileError> {
        while self.planned.len() < self.found.len() {
            let index = self.planned.len();
            let (origin, template) = self.found[index].clone();
            let planned = self.plan(TemplateIndex(index as u32), origin, template)?;
            self.planned.push(Arc::new(planned));
        }
        Ok(())
    }

    fn plan(
        &mut self,
        index: TemplateIndex,
        origin: Origin,
        template: Arc<Template>,
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
            kind: template.template_type(),
            inputs: inputs(&template)?,
            retry,
            gates: GatesPlan::new(&template, self.definition.namespace()),
            body,
            template,
        })
    }

    fn body(&mut self, origin: &Origin, template: &Template) -> Result<TemplateBody, CompileError> {
        Ok(match template.template_type() {
            None => TemplateBody::Nothing,
            Some(TemplateType::Steps) => TemplateBody::Steps(self.steps(origin, template)?),
            Some(TemplateType::DAG) => {
                let results = ResultReferences::new(template);
                let Some(dag) = &template.dag else {
                    return Ok(TemplateBody::Nothing);
                };
                let calls = dag
                    .tasks
                    .iter()
                    .map(|task| self.step_or_task(origin, task.into(), &results))
                    .collect::<Result<_, _>>()?;
                TemplateBody::Dag(DagPlan::new(dag, calls)?)
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
