//! What is staged and collected beside the hot path.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use argosy_engine::effect::PodRequest;

use super::Shared;
use super::kept::Kept;
use super::workers::Workers;
use crate::protocol::PodState;

/// Threads that stage and collect.
const WORKERS: usize = 4;

/// Something to be done.
pub(super) enum Work {
    /// Prepare a pod and hand it to the keeper.
    Start(Box<PodRequest>),
    /// Collect the outputs of one that has ended.
    Finish(Arc<Kept>, PodState),
    /// Remove a folder that nobody needs.
    Remove(PathBuf),
}

/// The threads that stage and collect.
pub(super) fn workers() -> Workers<Work> {
    Workers::new(WORKERS)
}

impl Shared {
    /// Has a thread stage or collect something.
    pub(super) fn stage_or_collect(self: &Arc<Self>, work: Work) {
        self.hand_over(
            |shared| &shared.jobs,
            work,
            |shared, work| match work {
                Work::Start(request) => shared.start(*request),
                Work::Finish(kept, state) => shared.finish(&kept, &state),
                Work::Remove(folder) => {
                    // What can't be removed goes with the workflow.
                    let _ = fs::remove_dir_all(folder);
                }
            },
        );
    }
}
