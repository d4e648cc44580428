//! `argosy sim`: a simulated cluster, driven by JSON lines on the standard input.

use std::io::{BufRead, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use anyhow::{Context, Result};
use argosy_sim::protocol::{Session, refusal};

use crate::options::Global;

/// The longest line that is read, in bytes.
const MOST_BYTES: u64 = 64 << 20;

/// Answers each line of the standard input with one line.
pub fn run(global: &Global) -> Result<()> {
    let mut world = Guarded::of(Session::in_namespace(&global.namespace));
    let mut out = std::io::stdout().lock();
    let mut input = std::io::stdin().lock();
    let mut line = Vec::new();
    loop {
        line.clear();
        let mut bounded = (&mut input).take(MOST_BYTES);
        let read = bounded.read_until(b'\n', &mut line);
        if read.context("cannot read the requests")? == 0 {
            return Ok(());
        }
        let answer = if line.len() as u64 == MOST_BYTES && line.last() != Some(&b'\n') {
            input
                .skip_until(b'\n')
                .context("cannot read the requests")?;
            refusal(&format!("the line is longer than {} MiB", MOST_BYTES >> 20))
        } else {
            match std::str::from_utf8(&line) {
                Ok(line) => world.answer(|session| session.answer(line)),
                Err(error) => refusal(&format!("the line is no UTF-8: {error}")),
            }
        };
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
}

/// A session that answers whatever happens in it: also where a fault of the program's own has broken
/// its world, each line has its answer, and nothing is told of what may be wrong.
struct Guarded<T> {
    session: T,
    /// What broke it.
    broken: Option<String>,
}

impl<T> Guarded<T> {
    fn of(session: T) -> Self {
        Self {
            session,
            broken: None,
        }
    }

    fn answer(&mut self, ask: impl FnOnce(&mut T) -> String) -> String {
        if let Some(fault) = &self.broken {
            return refusal(&format!(
                "the world broke in an earlier request ({fault}); start argosy sim again"
            ));
        }
        // What is broken is not looked at again.
        catch_unwind(AssertUnwindSafe(|| ask(&mut self.session))).unwrap_or_else(|panic| {
            let fault = crate::panic_text(&*panic);
            let answer = refusal(&format!(
                "this request broke the world: {fault}. That is a fault of argosy's own: please report it with the requests so far; start argosy sim again"
            ));
            self.broken = Some(fault);
            answer
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Guarded;

    #[test]
    fn a_broken_world_answers_and_says_so_from_then_on() {
        let mut world = Guarded::of(1);
        let fine = |number: &mut i32| number.to_string();
        assert_eq!(world.answer(fine), "1");
        let answer = world.answer(|number| panic!("node {number} is not there"));
        assert!(answer.starts_with("{\"error\":"), "{answer}");
        assert!(answer.contains("node 1 is not there"), "{answer}");
        let answer = world.answer(fine);
        assert!(answer.contains("broke in an earlier request"), "{answer}");
    }
}
