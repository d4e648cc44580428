//! `argosy sim`: a simulated cluster, driven by JSON lines on the standard input.

use std::io::{BufRead, Write};

use anyhow::{Context, Result};
use argosy_sim::protocol::Session;

/// Answers each line of the standard input with one line.
pub fn run() -> Result<()> {
    let mut session = Session::default();
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let line = line.context("cannot read the requests")?;
        if line.trim().is_empty() {
            continue;
        }
        writeln!(out, "{}", session.answer(&line))?;
        out.flush()?;
    }
    Ok(())
}
