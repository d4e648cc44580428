//! What a turn asks to be done at last, as it is stored with the turn.
//!
//! An effect that nothing else tells of is lost if the program dies after the commit and before it
//! is carried out. So such effects are written beside the rows, in the same transaction, and taken
//! out once they have been carried out; after a crash whoever takes the run over carries out what
//! still stands there, before the run's first turn. An effect may thus be carried out twice:
//! deleting twice and saving twice do no harm, and what would is told apart by its [`Ticket`].

use crate::effect::Effect;
use crate::ids::RunId;

/// The first byte of every entry.
const VERSION: u8 = 1;

/// Names one effect of an outbox, for ever: who sees the same ticket again has been here before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket {
    /// The run.
    pub run: RunId,
    /// The entry.
    pub number: u64,
    /// The effect's place among those of its entry.
    pub place: u32,
}

/// Why an entry can't be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutboxError {
    /// It was written by another version of the program.
    #[error("the entry of the outbox has version {0}; this program reads version {VERSION}")]
    Version(u8),
    /// It is not whole.
    #[error("the entry of the outbox is damaged: {0}")]
    Damaged(String),
}

/// The effects of a turn that are kept, as a row; `None` if there are none.
pub fn encode(effects: &[Effect]) -> Option<Vec<u8>> {
    let kept: Vec<&Effect> = effects.iter().filter(|effect| effect.is_kept()).collect();
    if kept.is_empty() {
        return None;
    }
    let mut entry = vec![VERSION];
    // Only variants without a stored form could fail, and those are not kept.
    serde_json::to_writer(&mut entry, &kept).ok()?;
    Some(entry)
}

/// Reads a row: the effects with their places.
///
/// # Errors
/// If it is of another version or damaged.
pub fn decode(entry: &[u8]) -> Result<Vec<Effect>, OutboxError> {
    let Some((&version, rest)) = entry.split_first() else {
        return Err(OutboxError::Damaged("it is empty".to_owned()));
    };
    if version != VERSION {
        return Err(OutboxError::Version(version));
    }
    serde_json::from_slice(rest).map_err(|error| OutboxError::Damaged(error.to_string()))
}

/// Gives each effect of a turn that is kept the ticket that it has in the entry of this number.
pub fn with_tickets(
    run: RunId,
    number: Option<u64>,
    effects: Vec<Effect>,
) -> impl Iterator<Item = (Effect, Option<Ticket>)> {
    let mut place = 0;
    effects.into_iter().map(move |effect| {
        let number = number.filter(|_| effect.is_kept());
        let ticket = number.map(|number| {
            place += 1;
            Ticket {
                run,
                number,
                place: place - 1,
            }
        });
        (effect, ticket)
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::collection::{ArtifactSweep, SweepTime};
    use crate::events::Event;
    use crate::ids::{NodeIndex, PodKey, Seconds};

    fn effects() -> Vec<Effect> {
        let run = RunId(7);
        let pod = PodKey {
            run,
            node: NodeIndex(3),
            incarnation: 1,
        };
        vec![
            Effect::DeletePod {
                pod,
                name: "p".into(),
                at: Seconds(9),
            },
            Effect::DropClaim {
                run,
                name: "c".into(),
            },
            Effect::DropBudget {
                run,
                name: "b".into(),
            },
            Effect::Event(Box::new(Event {
                run,
                pod: Some("p".into()),
                warning: true,
                reason: "R".into(),
                message: "m".into(),
                annotations: vec![("key".into(), "value".into())],
            })),
            Effect::DeleteArtifacts(Box::new(ArtifactSweep {
                run,
                strategy: SweepTime::OnWorkflowCompletion,
                force: true,
                groups: Vec::new(),
            })),
            Effect::SaveCache {
                run,
                cache: Arc::from("c"),
                key: Arc::from("k"),
                entry: Arc::from("{}"),
            },
            Effect::RunEnded,
        ]
    }

    #[test]
    fn what_is_kept_comes_back_as_it_was() {
        let effects = effects();
        assert!(effects.iter().all(Effect::is_kept));
        let entry = encode(&effects).expect("something is kept");
        assert_eq!(decode(&entry), Ok(effects));
    }

    #[test]
    fn a_turn_that_asks_for_nothing_lasting_has_no_entry() {
        let pod = PodKey {
            run: RunId(1),
            node: NodeIndex(0),
            incarnation: 0,
        };
        assert_eq!(encode(&[Effect::ForgetPod { pod }]), None);
    }

    #[test]
    fn tickets_are_the_same_the_second_time() {
        let pod = PodKey {
            run: RunId(7),
            node: NodeIndex(0),
            incarnation: 0,
        };
        let mut told = effects();
        told.insert(2, Effect::ForgetPod { pod });
        let entry = encode(&told).expect("something is kept");
        let again = decode(&entry).expect("readable");
        let kept = |effects| -> Vec<_> {
            with_tickets(RunId(7), Some(4), effects)
                .filter(|(_, ticket)| ticket.is_some())
                .collect()
        };
        assert_eq!(kept(told), kept(again));
    }

    #[test]
    fn entries_that_can_t_be_read_say_why() {
        for (entry, expected) in [
            (&b""[..], "the entry of the outbox is damaged: it is empty"),
            (
                b"\x09[]",
                "the entry of the outbox has version 9; this program reads version 1",
            ),
        ] {
            let error = decode(entry).expect_err("unreadable").to_string();
            assert_eq!(error, expected);
        }
        assert!(matches!(decode(b"\x01{"), Err(OutboxError::Damaged(_))));
    }
}
