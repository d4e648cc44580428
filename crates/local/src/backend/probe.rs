//! Readiness probes, as the kubelet makes them. Argo waits for them before a daemon's node is
//! Daemoned.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::HTTPGetAction;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::kept::ContainerProbe;

/// Between two looks at whether a command that probes has ended.
const PAUSE: Duration = Duration::from_millis(10);

/// As much of an answer as holds its status line.
const MOST_OF_ANSWER: usize = 1_024;

/// Probes until the container is ready; `false` if that is not wanted any more.
pub(super) fn until_ready(watched: &ContainerProbe, is_wanted: &dyn Fn() -> bool) -> bool {
    let probe = &watched.probe;
    let seconds = |value: Option<i32>, default: u64| {
        Duration::from_secs(
            value
                .and_then(|value| u64::try_from(value).ok())
                .unwrap_or(default),
        )
    };
    let period = seconds(probe.period_seconds, 10).max(Duration::from_secs(1));
    let timeout = seconds(probe.timeout_seconds, 1).max(Duration::from_secs(1));
    let needed = probe.success_threshold.unwrap_or(1).max(1);
    let mut successes = 0;
    let mut wait = seconds(probe.initial_delay_seconds, 0);
    loop {
        if !pause(wait, is_wanted) {
            return false;
        }
        wait = period;
        successes = if answers(watched, timeout) {
            successes + 1
        } else {
            0
        };
        if successes >= needed {
            return true;
        }
    }
}

/// Waits; `false` if that is not wanted any more.
fn pause(time: Duration, is_wanted: &dyn Fn() -> bool) -> bool {
    let end = Instant::now() + time;
    loop {
        if !is_wanted() {
            return false;
        }
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return true;
        }
        thread::sleep(left.min(Duration::from_millis(200)));
    }
}

fn answers(watched: &ContainerProbe, timeout: Duration) -> bool {
    let probe = &watched.probe;
    let port = |port: &IntOrString| port_number(watched, port);
    if let Some(action) = &probe.exec {
        return runs_well(
            watched,
            action.command.as_deref().unwrap_or_default(),
            timeout,
        );
    }
    if let Some(action) = &probe.http_get {
        return port(&action.port)
            .and_then(|port| status_of(action, port, timeout))
            .is_some_and(|status| (200..400).contains(&status));
    }
    if let Some(action) = &probe.tcp_socket {
        let host = action.host.as_deref().unwrap_or("127.0.0.1");
        return port(&action.port).is_some_and(|port| connect(host, port, timeout).is_some());
    }
    if let Some(action) = &probe.grpc {
        let port = u16::try_from(action.port).ok();
        return port.is_some_and(|port| connect("127.0.0.1", port, timeout).is_some());
    }
    true
}

fn port_number(watched: &ContainerProbe, port: &IntOrString) -> Option<u16> {
    match port {
        IntOrString::Int(number) => u16::try_from(*number).ok(),
        IntOrString::String(name) => watched
            .ports
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, number)| *number)
            .or_else(|| name.parse().ok()),
    }
}

fn connect(host: &str, port: u16, timeout: Duration) -> Option<TcpStream> {
    let host = if host.is_empty() { "127.0.0.1" } else { host };
    let mut addresses = (host, port).to_socket_addrs().ok()?;
    addresses.find_map(|address| TcpStream::connect_timeout(&address, timeout).ok())
}

