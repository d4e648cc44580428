//! A terminal with the program at its other end.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::screen::Screen;

/// A terminal, and the program that it shows.
pub struct Terminal {
    pub screen: Screen,
    /// All that the program has written.
    pub raw: String,
    master: OwnedFd,
    bytes: Receiver<Vec<u8>>,
    /// The beginning of a letter whose rest has not come.
    rest: Vec<u8>,
    child: Child,
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // One that has ended is no trouble.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn size(columns: u16, rows: u16) -> Winsize {
    Winsize {
        ws_row: rows,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    }
}

impl Terminal {
    /// Starts a command on a new terminal of this size.
    pub fn start(mut command: Command, columns: u16, rows: u16) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&master).expect("it is ours");
        unlockpt(&master).expect("it can be opened");
        let name = ptsname(&master, Vec::new()).expect("it has a name");
        let path = name.to_str().expect("its name is UTF-8");
        let other = OpenOptions::new().read(true).write(true).open(path);
        let other = other.expect("its other end");
        tcsetwinsize(&master, size(columns, rows)).expect("it takes a size");
        let end = || other.try_clone().expect("a handle");
        let child = command
            .env("TERM", "xterm")
            .env_remove("NO_COLOR")
            .stdout(end())
            .stderr(end());
        Self::showing(child, master, columns, rows)
    }

    /// The same with an environment of the caller's.
    pub fn start_with(command: Command, variable: (&str, &str)) -> Self {
        let mut inner = Command::new("env");
        inner
            .arg(format!("{}={}", variable.0, variable.1))
            .arg(command.get_program())
            .args(command.get_args())
            .stdin(std::process::Stdio::null());
        if let Some(dir) = command.get_current_dir() {
            inner.current_dir(dir);
        }
        Self::start(inner, 80, 24)
    }

    fn showing(command: &mut Command, master: OwnedFd, columns: u16, rows: u16) -> Self {
        let child = command.spawn().expect("the program starts");
        let mut reader = File::from(master.try_clone().expect("a handle"));
        let (tell, bytes) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 65_536];
            // An error means that nobody is at the other end any more.
            while let Ok(read @ 1..) = reader.read(&mut buffer) {
                if tell.send(buffer[..read].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self {
            screen: Screen::new(columns.into(), rows.into()),
            raw: String::new(),
            master,
            bytes,
            rest: Vec::new(),
            child,
        }
    }

    /// Makes the terminal another size; lines that don't fit any more are shown in several.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        tcsetwinsize(&self.master, size(columns, rows)).expect("it takes a size");
        self.screen.resize(columns.into(), rows.into());
    }

    /// Waits until the screen shows what is wanted.
    pub fn until(&mut self, what: &str, holds: impl Fn(&str) -> bool) {
        let end = Instant::now() + Duration::from_secs(60);
        while !holds(&self.screen.text()) {
            let in_time = self.hear(end);
            assert!(
                in_time,
                "waited a minute for: {what}\n{}",
                self.screen.text()
            );
        }
    }

    /// Takes up what comes next; `false` if nothing does.
    fn hear(&mut self, end: Instant) -> bool {
        let left = end.saturating_duration_since(Instant::now());
        match self.bytes.recv_timeout(left) {
            Ok(bytes) => {
                self.rest.extend(bytes);
                let whole = match std::str::from_utf8(&self.rest) {
                    Ok(_) => self.rest.len(),
                    Err(error) => error.valid_up_to(),
                };
                let rest = self.rest.split_off(whole);
                let text = String::from_utf8(std::mem::replace(&mut self.rest, rest));
                let text = text.expect("it was looked at");
                self.screen.take(&text);
                self.raw.push_str(&text);
                true
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => false,
        }
    }

    /// Waits for the program's end, and takes up all that it has written.
    pub fn ended(&mut self) -> ExitStatus {
        let status = self.child.wait().expect("it ends");
        // The last handle of the other end went with it.
        while self.hear(Instant::now() + Duration::from_millis(500)) {}
        status
    }
}
