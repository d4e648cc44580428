//! What this machine can't carry out by plain processes, found before anything runs.

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use argosy_api::{Call, Template, WorkflowSpec};
use argosy_engine::definition::Definition;

/// Refuses a workflow that surely comes to a `resource` step: without conditions, and in loops only
/// where their items are written out. Others run, and such a step fails when it is reached.
///
/// # Errors
/// Names the template.
pub fn check(definition: &Definition) -> Result<()> {
    let own = &definition.workflow.spec;
    let spec = match &own.workflow_template_ref {
        None => Some(own),
        Some(_) => definition.inherited(),
    };
    let Some(spec) = spec else {
        return Ok(());
    };
    let entrypoint = match own.entrypoint.as_str() {
        "" => &spec.entrypoint,
        own => own,
    };
    let mut open: Vec<(&WorkflowSpec, &Template)> = Vec::new();
    open.extend(named(spec, entrypoint));
    // Templates may call each other in circles.
    let mut seen: BTreeSet<*const Template> = BTreeSet::new();
    while let Some((spec, template)) = open.pop() {
        if !seen.insert(template) {
            continue;
        }
        if template.resource.is_some() {
            let workflow = &definition.workflow.metadata;
            let name = workflow
                .name
                .as_deref()
                .or(workflow.generate_name.as_deref());
            bail!(
                "workflow {} can't run on this machine: template {} is a resource step, which acts on a Kubernetes cluster",
                name.unwrap_or_default(),
                template.name
            );
        }
        open.extend(calls(template).filter_map(|call| target(call, definition, spec)));
    }
    Ok(())
}

/// A template by its name.
fn named<'a>(spec: &'a WorkflowSpec, name: &str) -> Option<(&'a WorkflowSpec, &'a Template)> {
    let mut templates = spec.templates.iter();
    let template = templates.find(|template| template.name == name)?;
    Some((spec, template))
}

/// What a call means; nothing where its name has tags.
fn target<'a>(
    call: Call<'a>,
    definition: &'a Definition,
    spec: &'a WorkflowSpec,
) -> Option<(&'a WorkflowSpec, &'a Template)> {
    if let Some(inline) = call.inline() {
        return Some((spec, inline));
    }
    let Some(reference) = call.template_ref() else {
        return named(spec, call.template());
    };
    let spec = definition.template_spec(reference.scope(), &reference.name)?;
    named(spec, &reference.template)
}

/// The calls that are surely made, if those before them do well.
fn calls(template: &Template) -> impl Iterator<Item = Call<'_>> {
    let steps = template.steps.iter().flat_map(|group| &group.0);
    let dag = template.dag.as_deref().filter(|dag| dag.target.is_empty());
    let tasks = dag.into_iter().flat_map(|dag| &dag.tasks);
    // `depends` may ask for a failure.
    let tasks = tasks.filter(|task| task.depends.is_empty());
    steps
        .map(Call::from)
        .chain(tasks.map(Call::from))
        .filter(|call| call.when().is_empty())
        .filter(|call| !call.is_loop() || !call.with_items().is_empty())
}
