//! What somebody who wrote an unknown word probably meant.

use crate::nearest::nearest;

/// Fields of templates that people give their containers.
const OF_TEMPLATES: &[&str] = &[
    "inputs",
    "outputs",
    "retryStrategy",
    "activeDeadlineSeconds",
    "nodeSelector",
    "tolerations",
    "volumes",
    "metadata",
    "timeout",
    "memoize",
];

/// Fields that people put in the wrong place, or know from earlier versions:
/// the type's Rust name, the field, what to do.
const MISPLACED: &[(&str, &[&str], &str)] = &[
    (
        "Workflow",
        &[
            "entrypoint",
            "templates",
            "arguments",
            "onExit",
            "volumes",
            "serviceAccountName",
            "workflowTemplateRef",
        ],
        "it belongs under `spec`",
    ),
    (
        "Workflow",
        &["name", "generateName", "namespace", "labels", "annotations"],
        "it belongs under `metadata`",
    ),
    (
        "WorkflowStep",
        &["depends", "dependencies"],
        "only tasks of a `dag` have it; steps run in order",
    ),
    (
        "WorkflowStep",
        &["inputs", "outputs", "container", "script", "steps", "dag"],
        "it belongs to the template that the step names, or under `inline`",
    ),
    (
        "DagTask",
        &["inputs", "outputs", "container", "script", "steps", "dag"],
        "it belongs to the template that the task names, or under `inline`",
    ),
    (
        "WorkflowStep",
        &["parameters", "artifacts"],
        "it belongs under `arguments`",
    ),
    (
        "DagTask",
        &["parameters", "artifacts"],
        "it belongs under `arguments`",
    ),
    (
        "Template",
        &["arguments"],
        "a template declares `inputs`; `arguments` stands where it is called",
    ),
    (
        "Template",
        &["parameters", "artifacts"],
        "it belongs under `inputs` or `outputs`",
    ),
    (
        "Template",
        &[
            "image",
            "command",
            "args",
            "env",
            "resources",
            "volumeMounts",
        ],
        "it belongs under `container` or `script`",
    ),
    ("Template", &["source"], "it belongs under `script`"),
    (
        "Template",
        &[
            "template",
            "templateRef",
            "when",
            "withItems",
            "withParam",
            "withSequence",
            "continueOn",
            "depends",
            "dependencies",
            "onExit",
            "hooks",
        ],
        "it belongs to a step or a task",
    ),
    ("Template", &["tasks"], "it belongs under `dag`"),
    (
        "Template",
        &["entrypoint", "podGC", "ttlStrategy"],
        "it belongs to the workflow's `spec`",
    ),
    ("Container", &["source"], "only a `script` has a source"),
    (
        "Container",
        OF_TEMPLATES,
        "it belongs to the template, one level up",
    ),
    (
        "ScriptTemplate",
        OF_TEMPLATES,
        "it belongs to the template, one level up",
    ),
    (
        "Synchronization",
        &["mutex"],
        "since version 4 it is a list, `mutexes`",
    ),
    (
        "Synchronization",
        &["semaphore"],
        "since version 4 it is a list, `semaphores`",
    ),
    (
        "CronWorkflowSpec",
        &["schedule"],
        "since version 4 it is a list, `schedules`",
    ),
    (
        "CronWorkflowSpec",
        &["entrypoint", "templates", "arguments"],
        "it belongs under `workflowSpec`",
    ),
    (
        "WorkflowSpec",
        &["name", "generateName", "labels", "annotations"],
        "it belongs under `metadata`",
    ),
    (
        "WorkflowSpec",
        &[
            "workflowSpec",
            "schedule",
            "schedules",
            "timezone",
            "concurrencyPolicy",
        ],
        "only a CronWorkflow has it",
    ),
    (
        "WorkflowSpec",
        &["ttlSecondsAfterFinished"],
        "it is `ttlStrategy.secondsAfterCompletion` today",
    ),
    (
        "WorkflowSpec",
        &["container", "script", "steps", "dag"],
        "it belongs to one of the `templates`",
    ),
];

/// What to do about a key that a type doesn't have.
pub(crate) fn help_for(type_name: &str, name: &str, fields: &[&'static str]) -> Option<String> {
    misplaced(type_name, name)
        .map(str::to_owned)
        .or_else(|| meant(type_name, name, fields).map(|near| format!("did you mean `{near}`?")))
}

/// The key that a misspelt one seems to stand for.
pub(crate) fn meant(type_name: &str, name: &str, fields: &[&'static str]) -> Option<&'static str> {
    match misplaced(type_name, name) {
        Some(_) => None,
        None => nearest(name, fields.iter().copied()),
    }
}

fn misplaced(type_name: &str, name: &str) -> Option<&'static str> {
    MISPLACED
        .iter()
        .find(|(of, names, _)| *of == type_name && names.contains(&name))
        .map(|(_, _, help)| *help)
}
