//! An unfinished command line: which command it is about, and what may stand in its last word.

use argosy_api::WorkflowPhase;
use argosy_store::ObjectKind;
use clap::{Arg, Command, ValueHint};

/// Names that a word may be one of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    Nothing,
    Files,
    /// Workflows in one of these phases; in any if there are none.
    Workflows(&'static [WorkflowPhase]),
    /// Pods of this workflow.
    Pods(String),
    /// Nodes of this workflow.
    Nodes(String),
    Kept(ObjectKind),
    /// `KIND/NAME` of what workflows are submitted from.
    References,
}

const OPEN: &[WorkflowPhase] = &[WorkflowPhase::Pending, WorkflowPhase::Running];
const BAD: &[WorkflowPhase] = &[WorkflowPhase::Failed, WorkflowPhase::Error];

/// A command line, its last word unfinished.
pub struct Line {
    command: Command,
    /// The names of the command and of those above it.
    path: Vec<String>,
    /// The words that are no flags, but for the last.
    plain: Vec<String>,
    /// Flags with their values.
    flags: Vec<(String, String)>,
    /// The flag whose value the last word is.
    open_flag: Option<Arg>,
    /// What of the last word stands before the value: `--output=`.
    before_value: String,
    last: String,
}

impl Line {
    /// Takes the words behind the program's name apart.
    pub fn read(mut command: Command, words: &[String]) -> Self {
        command.build();
        let words = joined(words);
        let (last, before) = match words.split_last() {
            Some((last, before)) => (last.clone(), before),
            None => (String::new(), &[][..]),
        };
        let mut line = Self {
            command,
            path: Vec::new(),
            plain: Vec::new(),
            flags: Vec::new(),
            open_flag: None,
            before_value: String::new(),
            last,
        };
        for word in before {
            line.pass(word);
        }
        if let Some((flag, value)) = line
            .last
            .split_once('=')
            .filter(|_| line.last.starts_with("--"))
            && let Some(arg) = line.find(flag)
        {
            line.open_flag = Some(arg.clone());
            (line.before_value, line.last) = (format!("{flag}="), value.to_owned());
        }
        line
    }

    fn pass(&mut self, word: &str) {
        if let Some(flag) = self.open_flag.take() {
            self.flags
                .push((flag.get_id().to_string(), word.to_owned()));
            return;
        }
        if word.starts_with('-') && word.len() > 1 {
            let (flag, value) = word.split_once('=').unzip();
            let Some(arg) = self.find(flag.unwrap_or(word)).cloned() else {
                return;
            };
            match value {
                Some(value) => self
                    .flags
                    .push((arg.get_id().to_string(), value.to_owned())),
                None if takes_next(&arg) => self.open_flag = Some(arg),
                None => {}
            }
            return;
        }
        match self.command.find_subcommand(word) {
            Some(inner) if self.plain.is_empty() => {
                let inner = inner.clone();
                self.path.push(inner.get_name().to_owned());
                self.command = inner;
            }
            _ => self.plain.push(word.to_owned()),
        }
    }

    /// A flag by what it is written as; of several letters in one word the last counts.
    fn find(&self, flag: &str) -> Option<&Arg> {
        self.command.get_arguments().find(|arg| {
            let long = flag.strip_prefix("--");
            let short = flag.strip_prefix('-').and_then(|flag| flag.chars().last());
            match long {
                Some(long) => arg.get_long() == Some(long),
                None => short.is_some() && arg.get_short() == short,
            }
        })
    }

    /// The value of a flag, by its long name.
    pub fn flag(&self, name: &str) -> Option<&str> {
        let id = name.replace('-', "_");
        let mut given = self.flags.iter().rev();
        given
            .find(|(known, _)| *known == id)
            .map(|(_, value)| value.as_str())
    }

    /// The unfinished word, or what of it is the value of a flag.
    pub fn last(&self) -> &str {
        &self.last
    }

    /// What stands in the same word before the value.
    pub fn before_value(&self) -> &str {
        &self.before_value
    }

