//! Retries: the attempts at a node, and when there is another. Argo: `processNodeRetries`.

use std::sync::Arc;

use argosy_api::{NodePhase, NodeType};
use argosy_expr::evaluate_bool;

use super::Run;
use super::body::Body;
use super::commands::stopped;
use super::limits::FAIL_FAST;
use super::node::{Flags, NO_ITEM, Node, NodeOutputs, Role};
use super::passes::fill;
use crate::duration;
use crate::ids::{NodeIndex, Seconds};
use crate::plan::{PlannedTemplate, RetryPlan, Text};

/// What becomes of a retried node whose last attempt was bad.
enum Next {
    /// It ends as the attempt did, with this message.
    End(String),
    /// It is an error of its own.
    Fault(String),
    /// Another attempt is made, at this time at the earliest.
    Again(Option<Seconds>),
}

/// `retryPolicy`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Policy {
    Always,
    OnFailure,
    OnError,
    OnTransientError,
}

impl Run {
    /// Adds an attempt and begins it.
    pub(super) fn make_attempt(&mut self, index: NodeIndex, planned: &Arc<PlannedTemplate>) {
        let retried = self.node(index);
        let Body::Retry(body) = &retried.body else {
            return;
        };
        let kept = Flags::EXIT_HANDLER.0 | Flags::HOOKED.0 | Flags::WANTS_RESULT.0;
        let mut node = Node::new(
            Role::Attempt,
            NodeType::Skipped,
            NodePhase::Pending,
            self.now,
        );
        node.parent = index;
        node.boundary = retried.boundary;
        // One before may have been taken out, to be run again from another node.
        let last = body.attempts.last();
        node.slot = last.map_or(0, |&last| self.node(last).slot + 1);
        node.item = NO_ITEM;
        node.template = retried.template;
        node.inputs = retried.inputs.clone();
        node.depth = retried.depth;
        node.flags = Flags(retried.flags.0 & kept);
        let memo = retried
            .details
            .as_ref()
            .and_then(|details| details.memo.clone());
        if memo.is_some() {
            node.details_mut().memo = memo;
        }
        let before = body.attempts.last().copied();
        let attempt = self.add_node(node);
        if let Some(before) = before {
            self.tell_attempt_metrics(before);
        }
        if let Body::Retry(body) = &mut self.nodes[index.offset()].body {
            body.attempts.push(attempt);
            body.wait_until = None;
        }
        // A refused attempt has ended as an error, and is judged like any other.
        let _ = self.begin_template(attempt, planned);
        self.tell_watchers(attempt);
    }

    /// Looks at the last attempt: the node ends with it, or there is another.
    pub(super) fn advance_retry(&mut self, index: NodeIndex) {
        if self.node(index).phase.is_fulfilled() {
            return;
        }
        let Some(planned) = self.template_of(index) else {
            return;
        };
        let (Body::Retry(body), Some(plan)) = (&self.node(index).body, &planned.retry) else {
            return;
        };
        let Some(&last) = body.attempts.last() else {
            match self.is_kept_back(index) {
                true => self.end(index, NodePhase::Failed, Some(FAIL_FAST)),
                false => self.make_attempt(index, &planned),
            }
            return;
        };
        let attempt = self.node(last);
        if attempt.flags.has(Flags::DAEMONED) {
            self.daemon_is_up(index, last);
            return;
        }
        if !attempt.phase.is_fulfilled() {
            return;
        }
        if !attempt.phase.is_failed_or_error() {
            let outputs = attempt.outputs.clone();
            self.change(index).outputs = outputs;
            self.end(index, NodePhase::Succeeded, None);
            return;
        }
        match self.next_attempt(index, last, plan) {
            Next::End(message) => {
                let (phase, outputs) = (self.node(last).phase, self.node(last).outputs.clone());
                self.change(index).outputs = outputs;
                self.end(index, phase, Some(&message));
            }
            Next::Fault(error) => self.refuse_late(index, &error),
            // An attempt that failed counts as a child that did, so there is never another.
            Next::Again(_) if self.is_kept_back(index) => {
                self.end(index, NodePhase::Failed, Some(FAIL_FAST));
            }
            Next::Again(at) => {
                self.try_again(index, &planned, plan, at.filter(|&at| at > self.now));
                // They see what the last attempt gave.
                self.run_hooks(index);
            }
        }
    }

    /// Makes another attempt, or waits with it until its time has come or there is a place for it.
    fn try_again(
        &mut self,
        index: NodeIndex,
        planned: &Arc<PlannedTemplate>,
        plan: &RetryPlan,
        later: Option<Seconds>,
    ) {
        if let Some(at) = later {
            let wait = at.since(self.finish_of(self.last_attempt(index)));
            let message = format!("Backoff for {}", duration::humanized(wait));
            self.set_message(index, Some(&message));
            if let Body::Retry(body) = &mut self.nodes[index.offset()].body {
                body.wait_until = Some(at.0);
            }
            self.due.insert((at, index));
            return;
        }
        if self.node(index).message.is_some() && plan.backoff.is_some() {
            self.set_message(index, Some(""));
        }
        match self.held_by_workflow() {
            true => self.hold_back(index, NodeIndex::NONE, super::limits::Held::Workflow),
            false => self.make_attempt(index, planned),
        }
    }

