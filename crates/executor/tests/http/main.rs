//! What an agent carries out, against servers of the tests' own.

mod server;

use argosy_api::{Http, NodePhase, NodeResult};
use argosy_artifacts::{ArtifactError, Secrets};
use argosy_executor::agent::{Plugin, PluginReply, carry_out_http};
use serde_json::{Value, json};

use server::{Seen, Server, says};

struct OneSecret;

impl Secrets for OneSecret {
    fn secret(&self, name: &str, key: &str) -> Result<String, ArtifactError> {
        match (name, key) {
            ("token", "value") => Ok("s3cret".to_owned()),
            _ => Err(ArtifactError::NoSecret {
                name: name.to_owned(),
                key: key.to_owned(),
            }),
        }
    }
}

fn ask(http: Value) -> NodeResult {
    let http: Http = argosy_api::from_value(http).expect("a template's body");
    carry_out_http(&http, &OneSecret, 0)
}

fn body(result: &NodeResult) -> &str {
    let outputs = result.outputs.as_ref();
    outputs
        .and_then(|outputs| outputs.result.as_deref())
        .unwrap_or("-")
}

fn at(server: &Server, path: &str) -> String {
    format!("http://127.0.0.1:{}{path}", server.port)
}

/// Says what it was asked.
fn echo(seen: &Seen) -> String {
    let token = seen.header("token").unwrap_or_default();
    let host = seen.header("host").unwrap_or_default();
    let host = host.split(':').next().unwrap_or_default();
    let method = seen.line.split(' ').next().unwrap_or_default();
    let text = format!("{method}|{host}|{token}|{}", seen.body);
    says("200 OK", "X-Kind: echo\r\n", &text)
}

#[test]
fn requests_are_made_as_the_template_says() {
    let server = Server::new(echo);
    let url = at(&server, "/");
    for (http, expected) in [
        (json!({"url": url}), "GET|127.0.0.1||"),
        (
            json!({"url": url, "method": "DELETE"}),
            "DELETE|127.0.0.1||",
        ),
        (
            json!({"url": url, "method": "PUT", "body": "a body"}),
            "PUT|127.0.0.1||a body",
        ),
        // A GET may have a body as well.
        (
            json!({"url": url, "body": "a body"}),
            "GET|127.0.0.1||a body",
        ),
        (
            json!({"url": url, "method": "POST", "bodyFrom": {"bytes": "aGVsbG8="}, "body": "unheeded"}),
            "POST|127.0.0.1||hello",
        ),
        (
            json!({"url": url, "headers": [{"name": "token", "value": "plain"}]}),
            "GET|127.0.0.1|plain|",
        ),
        (
            json!({"url": url, "headers": [{"name": "Host", "value": "elsewhere"}]}),
            "GET|elsewhere||",
        ),
        (
            json!({"url": url, "headers": [{"name": "token", "valueFrom": {"secretKeyRef": {"name": "token", "key": "value"}}}]}),
            "GET|127.0.0.1|s3cret|",
        ),
    ] {
        let result = ask(http.clone());
        assert_eq!(
            result.phase,
            Some(NodePhase::Succeeded),
            "{http}: {}",
            result.message
        );
        assert_eq!(body(&result), expected, "{http}");
    }
}

