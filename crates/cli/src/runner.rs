//! Owning runs: the pump with the local backend beneath it, in the foreground or as the runner in
//! the background.

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use argosy_engine::fact::Command;
use argosy_engine::ids::RunId;
use argosy_engine::run::Run;
use argosy_local::keeper::KeeperHandle;
use argosy_local::{LocalBackend, LocalConfig, StepLimits, Surroundings};
use argosy_runtime::{Finish, Handle, Observer, Pump, Sync, Until};
use argosy_store::Claim;

use crate::client::Client;
use crate::kept_objects::KeptObjects;
use crate::leftovers::Leftovers;
use crate::signals::{self, Asked, Signal};

/// How long the runner in the background stays when it has nothing to do.
const IDLE: Duration = Duration::from_secs(20);

/// Forks the keeper. Must come before anything that starts a thread.
pub fn fork_keeper(data_dir: &Path, steps: Steps) -> Result<KeeperHandle> {
    if steps.step_processes.is_some() && !argosy_local::keeper::processes_can_be_limited() {
        bail!(
            "--step-processes needs a cgroup of version 2 with the controller pids, in which this user may make others: systemd-run --user --scope -p Delegate=yes argosy …"
        );
    }
    argosy_store::create_private(data_dir).with_context(|| crate::client::unusable(data_dir))?;
    let forked = argosy_local::keeper::fork(data_dir, steps.limits());
    forked.context("cannot start the keeper of steps")
}

/// How many processes there may be, and what each may have.
#[derive(clap::Args, Clone, Copy, Debug)]
pub struct Steps {
    /// How many slots all runners of the data directory share; as many as there are cores, or as
    /// another runner has said, if not given
    #[arg(long, env = "ARGOSY_MAX_PROCESSES")]
    pub max_processes: Option<u32>,
    /// How much of a container's log is kept, the last of it, to about what it prints in a second;
    /// 0 keeps all
    #[arg(long, env = "ARGOSY_STEP_LOG", value_name = "SIZE", default_value = "1Gi", value_parser = size)]
    step_log: u64,
    /// How many processes and threads a container may have at once
    #[arg(long, env = "ARGOSY_STEP_PROCESSES", value_name = "NUMBER")]
    step_processes: Option<u32>,
}

impl Steps {
    /// What the keeper lets them have.
    pub fn limits(self) -> StepLimits {
        StepLimits {
            log_bytes: (self.step_log > 0).then_some(self.step_log),
            processes: self.step_processes,
        }
    }

    /// The flags that say the same.
    fn flags(self) -> Vec<String> {
        let of = |name, number: Option<u32>| number.map(|number| format!("--{name}={number}"));
        let log = format!("--step-log={}", self.step_log);
        let others = [
            of("max-processes", self.max_processes),
            of("step-processes", self.step_processes),
        ];
        std::iter::once(log)
            .chain(others.into_iter().flatten())
            .collect()
    }
}

/// A number of bytes, as Kubernetes writes quantities.
fn size(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text} is no size: 500M, 1Gi, 0");
    let bytes = argosy_engine::run::quantity(text).ok_or_else(wrong)?;
    match bytes >= 0.0 {
        true => Ok(bytes as u64),
        false => Err(wrong()),
    }
}

/// Carries runs out until none is left, or a signal says to leave them as they stand: then, which.
/// Steps that run go on, held by their keeper, and whoever takes the runs over takes them up.
pub fn carry_out(
    client: &Client,
    keeper: KeeperHandle,
    steps: Steps,
    runs: Vec<Claim>,
    observer: &mut dyn Observer,
    until: Until,
    signals: &Arc<Asked>,
) -> Result<Option<Signal>> {
    let mut pump = Pump::new(client.store.clone(), client.configuration()?.settings());
    let config = local_config(client, steps)?;
    let handle = pump.handle();
    let mut backend = LocalBackend::new(config, keeper, Arc::new(handle.clone()))
        .context("cannot reach the keeper of steps")?;
    let mine: Vec<RunId> = runs.iter().map(|claim| claim.run).collect();
    for claim in runs {
        pump.take(claim, &mut backend)?;
    }
    if let Until::IdleFor(_) = until {
        let version = client.configuration()?.version;
        crate::controller::follow(client.store.clone(), version, handle.clone());
    }
    let (asked, pump_handle) = (signals.clone(), handle.clone());
    signals::listen(move |signal| heed(signal, &mine, &asked, &pump_handle))?;
    let deleted = watch_ground(&client.data_dir, handle);
    let mut leftovers = Leftovers::new(client, observer);
    let finish = pump.run(&mut backend, &mut leftovers, until);
    if deleted.load(Ordering::SeqCst) {
        bail!(
            "the data directory {} has been deleted: its workflows and their steps have ended with it",
            client.data_dir.display()
        );
    }
    if finish? == Finish::Stopped {
        return Ok(signals.left());
    }
    leftovers.look();
    Ok(None)
}

/// How steps are run on this machine, as workflows were submitted.
fn local_config(client: &Client, steps: Steps) -> Result<LocalConfig> {
    let store = client.store.clone();
    let surroundings = Arc::new(move |run: RunId| {
        let environment = store
            .environment(run)
            .map_err(|error| format!("cannot read what the workflow was submitted in: {error}"))?;
        Ok(Surroundings {
            working_directory: environment.working_directory,
            variables: environment.variables,
            umask: environment.umask,
        })
    });
    let config = LocalConfig::new(
        client.data_dir.clone(),
        steps.max_processes,
        client.store.clone(),
        Arc::new(KeptObjects(client.store.clone())),
        surroundings,
    );
    Ok(config.keeper_program(keeper_program(steps)?))
}

