//! The port of an executor plugin: one plugin at a time may listen on it, whichever run it is for.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::net::{TcpListener, TcpStream, ToSocketAddrs};
use std::thread;
use std::time::Duration;

use argosy_api::NodePhase;
use argosy_engine::effect::TaskRequest;
use argosy_engine::fact::{ResultSeen, TaskSeen};
use argosy_executor::agent::CallError;

use super::super::Shared;
use super::plugins::fatal;

/// Between two looks at whether a port has become free.
const PORT_TICK: Duration = Duration::from_millis(200);

impl Shared {
    /// Waits until the port of a plugin is free, and keeps other runs of this data directory from
    /// it. `None` if that is not wanted any more.
    pub(super) fn free_port(
        &self,
        task: &TaskRequest,
        plugin: &str,
        port: u16,
        wanted: &dyn Fn() -> bool,
    ) -> Result<Option<File>, CallError> {
        let folder = self.config.data_dir.join("ports");
        let failed =
            |error: io::Error| fatal(format!("cannot keep port {port} to itself: {error}"));
        fs::create_dir_all(&folder).map_err(failed)?;
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(folder.join(port.to_string()))
            .map_err(failed)?;
        while wanted() {
            match file.try_lock() {
                Ok(()) if is_free(port) => return Ok(Some(file)),
                Ok(()) => file.unlock().map_err(failed)?,
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
            let message = format!(
                "waits for port {port} of executor plugin {plugin}: something else listens there"
            );
            let seen = TaskSeen {
                phase: NodePhase::Pending,
                message: Some(message.into()),
                outputs: ResultSeen::default(),
                exit_code: None,
            };
            self.tell_of_task(task.key, seen);
            thread::sleep(PORT_TICK);
        }
        Ok(None)
    }
}

/// Whether nobody listens on a port of this machine.
fn is_free(port: u16) -> bool {
    ["127.0.0.1", "::1"].iter().all(|host| {
        match TcpListener::bind((*host, port)) {
            Ok(_) => true,
            // A machine need not have both.
            Err(error) => error.kind() != io::ErrorKind::AddrInUse,
        }
    })
}

/// Whether somebody listens on a port of this machine.
pub(super) fn answers(port: u16) -> bool {
    ("localhost", port).to_socket_addrs().is_ok_and(|mut all| {
        all.any(|address| TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok())
    })
}
