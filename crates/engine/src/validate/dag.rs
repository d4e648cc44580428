//! The body of a `dag` template.

use argosy_api::{Call, DagTask, DagTemplate, Template};

use super::advice;
use super::calls::{Calls, Entry, Order};
use super::fault::Finding;
use super::graph::Ancestry;
use super::invoke::{
    Site, add_items, check_call, check_hook_expressions, check_hook_templates, check_loop,
    check_own_arguments, resolve,
};
use super::names::{NameRule, check_names};
use super::outputs::check_non_leaf;
use super::scope::{Items, Position, Scope};
use super::tags;
use super::tasks::{Tasks, check_style};
use super::texts::{Wording, check_text, check_texts};
use super::values::Values;
use super::walk::{Resolved, VisitId, Walk};
use argosy_api::nearest;

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
        let found = resolve(walk, visit, call, values, site);
        entries.push(Entry::new(call, walk.callee(&found)));
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
        add_items(call, &mut items);
        check_loop(call, site, &mut findings);
        check_task_texts(scope, number, task, &items, site, &mut findings, &mut open);
        check_own_arguments(call, scope.values, site, &mut findings);
        check_argument_sources(scope, number, call, site, &mut findings, &mut open);
        if let Resolved::Found(called) = &resolved[number as usize] {
            let shape = walk.visits[*called].shape.clone();
            check_call(&shape, call.arguments(), site, &mut findings);
        }
        advice::check_task(task, &path, &mut findings);
        let mut hooks = Vec::new();
        check_hook_expressions(call.hooks(), site, &mut hooks);
        for mut hook in hooks {
            // Argo does not ask this of tasks, only of steps.
            hook.severity = super::Severity::Warning;
            findings.push(hook);
        }
        check_hook_templates(walk, visit, call, scope.values, site);
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
    call: Call<'_>,
    site: Site<'_>,
    findings: &mut Vec<Finding>,
    open: &mut Vec<Open>,
) {
    let Some(Order::Tasks(dependencies)) = scope.calls.map(|calls| &calls.order) else {
        return;
    };
    let parameters = call.arguments().parameters.iter().enumerate();
    let parameters = parameters.filter_map(|(index, parameter)| {
        let value = parameter.value.as_ref()?.as_str();
        Some(("parameter", index, &parameter.name, value))
    });
    let artifacts = call.arguments().artifacts.iter().enumerate();
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
        .help(format!("let task '{}' depend on '{source}'", call.name()));
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