#[test]
fn conditions_judge_the_answer() {
    let server = Server::new(|seen| match seen.line.as_str() {
        line if line.contains("/missing") => says("404 Not Found", "", "nothing"),
        _ => echo(seen),
    });
    let secret = json!([{"name": "token", "valueFrom": {"secretKeyRef": {"name": "token", "key": "value"}}}, {"name": "other", "value": "x"}]);
    for (path, condition, phase, message) in [
        (
            "/missing",
            "",
            NodePhase::Failed,
            "received non-2xx response code: 404",
        ),
        (
            "/missing",
            "response.statusCode == 404",
            NodePhase::Succeeded,
            "",
        ),
        (
            "/",
            "response.body contains 'GET'",
            NodePhase::Succeeded,
            "",
        ),
        (
            "/",
            "response.headers['X-Kind'][0] == 'echo'",
            NodePhase::Succeeded,
            "",
        ),
        (
            "/",
            "request.method == '' && request.url contains '127'",
            NodePhase::Succeeded,
            "",
        ),
        (
            "/",
            "request.headers['other'][0] == 'x' && !('token' in request.headers)",
            NodePhase::Succeeded,
            "",
        ),
        (
            "/",
            "response.statusCode == 500",
            NodePhase::Failed,
            "successCondition 'response.statusCode == 500' evaluated false",
        ),
    ] {
        let result = ask(
            json!({"url": at(&server, path), "headers": secret, "successCondition": condition}),
        );
        assert_eq!(
            (result.phase, result.message.as_str()),
            (Some(phase), message),
            "{path} {condition}"
        );
        // What a condition refuses is a result all the same.
        assert_ne!(body(&result), "-", "{path} {condition}");
    }
    let result = ask(json!({"url": at(&server, "/"), "successCondition": "response.statusCode +"}));
    assert_eq!(
        (result.phase, body(&result)),
        (Some(NodePhase::Failed), "-")
    );
    assert_eq!(server.seen()[0].header("token"), Some("s3cret"));
}

#[test]
fn redirects_are_followed_as_go_follows_them() {
    let other = Server::new(|seen| {
        let known = seen.header("authorization").unwrap_or("nobody");
        says("200 OK", "", &format!("{known}|{}", seen.body))
    });
    let elsewhere = format!("http://localhost:{}/", other.port);
    let server = Server::new(move |seen| {
        let to = |status: &str, place: &str| says(status, &format!("Location: {place}\r\n"), "");
        let path = seen.line.split(' ').nth(1).unwrap_or_default();
        match path {
            "/see-other" => to("303 See Other", "/end"),
            "/keeps" => to("307 Temporary Redirect", "end"),
            "/elsewhere" => to("308 Permanent Redirect", &elsewhere),
            "/nowhere" => says("302 Found", "", "no place"),
            "/loop" => to("302 Found", "/loop"),
            _ => echo(seen),
        }
    });
    let authorization = json!([{"name": "Authorization", "value": "me"}]);
    for (path, phase, expected) in [
        ("/see-other", NodePhase::Succeeded, "GET|127.0.0.1||"),
        ("/keeps", NodePhase::Succeeded, "POST|127.0.0.1||a body"),
        ("/elsewhere", NodePhase::Succeeded, "nobody|a body"),
        ("/nowhere", NodePhase::Failed, "no place"),
        ("/loop", NodePhase::Failed, "-"),
    ] {
        let result = ask(
            json!({"url": at(&server, path), "method": "POST", "body": "a body", "headers": authorization}),
        );
        assert_eq!(
            (result.phase, body(&result)),
            (Some(phase), expected),
            "{path}: {}",
            result.message
        );
        if path == "/loop" {
            let message = format!(
                "Post \"{}\": stopped after 10 redirects",
                at(&server, "/loop")
            );
            assert_eq!(result.message, message);
        }
    }
}