    /// Whether the template around a node fails fast now.
    fn is_kept_back(&self, index: NodeIndex) -> bool {
        let boundary = self.node(index).boundary.some();
        boundary.is_some_and(|boundary| self.fails_fast(boundary))
    }

    fn held_by_workflow(&self) -> bool {
        self.held(NodeIndex::NONE).is_some()
    }

    fn finish_of(&self, index: NodeIndex) -> Seconds {
        let node = self.node(index);
        node.finished_at().unwrap_or(node.started_at())
    }

    fn daemon_is_up(&mut self, index: NodeIndex, attempt: NodeIndex) {
        let ip_of = |index: NodeIndex| {
            let details = self.node(index).details.as_ref();
            details.and_then(|details| details.ip.clone())
        };
        let ip = ip_of(attempt);
        if self.node(index).flags.has(Flags::DAEMONED) {
            // Another attempt may stand elsewhere.
            if ip.is_some() && ip != ip_of(index) {
                self.change(index).details_mut().ip = ip;
            }
            return;
        }
        let node = self.change(index);
        node.flags.set(Flags::DAEMONED);
        if ip.is_some() {
            node.details_mut().ip = ip;
        }
        let boundary = node.boundary;
        self.register_daemon(boundary, index);
        self.phase_changed(index);
    }

    fn next_attempt(&mut self, index: NodeIndex, last: NodeIndex, plan: &RetryPlan) -> Next {
        if let Some(strategy) = self.status.shutdown {
            return Next::End(stopped(strategy));
        }
        if self.deadline_passed() && !self.node(index).flags.has(Flags::EXIT_HANDLER) {
            let deadline = self
                .deadline()
                .map_or_else(String::new, crate::timestamp::go_utc);
            return Next::End(format!("retry exceeded workflow deadline {deadline}"));
        }
        match self.try_next(index, last, plan) {
            Ok(next) => next,
            Err(error) => Next::Fault(error),
        }
    }

    fn try_next(
        &mut self,
        index: NodeIndex,
        last: NodeIndex,
        plan: &RetryPlan,
    ) -> Result<Next, String> {
        let attempts = self.attempts(index);
        let limit = self
            .retry_text(index, plan.limit.as_ref())?
            .map(|limit| integer(&limit))
            .transpose()?;
        let mut not_before = None;
        if let Some(backoff) = &plan.backoff {
            let text = |text: &Text| {
                self.retry_text(index, Some(text))
                    .map(Option::unwrap_or_default)
            };
            let max_duration = text(&backoff.max_duration)?;
            let mut deadline = None;
            if !max_duration.is_empty() {
                let first = self.node(attempts[0]).started_at();
                let end = first.plus(duration::parse_seconds(&max_duration)?);
                if self.now > end {
                    return Ok(Next::End("Max duration limit exceeded".to_owned()));
                }
                deadline = Some(end);
            }
            let base = text(&backoff.duration)?;
            if base.is_empty() {
                return Err("no base duration specified for retryStrategy".to_owned());
            }
            let base = duration::parse_nanoseconds(&base)?;
            let factor = self
                .retry_text(index, backoff.factor.as_ref())?
                .map(|factor| integer(&factor))
                .transpose()?;
            let cap = text(&backoff.cap)?;
            let cap = (!cap.is_empty())
                .then(|| duration::parse_nanoseconds(&cap))
                .transpose()?;
            let wait = backoff_wait(base, factor, attempts.len() as i32 - 1, cap);
            let at = self.finish_of(last).plus(duration::whole_seconds_up(wait));
            if deadline.is_some_and(|deadline| at > deadline) {
                return Ok(Next::End(
                    "Backoff would exceed max duration limit".to_owned(),
                ));
            }
            // Without a limit Argo does not wait.
            let waits = limit.is_some_and(|limit| attempts.len() as i64 <= limit);
            not_before = waits.then_some(at);
            if let Some(deadline) = deadline
                && let Body::Retry(body) = &mut self.nodes[index.offset()].body
            {
                body.deadline = Some(deadline.0);
            }
            if not_before.is_some_and(|at| at > self.now) {
                return Ok(Next::Again(not_before));
            }
        }
        self.judge_attempt(index, last, plan, limit, not_before)
    }

