//! Tests of workflows: files of kind `WorkflowTest`, played in a simulated cluster with mocked steps
//! and a virtual clock. `docs/testing.md` describes them.
//!
//! Reading files and asking for the time are the caller's: it hands in the documents.

mod check;
mod coverage;
mod file;
mod matching;
mod mock;
mod observe;
mod place;
mod play;
mod snapshot;
mod subject;

use argosy_api::{Document, FieldPath};
use serde_json::Value;

pub use coverage::{Branch, Coverage};
pub use file::{ReadTest, read_tests};
pub use place::Place;
pub use snapshot::Snapshot;

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
pub struct Options {
    /// What becomes of steps without a mock.
    pub unmocked: Unmocked,
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
}

/// What came of a test.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The test's name.
    pub name: String,
    /// Where it stands.
    pub at: Place,
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
}

/// Plays a test and says what came of it.
pub fn run_test(read: &ReadTest, files: &dyn Files, options: Options) -> Report {
    let mut report = Report {
        name: read.name().to_owned(),
        at: Place::of(&read.document, &FieldPath::default()),
        failures: Vec::new(),
        virtual_seconds: 0,
        coverage: Coverage::default(),
        snapshot: None,
    };
    if let Err(error) = fill(&mut report, read, files, options) {
        let path = FieldPath::default().field("spec").field("workflow");
        report.failures.push(Failure {
            subject: "workflow".to_owned(),
            expected: Value::from("a workflow that can be run"),
            actual: Value::from(error.to_string()),
            at: Place::of(&read.document, &path),
            origin: None,
        });
    }
    report
}

fn fill(
    report: &mut Report,
    read: &ReadTest,
    files: &dyn Files,
    options: Options,
) -> Result<(), TestError> {
    let subject = subject::gather(&read.document, &read.test.spec, files)?;
    let (world, id) = subject.world()?;
    let play = play::play(world, id, &read.mocks, &subject, options.unmocked);
    let status = play.world.workflow(id).unwrap_or_default().status;
    report.virtual_seconds = play.virtual_seconds;
    if options.notes_branches {
        report.coverage = coverage::coverage(&subject, &status);
    }
    let expected = &read.test.spec.expect.snapshot;
    report.snapshot = expected.as_ref().map(|file| Snapshot {
        file: file.clone(),
        seen: snapshot::seen(&play, &status),
        differs: false,
    });
    report.failures = check::failures(&read.document, &read.test, &subject, &play, status);
    if let Some(snapshot) = &mut report.snapshot {
        let found = check::against_file(&read.document, snapshot, files);
        snapshot.differs = !found.is_empty();
        report.failures.extend(found);
    }
    Ok(())
}
