//! A retry strategy, its texts cut at their tags.

use argosy_api::RetryStrategy;
use argosy_expr::TagError;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::Text;

/// A compiled `retryStrategy`.
#[derive(Clone, Debug)]
pub struct RetryPlan {
    /// How many retries beyond the first attempt; no bound if not given.
    pub limit: Option<Text>,
    /// `retryPolicy` as written; empty for the default.
    pub policy: Text,
    /// The expression that must hold for another attempt.
    pub expression: Option<Text>,
    /// How long to wait between attempts.
    pub backoff: Option<BackoffPlan>,
    /// `affinity.nodeAntiAffinity`: attempts go to hosts that have not failed yet.
    pub different_host: bool,
}

/// A compiled `backoff`.
#[derive(Clone, Debug)]
pub struct BackoffPlan {
    /// The wait before the first retry.
    pub duration: Text,
    /// By what the wait is multiplied each time.
    pub factor: Option<Text>,
    /// After how long from the first attempt's start no more attempts are made.
    pub max_duration: Text,
    /// The longest wait.
    pub cap: Text,
}

impl RetryPlan {
    pub(super) fn new(strategy: &RetryStrategy) -> Result<Self, TagError> {
        let backoff = match &strategy.backoff {
            None => None,
            Some(backoff) => Some(BackoffPlan {
                duration: Text::parse(&backoff.duration)?,
                factor: number(backoff.factor.as_ref())?,
                max_duration: Text::parse(&backoff.max_duration)?,
                cap: Text::parse(&backoff.cap)?,
            }),
        };
        Ok(Self {
            limit: number(strategy.limit.as_ref())?,
            policy: Text::parse(&strategy.retry_policy)?,
            expression: (!strategy.expression.is_empty())
                .then(|| Text::parse(&strategy.expression))
                .transpose()?,
            backoff,
            different_host: strategy
                .affinity
                .as_ref()
                .is_some_and(|affinity| affinity.node_anti_affinity.is_some()),
        })
    }
}

pub(super) fn number(value: Option<&IntOrString>) -> Result<Option<Text>, TagError> {
    value
        .map(|value| match value {
            IntOrString::Int(number) => Text::parse(&number.to_string()),
            IntOrString::String(text) => Text::parse(text),
        })
        .transpose()
}
