//! The world as JSON lines: one request a line, one answer a line. `docs/simulation.md` describes
//! it. Nothing happens by itself, and the same requests give the same answers, byte for byte.

mod act;
mod config;
mod explain;
mod pods;
mod request;
mod show;
mod submit;
mod told;
mod values;

use serde_json::{Map, Value};

use argosy_engine::ids::{RunId, Seconds};
use argosy_engine::timestamp;

use crate::objects::NAMESPACE;
use crate::world::{Diligence, Halting, SimError, World};

pub(crate) use act::act;
pub(crate) use config::read_config;
pub use request::Request;
pub(crate) use request::{Act, Verb};
pub(crate) use show::{config_maps, events, metrics};
pub(crate) use submit::override_parameters;
pub(crate) use values::Manifest;
pub(crate) use values::{Pairs, Scalar};
use values::{Span, Time};

/// What an answer holds beside `ok`.
type Answer = Map<String, Value>;

/// Why a request is refused.
#[derive(Debug, thiserror::Error)]
pub enum ProtocolError {
    /// It is no JSON, or not of a request that there is.
    #[error("cannot read the request: {0}")]
    Request(String),
    /// Something in it, or of what was to be shown, is no JSON of its kind.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// The world refuses it.
    #[error(transparent)]
    World(#[from] SimError),
    /// There is no such workflow.
    #[error("workflows.argoproj.io \"{0}\" not found")]
    NoWorkflow(String),
    /// There is no such pod.
    #[error("pods \"{0}\" not found")]
    NoPod(String),
    /// It can't be done.
    #[error("{0}")]
    Refused(String),
}

/// A conversation with one world.
pub struct Session {
    world: World,
    /// What the controller's ConfigMap says so far.
    config: serde_json::Map<String, serde_json::Value>,
    /// By how much of a second the clock is ahead: the world's moves by whole seconds.
    fraction: f64,
    /// Where objects are that say nothing of it.
    namespace: String,
}

/// A step of the clock is shorter than this, some thirty thousand years.
const MOST_SECONDS: f64 = 1e12;

impl Default for Session {
    fn default() -> Self {
        Self {
            world: World::halting(Halting::WhenTold),
            config: serde_json::Map::new(),
            fraction: 0.0,
            namespace: NAMESPACE.to_owned(),
        }
    }
}

impl Session {
    /// One in which objects are in a namespace that say nothing of it.
    pub fn in_namespace(namespace: &str) -> Self {
        Self {
            namespace: namespace.to_owned(),
            ..Self::default()
        }
    }

    /// A session whose runs look at all of their nodes in each turn, and not only at those that
    /// something has happened to. It must come to the same, which tests of the engine check.
    pub fn diligent() -> Self {
        let mut session = Self::default();
        session.world.diligence = Diligence::Diligent;
        session
    }

    /// Answers one line.
    pub fn answer(&mut self, line: &str) -> String {
        let request = explain::read(line).map_err(ProtocolError::Request);
        let answer = request.and_then(|request| self.handle(request));
        answer_line(answer)
    }

    /// The world behind it.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// Does what a request asks.
    ///
    /// # Errors
    /// If it can't be done.
    pub fn handle(&mut self, request: Request) -> Result<Answer, ProtocolError> {
        match request {
            Request::Config { set } => self.config(&set),
            Request::Apply { yaml } => self.apply(&yaml.0),
            Request::Submit {
                yaml,
                parameters,
                entrypoint,
            } => self.submit(&yaml.0, &parameters.0, entrypoint.as_deref()),
            Request::Settle { workflow } => {
                let only = workflow
                    .as_deref()
                    .map(|name| self.find(name))
                    .transpose()?;
                self.world.settle_some(only);
                Ok(Answer::new())
            }
            Request::Advance { seconds, to } => self.advance(seconds, to),
            Request::Now {} => Ok(self.now()),
            Request::Pods { workflow, all } => self.pods(workflow.as_deref(), all),
            Request::Pod(report) => self.pod(&report),
            Request::DeletePod { name, workflow } => self.delete_pod(&name, workflow.as_deref()),
            Request::EvictPod {
                name,
                workflow,
                message,
            } => self.evict_pod(&name, workflow.as_deref(), message.as_deref()),
            Request::Act(act) => act::act(&mut self.world, &act),
            Request::Get { workflow } => self.get(&workflow),
            Request::List { kind } => self.list(kind),
            Request::Facts { workflow } => self.facts(&workflow),
            Request::Why { workflow, node } => self.why(&workflow, node.as_deref()),
            Request::Crash { at } => {
                match at {
                    Some(at @ 1..) => self.world.crash_later(at),
                    Some(0) | None => self.world.crash()?,
                }
                Ok(Answer::new())
            }
        }
    }

    fn advance(
        &mut self,
        seconds: Option<Span>,
        to: Option<Time>,
    ) -> Result<Answer, ProtocolError> {
        let end = match (seconds, to) {
            (Some(Span(seconds)), None) if (0.0..MOST_SECONDS).contains(&seconds) => {
                let sum = self.fraction + seconds;
                self.fraction = sum.fract();
                self.world.now().plus(sum.trunc() as i64)
            }
            (None, Some(to)) if Seconds(to.0) >= self.world.now() => {
                self.fraction = 0.0;
                Seconds(to.0)
            }
            (Some(_), None) | (None, Some(_)) => {
                let now = timestamp::rfc3339(self.world.now());
                return Err(ProtocolError::Refused(format!(
                    "the clock does not go back, nor out of its calendar: it is {now}"
                )));
            }
            _ => {
                return Err(ProtocolError::Refused(
                    "advance takes either `seconds` or `to`".to_owned(),
                ));
            }
        };
        self.world.advance_to(end);
        Ok(self.now())
    }

    fn now(&self) -> Answer {
        let now = self.world.now();
        one("now", timestamp::rfc3339(now))
    }

    /// The run of a name.
    fn find(&self, name: &str) -> Result<RunId, ProtocolError> {
        find(&self.world, name)
    }
}

fn find(world: &World, name: &str) -> Result<RunId, ProtocolError> {
    world
        .find(name)
        .ok_or_else(|| ProtocolError::NoWorkflow(name.to_owned()))
}

/// The answer to a line that can't be read at all.
pub fn refusal(text: &str) -> String {
    answer_line(Err(ProtocolError::Request(text.to_owned())))
}

/// An answer that holds one thing.
fn one(key: &str, value: impl Into<Value>) -> Answer {
    Answer::from_iter([(key.to_owned(), value.into())])
}

/// An answer as its line.
pub fn answer_line(answer: Result<Answer, ProtocolError>) -> String {
    let object = match answer {
        Ok(mut answer) => {
            answer.insert("ok".to_owned(), Value::Bool(true));
            answer
        }
        Err(error) => one("error", error.to_string()),
    };
    Value::Object(object).to_string()
}
