//! What a template asks for before it begins, read as far as it can be: locks, a look into a cache.

use std::sync::Arc;

use argosy_api::{Memoize, Synchronization, Template};

use super::Text;
use crate::locks::{LockName, lock_names};

/// What stands before each node of a template.
#[derive(Clone, Debug)]
pub struct GatesPlan {
    /// `synchronization`.
    pub locks: LocksPlan,
    /// `memoize`; or why its texts can't be read.
    pub memoize: Option<Result<MemoizePlan, Arc<str>>>,
}

/// The locks of a template.
#[derive(Clone, Debug)]
pub enum LocksPlan {
    /// It has none.
    None,
    /// These, for all of its nodes.
    Known(Arc<[LockName]>),
    /// Their names hold tags.
    Tagged(Box<Synchronization>),
    /// They can't be named: the reason.
    Wrong(Arc<str>),
}

/// An entry of a cache.
#[derive(Clone, Debug)]
pub struct MemoizePlan {
    /// The ConfigMap that stands for the cache.
    pub cache: Text,
    /// The entry's key.
    pub key: Text,
    /// How old it may be; empty for any age.
    pub max_age: Text,
}

impl GatesPlan {
    pub(super) fn new(template: &Template, namespace: &str) -> Self {
        Self {
            locks: match &template.synchronization {
                None => LocksPlan::None,
                Some(synchronization) => LocksPlan::new(synchronization, namespace),
            },
            memoize: template.memoize.as_ref().map(MemoizePlan::new),
        }
    }
}

impl LocksPlan {
    fn new(synchronization: &Synchronization, namespace: &str) -> Self {
        match lock_names(synchronization, namespace) {
            Ok(names) if names.iter().any(|lock| lock.name.contains("{{")) => {
                Self::Tagged(Box::new(synchronization.clone()))
            }
            Ok(names) => Self::Known(names.into()),
            Err(error) => Self::Wrong(error.into()),
        }
    }
}

impl MemoizePlan {
    fn new(memoize: &Memoize) -> Result<Self, Arc<str>> {
        let text = |text: &str| Text::parse(text).map_err(|error| Arc::from(error.to_string()));
        let map = memoize
            .cache
            .as_ref()
            .and_then(|cache| cache.config_map.as_ref());
        Ok(Self {
            cache: text(map.map_or("", |map| map.name.as_str()))?,
            key: text(&memoize.key)?,
            max_age: text(&memoize.max_age)?,
        })
    }
}
