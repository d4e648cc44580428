//! Goes through the texts of an object and reports the tags that are wrong.

use std::collections::BTreeSet;

use argosy_api::Part;
use argosy_expr::{Mistake, function_names};
use serde::Serialize;

use super::fault::{Finding, join};
use super::scope::{Notice, Position, Scope, Verdict};
use super::strings::{Place, each_string};
use super::tags;

/// How many tags of one text are told of.
const MOST_OF_A_TEXT: usize = 20;

/// What was found in a text; with a task, it only holds if that task does not come before.
pub(super) type Remark = (Finding, Option<u32>);

/// How the faults of an object are worded.
pub(super) struct Wording<'w> {
    /// What Argo puts before `failed to resolve`.
    pub prefix: &'w dyn Fn() -> String,
    /// The object's field, from the template.
    pub path: &'w dyn Fn() -> String,
    /// Texts that are not looked at.
    pub skip: &'w dyn Fn(&Place) -> bool,
}

/// Checks every text of `object`.
pub(super) fn check_texts<T: Serialize + ?Sized>(
    scope: &Scope<'_>,
    position: Position<'_>,
    object: &T,
    wording: &Wording<'_>,
    remarks: &mut Vec<Remark>,
) {
    let mut unclosed = false;
    each_string(object, &mut |place, text| {
        let mut text = text;
        if unclosed {
            // Argo reads on to the next closing braces, wherever they stand.
            let Some(at) = text.find("}}") else { return };
            text = &text[at + 2..];
            unclosed = false;
        }
        if !tags::has_tags(text) || (wording.skip)(place) {
            return;
        }
        let path = || join(&(wording.path)(), &place.to_string());
        // What stands in an inline template is looked at again with that template.
        let in_inline = place.is_field(0, "inline");
        let mut told = BTreeSet::new();
        scope.check(position, text, &mut |notice| match notice {
            Notice::Unresolved(tag, verdict) => {
                // A tag may stand in a text many times.
                if told.len() >= MOST_OF_A_TEXT || !told.insert(tag.to_owned()) {
                    return;
                }
                let (mut finding, unless) =
                    unresolved(scope, position, wording, path(), tag, verdict);
                finding.part = Some(written(text, tag).into());
                remarks.push((finding, unless));
            }
            Notice::Misspelt(tag, meant) => {
                if !in_inline && told.len() < MOST_OF_A_TEXT && told.insert(tag.to_owned()) {
                    remarks.push((misspelt_warning(path(), tag, &meant), None));
                }
            }
            Notice::Expression(expression, error) => {
                if !in_inline {
                    remarks.push((expression_warning(path(), expression, &error), None));
                }
            }
            Notice::Unclosed(rest) => {
                unclosed = true;
                if !in_inline {
                    remarks.push((unclosed_warning(path(), rest), None));
                }
            }
        });
    });
}

/// Checks one text.
pub(super) fn check_text(
    scope: &Scope<'_>,
    position: Position<'_>,
    text: &str,
    wording: &Wording<'_>,
    remarks: &mut Vec<Remark>,
) {
    check_texts(scope, position, text, wording, remarks);
}

fn unresolved(
    scope: &Scope<'_>,
    position: Position<'_>,
    wording: &Wording<'_>,
    path: String,
    tag: &str,
    verdict: Verdict,
) -> Remark {
    let message = format!("{}failed to resolve {{{{{tag}}}}}", (wording.prefix)());
    let mut finding = Finding::error("unresolved-variable", path, message);
    finding.help = scope.help(tag, position);
    match verdict {
        Verdict::Known | Verdict::Unknown => (finding, None),
        Verdict::IfProduced(output) => {
            finding.unless_produced = Some(output);
            (finding, None)
        }
        Verdict::IfAncestor(task) => (finding, Some(task)),
    }
}

/// A tag as it stands in a text: on its first line, if nothing closes it.
fn written(text: &str, tag: &str) -> String {
    match text.ends_with(tag) {
        true => format!("{{{{{}", tag.lines().next().unwrap_or_default()),
        false => format!("{{{{{tag}}}}}"),
    }
}

/// A mistake in an expression. Argo only finds this when the workflow runs.
pub(super) fn expression_warning(path: String, expression: &str, mistake: &Mistake) -> Finding {
    let before = expression.get(..mistake.offset).unwrap_or(expression);
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .unwrap_or_default()
        .chars()
        .count()
        + 1;
    let place = match expression.contains('\n') {
        true => format!("line {line}, character {column}"),
        false => format!("character {column}"),
    };
    let shown = shorten(expression.trim());
    let message = format!(
        "the expression '{shown}' is wrong: {} (at {place})",
        mistake.message
    );
    let end = (mistake.offset + mistake.length.max(1)).min(expression.len());
    let mut finding = Finding::warning("expression-syntax", path, message).part(Part {
        text: expression.to_owned(),
        spot: mistake.offset.min(end)..end,
    });
    finding.help.clone_from(&mistake.help);
    if let (None, Some(name)) = (&finding.help, &mistake.unknown_function) {
        let names: Vec<String> = function_names().collect();
        return finding.propose(argosy_api::nearest(name, names.iter().map(String::as_str)));
    }
    finding
}

/// The beginning of a long text.
fn shorten(text: &str) -> String {
    const LONGEST: usize = 120;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn misspelt_warning(path: String, tag: &str, meant: &str) -> Finding {
    let message = format!("'{{{{{tag}}}}}' is none of Argo's variables, and stays as it is");
    Finding::warning("tag-misspelt", path, message)
        .part(format!("{{{{{tag}}}}}"))
        .help(format!("did you mean '{meant}'?"))
}

fn unclosed_warning(path: String, rest: &str) -> Finding {
    let shown: String = rest.chars().take(40).collect();
    Finding::warning("tag-unclosed", path, format!("'{{{{{shown}' has no '}}}}'"))
        .part("{{".to_owned() + rest.lines().next().unwrap_or_default())
        .help(
            "close the tag; to write two braces as such, separate them from what follows by a space",
        )
}
