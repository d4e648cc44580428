//! What other processes ask of a run, waiting until the run's owner has taken it up.

use std::fmt;

use argosy_engine::ids::RunId;

/// The number of a waiting command: what `Commit::consumed_commands` holds. Numbers rise, and are
/// never reused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandId(pub u64);

/// A command that no commit has consumed yet.
#[derive(Clone, PartialEq, Eq)]
pub struct CommandRow {
    /// Its number.
    pub id: CommandId,
    /// The run that it is for.
    pub run: RunId,
    /// The command as it was pushed.
    pub command: Vec<u8>,
}

impl fmt::Debug for CommandRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A command may carry parameter values, which are nobody's business in a log.
        f.debug_struct("CommandRow")
            .field("id", &self.id)
            .field("run", &self.run)
            .finish_non_exhaustive()
    }
}
