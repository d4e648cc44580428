//! An HTTP server on the loopback interface that keeps what is PUT and gives it back on GET.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// One request, as the server has seen it.
#[derive(Clone, Debug)]
pub struct Seen {
    pub line: String,
    pub headers: BTreeMap<String, String>,
}

#[derive(Default)]
struct State {
    files: BTreeMap<String, Vec<u8>>,
    seen: Vec<Seen>,
}

pub struct Loopback {
    pub base: String,
    state: Arc<Mutex<State>>,
}

impl Loopback {
    pub fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let base = format!("http://{}", listener.local_addr()?);
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        // Ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let _ = answer(stream, &shared);
            }
        });
        Ok(Self { base, state })
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.state
            .lock()
            .expect("no test panics with the lock")
            .seen
            .clone()
    }
}

fn answer(stream: TcpStream, state: &Mutex<State>) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let line = line.trim_end().to_owned();
    let mut headers = BTreeMap::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let Some((name, value)) = header.trim_end().split_once(':') else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers
        .get("content-length")
        .and_then(|length| length.parse().ok())
        .unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let mut words = line.split(' ');
    let method = words.next().unwrap_or("");
    let path = words.next().unwrap_or("");
    let path = path.split('?').next().unwrap_or(path).to_owned();
    let mut state = state.lock().expect("no test panics with the lock");
    state.seen.push(Seen {
        line: line.clone(),
        headers,
    });
    let (status, extra, content) = match (method, path.strip_prefix("/status/")) {
        (_, Some(status)) => (status.to_owned(), String::new(), Vec::new()),
        ("PUT", None) => {
            state.files.insert(path, body);
            ("201".to_owned(), String::new(), Vec::new())
        }
        (_, None) if path.starts_with("/moved/") => {
            let location = path.replacen("/moved/", "/", 1);
            (
                "302".to_owned(),
                format!("location: {location}\r\n"),
                Vec::new(),
            )
        }
        _ => match state.files.get(&path) {
            Some(content) => ("200".to_owned(), String::new(), content.clone()),
            None => ("404".to_owned(), String::new(), Vec::new()),
        },
    };
    let mut stream = reader.into_inner();
    write!(
        stream,
        "HTTP/1.1 {status} x\r\n{extra}content-length: {}\r\nconnection: close\r\n\r\n",
        content.len()
    )?;
    stream.write_all(&content)
}
