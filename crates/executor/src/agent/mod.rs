//! What Argo's agent does: `http` and `plugin` templates are carried out here, without a pod.
//! Argo: `workflow/executor/agent.go`.

mod http;
mod plugin;

use std::io::Read;

use argosy_api::{NodePhase, NodeResult};
use ureq::Body;
use ureq::http::Response;

pub use http::carry_out_http;
pub use plugin::{CallError, Plugin, PluginReply, body_of_call};

/// The largest answer that is read.
const MAX_ANSWER_BYTES: u64 = 16 << 20;

/// The result of a node whose task could not be carried out. Argo: `processTask`, which makes it a
/// failure, so that it is retried, and not an error.
pub fn failed(message: impl Into<String>) -> NodeResult {
    NodeResult {
        phase: Some(NodePhase::Failed),
        message: message.into(),
        ..NodeResult::default()
    }
}

/// Reads the body of an answer.
///
/// # Errors
/// Why it can't be read, or that it is too large.
fn read_body(answer: Response<Body>) -> Result<String, String> {
    let mut bytes = Vec::new();
    answer
        .into_body()
        .into_reader()
        .take(MAX_ANSWER_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| reason(&ureq::Error::from(error)))?;
    if bytes.len() as u64 > MAX_ANSWER_BYTES {
        let most = MAX_ANSWER_BYTES >> 20;
        return Err(format!(
            "the answer is larger than {most} MB; load it as an artifact"
        ));
    }
    Ok(String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

/// Why a request got no answer. It names nothing of the request, so no header's value either.
fn reason(error: &ureq::Error) -> String {
    match error {
        // Go's words.
        ureq::Error::Timeout(_) => "context deadline exceeded".to_owned(),
        ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
            "connect: connection refused".to_owned()
        }
        other => other.to_string(),
    }
}
