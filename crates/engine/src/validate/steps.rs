//! The body of a `steps` template.

use std::borrow::Cow;

use argosy_api::{Call, Template};

use super::advice;
use super::calls::{Calls, Entry, Order, index_names};
use super::fault::Finding;
use super::invoke::{
    Site, add_items, check_call, check_hook_expressions, check_hook_templates, check_loop,
    check_own_arguments, resolve,
};
use super::names::{NameRule, name_errors};
use super::outputs::check_non_leaf;
use super::scope::{Items, Position, Scope};
use super::texts::{Wording, check_texts};
use super::values::{Values, skeleton};
use super::walk::{Resolved, VisitId, Walk};

/// A step and its place.
struct Step<'t> {
    group: usize,
    place: usize,
    call: Call<'t>,
}

/// Checks the steps of a template, and its outputs.
pub(super) fn check_steps(
    walk: &mut Walk<'_>,
    visit: VisitId,
    template: &Template,
    values: &Values<'_>,
) {
    let mut findings = Vec::new();
    check_non_leaf(template, &mut findings);
    walk.at(visit, findings);
    let steps = steps_of(template);
    let names: Vec<Cow<'_, str>> = steps
        .iter()
        .map(|step| values.substitute(step.call.name()))
        .collect();
    let (index, twice) = index_names(names.iter().cloned());
    let mut calls = Calls {
        order: Order::Steps,
        names: index,
        entries: Vec::with_capacity(steps.len()),
    };
    let mut items = Items::default();
    for (number, step) in (0u32..).zip(&steps) {
        let call = step.call;
        let name = &names[number as usize];
        let prefix = || format!("templates.{}.steps[{}].{name}", template.name, step.group);
        let path = || format!("steps[{}][{}]", step.group, step.place);
        let site = Site {
            prefix: &prefix,
            path: &path,
        };
        let mut findings = Vec::new();
        let is_twice = twice.contains(&number);
        check_name(template, step, name, is_twice, &mut findings);
        check_loop(call, site, &mut findings);
        add_items(call, &mut items);
        check_own_arguments(call, values, site, &mut findings);
        walk.at(visit, findings.drain(..));
        let resolved = resolve(walk, visit, call, values, site);
        let entry = Entry::new(call, walk.callee(&resolved));
        calls.entries.push(entry);
        check_hook_expressions(call.hooks(), site, &mut findings);
        let scope = Scope::new(values, Some(&calls));
        check_step_texts(&scope, number, step, &items, site, &mut findings);
        if let Resolved::Found(called) = &resolved {
            let shape = walk.visits[*called].shape.clone();
            check_call(&shape, call.arguments(), site, &mut findings);
        }
        advice::check_call(call, &path, &mut findings);
        walk.at(visit, findings);
        check_hook_templates(walk, visit, call, values, site);
    }
    let scope = Scope::new(values, Some(&calls));
    super::body::finish(walk, visit, template, &scope, &items);
}

/// The steps of all groups, in their order.
fn steps_of(template: &Template) -> Vec<Step<'_>> {
    let groups = template.steps.iter().enumerate();
    let steps = groups.flat_map(|(group, steps)| {
        let steps = steps.0.iter().enumerate();
        steps.map(move |(place, step)| Step {
            group,
            place,
            call: Call::from(step),
        })
    });
    steps.collect()
}

fn check_name(
    template: &Template,
    step: &Step<'_>,
    name: &str,
    is_twice: bool,
    findings: &mut Vec<Finding>,
) {
    let prefix = || format!("templates.{}.steps[{}].name", template.name, step.group);
    let path = || format!("steps[{}][{}].name", step.group, step.place);
    if name.is_empty() {
        findings.push(Finding::error(
            "name-missing",
            path(),
            format!("{} is required", prefix()),
        ));
        return;
    }
    if is_twice {
        findings.push(
            Finding::error(
                "name-duplicate",
                path(),
                format!("{} '{name}' is not unique", prefix()),
            )
            .help("the names of steps are unique in the whole template, not only in their group"),
        );
    }
    if name.contains("{{=") {
        return;
    }
    let errors = name_errors(NameRule::Field, &skeleton(name));
    if !errors.is_empty() {
        findings.push(Finding::error(
            "name-invalid",
            path(),
            format!("{} '{name}' is invalid: {}", prefix(), errors.join(";")),
        ));
    }
}

fn check_step_texts(
    scope: &Scope<'_>,
    number: u32,
    step: &Step<'_>,
    items: &Items<'_>,
    site: Site<'_>,
    findings: &mut Vec<Finding>,
) {
    let position = Position {
        call: Some(number),
        items,
        inline: step.call.inline(),
    };
    let wording = Wording {
        prefix: &|| format!("templates.{}.steps ", scope.template.name),
        path: site.path,
        skip: &|_| false,
    };
    let mut remarks = Vec::new();
    let object = &scope.template.steps[step.group].0[step.place];
    check_texts(scope, position, object, &wording, &mut remarks);
    findings.extend(remarks.into_iter().map(|(finding, _)| finding));
}
