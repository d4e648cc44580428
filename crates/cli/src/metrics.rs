//! Metrics as Prometheus reads them: those that workflows define, and what can be told of the
//! workflows that are kept. Argo: `workflow/metrics`, `util/telemetry/exporter_prometheus.go`.
//!
//! The text is written here, because Argo's names of counters have no suffix `_total`, which the
//! usual crate adds.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use argosy_api::WorkflowPhase;
use argosy_engine::config::MetricsConfig;
use argosy_engine::metrics::{Current, Kind};
use argosy_store::{RunFilter, Store};

use crate::submission::now;

/// What stands before every name.
const PREFIX: &str = "argo_workflows_";

/// The port of Argo's controller.
const PORT: u16 = 9090;

/// The longest request that is read, in bytes.
const LONGEST_REQUEST: usize = 8 << 10;

/// How long a client may take to ask and to listen.
const PATIENCE: Duration = Duration::from_secs(5);

struct Family {
    help: String,
    kind: Kind,
    series: BTreeMap<Vec<(String, String)>, Current>,
}

/// All metrics, as Prometheus' text format has them.
pub fn text(store: &dyn Store, config: &MetricsConfig) -> Result<String> {
    let mut families = BTreeMap::new();
    families.insert("gauge".to_owned(), workflows_by_phase(store)?);
    if !config.metrics_ttl.is_empty() {
        let ttl = argosy_engine::duration::parse_span_seconds(&config.metrics_ttl)
            .map_err(|error| anyhow::anyhow!("metricsTTL can't be read: {error}"))?;
        store.sweep_metrics(now(), ttl)?;
    }
    let table = store.metrics()?;
    for sample in table.samples(now()) {
        let family = families
            .entry(sample.name.to_owned())
            .or_insert_with(|| Family {
                help: sample.help.to_owned(),
                kind: sample.kind,
                series: BTreeMap::new(),
            });
        // A workflow can't speak for the controller.
        if family.kind == sample.kind {
            family.series.insert(sample.labels.to_vec(), sample.value);
        }
    }
    for (name, modifier) in &config.modifiers {
        if modifier.disabled {
            families.remove(name);
        } else if let Some(family) = families.get_mut(name) {
            family.drop_labels(&modifier.disabled_attributes);
        }
    }
    let mut text = String::new();
    for (name, family) in &families {
        family.write(name, &mut text);
    }
    Ok(text)
}

/// Argo: `gauge`, how many workflows there are in each phase.
fn workflows_by_phase(store: &dyn Store) -> Result<Family> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    let mut before = None;
    loop {
        let filter = RunFilter {
            before,
            ..RunFilter::default()
        };
        let rows = store.runs(&filter)?;
        for row in &rows {
            let phase = row.summary.phase.map_or("Pending", WorkflowPhase::as_str);
            *counts.entry(phase).or_default() += 1;
        }
        before = rows.last().map(|row| row.id);
        if rows.len() < filter.limit {
            break;
        }
    }
    let series = counts.into_iter().map(|(phase, count)| {
        let labels = vec![("phase".to_owned(), phase.to_owned())];
        (labels, Current::Number(count as f64))
    });
    Ok(Family {
        help: "number of Workflows currently in the cluster in each phase".to_owned(),
        kind: Kind::Gauge,
        series: series.collect(),
    })
}

impl Family {
    /// Does without labels: what they told apart is put together.
    fn drop_labels(&mut self, names: &[String]) {
        for (labels, value) in std::mem::take(&mut self.series) {
            let kept: Vec<_> = labels
                .into_iter()
                .filter(|(name, _)| !names.contains(name))
                .collect();
            match self.series.get_mut(&kept) {
                None => {
                    self.series.insert(kept, value);
                }
                Some(known) => add(self.kind, known, value),
            }
        }
    }

    fn write(&self, name: &str, text: &mut String) {
        let kind = match self.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        let help = self.help.replace('\\', "\\\\").replace('\n', "\\n");
        // Writing to a String can't fail.
        let _ = writeln!(text, "# HELP {PREFIX}{name} {help}");
        let _ = writeln!(text, "# TYPE {PREFIX}{name} {kind}");
        for (labels, value) in &self.series {
            let mut line = |suffix: &str, bound: Option<&str>, value: &dyn std::fmt::Display| {
                let more = bound.map(|bound| ("le", bound));
                let labels = shown_labels(labels, more);
                let _ = writeln!(text, "{PREFIX}{name}{suffix}{labels} {value}");
            };
            match value {
                Current::Number(number) => line("", None, &number),
                Current::Since(start) => line("", None, &now().since(*start)),
                Current::Histogram {
                    count,
                    sum,
                    buckets,
                } => {
                    for (bound, below) in buckets {
                        line("_bucket", Some(&bound.to_string()), &below);
                    }
                    line("_bucket", Some("+Inf"), &count);
                    line("_sum", None, &sum);
                    line("_count", None, &count);
                }
            }
        }
    }
}

fn add(kind: Kind, known: &mut Current, value: Current) {
    match (known, value) {
        (Current::Number(known), Current::Number(more)) => match kind {
            Kind::Counter | Kind::Gauge => *known += more,
            Kind::Histogram => {}
        },
        (
            Current::Histogram {
                count,
                sum,
                buckets,
            },
            Current::Histogram {
                count: more,
                sum: more_sum,
                buckets: others,
            },
        ) => {
            *count += more;
            *sum += more_sum;
            for ((_, below), (_, more)) in buckets.iter_mut().zip(others) {
                *below += more;
            }
        }
        (known, value) => *known = value,
    }
}

