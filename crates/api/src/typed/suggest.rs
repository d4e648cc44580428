//! What somebody who wrote an unknown word probably meant.

/// The candidate closest to a word, if any is close enough to be meant.
pub(crate) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let allowed = (word.chars().count() / 3).clamp(1, 3);
    candidates
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Edits from one word to the other: insert, delete, replace, or swap two neighbours.
/// Case is free.
fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.chars().take(64).flat_map(char::to_lowercase).collect();
    let right: Vec<char> = right
        .chars()
        .take(64)
        .flat_map(char::to_lowercase)
        .collect();
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for (i, from) in left.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, to) in right.iter().enumerate() {
            let mut best = (last[j] + usize::from(from != to))
                .min(last[j + 1] + 1)
                .min(row[j] + 1);
            if i > 0 && j > 0 && *from == right[j - 1] && left[i - 1] == *to {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[right.len()]
}

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
        &[
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
        ],
        "it belongs to the template, one level up",
    ),
    (
        "ScriptTemplate",
        &[
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
        ],
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
    let misplaced = MISPLACED
        .iter()
        .find(|(of, names, _)| *of == type_name && names.contains(&name))
        .map(|(_, _, help)| (*help).to_owned());
    misplaced.or_else(|| {
        nearest(name, fields.iter().copied()).map(|near| format!("did you mean `{near}`?"))
    })
}
