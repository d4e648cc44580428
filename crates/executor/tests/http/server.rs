//! A server on the loopback interface that answers as it is told.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A request as the server has seen it.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    pub line: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        Some(&found.1)
    }
}

pub struct Server {
    pub port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    /// Answers each request with what this makes of it: all that follows `HTTP/1.1 `.
    pub fn new(answer: impl Fn(&Seen) -> String + Send + 'static) -> Self {
        Self::start(None, answer)
    }

    /// The same over TLS, with a certificate that nobody trusts.
    pub fn with_tls(answer: impl Fn(&Seen) -> String + Send + 'static) -> Self {
        let pem = |text: &str| text.as_bytes().to_vec();
        let certificate = pem(include_str!("certificate.pem"));
        let key = pem(include_str!("key.pem"));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(
                vec![CertificateDer::from_pem_slice(&certificate).expect("a certificate")],
                PrivateKeyDer::from_pem_slice(&key).expect("a key"),
            )
            .expect("a key that fits");
        Self::start(Some(Arc::new(config)), answer)
    }

    fn start(
        tls: Option<Arc<ServerConfig>>,
        answer: impl Fn(&Seen) -> String + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&seen);
        // Ends with the test's process.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A client that hangs up is no fault of the server's.
                let _ = match &tls {
                    None => serve(stream, &shared, &answer),
                    Some(config) => ServerConnection::new(config.clone())
                        .map_err(std::io::Error::other)
                        .and_then(|tls| serve(StreamOwned::new(tls, stream), &shared, &answer)),
                };
            }
        });
        Self { port, seen }
    }

    /// What was asked so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("nobody panics with it").clone()
    }
}

fn serve(
    stream: impl Read + Write,
    seen: &Mutex<Vec<Seen>>,
    answer: &impl Fn(&Seen) -> String,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut request = Seen::default();
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if request.line.is_empty() {
            line.clone_into(&mut request.line);
            continue;
        }
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().unwrap_or_default();
        }
        let header = (name.to_owned(), value.trim().to_owned());
        request.headers.push(header);
    }
    if request.line.is_empty() {
        return Ok(());
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    request.body = String::from_utf8_lossy(&body).into_owned();
    let text = answer(&request);
    seen.lock().expect("nobody panics with it").push(request);
    let stream = reader.get_mut();
    write!(stream, "HTTP/1.1 {text}")?;
    stream.flush()
}

/// An answer with a body.
pub fn says(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("{status}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}")
}
