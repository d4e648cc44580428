//! The metrics that a workflow and its templates define: when they are told, and with which
//! values. Argo: `computeMetrics`, `prepareMetricScope`.

use argosy_api::{NodePhase, NodeType, Prometheus, WorkflowPhase};
use argosy_expr::{EvalContext, Unresolved, evaluate_when};

use super::Run;
use super::node::{Flags, Role};
use super::passes::again;
use super::scope::{Frame, Variables};
use crate::ids::{NodeIndex, Seconds};
use crate::metrics::{Emission, Operation, Reading};

/// At which point of its course something tells its metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    /// It begins: only what shows the time as it passes.
    Beginning,
    /// It is over.
    End,
}

/// What a metric is told of.
struct Subject<'a> {
    moment: Moment,
    variables: Variables<'a>,
    context: EvalContext,
    /// For `workflow.duration`: when the workflow began, and how long it took if it is over.
    workflow: (Option<Seconds>, Option<i64>),
    /// For `duration`: the same of the node.
    node: Option<(Seconds, Option<i64>)>,
}

impl Run {
    /// Tells the metrics of a node that is new or over.
    pub(super) fn tell_metrics(&mut self, index: NodeIndex, new: bool) {
        let node = self.node(index);
        let told = node.flags.has(Flags::METRICS_TOLD);
        let over = node.is_fulfilled() && !told;
        if !self.has_metrics(index) || !(new || over) {
            return;
        }
        if over {
            self.change(index).flags.set(Flags::METRICS_TOLD);
        }
        if new {
            self.tell_node_metrics(index, Moment::Beginning);
        }
        if over {
            self.tell_node_metrics(index, Moment::End);
        }
    }

    /// Tells the metrics of an attempt that another one follows; those of the last attempt are the
    /// retried node's own.
    pub(super) fn tell_attempt_metrics(&mut self, attempt: NodeIndex) {
        if self.telling.metrics {
            self.tell_node_metrics(attempt, Moment::End);
        }
    }

    /// Whether a node is one that runs a template with metrics.
    fn has_metrics(&self, index: NodeIndex) -> bool {
        let node = self.node(index);
        let runs = match node.kind {
            NodeType::Pod
            | NodeType::Steps
            | NodeType::DAG
            | NodeType::Retry
            | NodeType::Suspend
            | NodeType::HTTP
            | NodeType::Plugin => true,
            NodeType::Container | NodeType::StepGroup | NodeType::TaskGroup | NodeType::Skipped => {
                false
            }
        };
        let details = node.details.as_ref();
        let remembered = details
            .and_then(|details| details.memo.as_ref())
            .is_some_and(|memo| memo.hit);
        let ran = !matches!(node.phase, NodePhase::Skipped | NodePhase::Omitted);
        runs && ran
            && !remembered
            && node.role != Role::Attempt
            && self
                .template_of(index)
                .is_some_and(|planned| planned.template.metrics.is_some())
    }

    fn tell_node_metrics(&mut self, index: NodeIndex, moment: Moment) {
        let Some(planned) = self.template_of(index) else {
            return;
        };
        let Some(metrics) = &planned.template.metrics else {
            return;
        };
        let extra = self.metric_variables(index);
        let node = self.node(index);
        let took = node.finished_at().map(|end| end.since(node.started_at()));
        let mut variables = self.variables(index, Some(&planned), None, &extra);
        variables.siblings = None;
        variables.frame = Some(Frame {
            template: &planned,
            inputs: self.inputs_of(index),
            node: index,
        });
        let subject = Subject {
            moment,
            variables,
            context: self.eval_context(index, 0, &["metrics"]),
            workflow: self.workflow_time(),
            node: Some((node.started_at(), took)),
        };
        let told = tell_all(self, metrics.prometheus.iter().flatten(), &subject);
        self.take_told(told);
    }

