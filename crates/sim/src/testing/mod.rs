//! Tests of workflows: files of kind `WorkflowTest`, played in a simulated cluster with mocked steps
//! and a virtual clock. `docs/testing.md` describes them.
//!
//! Reading files and asking for the time are the caller's: it hands in the documents.

mod action;
mod check;
mod coverage;
mod file;
mod locks;
mod matching;
mod mock;
mod mock_says;
mod names;
mod observe;
mod place;
mod play;
mod put_out;
mod says;
#[cfg(test)]
mod schema;
mod snapshot;
mod span;
mod subject;

use argosy_api::{Document, FieldPath};
use serde_json::Value;

pub use coverage::{Branch, Coverage};
pub use file::{ReadTest, read_tests};
pub use place::Place;
pub use snapshot::Snapshot;

/// The JSON schema of test files, for editors.
pub const SCHEMA: &str = include_str!("schema.json");

/// Why a test can't be played.
#[derive(Debug, thiserror::Error)]
pub enum TestError {
    /// The file that it names was not handed in.
    #[error("the file {0:?} is not there")]
    NoFile(String),
    /// What is to be tested is no workflow and no template.
    #[error("there is no workflow in {0}")]
    NoWorkflow(String),
    /// The controller's configuration can't be read.
    #[error("config: {0}")]
    Config(String),
    /// The world refuses it.
    #[error(transparent)]
    World(#[from] crate::SimError),
}

/// Where the documents of the files come from that tests name.
pub trait Files: Sync {
    /// The documents of a file, by its name as it stands in the test.
    fn documents(&self, name: &str) -> Option<&[Document]>;
}

/// How a test is played.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options<'a> {
    /// What becomes of steps without a mock.
    pub unmocked: Unmocked,
    /// The namespace of a workflow that says nothing of it, if it is not `default`.
    pub namespace: Option<&'a str>,
    /// Notes which branches were taken.
    pub notes_branches: bool,
}

/// What becomes of steps without a mock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unmocked {
    /// A step without a mock succeeds with made-up outputs.
    #[default]
    Succeed,
    /// A step without a mock is a failure of the test.
    Fail,
}

/// An expectation that was not met.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// What was looked at: `nodes.B.phase`.
    pub subject: String,
    /// What was expected.
    pub expected: Value,
    /// What was there.
    pub actual: Value,
    /// Where the test says so.
    pub at: Place,
    /// Where the workflow says what was done instead: the template of the node.
    pub origin: Option<Place>,
    /// What went wrong by itself, where the workflow as a whole did.
    pub causes: Vec<Cause>,
}

/// A node that went wrong by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Cause {
    /// Its name.
    pub node: String,
    /// How it ended.
    pub phase: &'static str,
    /// Why.
    pub message: String,
    /// Where its template stands.
    pub at: Option<Place>,
}

/// What came of a test.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The test's name.
    pub name: String,
    /// Where it stands.
    pub at: Place,
    /// Why it was not played, if it was not.
    pub skipped: Option<String>,
    /// What was not as expected; none if the test passed.
    pub failures: Vec<Failure>,
    /// Virtual seconds that the workflow took.
    pub virtual_seconds: i64,
    /// Which branches were taken, if that is asked for.
    pub coverage: Coverage,
    /// What was seen, if the test names a file for it.
    pub snapshot: Option<Snapshot>,
}

impl Report {
    /// Whether all was as expected.
    pub fn passed(&self) -> bool {
        self.failures.is_empty()
    }

    /// What is told of a test that ended in a panic of this text.
    pub fn broken(read: &ReadTest, panic: &str) -> Self {
        let mut report = Self::unplayed(read);
        report.fail(read, format!("a fault of argosy's own: {panic}"));
        report
    }

    fn unplayed(read: &ReadTest) -> Self {
        Self {
            name: read.name().to_owned(),
            at: read.place(),
            skipped: read.skip().map(str::to_owned),
            failures: Vec::new(),
            virtual_seconds: 0,
            coverage: Coverage::default(),
            snapshot: None,
        }
    }

    /// The test could not be played, for this reason.
    fn fail(&mut self, read: &ReadTest, reason: String) {
        let path = FieldPath::default().field("spec").field("workflow");
        self.failures.push(Failure {
            subject: "workflow".to_owned(),
            expected: Value::from("a workflow that can be run"),
            actual: Value::from(reason),
            at: Place::of(&read.document, &path),
            origin: None,
            causes: Vec::new(),
        });
    }
}

/// Plays a test and says what came of it.
pub fn run_test(read: &ReadTest, files: &dyn Files, options: Options<'_>) -> Report {
    let mut report = Report::unplayed(read);
    if report.skipped.is_some() {
        return report;
    }
    if let Err(error) = fill(&mut report, read, files, options) {
        report.fail(read, error.to_string());
    }
    report
}

fn fill(
    report: &mut Report,
    read: &ReadTest,
    files: &dyn Files,
    options: Options<'_>,
) -> Result<(), TestError> {
    let subject = subject::gather(&read.document, &read.spec, files)?;
    let (world, id) = subject.world(options.namespace)?;
    let mut play = play::play(world, id, read, &subject, files, options.unmocked);
    report.virtual_seconds = play.virtual_seconds();
    if options.notes_branches || read.snapshot().is_some() {
        let workflow = play.world.workflow(id).unwrap_or_default();
        if options.notes_branches {
            report.coverage = coverage::coverage(&subject, &workflow.status);
        }
        report.snapshot = read.snapshot().map(|file| Snapshot {
            file: file.to_owned(),
            seen: snapshot::seen(&play, &workflow),
            differs: false,
        });
    }
    report.failures = check::obstacles(read, &subject, &play);
    report.failures.append(&mut play.failures);
    let says_phase = |layer: &file::Layer| layer.expect.phase.is_some();
    let told = read.layers.iter().any(says_phase);
    for (place, layer) in read.layers.iter().enumerate() {
        let implied = match !told && place == 0 {
            true => check::Implied::Success,
            false => check::Implied::Nothing,
        };
        let found = check::failures(read, layer, implied, &subject, &play);
        report.failures.extend(found);
    }
    if let Some(snapshot) = &mut report.snapshot {
        let found = check::against_file(read, snapshot, files);
        snapshot.differs = !found.is_empty();
        report.failures.extend(found);
    }
    Ok(())
}
