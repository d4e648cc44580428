//! The cases of `conformance/`: each is a script of the requests that `argosy sim` takes, with what
//! is to be seen in between. Every case is run again with a crash after, and in, each step, and by an
//! engine that looks at all nodes in each turn.
//!
//! `CASE=name` runs the cases whose name holds the text, and prints what is asked and answered.

mod matching;

use std::path::{Path, PathBuf};

use argosy_engine::ids::RunId;
use argosy_sim::protocol::Session;
use argosy_sim::{check, check_adopted};
use serde_json::{Map, Value, json};

use matching::{Mismatch, matches};

/// A case as its file holds it.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Case {
    name: String,
    /// What it shows, where the name does not say it all.
    #[serde(default, rename = "about")]
    _about: Option<String>,
    /// Where Argo's behaviour can be read.
    #[serde(default, rename = "argo")]
    _argo: Option<String>,
    /// Objects that are there before, as text.
    #[serde(default)]
    apply: Option<String>,
    /// Keys of the controller's ConfigMap.
    #[serde(default)]
    config: Option<Map<String, Value>>,
    /// The workflow that is submitted first, as text.
    #[serde(default)]
    workflow: Option<String>,
    /// A crash after each step would change what is seen: the case is about time within a step.
    #[serde(default)]
    no_crash: bool,
    /// Why the run can't be taken up from the status that it shows.
    #[serde(default)]
    untold: Option<String>,
    steps: Vec<Map<String, Value>>,
}

