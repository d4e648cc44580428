//! The agents of runs: `http` and `plugin` templates, carried out by threads of the runner.
//! Argo: `workflow/executor/agent.go`.

mod call;
mod plugins;
mod port;
mod tasks;

pub(super) use plugins::Agents;
pub(super) use tasks::Tasks;
