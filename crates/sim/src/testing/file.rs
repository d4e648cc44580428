//! Reads test files.

use std::sync::Arc;

use argosy_api::{Diagnostic, Document, FieldPath, Strictness, nearest, read_typed};
use serde_json::Value;

use super::Place;
use super::action::Action;
use super::matching;
use super::mock::Mock;
use super::observe;
use super::says::{Arguments, Case, Expect, Spec, Test};
use crate::protocol::read_config;

/// The version of the format.
const API_VERSION: &str = "argosy.dev/v1alpha1";

/// The kind of a test.
const KIND: &str = "WorkflowTest";

/// Expectations, and where they stand.
#[derive(Clone, Debug)]
pub(super) struct Layer {
    pub path: FieldPath,
    pub expect: Expect,
}

/// A test and the document that it was read from.
#[derive(Clone, Debug)]
pub struct ReadTest {
    pub(super) document: Arc<Document>,
    pub(super) name: String,
    /// Where in the document it stands.
    pub(super) path: FieldPath,
    pub(super) spec: Spec,
    pub(super) mocks: Vec<Mock>,
    pub(super) actions: Vec<Action>,
    /// What is expected at the end.
    pub(super) layers: Vec<Layer>,
}

impl ReadTest {
    /// The test's name; that of a case stands behind that of its test.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file that the test stands in.
    pub fn file(&self) -> &str {
        self.document.source_name()
    }

    /// Where it stands.
    pub fn place(&self) -> Place {
        Place::of(&self.document, &self.path)
    }

    /// Why the test is not to be played.
    pub fn skip(&self) -> Option<&str> {
        self.spec.skip.as_deref()
    }

    /// The files or folders of objects that the test names.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        let workflow = self.spec.workflow.as_str();
        let workflow = workflow.map(|name| split_name(name).0);
        let further = self.spec.files.iter().map(String::as_str);
        let revisions = self.actions.iter().filter_map(Action::file);
        workflow.into_iter().chain(further).chain(revisions)
    }

    /// Where it names the file of its snapshot.
    pub(super) fn path_of_snapshot(&self) -> FieldPath {
        let layer = self
            .layers
            .iter()
            .find(|layer| layer.expect.snapshot.is_some());
        let path = layer.map_or(&self.path, |layer| &layer.path);
        path.clone().field("snapshot")
    }

    /// Whether anything is expected of locks.
    pub(super) fn looks_at_locks(&self) -> bool {
        let layers = self.layers.iter().map(|layer| &layer.expect);
        let actions = self
            .actions
            .iter()
            .filter_map(|action| action.expect.as_ref());
        layers.chain(actions).any(|expect| !expect.locks.is_empty())
    }

    /// The file of its snapshot.
    pub fn snapshot(&self) -> Option<&str> {
        let mut layers = self.layers.iter();
        layers.find_map(|layer| layer.expect.snapshot.as_deref())
    }
}

/// The name of a file, and that of an object in it.
pub(super) fn split_name(name: &str) -> (&str, Option<&str>) {
    match name.rsplit_once('#') {
        Some((file, object)) if !file.is_empty() => (file, Some(object)),
        _ => (name, None),
    }
}

/// The tests in the documents of a file. Documents of other kinds are faults.
pub fn read_tests(documents: Vec<Document>) -> (Vec<ReadTest>, Vec<Diagnostic>) {
    let mut tests = Vec::new();
    let mut faults = Vec::new();
    for document in documents {
        let document = Arc::new(document);
        let mut reader = Reader::default();
        let found = reader.read(&document);
        match reader.faults.is_empty() {
            true => tests.extend(found),
            false => faults.extend(reader.faults.into_iter().map(|fault| document.place(fault))),
        }
    }
    (tests, faults)
}

#[derive(Default)]
struct Reader {
    faults: Vec<Diagnostic>,
}

impl Reader {
    fn fault(&mut self, path: FieldPath, text: impl Into<String>) {
        let fault = Diagnostic::error("workflow-test", path, text);
        self.faults.push(fault);
    }

    fn read(&mut self, document: &Arc<Document>) -> Vec<ReadTest> {
        let (test, faults) = read_typed::<Test>(document, Strictness::Strict);
        self.faults
            .extend(faults.into_iter().filter(Diagnostic::is_error));
        let Some(Test {
            api_version,
            kind,
            metadata,
            mut spec,
        }) = test
        else {
            return Vec::new();
        };
        let root = FieldPath::default;
        if api_version != API_VERSION {
            self.fault(
                root().field("apiVersion"),
                format!("expected {API_VERSION}"),
            );
        }
        if kind != KIND {
            self.fault(root().field("kind"), format!("expected {KIND}"));
        }
        if metadata.name.is_empty() {
            self.fault(root().field("metadata"), "the test needs a name");
        }
        if !spec.workflow.is_string() && !spec.workflow.is_object() {
            let text = "`workflow` is the name of a file, or the object itself";
            self.fault(root().field("spec"), text);
        }
        let path = root().field("spec");
        let cases = std::mem::take(&mut spec.cases);
        let whole = self.test(document, metadata.name, path.clone(), spec);
        if cases.is_empty() {
            return vec![whole];
        }
        if whole.spec.expect.snapshot.is_some() {
            let path = path.clone().field("expect").field("snapshot");
            self.fault(path, "each case has its own snapshot: name it there");
        }
        let path = path.field("cases");
        let mut tests: Vec<ReadTest> = Vec::new();
        for (place, case) in cases.into_iter().enumerate() {
            let path = path.clone().index(place);
            if case.name.is_empty() {
                self.fault(path.clone(), "the case needs a name");
            }
            let test = self.case(&whole, path.clone(), case);
            if tests.iter().any(|known| known.name == test.name) {
                self.fault(path.field("name"), "another case has this name");
            }
            tests.push(test);
        }
        tests
    }

