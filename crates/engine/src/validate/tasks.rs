//! What the tasks of a DAG depend on.

use std::borrow::Cow;
use std::collections::BTreeMap;

use argosy_api::{DagTask, DagTemplate, Template};
use argosy_expr::{TaskResult, named};

use super::calls::index_names;
use super::fault::Finding;
use super::graph::{cycle, show_cycle};
use super::names::is_field_name;
use super::values::Values;
use argosy_api::nearest;

/// What `depends` says of a task, with its name's index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Edge {
    pub to: u32,
    /// It asks for a result that only loops have.
    pub of_items: bool,
}

/// The tasks and what each depends on.
pub(super) struct Tasks<'t> {
    template: &'t Template,
    list: &'t [DagTask],
    pub names: BTreeMap<Cow<'t, str>, u32>,
    pub edges: Vec<Vec<Edge>>,
    /// Each fault of the dependencies that Argo finds while it sorts the tasks.
    pub faults: Vec<Finding>,
}

impl<'t> Tasks<'t> {
    pub fn new(template: &'t Template, dag: &'t DagTemplate, values: &Values<'_>) -> Self {
        let name = &template.name;
        let sorting = format!("templates.{name} sorting failed:");
        let filled = dag.tasks.iter().map(|task| values.substitute(&task.name));
        let (names, twice) = index_names(filled);
        let mut faults: Vec<Finding> = twice
            .into_iter()
            .map(|index| {
                let name = &dag.tasks[index as usize].name;
                Finding::error(
                    "name-duplicate",
                    format!("dag.tasks[{index}].name"),
                    format!("{sorting} duplicated nodeName {name}"),
                )
                .help("give each task a name of its own")
            })
            .collect();
        let mut edges = Vec::with_capacity(dag.tasks.len());
        for (index, task) in dag.tasks.iter().enumerate() {
            let mut list: Vec<Edge> = Vec::with_capacity(task.dependencies.len());
            each_dependency(
                task,
                values,
                &mut |field, wanted, of_items| match names.get(wanted) {
                    Some(to) => list.push(Edge { to: *to, of_items }),
                    None => faults.push(
                        Finding::error(
                            "dependency-undefined",
                            format!("dag.tasks[{index}].{field}"),
                            format!("{sorting} invalid dependency {wanted}"),
                        )
                        .help(dependency_help(
                            &task.name,
                            wanted,
                            nearest(wanted, names.keys().map(Cow::as_ref)),
                        )),
                    ),
                },
            );
            list.sort_by_key(|edge| (edge.to, !edge.of_items));
            list.dedup_by_key(|edge| edge.to);
            edges.push(list);
        }
        Self {
            template,
            list: &dag.tasks,
            names,
            edges,
            faults,
        }
    }

    /// That some tasks wait for each other.
    pub fn cycle_fault(&self, dependencies: &[Vec<u32>]) -> Finding {
        let found = cycle(dependencies);
        let first = found.first().copied().unwrap_or(0);
        let shown = show_cycle(&found, |task| self.list[task as usize].name.as_str());
        let name = &self.template.name;
        Finding::error(
            "dependency-cycle",
            format!("dag.tasks[{first}]"),
            format!("templates.{name} sorting failed: graph with cycle"),
        )
        .help(format!("these tasks wait for each other: {shown}"))
    }

    /// That the results asked for in `depends` exist, and are those of loops where need be.
    pub fn check_results(&self, index: usize, findings: &mut Vec<Finding>) {
        let task = &self.list[index];
        let template = &self.template.name;
        let path = || format!("dag.tasks[{index}].depends");
        for (name, result) in named(&task.depends).filter_map(|n| Some((n.task, n.result?))) {
            if TaskResult::from_name(result).is_none() {
                let known = [
                    "Succeeded",
                    "Failed",
                    "Errored",
                    "Skipped",
                    "Omitted",
                    "Daemoned",
                    "AnySucceeded",
                    "AllFailed",
                ];
                findings.push(
                    Finding::error("depends-result", path(), format!("templates.{template}.tasks.{} task result '{result}' for task '{name}' is invalid", task.name))
                        .propose(nearest(result, known)),
                );
            }
        }
        for edge in self.edges[index].iter().filter(|edge| edge.of_items) {
            let on = &self.list[edge.to as usize];
            let is_loop = !on.with_items.is_empty()
                || !on.with_param.is_empty()
                || on.with_sequence.is_some();
            if !is_loop {
                findings.push(Finding::error("depends-items", path(), format!("templates.{template}.tasks.{0} dependency '{0}' uses an items-based condition such as .AnySucceeded or .AllFailed but does not contain any items", on.name)));
            }
        }
    }
}

fn dependency_help(task: &str, wanted: &str, near: Option<&str>) -> String {
    match near {
        Some(near) => format!("task '{task}' depends on '{wanted}': did you mean '{near}'?"),
        None => format!("task '{task}' depends on '{wanted}', which is no task of this template"),
    }
}

/// Calls `found` with each task that a task depends on, as Argo reads them: from the logic that
/// `dependencies` stands for, too.
fn each_dependency(
    task: &DagTask,
    values: &Values<'_>,
    found: &mut dyn FnMut(&'static str, &str, bool),
) {
    let is_of_items = |result: Option<&str>| matches!(result, Some("AnySucceeded" | "AllFailed"));
    if !task.depends.is_empty() {
        let logic = values.substitute(&task.depends);
        for name in named(&logic) {
            found("depends", name.task, is_of_items(name.result));
        }
        return;
    }
    for dependency in &task.dependencies {
        if is_field_name(dependency) {
            found("dependencies", dependency, false);
            continue;
        }
        let logic = format!("{}.Succeeded", values.substitute(dependency));
        for name in named(&logic) {
            found("dependencies", name.task, false);
        }
    }
}

/// `depends` excludes the older ways of saying the same.
pub(super) fn check_style(
    template: &Template,
    index: usize,
    task: &DagTask,
    uses_depends: bool,
    findings: &mut Vec<Finding>,
) {
    let name = &template.name;
    let begins_with_digit = task.name.bytes().next().is_some_and(|b| b.is_ascii_digit());
    if begins_with_digit && (uses_depends || !task.dependencies.is_empty()) {
        findings.push(Finding::error("name-invalid", format!("dag.tasks[{index}].name"), format!("templates.{name}.tasks.{} name cannot begin with a digit when using either 'depends' or 'dependencies'", task.name)));
    }
    if uses_depends && !task.dependencies.is_empty() {
        findings.push(
            Finding::error("depends-style", format!("dag.tasks[{index}].dependencies"), format!("templates.{name} cannot use both 'depends' and 'dependencies' in the same DAG template"))
                .help(format!("write it as `depends: {:?}`", task.dependencies.join(" && "))),
        );
    }
    if uses_depends && task.continue_on.is_some() {
        findings.push(Finding::error("depends-style", format!("dag.tasks[{index}].continueOn"), format!("templates.{name} cannot use 'continueOn' when using 'depends'. Instead use 'dep-task.Failed'/'dep-task.Errored'")));
    }
}
