//! Does what a test does to a workflow while it runs.

use argosy_api::Document;
use argosy_engine::ids::Seconds;

use super::Player;
use crate::protocol;
use crate::testing::action::{Action, Moment};
use crate::testing::check::{self, Implied};
use crate::testing::file::Layer;

impl Player<'_> {
    /// When the next action is due by the clock.
    pub(super) fn next_action(&self) -> Option<Seconds> {
        self.actions.first()?.due(self.play.began)
    }

    /// Does the next action if the state of the workflow says that it is time; says whether it did.
    pub(super) fn act_if_called_for(&mut self) -> bool {
        let run = self.play.world.run(self.play.run);
        let called = match (self.actions.first(), run) {
            (Some(action), Some(run)) => action.is_called_for(run),
            // A workflow that was refused has ended.
            (Some(action), None) => action.moment == Moment::End,
            (None, _) => false,
        };
        if called {
            self.act();
        }
        called
    }

    /// Does the next action if it is due by the clock; says whether it was.
    pub(super) fn act_if_due(&mut self) -> bool {
        let now = self.play.world.now();
        let due = self.next_action().is_some_and(|at| at <= now);
        if due {
            self.act();
        }
        due
    }

    /// Does the next action.
    pub(super) fn act(&mut self) {
        let Some((action, left)) = self.actions.split_first() else {
            return;
        };
        self.actions = left;
        self.check_before(action);
        let documents = match action.file() {
            None => None,
            Some(file) => {
                let Some(documents) = self.files.documents(file) else {
                    let text = format!("the file {file:?} is not there");
                    self.hinder(text, None, Some(action.path.clone()));
                    return;
                };
                Some(documents.iter().map(Document::to_json).collect())
            }
        };
        let (namespace, name) = self.play.world.place_of(self.play.run);
        let Some(act) = action.act(format!("{namespace}/{name}"), documents) else {
            return;
        };
        let refused = protocol::act(&mut self.play.world, &act).err();
        self.check_refusal(action, refused.map(|error| error.to_string()));
        // What runs again waits again.
        let run = self.play.world.run(self.play.run);
        self.seen_suspended.retain(|&index| {
            run.and_then(|run| run.glance(index))
                .is_some_and(|glance| !glance.phase.is_fulfilled())
        });
    }

    /// Checks what an action expects of the workflow before it is done.
    fn check_before(&mut self, action: &Action) {
        let Some(expect) = &action.expect else {
            return;
        };
        let layer = Layer {
            path: action.path.clone().field("expect"),
            expect: expect.clone(),
        };
        let implied = Implied::Nothing;
        let found = check::failures(self.test, &layer, implied, self.subject, &self.play);
        self.play.failures.extend(found);
    }

    fn check_refusal(&mut self, action: &Action, refused: Option<String>) {
        let text = match (&action.refused, refused) {
            (None, None) => return,
            (Some(part), Some(text)) if text.contains(part) => return,
            (_, Some(text)) => format!("it is refused: {text}"),
            (Some(_), None) => "it is not refused".to_owned(),
        };
        self.hinder(text, None, Some(action.path.clone()));
    }
}