#[test]
fn the_cases_hold() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance");
    let wanted = std::env::var("CASE").ok();
    let (mut run, mut faults) = (0, Vec::new());
    for file in files(&folder) {
        let text = std::fs::read_to_string(&file).expect("the file can be read");
        let cases: Vec<Case> = serde_saphyr::from_str(&text)
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        for case in cases {
            if wanted
                .as_ref()
                .is_some_and(|part| !case.name.contains(part.as_str()))
            {
                continue;
            }
            run += 1;
            for way in Way::ALL {
                if case.no_crash && matches!(way, Way::CrashAfterSteps | Way::CrashInSteps) {
                    continue;
                }
                let place = file
                    .file_name()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned();
                let outcome = std::panic::catch_unwind(|| play(&case, way, wanted.is_some()));
                let outcome = outcome.unwrap_or_else(|_| Err("panicked".to_owned()));
                if let Err(fault) = outcome {
                    let how = match way {
                        Way::Plain => "",
                        Way::Diligent => " (looking at everything)",
                        Way::CrashAfterSteps => " (with a crash after each step)",
                        Way::CrashInSteps => " (with a crash in each step)",
                    };
                    faults.push(format!("{place}: {}{how}: {fault}", case.name));
                    break;
                }
            }
        }
    }
    assert!(run > 0, "no case was run");
    assert!(
        faults.is_empty(),
        "{} of {run} cases fail:\n{}",
        faults.len(),
        faults.join("\n")
    );
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut open = vec![folder.to_owned()];
    let mut files = Vec::new();
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).expect("the folder can be read") {
            let path = entry.expect("the folder can be read").path();
            if path.is_dir() {
                open.push(path);
            } else if path
                .extension()
                .is_some_and(|extension| extension == "yaml")
            {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// How a case is played.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Plain,
    /// Each turn looks at all nodes.
    Diligent,
    /// All but what is stored is forgotten after each step.
    CrashAfterSteps,
    /// All but what is stored is forgotten after the first commit of each step, before its effects
    /// are carried out.
    CrashInSteps,
}

impl Way {
    const ALL: [Self; 4] = [
        Self::Plain,
        Self::Diligent,
        Self::CrashAfterSteps,
        Self::CrashInSteps,
    ];
}

struct Player {
    session: Session,
    way: Way,
    loud: bool,
    untold: bool,
    /// The workflow that is meant where none is named.
    workflow: String,
}

fn play(case: &Case, way: Way, loud: bool) -> Result<(), String> {
    let mut player = Player {
        session: match way {
            Way::Diligent => Session::diligent(),
            Way::Plain | Way::CrashAfterSteps | Way::CrashInSteps => Session::default(),
        },
        way,
        loud,
        untold: case.untold.is_some(),
        workflow: String::new(),
    };
    if let Some(set) = &case.config {
        player.ask(&json!({"op": "config", "set": set}))?;
    }
    if let Some(yaml) = &case.apply {
        player.ask(&json!({"op": "apply", "yaml": yaml}))?;
    }
    if let Some(yaml) = &case.workflow {
        let answer = player.ask(&json!({"op": "submit", "yaml": yaml}))?;
        player.workflow = answer["workflows"][0]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        player.settle()?;
    }
    for (number, step) in (1..).zip(&case.steps) {
        player
            .step(step)
            .map_err(|fault| format!("step {number} {}: {fault}", Value::Object(step.clone())))?;
    }
    Ok(())
}

impl Player {
    #[expect(clippy::print_stdout, reason = "a case is played aloud if asked for")]
    fn ask(&mut self, request: &Value) -> Result<Value, String> {
        let answer = self.session.answer(&request.to_string());
        if self.loud {
            println!("> {request}\n< {answer}");
        }
        let answer: Value = serde_json::from_str(&answer).map_err(|error| error.to_string())?;
        match answer.get("error") {
            Some(error) => Err(error.as_str().unwrap_or_default().to_owned()),
            None => Ok(answer),
        }
    }

    fn settle(&mut self) -> Result<(), String> {
        if self.way == Way::CrashInSteps {
            self.ask(&json!({"op": "crash", "at": 1}))?;
        }
        self.ask(&json!({"op": "settle"}))?;
        self.check()?;
        if self.way == Way::CrashAfterSteps {
            self.ask(&json!({"op": "crash"}))?;
            self.ask(&json!({"op": "settle"}))?;
            self.check()?;
        }
        Ok(())
    }

    fn check(&self) -> Result<(), String> {
        let world = self.session.world();
        let runs: Vec<RunId> = world.all().filter(|&id| world.run(id).is_some()).collect();
        for id in runs {
            check(world, id)?;
            if !self.untold {
                check_adopted(world, id)?;
            }
        }
        Ok(())
    }

    /// One step: a request of the protocol by its name, followed by settling; or an expectation.
    fn step(&mut self, step: &Map<String, Value>) -> Result<(), String> {
        if let Some(expected) = step.get("expect") {
            return self.expect(expected);
        }
        let (op, fields) = step.iter().next().ok_or("the step is empty")?;
        let mut request = match fields {
            Value::Object(fields) => fields.clone(),
            Value::Null => Map::new(),
            other => return Err(format!("{other} are no fields of a request")),
        };
        let wanted_error = step.get("error").and_then(Value::as_str);
        request.insert("op".to_owned(), json!(op));
        if matches!(op.as_str(), "act" | "get" | "why" | "facts")
            && !request.contains_key("workflow")
        {
            request.insert("workflow".to_owned(), json!(self.workflow));
        }
        let answer = self.ask(&Value::Object(request));
        match (answer, wanted_error) {
            (Ok(_), None) => {}
            (Ok(_), Some(wanted)) => return Err(format!("should be refused with {wanted:?}")),
            (Err(error), None) => return Err(error),
            (Err(error), Some(wanted)) if error.contains(wanted) => {}
            (Err(error), Some(wanted)) => return Err(format!("{error:?} instead of {wanted:?}")),
        }
        if op == "submit" {
            self.workflow = String::new();
        }
        self.settle()
    }

    /// `workflow` is matched against the workflow, `status` against its status, `nodes` against its
    /// nodes by name or display name, `pods` against the live pods by their nodes' names.
    fn expect(&mut self, expected: &Value) -> Result<(), String> {
        let expected = expected.as_object().ok_or("an expectation is a map")?;
        for (what, expected) in expected {
            let actual = self.actual(what, expected)?;
            matches(expected, &actual)
                .map_err(|Mismatch { path, text }| format!("{what}{path}: {text}"))?;
        }
        Ok(())
    }

    fn actual(&mut self, what: &str, expected: &Value) -> Result<Value, String> {
        if let Some(kind) = what.strip_prefix("list ") {
            return Ok(self.ask(&json!({"op": "list", "kind": kind}))?["items"].take());
        }
        let named = what.split_once(' ');
        let (what, name) = named.map_or((what, self.workflow.clone()), |(what, name)| {
            (what, name.to_owned())
        });
        if what == "pods" || what == "allPods" {
            let request = json!({"op": "pods", "all": what == "allPods"});
            let pods = self.ask(&request)?["pods"].take();
            return Ok(match expected {
                Value::Array(list) if list.iter().all(Value::is_string) => node_names(&pods),
                Value::Object(_) => by_node(&pods),
                _ => pods,
            });
        }
        let mut workflow = self.ask(&json!({"op": "get", "workflow": name}))?["workflow"].take();
        Ok(match what {
            "workflow" => workflow,
            "status" => workflow["status"].take(),
            "phase" => workflow["status"]["phase"].take(),
            "message" => workflow["status"]
                .get("message")
                .cloned()
                .unwrap_or_else(|| json!("")),
            "nodes" => nodes_by_name(&workflow["status"]["nodes"], expected),
            "nodeNames" => {
                let mut names: Vec<&str> = workflow["status"]["nodes"]
                    .as_object()
                    .into_iter()
                    .flat_map(|nodes| nodes.values())
                    .filter_map(|node| node["name"].as_str())
                    .collect();
                names.sort_unstable();
                json!(names)
            }
            other => return Err(format!("nothing is known of {other:?}")),
        })
    }
}

const NODE_NAME: &str = "workflows.argoproj.io/node-name";

/// An agent's pod works for no node.
fn node_names(pods: &Value) -> Value {
    let names = pods.as_array().into_iter().flatten();
    names
        .map(|pod| pod["metadata"]["annotations"][NODE_NAME].clone())
        .filter(|name| !name.is_null())
        .collect()
}

fn by_node(pods: &Value) -> Value {
    let mut map = Map::new();
    for pod in pods.as_array().into_iter().flatten() {
        let name = pod["metadata"]["annotations"][NODE_NAME]
            .as_str()
            .unwrap_or_default();
        map.insert(name.to_owned(), pod.clone());
    }
    Value::Object(map)
}

/// The nodes under the names by which they are expected, and under their full names.
fn nodes_by_name(nodes: &Value, expected: &Value) -> Value {
    let mut map = Map::new();
    for node in nodes
        .as_object()
        .into_iter()
        .flat_map(|nodes| nodes.values())
    {
        let display = node["displayName"].as_str().unwrap_or_default();
        if expected.get(display).is_some() && !map.contains_key(display) {
            map.insert(display.to_owned(), node.clone());
        }
        let name = node["name"].as_str().unwrap_or_default();
        map.insert(name.to_owned(), node.clone());
    }
    Value::Object(map)
}