    /// Tells the metrics of the workflow: what shows the time when it begins, all when it is over.
    pub(super) fn tell_workflow_metrics(&mut self) {
        let over = self.status.phase.is_some_and(WorkflowPhase::is_completed);
        let plan = self.plan.clone();
        let Some(metrics) = &plan.workflow.spec.metrics else {
            return;
        };
        let root = (over && !self.nodes.is_empty()).then_some(NodeIndex::ROOT);
        let extra = match root {
            Some(root) => self.metric_variables(root),
            None => default_variables(),
        };
        let node = root.map(|root| {
            let node = self.node(root);
            let took = node.finished_at().map(|end| end.since(node.started_at()));
            (node.started_at(), took)
        });
        let subject = Subject {
            moment: match over {
                true => Moment::End,
                false => Moment::Beginning,
            },
            variables: self.variables(NodeIndex::NONE, None, None, &extra),
            context: self.eval_context(NodeIndex::NONE, 0, &["metrics"]),
            workflow: self.workflow_time(),
            node,
        };
        let told = tell_all(self, metrics.prometheus.iter().flatten(), &subject);
        self.take_told(told);
    }

    fn take_told(&mut self, told: Vec<Result<Emission, String>>) {
        for one in told {
            match one {
                Ok(emission) => self.observations.push(emission),
                Err(error) => self.metric_refused(&error),
            }
        }
    }

    /// A metric could not be told: a condition of the workflow says so.
    pub(super) fn metric_refused(&mut self, error: &str) {
        let errors = &mut self.status.metrics_error;
        if !errors.is_empty() {
            errors.push_str(", ");
        }
        errors.push_str(error);
        self.status_changed = true;
    }

    fn workflow_time(&self) -> (Option<Seconds>, Option<i64>) {
        let over = self.status.phase.is_some_and(WorkflowPhase::is_completed);
        let started = self.status.started_at;
        (started, over.then(|| self.duration_seconds()))
    }

    /// What a node's metrics see of it.
    fn metric_variables(&self, index: NodeIndex) -> Vec<(String, Option<String>)> {
        let node = self.node(index);
        let end = node.finished_at().unwrap_or(self.now);
        let seconds = end.since(node.started_at());
        let mut known = default_variables();
        let mut set =
            |name: &str, value: String| match known.iter_mut().find(|(known, _)| known == name) {
                Some((_, known)) => *known = Some(value),
                None => known.push((name.to_owned(), Some(value))),
            };
        set("duration", format!("{:.6}", seconds as f64));
        set("status", node.phase.as_str().to_owned());
        for (resource, seconds) in self.usage_of(index) {
            set(
                &format!("resourcesDuration.{resource}"),
                seconds.to_string(),
            );
        }
        let attempts = self.attempts(index);
        if !attempts.is_empty() {
            set("retries", (attempts.len() - 1).to_string());
        }
        let outputs = self.node(self.last_attempt(index)).outputs.as_ref();
        if let Some(outputs) = node.outputs.as_ref().or(outputs) {
            if let Some(result) = &outputs.result {
                set("outputs.result", result.to_string());
            }
            if let Some(code) = outputs.exit_code {
                set("exitCode", code.to_string());
            }
            for parameter in &outputs.parameters {
                let value = parameter.value.as_deref().unwrap_or_default();
                let name = format!("outputs.parameters.{}", parameter.name);
                set(&name, value.to_owned());
            }
        }
        known
    }
}

fn default_variables() -> Vec<(String, Option<String>)> {
    [
        ("duration", "0"),
        ("status", "Pending"),
        ("resourcesDuration.cpu", "0"),
        ("resourcesDuration.memory", "0"),
    ]
    .map(|(name, value)| (name.to_owned(), Some(value.to_owned())))
    .to_vec()
}

fn tell_all<'m>(
    run: &Run,
    metrics: impl Iterator<Item = &'m Prometheus>,
    subject: &Subject<'_>,
) -> Vec<Result<Emission, String>> {
    metrics
        .filter(|metric| subject.moment == Moment::End || is_realtime(metric))
        .filter_map(|metric| tell(run, metric, subject).transpose())
        .collect()
}

fn is_realtime(metric: &Prometheus) -> bool {
    metric
        .gauge
        .as_ref()
        .is_some_and(|gauge| gauge.realtime == Some(true))
}

