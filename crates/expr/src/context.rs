//! What an evaluation is given from outside: the time, a random stream, and its budget.

use std::cell::Cell;

/// How much an evaluation may take. An expression that asks for more ends in an error of kind
/// [`Budget`](crate::ExprErrorKind::Budget).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many steps of evaluation: operations, calls, elements that a predicate looks at.
    pub steps: u64,
    /// How many bytes the values made on the way may take together.
    pub memory: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            steps: 10_000_000,
            memory: 256 << 20,
        }
    }
}

/// The time and the random stream that an evaluation sees. The same context gives the same result.
#[derive(Clone, Debug)]
pub struct EvalContext {
    /// Seconds since 1970, UTC: what `now()` gives.
    pub now_seconds: i64,
    /// The nanoseconds within that second.
    pub now_nanoseconds: u32,
    /// How much one evaluation may take.
    pub limits: Limits,
    random: Cell<u64>,
}

impl EvalContext {
    /// A context at this time, whose random stream begins at this seed.
    pub fn new(now_seconds: i64, now_nanoseconds: u32, seed: u64) -> Self {
        Self {
            now_seconds,
            now_nanoseconds,
            limits: Limits::default(),
            random: Cell::new(seed),
        }
    }

    /// The next number of the random stream (splitmix64).
    pub fn next_random(&self) -> u64 {
        let state = self.random.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.random.set(state);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A random number below `bound`, which must not be 0. Without bias that matters here:
    /// the product of 64 by 64 bits is cut, not the remainder taken.
    pub fn random_below(&self, bound: u64) -> u64 {
        ((u128::from(self.next_random()) * u128::from(bound)) >> 64) as u64
    }
}
