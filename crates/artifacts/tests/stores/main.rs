//! The drivers: what all of them must do, and what each does beside that.

mod contract;
mod folder;
mod http;
mod loopback;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;
