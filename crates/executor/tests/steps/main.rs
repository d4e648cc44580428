//! The executor around a step that only the test plays.

mod archives;
mod collect;
mod round_trip;
mod stage;
mod world;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;
