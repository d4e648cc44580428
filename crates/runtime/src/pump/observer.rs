//! What a pump tells of its runs.

use argosy_engine::collection::ArtifactSweep;
use argosy_engine::controller::Controller;
use argosy_engine::events::Event;
use argosy_engine::outbox::Ticket;
use argosy_engine::run::Run;

/// Is told what has been committed.
pub trait Observer {
    /// Nodes of a run have changed.
    fn changed(&mut self, run: &Run, nodes: &[u32]);

    /// A run has ended, and no pod of it is left.
    fn ended(&mut self, run: &Run);

    /// Is called at each pass of the loop, at least ten times a second.
    fn pulse(&mut self, controller: &Controller) {
        let _ = controller;
    }

    /// Something went wrong that does not end a run.
    fn trouble(&mut self, what: &str) {
        let _ = what;
    }

    /// Something is told of a run's course. After a crash it may be told again, by the same ticket.
    fn event(&mut self, event: &Event, ticket: Option<Ticket>) {
        let _ = (event, ticket);
    }

    /// Artifacts of an ended run are to be deleted: `artifactGC`. The pump deletes none itself;
    /// whoever keeps artifacts has done so when this comes back. After a crash it may be asked for
    /// again.
    fn delete_artifacts(&mut self, sweep: ArtifactSweep) {
        let _ = sweep;
    }

    /// Why pods wait; empty when none does.
    fn waiting(&mut self, why: &str) {
        let _ = why;
    }
}

/// An observer that looks at nothing.
#[derive(Debug, Default)]
pub struct NoObserver;

impl Observer for NoObserver {
    fn changed(&mut self, _run: &Run, _nodes: &[u32]) {}

    fn ended(&mut self, _run: &Run) {}
}
