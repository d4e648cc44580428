//! `http` templates. Argo: `executeHTTPTemplate`.

mod redirect;

use std::time::{Duration, Instant};

use argosy_api::{Http, NodePhase, NodeResult, Outputs};
use argosy_artifacts::Secrets;
use argosy_expr::{EvalContext, Program};
use base64::Engine;
use serde_json::json;
use ureq::http::{Request, Response};
use ureq::tls::TlsConfig;
use ureq::{Agent, Body};

use self::redirect::{Next, next};
use super::{failed, read_body, reason};
use crate::json_scope::JsonScope;

/// For a whole request, where the template says nothing.
const TIMEOUT: Duration = Duration::from_secs(1_800);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// Argo: Go's `http.Client`.
const MAX_REDIRECTS: usize = 10;

/// Carries out an `http` template. `now_seconds` is what its success condition takes for now.
///
/// Without an answer, or with a condition that can't be evaluated, the node has failed and has no
/// outputs; else the answer's body is its result, also where it failed.
pub fn carry_out_http(http: &Http, secrets: &dyn Secrets, now_seconds: i64) -> NodeResult {
    judged(http, secrets, now_seconds).unwrap_or_else(failed)
}

fn judged(http: &Http, secrets: &dyn Secrets, now_seconds: i64) -> Result<NodeResult, String> {
    let (sent, from) = body_of(http)?;
    let answer = ask(http, &headers_to_send(http, secrets)?, sent)?;
    let status = answer.status().as_u16();
    let headers = headers_of(&answer);
    let body = read_body(answer).map_err(|reason| about(http, &reason))?;
    let condition = http.success_condition.as_str();
    let holds = if condition.is_empty() {
        (200..300).contains(&status)
    } else {
        let own = http
            .headers
            .iter()
            .filter(|header| header.value_from.is_none());
        let scope = JsonScope(json!({
            "request": {
                "method": http.method,
                "url": http.url,
                "body": http.body,
                "bodyBytes": from,
                // Values from Secrets are not told.
                "headers": own
                    .map(|header| (header.name.clone(), json!([header.value])))
                    .collect::<serde_json::Map<_, _>>(),
            },
            "response": {"statusCode": status, "body": body, "headers": headers},
        }));
        let context = EvalContext::new(now_seconds, 0, 0);
        Program::compile(condition)
            .and_then(|program| program.eval_bool(&scope, &context))
            .map_err(|error| error.to_string())?
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
    Ok(NodeResult {
        phase: Some(phase),
        message,
        outputs: Some(Outputs {
            result: Some(body),
            ..Outputs::default()
        }),
        ..NodeResult::default()
    })
}

/// The body to be sent, and that of `bodyFrom` alone.
fn body_of(http: &Http) -> Result<(Vec<u8>, Option<Vec<u8>>), String> {
    let Some(from) = &http.body_from else {
        return Ok((http.body.clone().into_bytes(), None));
    };
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(&from.bytes)
        .map_err(|error| format!("bodyFrom.bytes is no base64: {error}"))?;
    Ok((bytes.clone(), Some(bytes)))
}

fn headers_to_send(http: &Http, secrets: &dyn Secrets) -> Result<Vec<(String, String)>, String> {
    let headers = http.headers.iter().map(|header| {
        let from = header.value_from.as_ref();
        let value = match from.and_then(|from| from.secret_key_ref.as_ref()) {
            Some(secret) => secrets
                .secret(&secret.name, &secret.key)
                // Argo: `util.GetSecrets`.
                .map_err(|_| {
                    let (name, key) = (&secret.name, &secret.key);
                    format!("secret '{name}' does not have the key '{key}'")
                })?,
            None => header.value.clone(),
        };
        Ok((header.name.clone(), value))
    });
    headers.collect()
}

fn ask(http: &Http, headers: &[(String, String)], body: Vec<u8>) -> Result<Response<Body>, String> {
    let timeout = http
        .timeout_seconds
        .and_then(|seconds| u64::try_from(seconds).ok())
        .map_or(TIMEOUT, Duration::from_secs);
    let agent: Agent = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .timeout_connect(Some(CONNECT_TIMEOUT.min(timeout)))
        .allow_non_standard_methods(true)
        .tls_config(
            TlsConfig::builder()
                .disable_verification(http.insecure_skip_verify)
                .root_certs(argosy_artifacts::root_certificates())
                .build(),
        )
        .build()
        .into();
    let end = Instant::now() + timeout;
    let mut now = Next {
        method: method_of(http).to_owned(),
        url: http.url.clone(),
        body,
        is_elsewhere: false,
    };
    for _ in 0..=MAX_REDIRECTS {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(about(http, "context deadline exceeded"));
        }
        let answer = send(&agent, &now, headers, left).map_err(|reason| about(http, &reason))?;
        match next(&now, &answer) {
            Some(Ok(redirected)) => now = redirected,
            Some(Err(reason)) => return Err(about(http, &reason)),
            None => return Ok(answer),
        }
    }
    Err(about(
        http,
        &format!("stopped after {MAX_REDIRECTS} redirects"),
    ))
}

fn send(
    agent: &Agent,
    now: &Next,
    headers: &[(String, String)],
    timeout: Duration,
) -> Result<Response<Body>, String> {
    let mut request = Request::builder()
        .method(now.method.as_str())
        .uri(now.url.as_str());
    for (name, value) in headers.iter().filter(|(name, _)| now.may_send(name)) {
        request = request.header(name, value);
    }
    let build = |error: ureq::http::Error| error.to_string();
    // As Go does it: these tell the length of their body also where there is none.
    let tells_length = matches!(now.method.as_str(), "POST" | "PUT" | "PATCH");
    let answer = if now.body.is_empty() && !tells_length {
        let request = request.body(()).map_err(build)?;
        agent.run(
            agent
                .configure_request(request)
                .timeout_global(Some(timeout))
                .build(),
        )
    } else {
        let request = request.body(now.body.clone()).map_err(build)?;
        agent.run(
            agent
                .configure_request(request)
                .timeout_global(Some(timeout))
                .build(),
        )
    };
    answer.map_err(|error| reason(&error))
}

fn method_of(http: &Http) -> &str {
    match http.method.as_str() {
        "" => "GET",
        method => method,
    }
}

/// An error of a request, in the form of Go's `url.Error`: `Get "http://host/": reason`.
fn about(http: &Http, reason: &str) -> String {
    let method = method_of(http);
    let mut letters = method.chars();
    let first = letters.next().map(String::from).unwrap_or_default();
    let rest = letters.as_str().to_ascii_lowercase();
    format!("{first}{rest} {:?}: {reason}", http.url)
}

fn headers_of(answer: &Response<Body>) -> serde_json::Value {
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