/// Does what a signal asks for. In the foreground Ctrl-C stops the workflows as `argo stop` does, and
/// twice terminates them; after that, nobody waits for what does not end. Who works in the background
/// has no terminal that could be closed.
fn heed(signal: Signal, mine: &[RunId], asked: &Asked, pump: &Handle) {
    let is_background = mine.is_empty();
    if is_background && signal == Signal::HangUp {
        return;
    }
    let command = match signal {
        Signal::Interrupt if !is_background => match asked.interrupt() {
            0 => Some(Command::Stop {
                selector: None,
                message: None,
            }),
            1 => Some(Command::Terminate),
            _ => None,
        },
        Signal::Interrupt | Signal::Terminate | Signal::HangUp => None,
    };
    let Some(command) = command else {
        asked.leave(signal);
        pump.stop();
        return;
    };
    for &run in mine {
        pump.ask(run, command.clone());
    }
}

/// Has the pump stop when the data directory is deleted, or another one stands in its place: what it
/// writes would be nowhere. Says whether that is so.
fn watch_ground(data_dir: &Path, pump: Handle) -> Arc<AtomicBool> {
    const EVERY: Duration = Duration::from_secs(1);
    let file = data_dir.join(argosy_store::DATABASE);
    let identity = |file: &Path| {
        use std::os::unix::fs::MetadataExt;
        let metadata = std::fs::metadata(file);
        metadata.map(|metadata| (metadata.dev(), metadata.ino()))
    };
    let deleted = Arc::new(AtomicBool::new(false));
    let told = deleted.clone();
    if let Ok(own) = identity(&file) {
        std::thread::spawn(move || {
            loop {
                std::thread::sleep(EVERY);
                let is_gone = match identity(&file) {
                    Ok(found) => found != own,
                    Err(error) => error.kind() == std::io::ErrorKind::NotFound,
                };
                if is_gone {
                    told.store(true, Ordering::SeqCst);
                    pump.stop();
                    return;
                }
            }
        });
    }
    deleted
}

/// What is run when a keeper has died: this program, also if its file was replaced meanwhile.
fn keeper_program(steps: Steps) -> Result<Vec<OsString>> {
    let own = match cfg!(target_os = "linux") {
        true => PathBuf::from("/proc/self/exe"),
        false => std::env::current_exe().context("cannot find this program's own file")?,
    };
    let flags = steps.flags().into_iter().map(OsString::from);
    Ok([own.into(), OsString::from("keeper")]
        .into_iter()
        .chain(flags)
        .collect())
}

/// The lock that the runner in the background holds.
fn lock_file(data_dir: &Path) -> PathBuf {
    data_dir.join("runner.lock")
}

/// A file that is this user's alone, to be written at its end.
fn private(path: &Path) -> std::io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    File::options()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
}

/// What the runner in the background has to tell: its standard error is a log.
struct Log;

impl Observer for Log {
    fn changed(&mut self, _run: &Run, _nodes: &[u32]) {}

    fn ended(&mut self, _run: &Run) {}

    fn trouble(&mut self, what: &str) {
        eprintln!("warning: {what}");
    }
}

/// Runs in the background for whoever submits; ends by itself after a while without work.
pub fn background(
    client_options: &crate::options::Global,
    steps: Steps,
    metrics_address: Option<&str>,
) -> Result<()> {
    let data_dir = client_options.data_dir()?;
    argosy_store::create_private(&data_dir)?;
    let lock = private(&lock_file(&data_dir))?;
    if lock.try_lock().is_err() {
        // Another one lives, and takes what was submitted.
        return Ok(());
    }
    let keeper = fork_keeper(&data_dir, steps)?;
    let client = Client::open_beside(client_options, &keeper)?;
    if let Some(address) = metrics_address {
        let config = &client.configuration()?.config.metrics;
        // Workflows go on without; whoever looks for metrics finds why in the log.
        if let Err(error) = crate::metrics::serve(address, client.store.clone(), config) {
            eprintln!("warning: {error:#}");
        }
    }
    let mut observer = Log;
    carry_out(
        &client,
        keeper,
        steps,
        Vec::new(),
        &mut observer,
        Until::IdleFor(IDLE),
        &Arc::default(),
    )?;
    drop(lock);
    Ok(())
}

/// Starts a runner in the background, unless one lives. That one has the slots and the settings that
/// it was started with.
pub fn start(client: &Client, steps: Option<Steps>) -> Result<()> {
    let data_dir = &client.data_dir;
    argosy_store::create_private(data_dir)?;
    let lock = private(&lock_file(data_dir))?;
    if lock.try_lock().is_err() {
        return Ok(());
    }
    lock.unlock()?;
    drop(lock);
    let program = std::env::current_exe().context("cannot find this program's own file")?;
    let log = private(&data_dir.join("runner.log"))?;
    let mut process = Process::new(program);
    process
        .arg("--data-dir")
        .arg(data_dir)
        .arg("runner")
        .args((client.options.sync == Sync::Each).then_some("--sync"))
        .args(steps.map(Steps::flags).unwrap_or_default())
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log);
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt;
        // A group of its own: Ctrl-C in this terminal does not reach it.
        process.process_group(0);
    }
    process
        .spawn()
        .context("cannot start the runner in the background")?;
    Ok(())
}
