//! The command line of Argosy, and the only place where its parts are put together.

mod client;
mod commands;
mod controller;
mod describe;
mod estimate;
mod files;
mod folded;
mod foreign;
mod gather;
mod given;
mod host;
mod kept_objects;
mod label_selector;
mod leftovers;
mod live;
mod metrics;
mod node_match;
mod options;
mod output;
mod overrides;
mod revising;
mod runner;
mod selection;
mod shelf;
mod signals;
mod style;
mod submission;
mod switches;
mod tree;
mod unused;
mod validation;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use style::Style;

/// The longest error that is printed whole, in letters.
const LONGEST: usize = 3_000;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Argo Workflows in one binary.
#[derive(Parser)]
#[command(
    name = "argosy",
    version,
    about,
    propagate_version = true,
    arg_required_else_help = true
)]
struct Arguments {
    #[command(flatten)]
    global: options::Global,
    #[command(subcommand)]
    command: commands::Command,
}

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(panicked(std::panic::take_hook())));
    let words: Vec<OsString> = std::env::args_os().collect();
    let words = match switches::any(&words) {
        true => switches::plain(&command_line(), words),
        false => words,
    };
    let arguments = match Arguments::try_parse_from(words) {
        Ok(arguments) => arguments,
        Err(error) => return unreadable(&error),
    };
    match commands::run(arguments.command, &arguments.global) {
        Ok(code) => code,
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // What it quotes is not obeyed by a terminal.
            let error = style::shortened(&chain(&error), LONGEST).replace(
                |letter: char| letter.is_control() && letter != '\n',
                "\u{fffd}",
            );
            eprintln!("{}: {error}", Style::of_errors().bad("error"));
            ExitCode::FAILURE
        }
    }
}

/// Says what is wrong with a command line, or prints the help that was asked for. As `argo`'s, the
/// exit code of a slip is that of any other error.
fn unreadable(error: &clap::Error) -> ExitCode {
    match foreign::refusal(error) {
        Some(refusal) => eprintln!("{}: {refusal}", Style::of_errors().bad("error")),
        // Where it can't be written, nobody is left to be told.
        None => drop(error.print()),
    }
    // Without a command the help is shown, and nothing has gone wrong.
    let bare = error.kind() == clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
    match error.use_stderr() && !bare {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    }
}

/// An error with its causes. Some tell of their cause themselves.
fn chain(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.ends_with(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

type Hook = Box<dyn Fn(&std::panic::PanicHookInfo<'_>) + Sync + Send>;

/// `print!` panics where nothing can be written, on a full disk for one. That is no fault of the
/// program's, so it ends with an error instead.
fn panicked(otherwise: Hook) -> impl Fn(&std::panic::PanicHookInfo<'_>) + Sync + Send {
    move |panic| match panic.payload().downcast_ref::<String>() {
        Some(text) if text.starts_with("failed printing to stdout: Broken pipe") => {
            std::process::exit(0);
        }
        Some(text) if text.starts_with("failed printing to ") => {
            // Where standard error is what can't be written, nobody is left to be told.
            let _ = writeln!(std::io::stderr(), "error: {text}");
            std::process::exit(1);
        }
        _ => otherwise(panic),
    }
}

/// What a panic says.
pub(crate) fn panic_text(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
    text.unwrap_or("it gave no reason").to_owned()
}

/// Whether the reader of our output has gone, as with `argosy list | head`.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<std::io::Error>()
            .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
    })
}

/// The whole command line, for completion scripts.
pub(crate) fn command_line() -> clap::Command {
    Arguments::command()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        command_line().debug_assert();
    }
}
