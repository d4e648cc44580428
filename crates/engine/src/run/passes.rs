//! The passes in which Argo fills in the tags of a text. Argo: `SubstituteParams`,
//! `resolveReferences`.

use std::sync::{Arc, LazyLock};

use argosy_expr::{EvalContext, Scope, TagError, Template, Unresolved};

use super::node::NodeInputs;
use super::scope::{Frame, Variables};
use crate::plan::Text;

/// The variables that begin with this when they speak of outputs of other nodes: where one is
/// missing, that is an error.
const STRICT: [&str; 2] = ["tasks", "steps"];

static NO_INPUTS: LazyLock<NodeInputs> = LazyLock::new(NodeInputs::default);

/// Fills in the tags of a text of a step, a task or a template, in Argo's passes.
///
/// All passes are made at once; only where a value has brought new tags, or a tag has been left,
/// they are made one after the other, as Argo does it in text.
pub(super) fn fill(
    text: &Text,
    variables: &Variables<'_>,
    context: &EvalContext,
) -> Result<Arc<str>, TagError> {
    let template = match text {
        Text::Literal(literal) => return Ok(literal.clone()),
        Text::Tagged(template) => template,
    };
    match template.render(variables, Unresolved::Keep, context) {
        Ok(rendered) if !rendered.text.contains("{{") => Ok(Arc::from(rendered.text)),
        Ok(_) | Err(_) => fill_in_passes(template, variables, context).map(Arc::from),
    }
}

fn fill_in_passes(
    template: &Template,
    variables: &Variables<'_>,
    context: &EvalContext,
) -> Result<String, TagError> {
    let global = Variables {
        siblings: None,
        item: None,
        extra: &[],
        frame: variables.frame.as_ref().map(|frame| Frame {
            inputs: &NO_INPUTS,
            ..frame.clone()
        }),
        ..variables.clone()
    };
    let framed = Variables {
        siblings: None,
        item: None,
        extra: &[],
        ..variables.clone()
    };
    let mut text = template.render(&global, Unresolved::Keep, context)?.text;
    text = again(&text, &framed, Unresolved::Keep, context)?;
    if variables.siblings.is_some() || !variables.extra.is_empty() {
        let around = Variables {
            item: None,
            ..variables.clone()
        };
        // What a hook is given may speak of outputs that its node never made: the tag stays.
        // Argo: `resolveExitTmplArgument`.
        let unresolved = match variables.extra {
            [] => Unresolved::ErrorUnder(&STRICT),
            _ => Unresolved::Keep,
        };
        text = again(&text, &around, unresolved, context)?;
    }
    if variables.item.is_some() {
        text = again(&text, variables, Unresolved::Error, context)?;
    }
    Ok(text)
}

/// One more pass over a text.
pub(super) fn again(
    text: &str,
    variables: &dyn Scope,
    unresolved: Unresolved<'_>,
    context: &EvalContext,
) -> Result<String, TagError> {
    if !text.contains("{{") {
        return Ok(text.to_owned());
    }
    Ok(Template::parse(text)?
        .render(variables, unresolved, context)?
        .text)
}
