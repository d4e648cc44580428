//! Calls of executor plugins: `template.execute`, over HTTP.
//! Argo: `workflow/util/plugin/plugin.go`, docs/executor_plugins.md.

use std::fmt;
use std::time::Duration;

use argosy_api::{NodeResult, Template};
use serde::Deserialize;
use serde_json::json;
use ureq::Agent;

use super::{read_body, reason};

/// For a whole call. Argo: `workflow/executor/plugins/rpc/plugin.go`.
const TIMEOUT: Duration = Duration::from_secs(30);

/// What is said of a plugin's error of its own: no more of its text than this.
const MAX_ERROR_BYTES: usize = 4 << 10;

/// Where a plugin listens, and what it is shown to prove who asks.
#[derive(Clone)]
pub struct Plugin {
    address: String,
    token: String,
}

/// The token never shows.
impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plugin")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// What a plugin says to a call.
#[derive(Clone, Debug, PartialEq)]
pub enum PluginReply {
    /// It does not know the method: it need not be asked again.
    NotFound,
    /// The template is not for it.
    NotMine,
    /// How the node fares, and after which time, as Go writes it, it is to be asked again.
    Node(Box<NodeResult>, Option<String>),
}

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct CallError {
    /// Whether the same call may do better later.
    pub is_transient: bool,
    /// What went wrong.
    pub text: String,
}

/// The body of a call. Argo: `ExecuteTemplateArgs`.
///
/// # Errors
/// If the template can't be written as JSON.
pub fn body_of_call(
    workflow: (&str, &str, &str),
    template: &Template,
) -> Result<String, serde_json::Error> {
    let (name, namespace, uid) = workflow;
    serde_json::to_string(&json!({
        "workflow": {"metadata": {"name": name, "namespace": namespace, "uid": uid}},
        "template": serde_json::to_value(template)?,
    }))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Reply {
    node: Option<NodeResult>,
    requeue: Option<String>,
}

impl Plugin {
    /// A plugin at an address such as `http://localhost:4355`.
    pub fn new(address: String, token: String) -> Self {
        Self { address, token }
    }

    /// Where it listens.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Has a template executed. A call is made once; whoever makes it tries again.
    ///
    /// # Errors
    /// If there is no answer, or one that says so.
    pub fn execute(&self, body: &str) -> Result<PluginReply, CallError> {
        let url = format!("{}/api/v1/template.execute", self.address);
        let agent: Agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(TIMEOUT))
            // Nobody stands between us and a plugin of this machine.
            .proxy(None)
            .build()
            .into();
        let answer = agent
            .post(&url)
            .header("Content-Type", "application/json")
            .header("Authorization", format!("Bearer {}", self.token))
            .send(body)
            .map_err(|error| CallError {
                is_transient: is_transient(&error),
                text: format!("Post \"{url}\": {}", reason(&error)),
            })?;
        let status = answer.status();
        let fatal = |text: String| CallError {
            is_transient: false,
            text,
        };
        let text = read_body(answer).map_err(fatal)?;
        match status.as_u16() {
            200 => read_reply(&text).map_err(fatal),
            404 => Ok(PluginReply::NotFound),
            503 => Err(CallError {
                is_transient: true,
                text: short(&text).to_owned(),
            }),
            code => {
                let word = status.canonical_reason().unwrap_or_default();
                Err(fatal(format!("{code} {word}: {}", short(&text))))
            }
        }
    }
}

fn is_transient(error: &ureq::Error) -> bool {
    match error {
        ureq::Error::Timeout(_) | ureq::Error::ConnectionFailed => true,
        ureq::Error::Io(error) => !matches!(
            error.kind(),
            std::io::ErrorKind::InvalidInput | std::io::ErrorKind::InvalidData
        ),
        _ => false,
    }
}

/// Go reads the first JSON value, and takes `null` for nothing said.
fn read_reply(text: &str) -> Result<PluginReply, String> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Option<Reply>>();
    let reply = match values.next() {
        None => return Err("EOF".to_owned()),
        Some(reply) => {
            reply.map_err(|error| format!("the plugin's answer can't be read: {error}"))?
        }
    };
    let reply = reply.unwrap_or_default();
    Ok(match reply.node {
        None => PluginReply::NotMine,
        Some(node) => PluginReply::Node(Box::new(node), reply.requeue),
    })
}

fn short(text: &str) -> &str {
    let mut end = text.len().min(MAX_ERROR_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;
    use argosy_api::NodePhase;

    #[test]
    fn answers_are_read_as_go_reads_them() {
        for text in ["{}", "null", "{\"requeue\":\"1s\"}", "{\"node\":null}"] {
            assert_eq!(read_reply(text), Ok(PluginReply::NotMine), "{text}");
        }
        let node = |text: &str| match read_reply(text) {
            Ok(PluginReply::Node(node, requeue)) => (node, requeue),
            other => panic!("{text}: {other:?}"),
        };
        let (ended, requeue) = node(
            r#"{"node":{"phase":"Succeeded","message":"hi","progress":"1/2",
                "outputs":{"parameters":[{"name":"foo","value":"bar"}]}}} trailing"#,
        );
        assert_eq!(ended.phase, Some(NodePhase::Succeeded));
        assert_eq!((ended.message.as_str(), ended.progress.done), ("hi", 1));
        assert_eq!(requeue, None);
        let (runs, requeue) = node(r#"{"node":{"phase":"Running"},"requeue":"2m"}"#);
        assert_eq!(runs.phase, Some(NodePhase::Running));
        assert_eq!(requeue.as_deref(), Some("2m"));
        for text in ["", "no JSON", "{\"node\":{\"phase\":\"Nonsense\"}}"] {
            assert!(read_reply(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_body_names_the_workflow_and_holds_the_template() {
        let template: Template =
            argosy_api::from_value(serde_json::json!({"name": "t", "plugin": {"hello": {"a": 1}}}))
                .expect("a template");
        let body = body_of_call(("wf", "default", "u-1"), &template).expect("JSON");
        let body: serde_json::Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!(body["workflow"]["metadata"]["uid"], "u-1");
        assert_eq!(body["template"]["plugin"]["hello"]["a"], 1);
        // Argo writes these also where they are empty, and plugins rely on it.
        assert!(body["template"]["inputs"].is_object(), "{body}");
        assert!(body["template"]["outputs"].is_object(), "{body}");
    }

    #[test]
    fn the_token_does_not_show() {
        let plugin = Plugin::new("http://localhost:1".to_owned(), "s3cret".to_owned());
        assert!(!format!("{plugin:?}").contains("s3cret"));
    }
}
