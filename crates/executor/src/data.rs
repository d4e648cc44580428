//! `data` templates: the keys of the files below an artifact, put through expressions.
//! Argo: `workflow/data/data.go`, `workflow/executor/data.go`.

use argosy_api::{Artifact, ArtifactPaths, Data};
use argosy_artifacts::Driver;
use argosy_expr::{EvalContext, Program};
use serde_json::{Value, json};

use crate::json_scope::JsonScope;

/// Carries out a `data` template. Gives `outputs.result`: the list as JSON. `now_seconds` is what
/// its expressions take for now.
///
/// # Errors
/// Why it can't be carried out, in Argo's words as far as they are its own.
pub fn carry_out_data(
    data: &Data,
    stores: &dyn Driver,
    now_seconds: i64,
) -> Result<String, String> {
    let failed = |what: &str, error: String| {
        format!("unable to process data template: unable to process data {what}: {error}")
    };
    let list = source(data, stores).map_err(|error| failed("source", error))?;
    let list =
        transformed(data, list, now_seconds).map_err(|error| failed("transformation", error))?;
    Ok(escaped(&list.to_string()))
}

/// Go's JSON has no `<`, `>` and `&`, which stand within texts only.
fn escaped(json: &str) -> String {
    json.replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
}

fn source(data: &Data, stores: &dyn Driver) -> Result<Value, String> {
    let Some(paths) = &data.source.artifact_paths else {
        return Err("no valid source is used for data template".to_owned());
    };
    let keys = artifact(paths)
        .and_then(|artifact| stores.list(&artifact).map_err(|error| error.to_string()));
    match keys {
        Ok(keys) => Ok(json!(keys)),
        Err(error) => Err(format!("unable to source artifact paths: {error}")),
    }
}

/// The fields of both are the same.
fn artifact(paths: &ArtifactPaths) -> Result<Artifact, String> {
    serde_json::to_value(paths)
        .and_then(serde_json::from_value)
        .map_err(|error| error.to_string())
}

fn transformed(data: &Data, mut list: Value, now_seconds: i64) -> Result<Value, String> {
    let context = EvalContext::new(now_seconds, 0, 0);
    for (place, step) in data.transformation.iter().enumerate() {
        if step.expression.is_empty() {
            continue;
        }
        let scope = JsonScope(json!({"data": list}));
        list = Program::compile(&step.expression)
            .and_then(|program| program.eval(&scope, &context))
            .map_err(|error| format!("error processing data step {place}: {error}"))?
            .to_json();
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::*;
    use argosy_artifacts::Stores;
    use argosy_artifacts::{Folder, Source};

    fn data(value: Value) -> Data {
        argosy_api::from_value(value).expect("a template's body")
    }

    /// Argo: `TestProcessTransformation`.
    #[test]
    fn lists_are_filtered_and_mapped() {
        let files = json!(["foo.py", "bar.pdf", "goo/foo.py", "moo/bar.pdf"]);
        for (expressions, expected) in [
            (json!([]), files.clone()),
            (
                json!(["filter(data, {# endsWith '.py'})"]),
                json!(["foo.py", "goo/foo.py"]),
            ),
            (
                json!([
                    "filter(data, {# contains '/'})",
                    "filter(data, {# contains 'foo'})"
                ]),
                json!(["goo/foo.py"]),
            ),
            (
                json!(["filter(data, {not(# contains '/')})"]),
                json!(["foo.py", "bar.pdf"]),
            ),
            (
                json!([
                    "filter(data, {not(# contains '/')})",
                    "",
                    "map(data, {# + '.processed'})"
                ]),
                json!(["foo.py.processed", "bar.pdf.processed"]),
            ),
            (json!(["len(data)"]), json!(4)),
        ] {
            let steps: Vec<Value> = expressions
                .as_array()
                .into_iter()
                .flatten()
                .map(|expression| json!({"expression": expression}))
                .collect();
            let data = data(json!({"transformation": steps}));
            assert_eq!(
                transformed(&data, files.clone(), 0),
                Ok(expected),
                "{expressions}"
            );
        }
        let broken = data(json!({"transformation": [{}, {"expression": "map(data"}]}));
        let error = transformed(&broken, files, 0).expect_err("it is broken");
        assert!(
            error.starts_with("error processing data step 1: "),
            "{error}"
        );
    }

    #[test]
    fn the_files_below_an_artifact_are_a_source() {
        let dir = tempfile::tempdir().expect("a folder");
        let folder = Folder::new(dir.path().join("store"));
        let from = dir.path().join("from");
        std::fs::create_dir_all(from.join("below")).expect("a folder");
        for name in ["a.log", "below/b.log", "c.txt"] {
            std::fs::write(from.join(name), name).expect("a file");
        }
        let saved: Artifact =
            argosy_api::from_value(json!({"name": "x", "s3": {"key": "logs"}})).expect("one");
        folder.save(Source::Shared(&from), &saved).expect("saved");
        let list = |value: Value| carry_out_data(&data(value), &Stores::new(&folder), 0);
        assert_eq!(
            list(json!({
                "source": {"artifactPaths": {"name": "x", "s3": {"key": "logs"}}},
                "transformation": [{"expression": "filter(data, {# endsWith '.log'})"}],
            })),
            Ok(r#"["logs/a.log","logs/below/b.log"]"#.to_owned())
        );
        for (value, error) in [
            (
                json!({}),
                "source: no valid source is used for data template",
            ),
            (
                json!({"source": {"artifactPaths": {"name": "x", "s3": {"key": "none"}}}}),
                "source: unable to source artifact paths: ",
            ),
        ] {
            let told = list(value).expect_err("it fails");
            let expected =
                format!("unable to process data template: unable to process data {error}");
            assert!(told.starts_with(&expected), "{told}");
        }
    }
}
