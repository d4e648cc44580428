//! Randomised simulation. `SEED=n` plays one world, `SOAK_SECONDS=n` plays for so long.
#![expect(clippy::print_stdout, reason = "what was played is read by people")]

use std::time::{Duration, Instant};

use argosy_sim::random::{simulate, simulate_aloud};

/// How many worlds are played where nothing is said: the same on every machine, however fast it is
/// and whatever else it does.
const WORLDS: u64 = 120;

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn play(seed: u64) {
    let outcome = std::panic::catch_unwind(|| simulate(seed));
    match outcome {
        Ok(Ok(())) => {}
        Ok(Err(fault)) => panic!("SEED={seed}: {fault}"),
        Err(_) => panic!("SEED={seed}: panicked"),
    }
}

#[test]
fn worlds_hold_together() {
    if let Some(seed) = variable("SEED") {
        let outcome = simulate_aloud(seed, &mut |what| println!("{what}"));
        return outcome.unwrap_or_else(|fault| panic!("SEED={seed}: {fault}"));
    }
    let first = variable("FIRST_SEED").unwrap_or(1);
    let soak = variable("SOAK_SECONDS").map(Duration::from_secs);
    let begun = Instant::now();
    let mut seed = first;
    while soak.map_or(seed - first < WORLDS, |soak| begun.elapsed() < soak) {
        play(seed);
        seed += 1;
    }
    println!("{} worlds, seeds {first} to {}", seed - first, seed - 1);
}