    fn judge_attempt(
        &self,
        index: NodeIndex,
        last: NodeIndex,
        plan: &RetryPlan,
        limit: Option<i64>,
        not_before: Option<Seconds>,
    ) -> Result<Next, String> {
        let attempt = self.node(last);
        let message = || attempt.message.as_deref().unwrap_or_default().to_owned();
        let policy = self.policy(index, plan)?;
        let retried = match (policy, attempt.phase) {
            (Policy::Always, _) => true,
            (Policy::OnFailure, phase) => phase == NodePhase::Failed,
            (Policy::OnError, phase) => phase == NodePhase::Error,
            (Policy::OnTransientError, _) => is_transient(&message()),
        };
        if !retried {
            return Ok(Next::End(message()));
        }
        let attempts = self.attempts(index).len() as i64;
        if limit.is_some_and(|limit| attempts > limit) {
            return Ok(Next::End("No more retries left".to_owned()));
        }
        if let Some(expression) = &plan.expression {
            let text = self
                .retry_text(index, Some(expression))?
                .unwrap_or_default();
            if !self.retry_expression_holds(&text, last, attempts)? {
                return Ok(Next::End(
                    "retryStrategy.expression evaluated to false".to_owned(),
                ));
            }
        }
        Ok(Next::Again(not_before))
    }

    fn policy(&self, index: NodeIndex, plan: &RetryPlan) -> Result<Policy, String> {
        let policy = self
            .retry_text(index, Some(&plan.policy))?
            .unwrap_or_default();
        match policy.as_str() {
            "" if plan.expression.is_some() => Ok(Policy::Always),
            "" | "OnFailure" => Ok(Policy::OnFailure),
            "Always" => Ok(Policy::Always),
            "OnError" => Ok(Policy::OnError),
            "OnTransientError" => Ok(Policy::OnTransientError),
            other => Err(format!("{other} is not a valid RetryPolicy")),
        }
    }

    /// Whether an attempt that could not be made leaves the decision to its retried node. Else what
    /// stands around that one learns of the error at once. Argo: `executeTemplate`.
    pub(super) fn retries_errors(&self, index: NodeIndex) -> bool {
        let template = self.template_of(index);
        let plan = template.as_ref().and_then(|it| it.retry.as_ref());
        plan.is_some_and(|plan| !matches!(self.policy(index, plan), Ok(Policy::OnFailure)))
    }

    /// Evaluates `retryStrategy.expression`. Argo: `buildRetryStrategyLocalScope`.
    fn retry_expression_holds(
        &self,
        expression: &str,
        last: NodeIndex,
        attempts: i64,
    ) -> Result<bool, String> {
        let attempt = self.node(last);
        let exit_code = attempt
            .outputs
            .as_ref()
            .and_then(|outputs: &std::sync::Arc<NodeOutputs>| outputs.exit_code)
            .unwrap_or(-1);
        let variables: argosy_expr::MapScope = [
            ("retries", (attempts - 1).to_string()),
            ("lastRetry.exitCode", exit_code.to_string()),
            ("lastRetry.status", attempt.phase.as_str().to_owned()),
            ("lastRetry.duration", attempt.duration_seconds().to_string()),
            (
                "lastRetry.message",
                attempt.message.as_deref().unwrap_or_default().to_owned(),
            ),
        ]
        .into_iter()
        .collect();
        let context = self.eval_context(last, 0, &["retry"]);
        evaluate_bool(expression, &variables, &context)
    }

    fn retry_text(&self, index: NodeIndex, text: Option<&Text>) -> Result<Option<String>, String> {
        let Some(text) = text else {
            return Ok(None);
        };
        if let Text::Literal(literal) = text {
            return Ok(Some(literal.to_string()));
        }
        let template = self.template_of(index);
        let mut variables = self.variables(index, template.as_deref(), None, &[]);
        variables.siblings = None;
        let context = self.eval_context(index, 0, &["retryStrategy"]);
        fill(text, &variables, &context)
            .map(|text| Some(text.to_string()))
            .map_err(|error| error.to_string())
    }

    pub(super) fn attempts(&self, index: NodeIndex) -> &[NodeIndex] {
        match &self.node(index).body {
            Body::Retry(body) => &body.attempts,
            _ => &[],
        }
    }
}

fn integer(text: &str) -> Result<i64, String> {
    text.trim()
        .parse()
        .map_err(|_| format!("cannot convert the value \"{text}\" from String to int32"))
}

/// `duration * factor ^ retries`, no more than the cap; nanoseconds.
fn backoff_wait(base: i64, factor: Option<i64>, retries: i32, cap: Option<i64>) -> i64 {
    let mut wait = base;
    if let Some(factor) = factor.filter(|&factor| factor > 0) {
        let power = (factor as f64).powi(retries);
        wait = if base > 0 && power > i64::MAX as f64 / base as f64 {
            i64::MAX
        } else {
            base.saturating_mul(power as i64)
        };
    }
    cap.map_or(wait, |cap| wait.min(cap))
}

/// Whether a message speaks of trouble that passes. Argo: `errors.IsTransientErr`, as far as it
/// goes by the text.
fn is_transient(message: &str) -> bool {
    const SIGNS: [&str; 12] = [
        "exceeded quota",
        "TooManyRequests",
        "i/o timeout",
        "connection reset by peer",
        "connection refused",
        "TLS handshake timeout",
        "net/http: request canceled",
        "transport is closing",
        "unexpected EOF",
        "context deadline exceeded",
        "etcdserver",
        "the server is currently unable to handle the request",
    ];
    SIGNS.iter().any(|sign| message.contains(sign))
}