fn shown_labels(labels: &[(String, String)], more: Option<(&str, &str)>) -> String {
    let own = labels
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    let all: Vec<String> = own
        .chain(more)
        .map(|(name, value)| {
            let value = value
                .replace('\\', "\\\\")
                .replace('"', "\\\"")
                .replace('\n', "\\n");
            format!("{name}=\"{value}\"")
        })
        .collect();
    match all.is_empty() {
        true => String::new(),
        false => format!("{{{}}}", all.join(",")),
    }
}

/// Serves metrics at an address (`HOST:PORT`, `:PORT`, `PORT` or `HOST`) from a thread of its own,
/// as long as this process lives, and says where. Without a host only this machine hears of them.
pub fn serve(address: &str, store: Arc<dyn Store>, config: &MetricsConfig) -> Result<()> {
    if config.enabled == Some(false) {
        bail!("metricsConfig of the controller's configuration says that there are no metrics");
    }
    if config.secure == Some(true) {
        bail!(
            "metricsConfig asks for TLS, and metrics are served without it here: set `secure: false` and keep the address on this machine, or put a proxy before it"
        );
    }
    let address = socket_address(address, config.port.unwrap_or(PORT))?;
    let listener =
        TcpListener::bind(address).with_context(|| format!("cannot serve metrics at {address}"))?;
    let bound = listener.local_addr()?;
    eprintln!("metrics are served at http://{bound}{}", path(config));
    let config = config.clone();
    std::thread::Builder::new()
        .name("metrics".to_owned())
        .spawn(move || {
            for stream in listener.incoming().flatten() {
                // A client that goes away is no trouble of ours.
                let _ = answer(stream, &*store, &config);
            }
        })?;
    Ok(())
}

fn path(config: &MetricsConfig) -> &str {
    match config.path.as_str() {
        "" => "/metrics",
        path => path,
    }
}

fn socket_address(text: &str, port: u16) -> Result<SocketAddr> {
    let whole = match text {
        "" => format!("127.0.0.1:{port}"),
        text if text.parse::<u16>().is_ok() => format!("127.0.0.1:{text}"),
        text if text.parse::<std::net::Ipv6Addr>().is_ok() => format!("[{text}]:{port}"),
        text => match text.strip_prefix(':') {
            Some(port) => format!("127.0.0.1:{port}"),
            None if text.ends_with(']') || !text.contains(':') => format!("{text}:{port}"),
            None => text.to_owned(),
        },
    };
    let mut found = whole.to_socket_addrs().with_context(|| {
        format!("--metrics-address takes HOST:PORT, such as 127.0.0.1:{PORT}, not {text:?}")
    })?;
    found
        .next()
        .with_context(|| format!("--metrics-address: {text} has no address"))
}

fn answer(mut stream: TcpStream, store: &dyn Store, config: &MetricsConfig) -> Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut request = Vec::new();
    let mut part = [0; 1024];
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        let read = stream.read(&mut part)?;
        if read == 0 || request.len() + read > LONGEST_REQUEST {
            return Ok(());
        }
        request.extend_from_slice(&part[..read]);
    }
    let head = String::from_utf8_lossy(&request);
    let mut words = head.split_ascii_whitespace();
    let (method, target) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    let asked = target.split('?').next().unwrap_or_default();
    let wanted = path(config);
    let (status, body) = match method {
        _ if asked != wanted => ("404 Not Found", format!("metrics are at {wanted}\n")),
        "GET" | "HEAD" => match text(store, config) {
            Ok(text) => ("200 OK", text),
            Err(error) => ("500 Internal Server Error", format!("{error:#}\n")),
        },
        _ => ("405 Method Not Allowed", String::new()),
    };
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    let length = body.len();
    let body = if method == "HEAD" { "" } else { &body };
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_stay_on_this_machine_unless_told_otherwise() {
        for (given, expected) in [
            ("", "127.0.0.1:9090"),
            ("8080", "127.0.0.1:8080"),
            (":8080", "127.0.0.1:8080"),
            ("0.0.0.0", "0.0.0.0:9090"),
            ("0.0.0.0:1", "0.0.0.0:1"),
            ("::1", "[::1]:9090"),
            ("[::1]:2", "[::1]:2"),
        ] {
            let found = socket_address(given, PORT).map(|address| address.to_string());
            assert_eq!(found.ok().as_deref(), Some(expected), "{given:?}");
        }
        assert!(socket_address("a:b:c", PORT).is_err());
    }

    #[test]
    fn labels_are_escaped_and_dropped() {
        let labels = |value: &str| vec![("a".to_owned(), value.to_owned())];
        let mut family = Family {
            help: "h".to_owned(),
            kind: Kind::Counter,
            series: BTreeMap::from([
                (labels("x\"\n\\"), Current::Number(1.5)),
                (labels("y"), Current::Number(2.0)),
            ]),
        };
        let mut text = String::new();
        family.write("m", &mut text);
        assert_eq!(
            text,
            "# HELP argo_workflows_m h\n# TYPE argo_workflows_m counter\nargo_workflows_m{a=\"x\\\"\\n\\\\\"} 1.5\nargo_workflows_m{a=\"y\"} 2\n"
        );
        family.drop_labels(&["a".to_owned()]);
        let mut text = String::new();
        family.write("m", &mut text);
        assert!(text.ends_with("argo_workflows_m 3.5\n"), "{text}");
    }
}
