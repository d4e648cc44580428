//! What an evaluation sees of time and chance.

use argosy_expr::EvalContext;

use super::Run;
use crate::ids::NodeIndex;

impl Run {
    /// The time of the fact, and a random stream that depends on the run, the node's place in it and
    /// the field only.
    pub(super) fn eval_context(
        &self,
        node: NodeIndex,
        incarnation: u32,
        field: &[&str],
    ) -> EvalContext {
        let uid = self.definition.workflow.metadata.uid.as_deref();
        let mut seed = Seed::default().text(uid.unwrap_or_default());
        // The place is what the node's name is made of.
        let mut above = node.some();
        while let Some(index) = above {
            let node = self.node(index);
            seed = seed.number(node.role as u32);
            seed = seed.number(node.slot).number(node.item);
            above = self.name_parent(index);
        }
        seed = seed.number(incarnation);
        let seed = field.iter().fold(seed, |seed, part| seed.text(part));
        EvalContext::new(self.now.0, 0, seed.0)
    }
}

/// FNV-1a over 64 bits.
#[derive(Clone, Copy)]
struct Seed(u64);

impl Default for Seed {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Seed {
    fn text(self, text: &str) -> Self {
        let bytes = text.bytes().map(u64::from);
        // Where it ends tells, too.
        bytes.chain([0x100]).fold(self, Self::add)
    }

    fn number(self, number: u32) -> Self {
        self.add(u64::from(number))
    }

    fn add(self, part: u64) -> Self {
        Self((self.0 ^ part).wrapping_mul(0x0000_0100_0000_01b3))
    }
}
