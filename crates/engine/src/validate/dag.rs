//! The body of a `dag` template.

use std::borrow::Cow;

use argosy_api::{DagTask, DagTemplate, Template};

use super::advice;
use super::arguments::{EmptyValues, check_arguments};
use super::calls::{Call, Calls, Entry, Order, index_names};
use super::fault::{Finding, join};
use super::graph::{Ancestry, cycle, named, show_cycle};
use super::invoke::{
    Site, add_items, check_call, check_hook_expressions, check_hook_templates, loop_error, resolve,
};
use super::names::{NameRule, check_names, is_field_name};
use super::nearest::nearest;
use super::outputs::check_non_leaf;
use super::scope::{Items, Position, Scope};
use super::tags;
use super::texts::{Wording, check_text, check_texts};
use super::values::Values;
use super::walk::{Resolved, VisitId, Walk};

/// What `depends` says of a task, with its name's index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Edge {
    to: u32,
    /// It asks for a result that only loops have.
    of_items: bool,
}

/// The tasks and what each depends on.
struct Tasks<'t> {
    template: &'t Template,
    list: &'t [DagTask],
    names: std::collections::BTreeMap<Cow<'t, str>, u32>,
    edges: Vec<Vec<Edge>>,
    /// Each fault of the dependencies that Argo finds while it sorts the tasks.
    faults: Vec<Finding>,
}

/// Checks the tasks of a template, and its outputs.
pub(super) fn check_dag(
    walk: &mut Walk<'_>,
    visit: VisitId,
    template: &Template,
    dag: &DagTemplate,
    values: &Values<'_>,
) {
    let mut findings = Vec::new();
    check_non_leaf(template, &mut findings);
    let name = &template.name;
    if dag.tasks.is_empty() {
        findings.push(Finding::error(
            "dag-empty",
            "dag.tasks",
            format!("templates.{name} must have at least one task"),
        ));
    }
    let mut tasks = Tasks::new(template, dag, values);
    let dependencies: Vec<Vec<u32>> = tasks
        .edges
        .iter()
        .map(|edges| edges.iter().map(|edge| edge.to).collect())
        .collect();
    let ancestry = Ancestry::new(&dependencies);
    if ancestry.is_none() {
        tasks.faults.push(tasks.cycle_fault(&dependencies));
    }
    findings.append(&mut tasks.faults);
    check_names(
        NameRule::Field,
        &format!("templates.{name}.tasks"),
        "dag.tasks",
        dag.tasks.iter().map(|task| task.name.as_str()),
        &mut findings,
    );
    walk.at(visit, findings);

    let uses_depends = dag.tasks.iter().any(|task| !task.depends.is_empty());
    let mut resolved = Vec::with_capacity(dag.tasks.len());
    let mut entries = Vec::with_capacity(dag.tasks.len());
    for (index, task) in dag.tasks.iter().enumerate() {
        let call = Call::from(task);
        let prefix = || format!("templates.{name}.tasks.{}", task.name);
        let path = || format!("dag.tasks[{index}]");
        let site = Site {
            prefix: &prefix,
            path: &path,
        };
        let mut findings = Vec::new();
        check_style(template, index, task, uses_depends, &mut findings);
        walk.at(visit, findings.drain(..));
        let found = resolve(walk, visit, &call, values, site);
        entries.push(Entry {
            callee: walk.callee(&found),
            aggregates: call.aggregates(),
            has_exit_hook: call.has_exit_hook(),
            has_hooks: !call.hooks.is_empty(),
        });
        resolved.push(found);
        tasks.check_results(index, &mut findings);
        walk.at(visit, findings);
    }
    let calls = Calls {
        names: std::mem::take(&mut tasks.names),
        entries,
        order: Order::Tasks(dependencies),
    };
    let scope = Scope::new(values, Some(&calls));
    check_target(walk, visit, dag, &scope, values);
    check_tasks(walk, visit, dag, &scope, &resolved, ancestry.as_ref());
    super::body::finish(walk, visit, template, &scope, &Items::default());
}

