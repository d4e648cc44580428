//! The metrics of a template.

use argosy_api::{Metrics, Prometheus};

use super::fault::Finding;
use super::values::Values;

/// Checks metrics. Argo looks only at those of templates.
pub(super) fn check_metrics(
    template: &str,
    metrics: &Metrics,
    values: &Values<'_>,
    findings: &mut Vec<Finding>,
) {
    for (index, metric) in metrics.prometheus.iter().enumerate() {
        let Some(metric) = metric else { continue };
        let path = format!("metrics.prometheus[{index}]");
        let name = values.substitute(&metric.name);
        if !is_metric_name(&name) && !name.contains("{{=") {
            findings.push(Finding::error(
                "metric-name",
                format!("{path}.name"),
                format!("templates.{template} metric name '{name}' is invalid. Metric names must contain alphanumeric characters or '_'"),
            ));
        }
        for (label, key) in metric.labels.iter().enumerate() {
            let Some(key) = key.as_ref().map(|label| values.substitute(&label.key)) else {
                continue;
            };
            if !is_metric_name(&key) && !key.contains("{{=") {
                findings.push(Finding::error(
                    "metric-label",
                    format!("{path}.labels[{label}].key"),
                    format!("metric label '{key}' is invalid: keys may only contain alphanumeric characters or '_'"),
                ));
            }
        }
        if metric.help.is_empty() {
            findings.push(Finding::error(
                "metric-help",
                path.clone(),
                format!("templates.{template} metric '{name}' must contain a help string under 'help: ' field"),
            ));
        }
        if let Some((field, error)) = value_error(metric) {
            findings.push(Finding::error(
                "metric-value",
                format!("{path}.{field}"),
                format!("templates.{template} metric '{name}' error: {error}"),
            ));
        }
    }
}

fn is_metric_name(name: &str) -> bool {
    let is_part = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    name.bytes()
        .next()
        .is_some_and(|b| is_part(b) && !b.is_ascii_digit())
        && name.bytes().all(is_part)
}

fn value_error(metric: &Prometheus) -> Option<(&'static str, &'static str)> {
    if let Some(gauge) = &metric.gauge {
        if gauge.value.is_empty() {
            return Some(("gauge", "missing gauge.value"));
        }
        if gauge.realtime == Some(true) && gauge.value.contains("resourcesDuration.") {
            return Some((
                "gauge.value",
                "'resourcesDuration.*' metrics cannot be used in real-time",
            ));
        }
    }
    if metric
        .counter
        .as_ref()
        .is_some_and(|counter| counter.value.is_empty())
    {
        return Some(("counter", "missing counter.value"));
    }
    if metric
        .histogram
        .as_ref()
        .is_some_and(|histogram| histogram.value.is_empty())
    {
        return Some(("histogram", "missing histogram.value"));
    }
    None
}
