//! `argosy sim`: a simulated cluster, driven by JSON lines on the standard input.

use std::io::{BufRead, Read, Write};

use anyhow::{Context, Result};
use argosy_sim::protocol::{Session, refusal};

/// The longest line that is read, in bytes.
const MOST_BYTES: u64 = 64 << 20;

/// Answers each line of the standard input with one line.
pub fn run() -> Result<()> {
    let mut session = Session::default();
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
                Ok(line) => session.answer(line),
                Err(error) => refusal(&format!("the line is no UTF-8: {error}")),
            }
        };
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
}