impl<'t> Tasks<'t> {
    fn new(template: &'t Template, dag: &'t DagTemplate, values: &Values<'_>) -> Self {
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

    fn cycle_fault(&self, dependencies: &[Vec<u32>]) -> Finding {
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
    fn check_results(&self, index: usize, findings: &mut Vec<Finding>) {
        let task = &self.list[index];
        let template = &self.template.name;
        let path = || format!("dag.tasks[{index}].depends");
        for (name, result) in named(&task.depends).filter_map(|n| Some((n.task, n.result?))) {
            if argosy_expr::TaskResult::from_name(result).is_none() {
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
fn check_style(
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

fn check_target(
    walk: &mut Walk<'_>,
    visit: VisitId,
    dag: &DagTemplate,
    scope: &Scope<'_>,
    values: &Values<'_>,
) {
    if dag.target.is_empty() {
        return;
    }
    let name = &scope.template.name;
    let mut remarks = Vec::new();
    let position = Position {
        call: None,
        items: &Items::default(),
        inline: None,
    };
    let wording = Wording {
        prefix: &|| format!("templates.{name}.targets "),
        path: &|| "dag.target".to_owned(),
        skip: &|_| false,
    };
    check_text(scope, position, &dag.target, &wording, &mut remarks);
    let mut findings: Vec<Finding> = remarks.into_iter().map(|(finding, _)| finding).collect();
    let filled = values.substitute(&dag.target);
    let names = scope.calls.map(|calls| &calls.names);
    for target in filled.split(' ') {
        let known = names.is_some_and(|names| names.contains_key(target));
        if !known && !tags::is_parameter(target) && !target.contains("{{=") {
            let names = dag.tasks.iter().map(|task| task.name.as_str());
            findings.push(
                Finding::error(
                    "target-undefined",
                    "dag.target",
                    format!("templates.{name}.targets: target '{target}' is not defined"),
                )
                .propose(nearest(target, names)),
            );
        }
    }
    walk.at(visit, findings);
}

/// A fault that holds only if a task does not come before another.
struct Open {
    task: u32,
    before: u32,
    finding: Finding,
    /// Where it belongs among the findings.
    at: usize,
}

/// The second look at the tasks, when all their templates are known.
fn check_tasks(
    walk: &mut Walk<'_>,
    visit: VisitId,
    dag: &DagTemplate,
    scope: &Scope<'_>,
    resolved: &[Resolved],
    ancestry: Option<&Ancestry>,
) {
    let name = &scope.template.name;
    let mut findings = Vec::new();
    let mut open = Vec::new();
    for (number, task) in (0u32..).zip(&dag.tasks) {
        let call = Call::from(task);
        let prefix = || format!("templates.{name}.tasks.{}", task.name);
        let path = || format!("dag.tasks[{number}]");
        let site = Site {
            prefix: &prefix,
            path: &path,
        };
        let mut items = Items::default();
        add_items(&call, &mut items);
        if let Some((field, error)) = loop_error(&call) {
            findings.push(Finding::error(
                "loop",
                join(&path(), field),
                format!("{} {error}", prefix()),
            ));
        }
        check_task_texts(scope, number, task, &items, site, &mut findings, &mut open);
        check_arguments(
            &|| format!("{}.arguments.", prefix()),
            &|| format!("{}.arguments", path()),
            &|name| scope.values.substitute(name).into_owned(),
            call.arguments,
            EmptyValues::Refused,
            &mut findings,
        );
        check_argument_sources(scope, number, &call, site, &mut findings, &mut open);
        if let Resolved::Found(called) = &resolved[number as usize] {
            let shape = walk.visits[*called].shape.clone();
            check_call(&shape, call.arguments, site, &mut findings);
        }
        advice::check_task(task, &path, &mut findings);
        let mut hooks = Vec::new();
        check_hook_expressions(call.hooks, site, &mut hooks);
        for mut hook in hooks {
            // Argo does not ask this of tasks, only of steps.
            hook.severity = super::Severity::Warning;
            findings.push(hook);
        }
        check_hook_templates(walk, visit, &call, scope.values, site);
    }
    let dependencies = match scope.calls.map(|calls| &calls.order) {
        Some(Order::Tasks(dependencies)) => dependencies.as_slice(),
        Some(Order::Steps) | None => &[],
    };
    walk.at(visit, settle(findings, open, dependencies, ancestry));
}

fn check_task_texts(
    scope: &Scope<'_>,
    number: u32,
    task: &DagTask,
    items: &Items<'_>,
    site: Site<'_>,
    findings: &mut Vec<Finding>,
    open: &mut Vec<Open>,
) {
    let position = Position {
        call: Some(number),
        items,
        inline: task.inline.as_deref(),
    };
    let wording = Wording {
        prefix: &|| format!("{} ", (site.prefix)()),
        path: site.path,
        skip: &|_| false,
    };
    let mut remarks = Vec::new();
    check_texts(scope, position, task, &wording, &mut remarks);
    for (finding, before) in remarks {
        match before {
            None => findings.push(finding),
            Some(before) => open.push(Open {
                task: number,
                before,
                finding,
                at: findings.len(),
            }),
        }
    }
}

/// That a task whose output is an argument comes before.
fn check_argument_sources(
    scope: &Scope<'_>,
    number: u32,
    call: &Call<'_>,
    site: Site<'_>,
    findings: &mut Vec<Finding>,
    open: &mut Vec<Open>,
) {
    let Some(Order::Tasks(dependencies)) = scope.calls.map(|calls| &calls.order) else {
        return;
    };
    let parameters = call.arguments.parameters.iter().enumerate();
    let parameters = parameters.filter_map(|(index, parameter)| {
        let value = parameter.value.as_ref()?.as_str();
        Some(("parameter", index, &parameter.name, value))
    });
    let artifacts = call.arguments.artifacts.iter().enumerate();
    let artifacts = artifacts
        .map(|(index, artifact)| ("artifact", index, &artifact.name, artifact.from.as_str()));
    for (kind, index, name, text) in parameters.chain(artifacts) {
        if !text.starts_with("{{tasks.") {
            continue;
        }
        let source = text.split('.').nth(1).unwrap_or_default();
        let names = scope.calls.map(|calls| &calls.names);
        let before = names.and_then(|names| names.get(source)).copied();
        if before.is_some_and(|before| dependencies[number as usize].contains(&before)) {
            continue;
        }
        let finding = Finding::error(
            "dependency-missing",
            format!("{}.arguments.{kind}s[{index}]", (site.path)()),
            format!(
                "{} missing dependency '{source}' for {kind} '{name}'",
                (site.prefix)()
            ),
        )
        .help(format!("let task '{}' depend on '{source}'", call.name));
        match before {
            None => add_once(findings, finding),
            Some(before) => open.push(Open {
                task: number,
                before,
                finding,
                at: findings.len(),
            }),
        }
    }
}

/// Keeps of the open faults those that hold, each in its place.
fn settle(
    findings: Vec<Finding>,
    open: Vec<Open>,
    dependencies: &[Vec<u32>],
    ancestry: Option<&Ancestry>,
) -> Vec<Finding> {
    let Some(ancestry) = ancestry.filter(|_| !open.is_empty()) else {
        return findings;
    };
    let pairs: Vec<(u32, u32)> = open.iter().map(|open| (open.task, open.before)).collect();
    let answers = ancestry.answer(dependencies, &pairs);
    let mut settled: Vec<Finding> = Vec::with_capacity(findings.len());
    let held = open.into_iter().zip(answers);
    let mut held = held.filter(|(_, comes_before)| !comes_before).peekable();
    for (at, finding) in findings.into_iter().enumerate() {
        while let Some((open, _)) = held.next_if(|(open, _)| open.at <= at) {
            add_once(&mut settled, open.finding);
        }
        settled.push(finding);
    }
    for (open, _) in held {
        add_once(&mut settled, open.finding);
    }
    settled
}

/// A value that can't be resolved for want of a dependency is told of once.
fn add_once(settled: &mut Vec<Finding>, finding: Finding) {
    let told =
        finding.code == "dependency-missing"
            && settled.iter().rev().take(20).any(|told| {
                told.code == "unresolved-variable" && told.path.starts_with(&finding.path)
            });
    if !told {
        settled.push(finding);
    }
}
