//! Parameters that are given and that nothing in the workflow speaks of: most often a slip, which
//! Argo lets pass in silence.

use anyhow::Result;
use argosy_api::{Diagnostic, FieldPath, nearest};
use argosy_engine::definition::{Definition, speaks_of_all_parameters};

use crate::files::Fault;
use crate::given::Given;

/// A warning for each of them.
pub fn parameters(definition: &Definition, given: &Given) -> Result<Vec<Fault>> {
    let mut warnings = Vec::new();
    if given.new_parameters().is_empty() {
        return Ok(warnings);
    }
    let text = serde_json::to_string(definition)?;
    // All of them at once may be what is meant.
    if speaks_of_all_parameters(&text) {
        return Ok(warnings);
    }
    for (name, flag) in given.new_parameters() {
        let written = serde_json::to_string(name)?;
        // It stands there once, since it was given.
        let is_declared = text.matches(&format!("\"name\":{written}")).count() > 1;
        if is_declared || text.contains(&format!("parameters.{name}")) {
            continue;
        }
        let message = format!("nothing in the workflow speaks of a parameter {written}");
        let warning = Diagnostic::warning("parameter-unused", FieldPath::root(), message);
        let known = declared(definition).filter(|known| known != name);
        let warning = match nearest(name, known) {
            Some(near) => warning.with_help(format!("did you mean {near:?}?")),
            None => warning,
        };
        warnings.push(Fault::new(flag, &"".into(), warning));
    }
    Ok(warnings)
}

/// The parameters of the workflow and of the templates that it may be made of.
fn declared(definition: &Definition) -> impl Iterator<Item = &str> {
    let own = std::iter::once(&definition.workflow.spec);
    let kept = definition.workflow_templates.values();
    let of_cluster = definition.cluster_workflow_templates.values();
    let templates = kept.map(|template| &template.spec);
    let of_cluster = of_cluster.map(|template| &template.spec);
    own.chain(templates)
        .chain(of_cluster)
        .flat_map(|spec| spec.arguments.parameters.iter())
        .map(|parameter| parameter.name.as_str())
}