fn tell(run: &Run, metric: &Prometheus, subject: &Subject<'_>) -> Result<Option<Emission>, String> {
    if metric.help.is_empty() {
        return Err(format!(
            "metric '{}' must contain a help string under 'help: ' field",
            metric.name
        ));
    }
    let fill = |text: &str| {
        again(
            text,
            &subject.variables,
            Unresolved::Error,
            &subject.context,
        )
        .map_err(|error| {
            format!(
                "unable to substitute parameters for metric '{}': {error}",
                metric.name
            )
        })
    };
    let (name, help) = (fill(&metric.name)?, fill(&metric.help)?);
    let mut labels = Vec::with_capacity(metric.labels.len());
    for label in metric.labels.iter().flatten() {
        labels.push((fill(&label.key)?, fill(&label.value)?));
    }
    let when = fill(&metric.when)?;
    if !when.is_empty() {
        let holds = evaluate_when(&when).map_err(|error| {
            let name = run.definition().name();
            format!("unable to compute 'when' clause for metric '{name}': {error}")
        })?;
        if !holds {
            return Ok(None);
        }
    }
    let construct = |error: &str| format!("could not construct metric '{name}': {error}");
    let reading = if is_realtime(metric) {
        let value = metric
            .gauge
            .as_ref()
            .map_or("", |gauge| gauge.value.as_str());
        realtime(value, subject)?
    } else {
        read_value(metric, &fill).map_err(|error| match error {
            ValueError::Tags(error) => error,
            ValueError::Number(error) => construct(&error),
        })?
    };
    if !is_metric_name(&name) {
        return Err(construct(
            "metric name is invalid: names may only contain alphanumeric characters or '_'",
        ));
    }
    Ok(Some(Emission {
        run: run.id(),
        at: run.now,
        name,
        help,
        labels,
        reading,
    }))
}

/// A gauge that shows how long something takes, while it does.
fn realtime(value: &str, subject: &Subject<'_>) -> Result<Reading, String> {
    let variable = value
        .strip_prefix("{{")
        .and_then(|rest| rest.strip_suffix("}}"))
        .ok_or_else(|| "real time metrics can only be used with metric variables".to_owned())?
        .trim();
    let (started, took) = match (variable, subject.node) {
        ("workflow.duration", _) => subject.workflow,
        ("duration", Some((started, took))) => (Some(started), took),
        _ => {
            return Err(format!(
                "'{variable}' is not available as a real time metric"
            ));
        }
    };
    Ok(match (started, took) {
        (_, Some(seconds)) => Reading::Gauge(Operation::Set, seconds as f64),
        (Some(started), None) => Reading::Since(started),
        (None, None) => Reading::Gauge(Operation::Set, 0.0),
    })
}

enum ValueError {
    Tags(String),
    Number(String),
}

fn read_value(
    metric: &Prometheus,
    fill: &dyn Fn(&str) -> Result<String, String>,
) -> Result<Reading, ValueError> {
    let number = |text: &str| {
        let text = fill(text).map_err(ValueError::Tags)?;
        text.parse::<f64>().map_err(|_| {
            ValueError::Number(format!(
                "strconv.ParseFloat: parsing {text:?}: invalid syntax"
            ))
        })
    };
    if let Some(gauge) = &metric.gauge {
        let operation = match gauge.operation.as_str() {
            "Add" => Operation::Add,
            "Sub" => Operation::Sub,
            _ => Operation::Set,
        };
        return Ok(Reading::Gauge(operation, number(&gauge.value)?));
    }
    if let Some(histogram) = &metric.histogram {
        let bounds = histogram.buckets.iter();
        return Ok(Reading::Histogram {
            buckets: bounds.filter_map(|bound| bound.0.as_f64()).collect(),
            value: number(&histogram.value)?,
        });
    }
    match &metric.counter {
        Some(counter) => Ok(Reading::Counter(number(&counter.value)?)),
        None => Err(ValueError::Number("invalid metric spec".to_owned())),
    }
}

fn is_metric_name(name: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphabetic() || c == '_';
    name.starts_with(letter) && name.chars().all(|c| letter(c) || c.is_ascii_digit())
}
