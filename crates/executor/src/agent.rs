//! What Argo's agent does: `http` templates are carried out here, without a pod.
//! Argo: `workflow/executor/agent.go`.

use std::borrow::Cow;
use std::io::Read;
use std::time::Duration;

use argosy_api::{Http, NodePhase};
use argosy_artifacts::Secrets;
use argosy_expr::{EvalContext, Program, Scope, Value, Visit};
use base64::Engine;
use serde_json::json;
use ureq::Agent;
use ureq::http::{Request, Response};
use ureq::tls::TlsConfig;

use crate::ExecutorError;

/// The largest answer that becomes a result.
const MAX_ANSWER_BYTES: u64 = 16 << 20;
/// For a whole request, where the template says nothing.
const TIMEOUT: Duration = Duration::from_secs(1_800);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
const MAX_REDIRECTS: u32 = 10;

/// What became of a template that an agent carried out.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The phase of its node.
    pub phase: NodePhase,
    /// Why it failed; empty if it did not.
    pub message: String,
    /// `outputs.result`: the body of the answer.
    pub result: String,
}

/// Carries out an `http` template. `now_seconds` is what its success condition takes for now.
///
/// # Errors
/// If there is no answer, or the template's condition can't be evaluated; makes the node an error.
pub fn carry_out_http(
    http: &Http,
    secrets: &dyn Secrets,
    now_seconds: i64,
) -> Result<Answer, ExecutorError> {
    let body = body_of(http)?;
    let answer = ask(http, secrets, body.clone())?;
    let status = answer.status().as_u16();
    let headers = headers_of(&answer);
    let mut bytes = Vec::new();
    answer
        .into_body()
        .into_reader()
        .take(MAX_ANSWER_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| failed(http, &error.to_string()))?;
    if bytes.len() as u64 > MAX_ANSWER_BYTES {
        let most = MAX_ANSWER_BYTES >> 20;
        return Err(failed(
            http,
            &format!("the answer is larger than {most} MB; load it as an artifact"),
        ));
    }
    let result = String::from_utf8_lossy(&bytes).into_owned();
    let condition = http.success_condition.as_str();
    let holds = if condition.is_empty() {
        (200..300).contains(&status)
    } else {
        let scope = JsonScope(json!({
            "request": {
                "method": http.method,
                "url": http.url,
                "body": http.body,
                "bodyBytes": body,
                "headers": http
                    .headers
                    .iter()
                    .map(|header| (header.name.clone(), json!([header.value])))
                    .collect::<serde_json::Map<_, _>>(),
            },
            "response": {"statusCode": status, "body": result, "headers": headers},
        }));
        let context = EvalContext::new(now_seconds, 0, 0);
        Program::compile(condition)
            .and_then(|program| program.eval_bool(&scope, &context))
            .map_err(|error| failed(http, &error.to_string()))?
    };
    let (phase, message) = if holds {
        (NodePhase::Succeeded, String::new())
    } else if condition.is_empty() {
        let message = format!("received non-2xx response code: {status}");
        (NodePhase::Failed, message)
    } else {
        let message = format!("successCondition '{condition}' evaluated false");
        (NodePhase::Failed, message)
    };
    Ok(Answer {
        phase,
        message,
        result,
    })
}

fn body_of(http: &Http) -> Result<Vec<u8>, ExecutorError> {
    match &http.body_from {
        Some(from) => base64::engine::general_purpose::STANDARD
            .decode(&from.bytes)
            .map_err(|error| failed(http, &format!("bodyFrom.bytes is no base64: {error}"))),
        None => Ok(http.body.clone().into_bytes()),
    }
}

fn ask(
    http: &Http,
    secrets: &dyn Secrets,
    body: Vec<u8>,
) -> Result<Response<ureq::Body>, ExecutorError> {
    let method = match http.method.as_str() {
        "" => "GET",
        method => method,
    };
    let mut request = Request::builder().method(method).uri(&http.url);
    for header in &http.headers {
        let from = header.value_from.as_ref();
        let value = match from.and_then(|from| from.secret_key_ref.as_ref()) {
            Some(secret) => secrets
                .secret(&secret.name, &secret.key)
                .map_err(|error| failed(http, &error.to_string()))?,
            None => header.value.clone(),
        };
        request = request.header(&header.name, value);
    }
    let timeout = http
        .timeout_seconds
        .and_then(|seconds| u64::try_from(seconds).ok())
        .map_or(TIMEOUT, Duration::from_secs);
    let agent: Agent = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(MAX_REDIRECTS)
        .timeout_connect(Some(CONNECT_TIMEOUT.min(timeout)))
        .timeout_global(Some(timeout))
        .allow_non_standard_methods(true)
        .tls_config(
            TlsConfig::builder()
                .disable_verification(http.insecure_skip_verify)
                .root_certs(argosy_artifacts::root_certificates())
                .build(),
        )
        .build()
        .into();
    // The texts of these errors name the request's parts, never a header's value.
    let answer = if body.is_empty() {
        let request = request
            .body(())
            .map_err(|error| failed(http, &error.to_string()))?;
        agent.run(request)
    } else {
        let request = request
            .body(body)
            .map_err(|error| failed(http, &error.to_string()))?;
        agent.run(request)
    };
    answer.map_err(|error| failed(http, &error.to_string()))
}

fn headers_of(answer: &Response<ureq::Body>) -> serde_json::Value {
    let mut headers = serde_json::Map::new();
    for (name, value) in answer.headers() {
        // Go writes names so: `Content-Type`.
        let name = name
            .as_str()
            .split('-')
            .map(|word| {
                let mut letters = word.chars();
                letters.next().map_or_else(String::new, |first| {
                    first.to_ascii_uppercase().to_string() + letters.as_str()
                })
            })
            .collect::<Vec<_>>()
            .join("-");
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        if let serde_json::Value::Array(list) = headers.entry(name).or_insert_with(|| json!([])) {
            list.push(value.into());
        }
    }
    headers.into()
}

fn failed(http: &Http, reason: &str) -> ExecutorError {
    let method = match http.method.as_str() {
        "" => "GET",
        method => method,
    };
    ExecutorError::Http {
        method: method.to_owned(),
        url: http.url.clone(),
        reason: reason.to_owned(),
    }
}

/// The variables of an expression as one JSON value.
struct JsonScope(serde_json::Value);

impl JsonScope {
    fn find(&self, name: &str) -> Option<&serde_json::Value> {
        name.split('.').try_fold(&self.0, |at, part| at.get(part))
    }
}

impl Scope for JsonScope {
    fn lookup(&self, name: &str) -> Option<Cow<'_, str>> {
        self.find(name)?.as_str().map(Cow::Borrowed)
    }

    fn value(&self, name: &str) -> Option<Value> {
        Value::from_json(self.find(name)?).ok()
    }

    fn names_below(&self, prefix: &str, found: &mut dyn FnMut(&str) -> Visit) {
        let at = if prefix.is_empty() {
            Some(&self.0)
        } else {
            self.find(prefix)
        };
        let Some(map) = at.and_then(serde_json::Value::as_object) else {
            return;
        };
        for key in map.keys() {
            let name = match prefix {
                "" => key.clone(),
                prefix => format!("{prefix}.{key}"),
            };
            if matches!(found(&name), Visit::Stop) {
                return;
            }
        }
    }
}
