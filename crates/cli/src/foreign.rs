//! What `argo` takes and this program doesn't: each with the reason, which stands in
//! `docs/compatibility.md` too.

use clap::error::{ContextKind, ContextValue, ErrorKind};

const NO_SERVER: &str = "there is no Argo server to speak to: workflows run on this machine";
const NO_CLUSTER: &str = "there is no cluster to speak to: workflows run on this machine, and --data-dir says where they are kept";
const NO_INSTANCE: &str =
    "a data directory has one controller; --data-dir keeps workflows apart as instance IDs do";
const NO_LOG: &str = "commands write no log; what they have to say, they print";

/// Flags of every command of `argo`, and why they are refused.
const FLAGS: &[(&str, &[&str])] = &[
    (
        NO_SERVER,
        &[
            "--argo-server",
            "-s",
            "--argo-base-href",
            "--argo-http1",
            "--secure",
            "-e",
            "--insecure-skip-verify",
            "-k",
            "--header",
            "-H",
        ],
    ),
    (
        NO_CLUSTER,
        &[
            "--as",
            "--as-group",
            "--as-uid",
            "--certificate-authority",
            "--client-certificate",
            "--client-key",
            "--cluster",
            "--context",
            "--disable-compression",
            "--insecure-skip-tls-verify",
            "--kubeconfig",
            "--password",
            "--proxy-url",
            "--request-timeout",
            "--server",
            "--tls-server-name",
            "--token",
            "--user",
            "--username",
        ],
    ),
    (NO_INSTANCE, &["--instanceid"]),
    (
        NO_LOG,
        &[
            "--gloglevel",
            "--log-format",
            "--loglevel",
            "--verbose",
            "-v",
        ],
    ),
];

/// Commands of `argo`, and why they are refused.
const COMMANDS: &[(&str, &str)] = &[
    (
        "archive",
        "workflows that have ended stay in the data directory: `argosy list --completed`, get, logs, retry, resubmit and delete are for them too",
    ),
    (
        "auth",
        "there is no server to sign in to: who may read the data directory may do all",
    ),
    (
        "server",
        "there is no server yet: each command works on the data directory itself",
    ),
    (
        "backfill",
        "schedules of cron workflows are not followed yet: `argosy submit --from cronworkflow/NAME` runs one",
    ),
];

/// Why a flag or a command of `argo` is not taken; `None` for what `argo` doesn't know either.
pub fn reason(word: &str) -> Option<&'static str> {
    let word = word.split('=').next().unwrap_or_default();
    let flag = FLAGS.iter().find(|(_, flags)| flags.contains(&word));
    let command = || COMMANDS.iter().find(|(command, _)| *command == word);
    flag.map(|(reason, _)| *reason)
        .or_else(|| command().map(|(_, reason)| *reason))
}

/// What is said of a command line that can't be read, if it is `argo`'s.
pub fn refusal(error: &clap::Error) -> Option<String> {
    let kind = match error.kind() {
        ErrorKind::UnknownArgument => ContextKind::InvalidArg,
        ErrorKind::InvalidSubcommand => ContextKind::InvalidSubcommand,
        _ => return None,
    };
    let Some(ContextValue::String(word)) = error.get(kind) else {
        return None;
    };
    reason(word).map(|reason| format!("{word} is not taken: {reason}"))
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;

    /// Argo's data; `None`, and a word about it, where it is not.
    fn data() -> Option<PathBuf> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let data = std::env::var_os("ARGOSY_ARGO_DATA")
            .map_or_else(|| root.join("../shared/argo"), PathBuf::from);
        if data.join("cli.txt").exists() {
            return Some(data);
        }
        assert!(std::env::var_os("CI").is_none(), "no {}", data.display());
        eprintln!("skipped: no {}", data.display());
        None
    }

    /// Each command and flag of `argo` is taken, or refused with a reason that is written down.
    #[test]
    fn what_argo_takes_is_taken_or_refused_with_a_reason() {
        let Some(data) = data() else { return };
        let read = |path: &Path| std::fs::read_to_string(path).expect("a file");
        let list = read(&data.join("cli.txt"));
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/compatibility.md");
        let docs = read(&docs);
        let line = crate::command_line();
        let mut wrong = Vec::new();
        let mut refused = |word: &str, all: &str| {
            if reason(word).is_none() || !docs.contains(&format!("`{word}`")) {
                wrong.push(all.to_owned());
            }
        };
        for row in list.lines() {
            let (words, flags) = row.split_once(" --").unwrap_or((row, ""));
            let mut command = Some(&line);
            for word in words.split_whitespace().skip(1) {
                let Some(here) = command else { break };
                command = here.find_subcommand(word);
                if command.is_none() {
                    refused(word, words);
                }
            }
            let Some(command) = command else { continue };
            for flag in flags.split(" --").filter(|flag| !flag.is_empty()) {
                let name = flag.split_whitespace().next().unwrap_or_default();
                let mut known = line.get_arguments().chain(command.get_arguments());
                if !known.any(|argument| argument.get_long() == Some(name)) {
                    refused(&format!("--{name}"), &format!("{words} --{name}"));
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}
