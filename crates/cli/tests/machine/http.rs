//! `http` templates on this machine, against a server of the test's own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::thread;

use crate::place::{Place, node};

/// Answers each request with what it was asked: its first line, a header and its body.
fn echo_server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut reader = BufReader::new(stream.try_clone().expect("a reader"));
            let (mut first, mut token, mut length) = (String::new(), String::new(), 0);
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).expect("a line");
                let line = line.trim_end();
                if line.is_empty() {
                    break;
                }
                if first.is_empty() {
                    line.clone_into(&mut first);
                }
                let (name, value) = line.split_once(':').unwrap_or((line, ""));
                match name.to_ascii_lowercase().as_str() {
                    "token" => value.trim().clone_into(&mut token),
                    "content-length" => length = value.trim().parse().expect("a length"),
                    _ => {}
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).expect("a body");
            let status = if first.contains("/missing") { 404 } else { 200 };
            let text = format!("{first}|{token}|{}", String::from_utf8_lossy(&body));
            // A client that has gone away needs no answer.
            let _ = write!(
                stream,
                "HTTP/1.1 {status} X\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}",
                text.len()
            );
        }
    });
    port
}

const WORKFLOW: &str = "
apiVersion: v1
kind: Secret
metadata: {name: token}
stringData: {value: s3cret}
---
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: http}
spec:
  entrypoint: main
  templates:
  - name: main
    dag:
      failFast: false
      tasks:
      - {name: get, template: get}
      - {name: post, template: post, depends: get, arguments: {parameters: [{name: text, value: '{{tasks.get.outputs.result}}'}]}}
      - {name: missing, template: missing}
      - {name: judged, template: judged}
      - {name: nobody, template: nobody}
  - name: get
    http:
      url: http://127.0.0.1:PORT/one
      headers: [{name: token, valueFrom: {secretKeyRef: {name: token, key: value}}}]
  - name: post
    inputs: {parameters: [{name: text}]}
    http: {url: 'http://127.0.0.1:PORT/two', method: POST, body: 'got {{inputs.parameters.text}}'}
  - name: missing
    http: {url: 'http://127.0.0.1:PORT/missing'}
  - name: judged
    http:
      url: http://127.0.0.1:PORT/missing
      successCondition: response.statusCode == 404 && response.headers['Content-Type'][0] == 'text/plain'
  - name: nobody
    http: {url: 'http://127.0.0.1:1/', timeoutSeconds: 5}
";

#[test]
fn an_answer_is_a_result_and_a_bad_one_a_failure() {
    let place = Place::new();
    let text = WORKFLOW.replace("PORT", &echo_server().to_string());
    let workflow = place.run(place.write("http.yaml", &text));
    let cases = [
        ("get", "Succeeded", ""),
        ("post", "Succeeded", ""),
        ("missing", "Failed", "received non-2xx response code: 404"),
        ("judged", "Succeeded", ""),
    ];
    for (name, phase, message) in cases {
        let node = node(&workflow, name);
        assert_eq!(node["type"], "HTTP", "{name}");
        assert_eq!(node["phase"], phase, "{name}: {node}");
        assert_eq!(node["message"].as_str().unwrap_or_default(), message);
    }
    let result = |name| node(&workflow, name)["outputs"]["result"].clone();
    assert_eq!(result("get"), "GET /one HTTP/1.1|s3cret|");
    assert_eq!(
        result("post"),
        "POST /two HTTP/1.1||got GET /one HTTP/1.1|s3cret|"
    );
    let nobody = node(&workflow, "nobody");
    // Argo: what keeps the agent from an answer is a failure, which is retried, not an error.
    assert_eq!(nobody["phase"], "Failed");
    assert_eq!(
        nobody["message"],
        "Get \"http://127.0.0.1:1/\": connect: connection refused"
    );
}