#[test]
fn what_keeps_an_answer_away_fails_the_node() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let silent = silent
        .local_addr()
        .map(|address| (silent, address.port()))
        .expect("an address");
    let huge = Server::new(|_| says("200 OK", "", &"x".repeat((16 << 20) + 1)));
    let slow = format!("http://127.0.0.1:{}/", silent.1);
    let large = at(&huge, "/");
    for (http, message) in [
        (
            json!({"url": "http://127.0.0.1:1/"}),
            "Get \"http://127.0.0.1:1/\": connect: connection refused".to_owned(),
        ),
        (
            json!({"url": slow, "timeoutSeconds": 1}),
            format!("Get \"{slow}\": context deadline exceeded"),
        ),
        (
            json!({"url": large, "method": "POST"}),
            format!("Post \"{large}\": the answer is larger than 16 MB; load it as an artifact"),
        ),
        (
            json!({"url": large, "headers": [{"name": "token", "valueFrom": {"secretKeyRef": {"name": "token", "key": "other"}}}]}),
            "secret 'token' does not have the key 'other'".to_owned(),
        ),
    ] {
        let result = ask(http);
        assert_eq!(
            (result.phase, result.message),
            (Some(NodePhase::Failed), message)
        );
        assert_eq!(result.outputs, None);
    }
    for url in ["", "nonsense", "ftp://127.0.0.1/"] {
        let result = ask(json!({"url": url}));
        assert_eq!(
            result.phase,
            Some(NodePhase::Failed),
            "{url:?}: {}",
            result.message
        );
        assert!(!result.message.is_empty());
    }
}

#[test]
fn certificates_are_verified_unless_that_is_not_wanted() {
    let server = Server::with_tls(echo);
    let url = format!("https://127.0.0.1:{}/", server.port);
    let result = ask(json!({"url": url}));
    assert_eq!(result.phase, Some(NodePhase::Failed));
    assert!(result.message.contains("certificate"), "{}", result.message);
    let result = ask(json!({"url": url, "insecureSkipVerify": true}));
    assert_eq!(body(&result), "GET|127.0.0.1||", "{}", result.message);
}

#[test]
fn plugins_are_called_with_their_token() {
    let server = Server::new(|seen| {
        if seen.header("authorization") != Some("Bearer s3cret") {
            return says("403 Forbidden", "", "who are you?");
        }
        if seen.header("content-type") != Some("application/json")
            || !seen.line.starts_with("POST /api/v1/template.execute ")
        {
            return says("400 Bad Request", "", &seen.line);
        }
        match seen.body.as_str() {
            "known" => says("200 OK", "", r#"{"node":{"phase":"Succeeded"}}"#),
            "other" => says("200 OK", "", "{}"),
            "unknown" => says("404 Not Found", "", "no such method"),
            "busy" => says("503 Service Unavailable", "", "later"),
            "broken" => says("500 Internal Server Error", "", &"x".repeat(100_000)),
            "moved" => says("302 Found", "Location: /elsewhere\r\n", ""),
            _ => says("200 OK", "", "not JSON"),
        }
    });
    let address = format!("http://localhost:{}", server.port);
    let plugin = Plugin::new(address.clone(), "s3cret".to_owned());
    assert!(matches!(plugin.execute("known"), Ok(PluginReply::Node(..))));
    assert_eq!(plugin.execute("other"), Ok(PluginReply::NotMine));
    assert_eq!(plugin.execute("unknown"), Ok(PluginReply::NotFound));
    let busy = plugin.execute("busy").expect_err("it is busy");
    assert_eq!((busy.is_transient, busy.text.as_str()), (true, "later"));
    let broken = plugin.execute("broken").expect_err("it is broken");
    assert!(
        broken.text.starts_with("500 Internal Server Error: xxx"),
        "{}",
        broken.text
    );
    assert!(!broken.is_transient && broken.text.len() < 5_000);
    let moved = plugin.execute("moved").expect_err("tokens don't travel");
    assert!(moved.text.starts_with("302 Found"), "{}", moved.text);
    assert!(plugin.execute("nonsense").is_err());
    let other = Plugin::new(address, "wr0ng".to_owned());
    let error = other.execute("known").expect_err("the token is wrong");
    assert_eq!(error.text, "403 Forbidden: who are you?");
    let nobody = Plugin::new("http://localhost:1".to_owned(), "s3cret".to_owned());
    let error = nobody.execute("known").expect_err("nobody is there");
    assert!(
        error.is_transient && !error.text.contains("s3cret"),
        "{}",
        error.text
    );
}
