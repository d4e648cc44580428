//! Metrics of one's own.

use serde::{Deserialize, Serialize};

use crate::*;

/// Metrics that a workflow or template reports.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Metrics {
    /// The metrics, one each.
    pub prometheus: Vec<Option<Prometheus>>,
}

/// One metric for Prometheus; exactly one of gauge, histogram and counter is set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Prometheus {
    /// The metric's name.
    pub name: String,
    /// Labels.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<Option<MetricLabel>>,
    /// What the metric means.
    pub help: String,
    /// The condition without which it isn't reported.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub when: String,
    /// As a gauge.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gauge: Option<Gauge>,
    /// As a histogram.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub histogram: Option<Histogram>,
    /// As a counter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counter: Option<Counter>,
}

/// A label of a metric.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct MetricLabel {
    /// The label's name.
    pub key: String,
    /// The value.
    pub value: String,
}

/// A metric that is set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Gauge {
    /// The number, or a tag that gives it.
    pub value: String,
    /// Whether it is reported while the node still runs.
    pub realtime: Option<bool>,
    /// What to do with the value: `Set`, `Add` or `Sub`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub operation: String,
}

/// A metric that counts observations by size.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Histogram {
    /// The number, or a tag that gives it.
    pub value: String,
    /// Upper bounds of the buckets.
    pub buckets: Vec<Amount>,
}

/// A metric that only grows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Counter {
    /// By what it grows, or a tag that gives it.
    pub value: String,
}
