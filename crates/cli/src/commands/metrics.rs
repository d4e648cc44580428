//! `argosy metrics`: what a metrics endpoint would serve, once. Beyond `argo`.

use anyhow::Result;

use crate::client::Client;
use crate::options::Global;

pub fn run(global: &Global) -> Result<()> {
    let client = Client::open(global)?;
    let config = &client.configuration()?.config.metrics;
    print!("{}", crate::metrics::text(&*client.store, config)?);
    Ok(())
}
