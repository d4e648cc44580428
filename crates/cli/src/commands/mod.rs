//! The commands: each is a file that holds its arguments and its `run` together.

pub mod after;
mod apply;
mod completion;
mod control;
mod convert;
mod cp;
mod cron;
mod delete;
mod executor_plugin;
mod get;
mod lint;
mod list;
mod logs;
mod metrics;
mod node;
mod objects;
mod resubmit;
mod retry;
mod run;
mod sim;
mod submit;
mod sync;
mod test;
mod wait;
mod why;

use std::process::ExitCode;

use anyhow::Result;
use argosy_store::ObjectKind;

use crate::options::Global;

/// A command.
#[derive(clap::Subcommand)]
pub enum Command {
    /// Run a workflow here, in the foreground, to its end
    Run(Box<run::Arguments>),
    /// Hand a workflow over to the runner in the background
    Submit(Box<submit::Arguments>),
    /// List workflows
    List(list::Arguments),
    /// Show a workflow
    Get(get::Arguments),
    /// Print the logs of a workflow's steps
    Logs(logs::Arguments),
    /// Show a workflow until it ends
    Watch(wait::WatchArguments),
    /// Wait for workflows to end
    Wait(wait::WaitArguments),
    /// Say why a workflow or a node is where it is
    Why(why::Arguments),
    /// Stop workflows; their exit handlers run
    Stop(control::StopArguments),
    /// Terminate workflows at once
    Terminate(control::TerminateArguments),
    /// Let workflows begin nothing new
    Suspend(control::Names),
    /// Let suspended workflows and nodes go on
    Resume(control::ResumeArguments),
    /// Run again what failed in a workflow
    Retry(retry::Arguments),
    /// Submit a workflow once more
    Resubmit(resubmit::Arguments),
    /// Delete workflows
    Delete(delete::Arguments),
    /// Set outputs, phase or message of a suspended node
    Node(node::Arguments),
    /// Copy a workflow's artifacts into a folder
    Cp(cp::Arguments),
    /// Find faults in manifests before they run
    Lint(lint::Arguments),
    /// Keep templates, cron workflows, executor plugins, ConfigMaps, Secrets and volume claims
    Apply(apply::Arguments),
    /// Manage workflow templates
    Template(objects::Arguments),
    /// Manage cluster workflow templates
    ClusterTemplate(objects::Arguments),
    /// Manage executor plugins
    ExecutorPlugin(executor_plugin::Arguments),
    /// Manage the limits of semaphores
    Sync(sync::Arguments),
    /// Manage cron workflows
    Cron(cron::Arguments),
    /// Print the metrics of workflows as Prometheus reads them
    Metrics,
    /// Drive a simulated cluster by JSON lines: one request a line on standard input
    Sim,
    /// Test workflows with mocked steps and a virtual clock
    Test(test::Arguments),
    /// Print manifests of earlier versions in today's form
    Convert(convert::Arguments),
    /// Print the version
    Version(VersionArguments),
    /// Print a completion script for a shell
    Completion(completion::Arguments),
    /// Print what a word may become (asked by the completion scripts)
    #[command(hide = true)]
    Complete(completion::WordsArguments),
    /// Carry out what was submitted (started by submit)
    #[command(hide = true)]
    Runner(RunnerArguments),
    /// Be the parent of steps in place of one that has died (started by a runner)
    #[command(hide = true)]
    Keeper(KeeperArguments),
}

#[derive(clap::Args)]
pub struct VersionArguments {
    /// Print the version alone
    #[arg(long)]
    short: bool,
}

#[derive(clap::Args)]
pub struct RunnerArguments {
    #[command(flatten)]
    steps: crate::runner::Steps,
    /// Serve metrics at this address
    #[arg(long, env = "ARGOSY_METRICS_ADDRESS", value_name = "ADDRESS")]
    metrics_address: Option<String>,
}

#[derive(clap::Args)]
pub struct KeeperArguments {
    #[command(flatten)]
    steps: crate::runner::Steps,
    /// Where to listen for later runners
    socket: std::path::PathBuf,
}

/// Carries a command out.
pub fn run(command: Command, global: &Global) -> Result<ExitCode> {
    match command {
        Command::Run(arguments) => return run::run(&arguments, global),
        Command::Submit(arguments) => return submit::run(&arguments, global),
        Command::List(arguments) => list::run(&arguments, global)?,
        Command::Get(arguments) => get::run(&arguments, global)?,
        Command::Logs(arguments) => logs::run(&arguments, global)?,
        Command::Watch(arguments) => wait::watch(&arguments, global)?,
        Command::Wait(arguments) => return wait::wait(&arguments, global),
        Command::Why(arguments) => why::run(&arguments, global)?,
        Command::Stop(arguments) => control::stop(&arguments, global)?,
        Command::Terminate(arguments) => control::terminate(&arguments, global)?,
        Command::Suspend(names) => control::suspend(&names, global)?,
        Command::Resume(arguments) => control::resume(&arguments, global)?,
        Command::Retry(arguments) => return retry::run(&arguments, global),
        Command::Resubmit(arguments) => return resubmit::run(&arguments, global),
        Command::Delete(arguments) => delete::run(&arguments, global)?,
        Command::Node(arguments) => node::run(&arguments, global)?,
        Command::Cp(arguments) => cp::run(&arguments, global)?,
        Command::Lint(arguments) => return lint::run(&arguments, global),
        Command::Apply(arguments) => apply::run(&arguments, global)?,
        Command::Template(arguments) => {
            return objects::run(&arguments, global, ObjectKind::WorkflowTemplate);
        }
        Command::ClusterTemplate(arguments) => {
            return objects::run(&arguments, global, ObjectKind::ClusterWorkflowTemplate);
        }
        Command::ExecutorPlugin(arguments) => executor_plugin::run(&arguments)?,
        Command::Sync(arguments) => sync::run(&arguments, global)?,
        Command::Cron(arguments) => return cron::run(&arguments, global),
        Command::Metrics => metrics::run(global)?,
        Command::Sim => sim::run(global)?,
        Command::Test(arguments) => return test::run(&arguments, global),
        Command::Convert(arguments) => convert::run(&arguments)?,
        Command::Version(arguments) => {
            println!("argosy: v{}", env!("CARGO_PKG_VERSION"));
            if !arguments.short {
                println!("  Meaning: Argo Workflows v4.1");
                println!(
                    "  Platform: {}/{}",
                    std::env::consts::OS,
                    std::env::consts::ARCH
                );
            }
        }
        Command::Completion(arguments) => completion::run(&arguments)?,
        Command::Complete(arguments) => completion::complete(&arguments, global)?,
        Command::Keeper(arguments) => {
            argosy_local::keeper::serve(&arguments.socket, arguments.steps.limits())?;
        }
        Command::Runner(arguments) => {
            let metrics = arguments.metrics_address.as_deref();
            crate::runner::background(global, arguments.steps, metrics)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The exit code that says how a workflow ended.
pub fn exit_code(phase: Option<argosy_api::WorkflowPhase>) -> ExitCode {
    match phase {
        Some(argosy_api::WorkflowPhase::Failed | argosy_api::WorkflowPhase::Error) => {
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}