    /// The words of the program's own that may stand here: commands, flags, and their values.
    pub fn words(&self) -> Vec<String> {
        if let Some(flag) = &self.open_flag {
            let values = flag.get_possible_values();
            return values
                .iter()
                .map(|value| value.get_name().to_owned())
                .collect();
        }
        if self.last.starts_with('-') {
            let shown = self
                .command
                .get_arguments()
                .filter(|arg| !arg.is_hide_set());
            let flags = shown.filter_map(Arg::get_long);
            return flags.map(|flag| format!("--{flag}")).collect();
        }
        let positional = self.command.get_positionals().nth(self.plain.len());
        if let Some(positional) = positional {
            let values = positional.get_possible_values();
            return values
                .iter()
                .map(|value| value.get_name().to_owned())
                .collect();
        }
        if !self.plain.is_empty() {
            return Vec::new();
        }
        let shown = self
            .command
            .get_subcommands()
            .filter(|inner| !inner.is_hide_set());
        shown.map(|inner| inner.get_name().to_owned()).collect()
    }

    /// The names of the user's that may stand here.
    pub fn wanted(&self) -> Wanted {
        if let Some(flag) = &self.open_flag {
            return match (flag.get_id().as_str(), flag.get_value_hint()) {
                ("from", _) => Wanted::References,
                (_, ValueHint::AnyPath | ValueHint::FilePath | ValueHint::DirPath) => Wanted::Files,
                _ => Wanted::Nothing,
            };
        }
        if self.last.starts_with('-') && self.last.len() > 1 {
            return Wanted::Nothing;
        }
        let path: Vec<&str> = self.path.iter().map(String::as_str).collect();
        match (path.as_slice(), self.plain.as_slice()) {
            (["get" | "delete"], [kind, ..])
                if super::super::get::kept_objects(&self.plain).is_some() =>
            {
                match super::super::get::kept_objects(std::slice::from_ref(kind)) {
                    Some((kind, _)) => Wanted::Kept(kind),
                    None => Wanted::Nothing,
                }
            }
            (["get" | "delete" | "resubmit"], _) | (["logs" | "why" | "cp"], []) => {
                Wanted::Workflows(&[])
            }
            (["retry"], _) => Wanted::Workflows(BAD),
            (["stop" | "terminate" | "suspend" | "wait"], _) | (["watch"], []) => {
                Wanted::Workflows(OPEN)
            }
            (["resume"], _) | (["node"], [_]) => Wanted::Workflows(&[WorkflowPhase::Running]),
            (["logs"], [workflow]) => Wanted::Pods(workflow.clone()),
            (["why"], [workflow]) => Wanted::Nodes(workflow.clone()),
            (["template", "get" | "delete"], _) => Wanted::Kept(ObjectKind::WorkflowTemplate),
            (["cluster-template", "get" | "delete"], _) => {
                Wanted::Kept(ObjectKind::ClusterWorkflowTemplate)
            }
            (["cron", "get" | "delete" | "suspend" | "resume"], _) => {
                Wanted::Kept(ObjectKind::CronWorkflow)
            }
            (["run" | "submit" | "lint" | "test" | "convert"], _)
            | (
                [
                    "template" | "cluster-template" | "cron",
                    "create" | "update" | "lint",
                ],
                _,
            )
            | (["executor-plugin", "build"], _)
            | (["cp"], [_]) => Wanted::Files,
            _ => Wanted::Nothing,
        }
    }
}

/// Whether the next word is the flag's value.
fn takes_next(arg: &Arg) -> bool {
    let least = arg.get_num_args().map_or(1, |range| range.min_values());
    arg.get_action().takes_values() && least > 0 && !arg.is_require_equals_set()
}

/// Words as they were typed: bash takes them apart at `=`.
fn joined(words: &[String]) -> Vec<String> {
    let mut joined: Vec<String> = Vec::new();
    let mut open = false;
    for word in words {
        let continues = open || word == "=";
        open = word == "=";
        match joined.last_mut() {
            Some(last) if continues && last.starts_with("--") => last.push_str(word),
            _ => joined.push(word.clone()),
        }
    }
    joined
}
