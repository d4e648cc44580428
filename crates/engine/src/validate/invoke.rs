//! What steps and tasks have in common: loops, hooks, and the templates that they call.

use std::collections::BTreeMap;

use argosy_api::{Arguments, Call, LifecycleHook, Severity};

use super::arguments::{EmptyValues, check_arguments, check_supplied, check_unused};
use super::declare::timeout_error;
use super::fault::{Finding, join};
use super::library::{BaseId, Reference};
use super::scope::Items;
use super::shape::Shape;
use super::tags;
use super::values::Values;
use super::walk::{LookedUp, Resolved, VisitId, Walk, Way};

/// How Argo and we name a step or task.
#[derive(Clone, Copy)]
pub(super) struct Site<'s> {
    /// Argo's: `templates.main.steps[0].one`.
    pub prefix: &'s dyn Fn() -> String,
    /// Its field, from the template.
    pub path: &'s dyn Fn() -> String,
}

/// That a loop takes its items from one place.
pub(super) fn check_loop(call: Call<'_>, site: Site<'_>, findings: &mut Vec<Finding>) {
    if let Some((field, error)) = loop_error(call) {
        findings.push(Finding::error(
            "loop",
            join(&(site.path)(), field),
            format!("{} {error}", (site.prefix)()),
        ));
    }
}

/// The arguments of a step or task, whatever template it calls.
pub(super) fn check_own_arguments(
    call: Call<'_>,
    values: &Values<'_>,
    site: Site<'_>,
    findings: &mut Vec<Finding>,
) {
    check_arguments(
        &|| format!("{}.arguments.", (site.prefix)()),
        &|| format!("{}.arguments", (site.path)()),
        &|name| values.substitute(name).into_owned(),
        call.arguments(),
        EmptyValues::Refused,
        findings,
    );
}

/// Why a loop is none.
fn loop_error(call: Call<'_>) -> Option<(&'static str, &'static str)> {
    let kinds = [
        !call.with_items().is_empty(),
        !call.with_param().is_empty(),
        call.with_sequence().is_some(),
    ];
    if kinds.into_iter().filter(|there| *there).count() > 1 {
        return Some((
            "",
            "only one of withItems, withParam, withSequence can be specified",
        ));
    }
    let sequence = call.with_sequence()?;
    (sequence.count.is_some() && sequence.end.is_some()).then_some((
        "withSequence",
        "only one of count or end can be defined in withSequence",
    ))
}

/// Adds the items of a loop to those in scope.
pub(super) fn add_items<'t>(call: Call<'t>, items: &mut Items<'t>) {
    if !call.with_items().is_empty() {
        items.lists.push(call.with_items());
    } else if !call.with_param().is_empty() {
        items.any = true;
    }
}

/// Finds the template of a step or task.
pub(super) fn resolve(
    walk: &mut Walk<'_>,
    visit: VisitId,
    call: Call<'_>,
    values: &Values<'_>,
    site: Site<'_>,
) -> Resolved {
    let base = walk.visits[visit].base;
    let way = || Way {
        from: Some(visit),
        via: (site.prefix)(),
        path: (site.path)(),
    };
    let resolved = walk.resolve(base, Reference::from(call), Some(values), &way);
    match resolved {
        Resolved::Missing(mut finding) => {
            finding.path = join(&(site.path)(), &finding.path);
            finding.message = format!("{} {}", (site.prefix)(), finding.message);
            walk.at(visit, [finding.clone()]);
            Resolved::Missing(finding)
        }
        found => found,
    }
}

/// That a template gets what it needs from the arguments of a step or task.
pub(super) fn check_call(
    shape: &Shape,
    arguments: &Arguments,
    site: Site<'_>,
    findings: &mut Vec<Finding>,
) {
    let before = findings.len();
    let path = || join(&(site.path)(), "arguments");
    check_supplied(shape, arguments, &path, findings);
    for finding in &mut findings[before..] {
        finding.message = format!("{} {}", (site.prefix)(), finding.message);
    }
    check_unused(shape, arguments, &path, findings);
    if let Some(mut finding) = late_timeout_error(shape, arguments) {
        finding.path = path();
        finding.message = format!("{} {}", (site.prefix)(), finding.message);
        findings.push(finding);
    }
}

/// What is wrong with a timeout whose tags these arguments fill in.
pub(super) fn late_timeout_error(shape: &Shape, arguments: &Arguments) -> Option<Finding> {
    let value = |name: &str| {
        let name = name.strip_prefix("inputs.parameters.")?;
        let given = arguments.parameter(name)?.value.as_ref()?;
        Some(given.as_str().to_owned())
    };
    let timeout = tags::substitute(shape.late_timeout.as_ref()?, value);
    timeout_error(&shape.name, &timeout)
}

/// Every hook but the one for the exit needs an expression.
pub(super) fn check_hook_expressions(
    hooks: &BTreeMap<String, LifecycleHook>,
    site: Site<'_>,
    findings: &mut Vec<Finding>,
) {
    for (name, hook) in hooks {
        if name != "exit" && hook.expression.is_empty() {
            findings.push(
                Finding::error(
                    "hook-expression",
                    join(&(site.path)(), &format!("hooks.{name}")),
                    format!("{}.{name} Expression required", (site.prefix)()),
                )
                .help("say with an expression when the hook runs; only the hook named 'exit' needs none"),
            );
        }
    }
}

/// Argo looks at the templates of hooks only when they run.
pub(super) fn check_hook_templates(
    walk: &mut Walk<'_>,
    visit: VisitId,
    call: Call<'_>,
    values: &Values<'_>,
    site: Site<'_>,
) {
    if call.hooks().is_empty() && call.on_exit().is_empty() {
        return;
    }
    let base = walk.visits[visit].base;
    let on_exit = (!call.on_exit().is_empty()).then(|| {
        let reference = Reference {
            template: call.on_exit(),
            ..Reference::default()
        };
        ("onExit".to_owned(), reference, call.arguments())
    });
    let hooks = call.hooks().iter().map(|(name, hook)| {
        (
            format!("hooks.{name}"),
            Reference::from(hook),
            &hook.arguments,
        )
    });
    for (field, reference, arguments) in hooks.chain(on_exit) {
        let path = || join(&(site.path)(), &field);
        let findings = check_hook(walk, base, reference, arguments, Some(values), &path);
        walk.at(visit, findings);
    }
}

/// The warnings about a hook's template.
pub(super) fn check_hook(
    walk: &mut Walk<'_>,
    base: BaseId,
    reference: Reference<'_>,
    arguments: &Arguments,
    values: Option<&Values<'_>>,
    path: &dyn Fn() -> String,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    match walk.look_up(base, reference, values) {
        LookedUp::Found(shape) => check_supplied(&shape, arguments, path, &mut findings),
        LookedUp::Dynamic => {}
        LookedUp::Missing(mut finding) => {
            finding.path = path();
            findings.push(finding);
        }
    }
    for finding in &mut findings {
        finding.severity = Severity::Warning;
    }
    findings
}
