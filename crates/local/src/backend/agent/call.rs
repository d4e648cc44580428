//! One task: a request over HTTP, or calls of the executor plugins until one takes the template.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use argosy_api::{Http, NodePhase, NodeResult};
use argosy_engine::duration;
use argosy_engine::effect::TaskRequest;
use argosy_engine::fact::{ResultSeen, TaskSeen};
use argosy_executor::agent::{CallError, PluginReply, body_of_call, carry_out_http, failed};

use super::super::Shared;
use super::super::finish::NamespaceSecrets;
use super::plugins::{Agent, Started};

/// How often a call is tried, and how long after the first time again, doubling.
/// Argo: `workflow/executor/plugins/rpc/plugin.go`.
const TRIES: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// Between two looks at whether a task is still wanted.
const TICK: Duration = Duration::from_millis(50);

impl Shared {
    /// Carries out an `http` template.
    pub(super) fn ask(&self, http: &Http, namespace: &str) -> TaskSeen {
        let secrets = NamespaceSecrets {
            objects: &*self.config.objects,
            namespace,
        };
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| {
                i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
            });
        seen(carry_out_http(http, &secrets, now), NodePhase::Failed)
    }

    /// Has the first plugin that takes it execute a template. Gives what is to be told, if
    /// anything is, and when to ask again.
    pub(super) fn execute(
        self: &Arc<Self>,
        task: &TaskRequest,
    ) -> (Option<TaskSeen>, Option<Duration>) {
        let fails = |text: String| (Some(seen(failed(text), NodePhase::Failed)), None);
        let agent = &task.agent;
        let workflow = (
            &*agent.workflow_name,
            &*task.namespace,
            &*agent.workflow_uid,
        );
        let body = match body_of_call(workflow, &task.template) {
            Ok(body) => body,
            Err(error) => return fails(error.to_string()),
        };
        let agent = self.agent_of(task);
        for place in 0..agent.plugins() {
            match self.call(task, &agent, place, &body) {
                Ok(PluginReply::NotMine) => {}
                Ok(PluginReply::NotFound) => agent.knows_no_method(place),
                Ok(PluginReply::Node(node, requeue)) => return heed(*node, requeue.as_deref()),
                Err(error) => return fails(error.text),
            }
        }
        fails("no plugin executed the template".to_owned())
    }

    /// Calls a plugin, again and again if that may help.
    fn call(
        self: &Arc<Self>,
        task: &TaskRequest,
        agent: &Arc<Agent>,
        place: usize,
        body: &str,
    ) -> Result<PluginReply, CallError> {
        if agent.is_useless(place) {
            return Ok(PluginReply::NotMine);
        }
        let mut pause = FIRST_PAUSE;
        let mut tries = 0;
        loop {
            tries += 1;
            let answer = match self.started(task, agent, place) {
                Ok(Started::Answers(plugin)) => plugin.execute(body),
                Ok(Started::Unwanted) => return Ok(PluginReply::NotMine),
                Err(error) => Err(error),
            };
            match answer {
                Err(error) if error.is_transient && tries < TRIES => {
                    let end = Instant::now() + pause;
                    while Instant::now() < end && self.tasks.wants(task.key) {
                        thread::sleep(TICK);
                    }
                    pause *= 2;
                }
                answer => return answer,
            }
        }
    }
}

/// What a plugin says of a node. Without a phase it has said nothing.
fn heed(node: NodeResult, requeue: Option<&str>) -> (Option<TaskSeen>, Option<Duration>) {
    let Some(phase) = node.phase else {
        return (None, wait(requeue).unwrap_or_default());
    };
    match wait(requeue) {
        Ok(again) => (Some(seen(node, phase)), again),
        Err(error) => (Some(seen(failed(error), NodePhase::Failed)), None),
    }
}

fn wait(requeue: Option<&str>) -> Result<Option<Duration>, String> {
    let nanoseconds = requeue.map(duration::parse_nanoseconds).transpose()?;
    Ok(nanoseconds
        .and_then(|nanoseconds| u64::try_from(nanoseconds).ok())
        .filter(|nanoseconds| *nanoseconds > 0)
        .map(Duration::from_nanos))
}

/// A result as the core is told it; without a phase of its own it has this one.
fn seen(result: NodeResult, phase: NodePhase) -> TaskSeen {
    let outputs = result.outputs.unwrap_or_default();
    let parameters = outputs.parameters.into_iter().filter_map(|parameter| {
        let value = parameter.value?;
        Some((parameter.name.into(), value.0.into()))
    });
    let progress = result.progress;
    TaskSeen {
        phase: result.phase.unwrap_or(phase),
        message: (!result.message.is_empty()).then(|| result.message.into()),
        outputs: ResultSeen {
            parameters: parameters.collect(),
            artifacts: outputs.artifacts,
            result: outputs.result.map(Into::into),
            progress: (!progress.is_empty()).then_some((progress.done, progress.total)),
            ..ResultSeen::default()
        },
        exit_code: outputs.exit_code.and_then(|code| code.parse().ok()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_asked_about_again_when_its_plugin_wants_it() {
        let node = |phase| NodeResult {
            phase,
            ..NodeResult::default()
        };
        let second = Some(Duration::from_secs(1));
        for (phase, requeue, told, again) in [
            (
                Some(NodePhase::Running),
                Some("1s"),
                Some(NodePhase::Running),
                second,
            ),
            (
                Some(NodePhase::Pending),
                None,
                Some(NodePhase::Pending),
                None,
            ),
            (
                Some(NodePhase::Running),
                Some("-1s"),
                Some(NodePhase::Running),
                None,
            ),
            (
                Some(NodePhase::Running),
                Some("soon"),
                Some(NodePhase::Failed),
                None,
            ),
            (None, Some("1s"), None, second),
            (None, None, None, None),
        ] {
            let (seen, wait) = heed(node(phase), requeue);
            assert_eq!(
                (seen.map(|seen| seen.phase), wait),
                (told, again),
                "{phase:?} {requeue:?}"
            );
        }
    }
}
