//! The commands: each is a file that holds its arguments and its `run` together.

mod apply;
mod control;
mod delete;
mod get;
mod lint;
mod list;
mod logs;
mod resubmit;
mod run;
mod sim;
mod submit;
mod template;
mod wait;
mod why;

use std::process::ExitCode;

use anyhow::Result;

use crate::options::Global;

/// A command.
#[derive(clap::Subcommand)]
pub enum Command {
    /// Run a workflow here, in the foreground, to its end
    Run(run::Arguments),
    /// Hand a workflow over to the runner in the background
    Submit(submit::Arguments),
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
    /// Stop workflows; their exit handlers run
    Stop(control::StopArguments),
    /// Terminate workflows at once
    Terminate(control::Names),
    /// Let workflows begin nothing new
    Suspend(control::Names),
    /// Let suspended workflows and nodes go on
    Resume(control::ResumeArguments),
    /// Run again what failed in a workflow
    Retry(control::RetryArguments),
    /// Submit a workflow once more
    Resubmit(resubmit::Arguments),
    /// Delete workflows
    Delete(delete::Arguments),
    /// Say why a workflow or a node is where it is
    Why(why::Arguments),
    /// Find faults in manifests before they run
    Lint(lint::Arguments),
    /// Change a suspended node
    Node(control::NodeArguments),
    /// Keep templates, ConfigMaps and Secrets
    Apply(apply::Arguments),
    /// Manage workflow templates
    Template(template::Arguments),
    /// Manage cluster workflow templates
    ClusterTemplate(template::Arguments),
    /// Drive a simulated cluster by JSON lines: one request a line on standard input
    Sim,
    /// Print the version
    Version(VersionArguments),
    /// Print a completion script
    Completion(CompletionArguments),
    /// Carry out what was submitted (started by submit)
    #[command(hide = true)]
    Runner(RunnerArguments),
}

#[derive(clap::Args)]
pub struct VersionArguments {
    /// Print the number alone
    #[arg(long)]
    short: bool,
}

#[derive(clap::Args)]
pub struct CompletionArguments {
    /// The shell
    shell: clap_complete::Shell,
}

#[derive(clap::Args)]
pub struct RunnerArguments {
    /// How many steps run at once
    #[arg(long, env = "ARGOSY_MAX_PROCESSES")]
    max_processes: Option<u32>,
}

/// Carries a command out.
pub fn run(command: Command, global: &Global) -> Result<ExitCode> {
    match command {
        Command::Run(arguments) => return run::run(&arguments, global),
        Command::Submit(arguments) => return submit::run(&arguments, global),
        Command::List(arguments) => list::run(&arguments, global)?,
        Command::Get(arguments) => get::run(&arguments, global)?,
        Command::Logs(arguments) => logs::run(&arguments, global)?,
        Command::Watch(arguments) => return wait::watch(&arguments, global),
        Command::Wait(arguments) => return wait::wait(&arguments, global),
        Command::Stop(arguments) => control::stop(&arguments, global)?,
        Command::Terminate(names) => control::terminate(&names, global)?,
        Command::Suspend(names) => control::suspend(&names, global)?,
        Command::Resume(arguments) => control::resume(&arguments, global)?,
        Command::Retry(arguments) => return control::retry(&arguments, global),
        Command::Resubmit(arguments) => return resubmit::run(&arguments, global),
        Command::Delete(arguments) => delete::run(&arguments, global)?,
        Command::Why(arguments) => why::run(&arguments, global)?,
        Command::Lint(arguments) => return lint::run(&arguments, global),
        Command::Node(arguments) => control::node(&arguments, global)?,
        Command::Apply(arguments) => apply::run(&arguments, global)?,
        Command::Template(arguments) => {
            template::run(&arguments, global, template::Scope::Namespaced)?
        }
        Command::ClusterTemplate(arguments) => {
            template::run(&arguments, global, template::Scope::Cluster)?;
        }
        Command::Sim => sim::run()?,
        Command::Version(arguments) => {
            let version = env!("CARGO_PKG_VERSION");
            if arguments.short {
                println!("v{version}");
            } else {
                println!("argosy: v{version}\n  Argo Workflows: v4.1");
            }
        }
        Command::Completion(arguments) => {
            let mut line = crate::command_line();
            clap_complete::generate(arguments.shell, &mut line, "argosy", &mut std::io::stdout());
        }
        Command::Runner(arguments) => crate::runner::background(global, arguments.max_processes)?,
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

/// A `key=value,key!=value` selector of nodes.
pub fn node_selector(text: &str) -> Result<argosy_engine::fact::NodeSelector> {
    let mut terms = Vec::new();
    for term in text
        .split(',')
        .map(str::trim)
        .filter(|term| !term.is_empty())
    {
        let (key, equals, value) = if let Some((key, value)) = term.split_once("!=") {
            (key, false, value)
        } else if let Some((key, value)) = term.split_once("==") {
            (key, true, value)
        } else if let Some((key, value)) = term.split_once('=') {
            (key, true, value)
        } else {
            anyhow::bail!("the selector {term:?} is not KEY=VALUE or KEY!=VALUE");
        };
        terms.push(argosy_engine::fact::Requirement {
            key: key.trim().into(),
            equals,
            value: value.trim().into(),
        });
    }
    Ok(argosy_engine::fact::NodeSelector(terms))
}
