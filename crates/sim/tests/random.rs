//! Randomised simulation. `SEED=n` plays one world, `SOAK_SECONDS=n` plays for so long.
#![expect(clippy::print_stdout, reason = "what was played is read by people")]

use std::time::{Duration, Instant};

use argosy_sim::random::{simulate, simulate_aloud};

/// How long worlds are played where nothing is said.
const SECONDS: u64 = 20;

/// How many worlds are played at most where nothing is said.
const WORLDS: u64 = 200;

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
    let budget = Duration::from_secs(variable("SOAK_SECONDS").unwrap_or(SECONDS));
    let first = variable("FIRST_SEED").unwrap_or(1);
    let begun = Instant::now();
    let mut seed = first;
    // A gate plays the same worlds everywhere; a soak goes on to others.
    let most = if variable("SOAK_SECONDS").is_some() {
        u64::MAX
    } else {
        WORLDS
    };
    while begun.elapsed() < budget && seed - first < most {
        play(seed);
        seed += 1;
    }
    println!("{} worlds, seeds {first} to {}", seed - first, seed - 1);
}
