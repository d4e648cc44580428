//! How several owners in one data directory share the machine's slots.
//!
//! An owner takes slots in batches and gives them back as its steps end. Nobody is made to give any
//! back. Who holds his fair share or more gets nothing new while another owner waits below his, so
//! the shares even out as steps end.

use std::fmt;

/// Names one owner: a runner together with its keeper. Unique within a data directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OwnerId(pub(crate) String);

impl OwnerId {
    /// The id as text, to be handed to another process.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id from its text. `None` if it can't be one: it names a lock file, so nothing but
    /// letters, digits and dashes is taken.
    pub fn parse(text: &str) -> Option<Self> {
        let well_formed = !text.is_empty()
            && text.len() <= 64
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        well_formed.then(|| Self(text.to_owned()))
    }
}

impl fmt::Display for OwnerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The slots of one owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotOwner {
    /// The owner.
    pub id: OwnerId,
    /// The process that registered it.
    pub process: u32,
    /// Slots that it holds.
    pub held: u32,
    /// Slots that it asked for last and did not get.
    pub wanted: u32,
}

/// Who holds how many slots.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SlotsStatus {
    /// How many there are.
    pub total: u32,
    /// The owners.
    pub owners: Vec<SlotOwner>,
}

impl SlotsStatus {
    /// Slots that nobody holds.
    pub fn free(&self) -> u32 {
        let held: u32 = self.owners.iter().map(|owner| owner.held).sum();
        self.total.saturating_sub(held)
    }

    /// What each owner that holds or wants slots may have while others wait; rounded up, so that
    /// no slot lies idle.
    pub fn share(&self) -> u32 {
        let contenders = self
            .owners
            .iter()
            .filter(|owner| owner.held > 0 || owner.wanted > 0)
            .count();
        let contenders = u32::try_from(contenders).unwrap_or(u32::MAX).max(1);
        self.total.div_ceil(contenders).max(1)
    }

    /// Owners that want slots and have less than their share.
    pub fn waiting(&self) -> impl Iterator<Item = &SlotOwner> {
        let share = self.share();
        self.owners
            .iter()
            .filter(move |owner| owner.wanted > 0 && owner.held < share)
    }

    /// Gives `owner` as many of the slots that it wants as are free and fair. `None` if there is no
    /// such owner.
    pub(crate) fn grant(&mut self, owner: &OwnerId, want: u32) -> Option<SlotGrant> {
        let place = self.owners.iter().position(|other| other.id == *owner)?;
        self.owners[place].wanted = want;
        let contended = self.waiting().any(|other| other.id != *owner);
        let allowed = if contended {
            self.share().saturating_sub(self.owners[place].held)
        } else {
            u32::MAX
        };
        let granted = want.min(self.free()).min(allowed);
        let mine = &mut self.owners[place];
        mine.held += granted;
        mine.wanted = want - granted;
        Some(SlotGrant { granted, contended })
    }
}

/// What came of asking for slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotGrant {
    /// Slots that the asker holds now in addition.
    pub granted: u32,
    /// Another owner waits below its share: slots that the asker does not use go back.
    pub contended: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(total: u32, owners: &[(&str, u32, u32)]) -> SlotsStatus {
        let owners = owners
            .iter()
            .map(|&(id, held, wanted)| SlotOwner {
                id: OwnerId(id.to_owned()),
                process: 1,
                held,
                wanted,
            })
            .collect();
        SlotsStatus { total, owners }
    }

    #[test]
    fn grants() {
        // total, owners as (name, held, wanted), who asks, for how many, granted, contended
        type Case = (
            u32,
            &'static [(&'static str, u32, u32)],
            &'static str,
            u32,
            u32,
            bool,
        );
        let cases: &[Case] = &[
            (8, &[("a", 0, 0)], "a", 3, 3, false),
            (8, &[("a", 0, 0)], "a", 30, 8, false),
            (8, &[("a", 6, 0)], "a", 30, 2, false),
            (0, &[("a", 0, 0)], "a", 1, 0, false),
            // The newcomer waits while the first holds all, and then gets what comes free.
            (8, &[("a", 8, 0), ("b", 0, 0)], "b", 8, 0, false),
            (8, &[("a", 6, 9), ("b", 0, 8)], "b", 8, 2, false),
            (8, &[("a", 6, 9), ("b", 0, 8)], "a", 9, 0, true),
            // Both at their share: what is free goes to who asks.
            (8, &[("a", 4, 9), ("b", 4, 8)], "a", 9, 0, false),
            (9, &[("a", 4, 9), ("b", 4, 8)], "a", 9, 1, true),
            // More owners than slots: one each.
            (2, &[("a", 1, 1), ("b", 0, 1), ("c", 0, 1)], "a", 1, 0, true),
            (2, &[("a", 1, 1), ("b", 0, 1), ("c", 0, 1)], "b", 1, 1, true),
            // Asking for nothing ends the waiting.
            (8, &[("a", 2, 9)], "a", 0, 0, false),
            // Fewer slots than are held: nothing free, nothing negative.
            (2, &[("a", 5, 0)], "a", 1, 0, false),
        ];
        for (number, (total, owners, who, want, granted, contended)) in cases.iter().enumerate() {
            let mut slots = status(*total, owners);
            let held_before: u32 = slots.owners.iter().map(|owner| owner.held).sum();
            let grant = slots.grant(&OwnerId((*who).to_owned()), *want);
            assert_eq!(
                grant,
                Some(SlotGrant {
                    granted: *granted,
                    contended: *contended
                }),
                "case {number}: {owners:?}"
            );
            let held: u32 = slots.owners.iter().map(|owner| owner.held).sum();
            assert!(
                held <= (*total).max(held_before),
                "case {number}: more slots held than there are"
            );
        }
        assert_eq!(status(8, &[]).grant(&OwnerId("a".to_owned()), 1), None);
    }

    #[test]
    fn owner_ids_name_no_other_file() {
        for (text, fine) in [
            ("4711-18c2f3a9", true),
            ("", false),
            ("../x", false),
            ("a/b", false),
            ("a.b", false),
        ] {
            assert_eq!(OwnerId::parse(text).is_some(), fine, "{text:?}");
        }
    }
}