    fn test(
        &mut self,
        document: &Arc<Document>,
        name: String,
        path: FieldPath,
        spec: Spec,
    ) -> ReadTest {
        self.config(&path, &spec);
        let layer = Layer {
            path: path.clone().field("expect"),
            expect: spec.expect.clone(),
        };
        self.expectations(document, &layer.path);
        ReadTest {
            mocks: self.mocks(&path, &spec),
            actions: self.actions(document, &path, &spec),
            layers: vec![layer],
            document: document.clone(),
            name,
            path: FieldPath::default(),
            spec,
        }
    }

    /// A case of a test: what the test says, and what the case says more.
    fn case(&mut self, whole: &ReadTest, path: FieldPath, case: Case) -> ReadTest {
        let name = format!("{}: {}", whole.name, case.name);
        let mut config = whole.spec.config.clone();
        config.extend(case.config);
        let spec = Spec {
            config,
            entrypoint: case.entrypoint.or(whole.spec.entrypoint.clone()),
            arguments: together(&whole.spec.arguments, case.arguments),
            mocks: case.mocks,
            actions: case.actions,
            expect: case.expect,
            skip: case.skip.or(whole.spec.skip.clone()),
            ..whole.spec.clone()
        };
        let mut test = self.test(&whole.document, name, path.clone(), spec);
        test.path = path;
        test.mocks.extend(whole.mocks.iter().cloned());
        test.actions.splice(..0, whole.actions.iter().cloned());
        test.layers.splice(..0, whole.layers.iter().cloned());
        test
    }

    fn config(&mut self, path: &FieldPath, spec: &Spec) {
        if let Err(text) = read_config(&spec.config) {
            self.fault(path.clone().field("config"), text);
        }
    }

    fn mocks(&mut self, path: &FieldPath, spec: &Spec) -> Vec<Mock> {
        let mut mocks = Vec::new();
        for (place, says) in spec.mocks.iter().enumerate() {
            let path = path.clone().field("mocks").index(place);
            match Mock::new(says, path.clone()) {
                Ok(mock) => mocks.push(mock),
                Err(text) => self.fault(path, text),
            }
        }
        mocks
    }

    fn actions(&mut self, document: &Document, path: &FieldPath, spec: &Spec) -> Vec<Action> {
        let mut actions = Vec::new();
        for (place, says) in spec.actions.iter().enumerate() {
            let path = path.clone().field("actions").index(place);
            match Action::new(says, path.clone()) {
                Ok(action) => actions.push(action),
                Err(text) => self.fault(path.clone(), text),
            }
            if says.expect.is_some() {
                self.expectations(document, &path.field("expect"));
            }
        }
        actions
    }

    /// Looks for operators that there are not.
    fn expectations(&mut self, document: &Document, path: &FieldPath) {
        let whole = document.to_json();
        let mut value = &whole;
        for segment in path.segments() {
            value = match segment {
                argosy_api::Segment::Field(name) => &value[&**name],
                argosy_api::Segment::Index(index) => &value[*index],
            };
        }
        let mut found = Vec::new();
        matching::faults(path, value, &mut found);
        for (path, text) in found {
            self.fault(path, text);
        }
        for (field, known) in [
            ("nodes", &observe::NODE_FIELDS[..]),
            ("pods", &observe::POD_FIELDS),
            ("locks", &observe::LOCK_FIELDS),
        ] {
            let things = value[field].as_object().into_iter().flatten();
            for (name, thing) in things {
                let path = path.clone().field(field).field(name.clone());
                self.known_fields(&path, thing, known);
                let outputs = &thing["outputs"];
                self.known_fields(&path.field("outputs"), outputs, &observe::OUTPUT_FIELDS);
            }
        }
        let outputs = &value["outputs"];
        self.known_fields(
            &path.clone().field("outputs"),
            outputs,
            &observe::OUTPUT_FIELDS,
        );
    }

    /// Refuses fields that what is looked at never has.
    fn known_fields(&mut self, path: &FieldPath, expected: &Value, known: &[&str]) {
        let fields = expected.as_object().into_iter().flatten();
        for (name, _) in fields.filter(|(name, _)| !name.starts_with('$')) {
            if !known.contains(&name.as_str()) {
                let meant = nearest(name, known.iter().copied());
                let meant =
                    meant.map_or_else(String::new, |near| format!(", did you mean {near:?}?"));
                let path = path.clone().field(name.clone());
                let text = format!("unknown field {:?}{meant}", path.to_string());
                self.fault(path, text);
            }
        }
    }
}

/// Arguments with others over them.
fn together(under: &Arguments, over: Arguments) -> Arguments {
    let mut all = over;
    for (name, value) in &under.parameters.0 {
        if !all.parameters.0.iter().any(|(known, _)| known == name) {
            all.parameters.0.push((name.clone(), value.clone()));
        }
    }
    for artifact in &under.artifacts {
        if !all
            .artifacts
            .iter()
            .any(|known| known.name == artifact.name)
        {
            all.artifacts.push(artifact.clone());
        }
    }
    all
}