/// The status that a server answers with. Of one that speaks TLS only its port is looked at.
fn status_of(action: &HTTPGetAction, port: u16, timeout: Duration) -> Option<u16> {
    let host = action.host.as_deref().unwrap_or_default();
    let mut stream = connect(host, port, timeout)?;
    if action.scheme.as_deref() == Some("HTTPS") {
        return Some(200);
    }
    stream.set_read_timeout(Some(timeout)).ok()?;
    stream.set_write_timeout(Some(timeout)).ok()?;
    let path = action
        .path
        .as_deref()
        .filter(|path| !path.is_empty())
        .unwrap_or("/");
    let mut request =
        format!("GET {path} HTTP/1.1\r\nConnection: close\r\nUser-Agent: kube-probe/argosy\r\n");
    let headers = action.http_headers.as_deref().unwrap_or_default();
    if !headers
        .iter()
        .any(|header| header.name.eq_ignore_ascii_case("host"))
    {
        let host = if host.is_empty() { "127.0.0.1" } else { host };
        request.push_str(&format!("Host: {host}:{port}\r\n"));
    }
    for header in headers {
        request.push_str(&format!("{}: {}\r\n", header.name, header.value));
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = [0; MOST_OF_ANSWER];
    let mut length = 0;
    while length < answer.len() && !answer[..length].contains(&b'\n') {
        match stream.read(&mut answer[length..]).ok()? {
            0 => break,
            count => length += count,
        }
    }
    let line = std::str::from_utf8(&answer[..length])
        .ok()?
        .lines()
        .next()?;
    line.split(' ').nth(1)?.parse().ok()
}

fn runs_well(watched: &ContainerProbe, command: &[String], timeout: Duration) -> bool {
    let Some((program, arguments)) = command.split_first() else {
        return false;
    };
    let started = Command::new(program)
        .args(arguments)
        .envs(
            watched
                .environment
                .iter()
                .map(|(name, value)| (name, value)),
        )
        .current_dir(&watched.working_directory)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut child) = started else {
        return false;
    };
    let end = Instant::now() + timeout;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return status.success(),
            Ok(None) if Instant::now() < end => thread::sleep(PAUSE),
            Ok(None) | Err(_) => {
                let _ = child.kill();
                let _ = child.wait();
                return false;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use k8s_openapi::api::core::v1::Probe;

    use super::*;

    /// Answers each request by its path: `/200` with that status, `/odd` with no HTTP at all.
    fn server() -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.expect("a connection");
                let mut request = [0; 1_024];
                let count = stream.read(&mut request).unwrap_or(0);
                let request = String::from_utf8_lossy(&request[..count]).into_owned();
                let path = request.split(' ').nth(1).unwrap_or_default();
                let answer = match path.trim_start_matches('/') {
                    "odd" => "hello\n".to_owned(),
                    "header" if !request.contains("Token: t\r\n") => {
                        "HTTP/1.1 403 No\r\n".to_owned()
                    }
                    "header" => "HTTP/1.1 200 Yes\r\n".to_owned(),
                    status => format!("HTTP/1.1 {status} X\r\n\r\n"),
                };
                // Who only looks at the port is gone by now.
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        port
    }

    fn watched(probe: &str) -> ContainerProbe {
        let probe: Probe = serde_json::from_str(probe).expect("a probe");
        ContainerProbe {
            container: "main".to_owned(),
            probe,
            ports: vec![("closed".to_owned(), 1)],
            working_directory: "/".into(),
            environment: vec![("WORD".to_owned(), "yes".to_owned())],
        }
    }

    #[test]
    fn probes_are_made_as_the_kubelet_makes_them() {
        let port = server();
        for (probe, expected) in [
            (r#"{"httpGet": {"port": PORT, "path": "/200"}}"#, true),
            (r#"{"httpGet": {"port": PORT, "path": "/302"}}"#, true),
            (r#"{"httpGet": {"port": PORT, "path": "/404"}}"#, false),
            (r#"{"httpGet": {"port": PORT, "path": "/503"}}"#, false),
            (r#"{"httpGet": {"port": PORT, "path": "/odd"}}"#, false),
            (r#"{"httpGet": {"port": "web", "path": "/200"}}"#, true),
            (r#"{"httpGet": {"port": "closed", "path": "/200"}}"#, false),
            (r#"{"httpGet": {"port": "nobody", "path": "/200"}}"#, false),
            (r#"{"httpGet": {"port": PORT, "path": "/header"}}"#, false),
            (
                r#"{"httpGet": {"port": PORT, "path": "/header", "httpHeaders": [{"name": "Token", "value": "t"}]}}"#,
                true,
            ),
            // Of a server that speaks TLS the port is looked at.
            (r#"{"httpGet": {"port": PORT, "scheme": "HTTPS"}}"#, true),
            (r#"{"tcpSocket": {"port": PORT}}"#, true),
            (
                r#"{"tcpSocket": {"port": "web", "host": "127.0.0.1"}}"#,
                true,
            ),
            (r#"{"tcpSocket": {"port": 1}}"#, false),
            (r#"{"grpc": {"port": PORT}}"#, true),
            (
                r#"{"exec": {"command": ["sh", "-c", "test $WORD = yes"]}}"#,
                true,
            ),
            (r#"{"exec": {"command": ["false"]}}"#, false),
            (r#"{"exec": {"command": ["no-such-program"]}}"#, false),
            (r#"{"exec": {"command": []}}"#, false),
        ] {
            let mut watched = watched(&probe.replace("PORT", &port.to_string()));
            watched.ports.push(("web".to_owned(), port));
            let answered = answers(&watched, Duration::from_secs(5));
            assert_eq!(answered, expected, "{probe}");
        }
    }

    #[test]
    fn a_probe_that_hangs_counts_as_failed_in_time() {
        // It takes connections, and says nothing.
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let probe = format!(r#"{{"httpGet": {{"port": {port}}}}}"#);
        let began = Instant::now();
        assert!(!answers(&watched(&probe), Duration::from_millis(50)));
        let hangs = r#"{"exec": {"command": ["sleep", "1000"]}}"#;
        assert!(!answers(&watched(hangs), Duration::from_millis(50)));
        assert!(began.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn who_is_wanted_no_more_is_probed_no_more() {
        let probe = r#"{"exec": {"command": ["false"]}, "initialDelaySeconds": 1000}"#;
        assert!(!until_ready(&watched(probe), &|| false));
    }
}
