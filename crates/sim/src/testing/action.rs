//! What somebody does while a workflow is played, or after it.

use argosy_api::FieldPath;
use argosy_engine::ids::Seconds;
use argosy_engine::run::Run;
use serde_json::Value;

use super::says::{ActionSays, Expect};
use super::span::{Span, seconds};
use crate::protocol::{Act, Manifest, Verb};

/// When something is done.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Moment {
    /// So long after the workflow began, and after all that ends in that second.
    At(Span),
    /// When the workflow has ended.
    End,
    /// When a node of this name has begun.
    Begun(String),
    /// When all nodes of this name have ended.
    Ended(String),
}

/// Something that is done, or looked at, in between.
#[derive(Clone, Debug)]
pub(super) struct Action {
    pub moment: Moment,
    /// What is done; nothing if it is only looked at.
    act: Option<Act>,
    /// A file of templates, by its name, or an object that has some.
    template_from: Option<Value>,
    /// A part of the text with which it is refused.
    pub refused: Option<String>,
    /// What is to be seen just before.
    pub expect: Option<Expect>,
    pub path: FieldPath,
}

impl Action {
    pub fn new(says: &ActionSays, path: FieldPath) -> Result<Self, String> {
        let at = says.at.as_ref().map(|text| match text.0.as_str() {
            "end" => Ok(Moment::End),
            text => seconds(text).map(|at| Moment::At(Span(at))).ok_or_else(|| {
                format!("at: {text:?} is neither a duration such as 90 or 1m30s nor `end`")
            }),
        });
        let begun = says.begun.clone().map(|node| Ok(Moment::Begun(node)));
        let ended = says.ended.clone().map(|node| Ok(Moment::Ended(node)));
        let mut moments = at.into_iter().chain(begun).chain(ended);
        let (Some(moment), None) = (moments.next(), moments.next()) else {
            return Err("an action has one of `at`, `begun` and `ended`".to_owned());
        };
        if says.act.is_none() && says.expect.is_none() {
            return Err("an action has an `act` or an `expect`".to_owned());
        }
        if says.act.is_none()
            && let Some(field) = of_an_act(says)
        {
            return Err(format!("`{field}` is for an action that has an `act`"));
        }
        let verb = says.act.as_deref().map(verb).transpose()?;
        if says
            .expect
            .as_ref()
            .is_some_and(|expect| expect.snapshot.is_some())
        {
            return Err("a snapshot is of the whole test, not of an action".to_owned());
        }
        let act = verb.map(|verb| Act {
            verb,
            workflow: String::new(),
            selector: says.selector.clone(),
            message: says.message.clone(),
            phase: says.phase.clone(),
            output_parameters: says.output_parameters.clone(),
            parameters: says.parameters.clone(),
            restart_successful: says.restart_successful,
            memoized: false,
            from: says.from.clone(),
            template_from: None,
        });
        Ok(Self {
            moment: moment?,
            act,
            template_from: says.template_from.clone(),
            refused: says.refused.clone(),
            expect: says.expect.clone(),
            path,
        })
    }

    /// The file of templates that it names.
    pub fn file(&self) -> Option<&str> {
        self.template_from.as_ref()?.as_str()
    }

    /// Whether it lets steps go on that wait for somebody.
    pub fn answers(&self) -> bool {
        let verb = self.act.as_ref().map(|act| act.verb);
        matches!(verb, Some(Verb::Resume | Verb::Set))
    }

    /// What is asked of a workflow of this name, and namespace with a slash before it.
    pub fn act(&self, workflow: String, documents: Option<Vec<Value>>) -> Option<Act> {
        let mut act = self.act.clone()?;
        act.workflow = workflow;
        let objects = documents.or_else(|| Some(vec![self.template_from.clone()?]));
        let texts = objects.map(|objects| {
            let texts: Vec<String> = objects.iter().map(Value::to_string).collect();
            Manifest(texts.join("\n---\n"))
        });
        act.template_from = texts;
        Some(act)
    }

    /// When it is done by the clock, if it is.
    pub fn due(&self, began: Seconds) -> Option<Seconds> {
        match self.moment {
            Moment::At(Span(seconds)) => Some(began.plus(seconds)),
            Moment::End | Moment::Begun(_) | Moment::Ended(_) => None,
        }
    }

    /// Whether the state of the run says that it is time.
    pub fn is_called_for(&self, run: &Run) -> bool {
        let phases = |name: &str| -> Vec<argosy_api::NodePhase> {
            let nodes = run.find_nodes(name);
            let glances = nodes.into_iter().filter_map(|index| run.glance(index.0));
            glances.map(|glance| glance.phase).collect()
        };
        match &self.moment {
            Moment::At(_) => false,
            Moment::End => run.is_over(),
            Moment::Begun(name) => phases(name)
                .iter()
                .any(|phase| *phase != argosy_api::NodePhase::Pending),
            Moment::Ended(name) => {
                let phases = phases(name);
                !phases.is_empty() && phases.iter().all(|phase| phase.is_fulfilled())
            }
        }
    }

    /// The moment in words.
    pub fn when(&self) -> String {
        match &self.moment {
            Moment::At(Span(seconds)) => format!("{seconds} seconds after the workflow began"),
            Moment::End => "at the end".to_owned(),
            Moment::Begun(node) => format!("when {node} has begun"),
            Moment::Ended(node) => format!("when {node} has ended"),
        }
    }
}

/// A field that says how something is done.
fn of_an_act(says: &ActionSays) -> Option<&'static str> {
    let said = [
        ("selector", says.selector.is_some()),
        ("message", says.message.is_some()),
        ("phase", says.phase.is_some()),
        ("outputParameters", !says.output_parameters.0.is_empty()),
        ("parameters", !says.parameters.0.is_empty()),
        ("restartSuccessful", says.restart_successful),
        ("from", says.from.is_some()),
        ("templateFrom", says.template_from.is_some()),
        ("refused", says.refused.is_some()),
    ];
    let found = said.into_iter().find(|(_, said)| *said);
    found.map(|(field, _)| field)
}

/// What can be done to the workflow of a test: to that one, which stays.
fn verb(word: &str) -> Result<Verb, String> {
    let mut verbs = Verb::ALL.into_iter();
    let known = || {
        let verbs = Verb::ALL.into_iter();
        verbs.filter(|verb| !matches!(verb, Verb::Resubmit | Verb::Delete))
    };
    let meant = verbs.find(|verb| verb.word() == word);
    meant
        .filter(|verb| known().any(|known| known == *verb))
        .ok_or_else(|| {
            let words: Vec<&str> = known().map(Verb::word).collect();
            format!("act: expected {}, not {word:?}", words.join(", "))
        })
}
