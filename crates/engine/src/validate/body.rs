//! Looks into one template.

use argosy_api::{Template, TemplateType};

use super::advice;
use super::artifact::check_archive_location;
use super::dag::check_dag;
use super::leaf::check_leaf;
use super::metrics::check_metrics;
use super::outputs::check_outputs;
use super::scope::{Items, Scope};
use super::steps::check_steps;
use super::values::Values;
use super::walk::{VisitId, Walk};

/// Looks into the template of a visit.
pub(super) fn check_body(walk: &mut Walk<'_>, visit: VisitId) {
    let inputs = walk.visits[visit].inputs.take();
    let outer = walk.visits[visit].outer.clone();
    let phase = walk.visits[visit].phase;
    let globals = walk.globals.clone();
    walk.with_template(visit, |walk, template, kind| {
        let values = Values {
            globals: &globals,
            phase,
            template,
            kind,
            inputs: inputs.as_ref().map(|inputs| &inputs.values),
            outer: outer.as_deref(),
        };
        if let Some(dag) = template.dag.as_ref().filter(|_| kind == TemplateType::DAG) {
            check_dag(walk, visit, template, dag, &values);
        } else if kind == TemplateType::Steps {
            check_steps(walk, visit, template, &values);
        } else {
            let scope = Scope::new(&values, None);
            let mut findings = Vec::new();
            let base = walk.library.get(walk.visits[visit].base).clone();
            check_leaf(&scope, base.spec(), inputs.as_ref(), &mut findings);
            walk.at(visit, findings);
            finish(walk, visit, template, &scope, &Items::default());
        }
    });
}

/// What is looked at last: outputs, where logs go, metrics; and what Argo does not look at.
pub(super) fn finish(
    walk: &mut Walk<'_>,
    visit: VisitId,
    template: &Template,
    scope: &Scope<'_>,
    items: &Items<'_>,
) {
    let mut findings = Vec::new();
    check_outputs(scope, items, &mut findings);
    if let Some(location) = &template.archive_location {
        let prefix = format!("templates.{}.archiveLocation", template.name);
        check_archive_location(&prefix, location, &mut findings);
    }
    if let Some(metrics) = &template.metrics {
        check_metrics(&template.name, metrics, scope.values, &mut findings);
    }
    let base = walk.library.get(walk.visits[visit].base).clone();
    advice::check_template(template, base.spec(), &mut findings);
    walk.at(visit, findings);
}
