//! Memoization: a node whose outputs are in a cache takes them and does not run.
//! Argo: `executeTemplate`, `initializeCacheHitNode`, `workflow/controller/cache`.

use std::sync::Arc;

use argosy_api::{Memoize, NodePhase, NodeType, Outputs};
use argosy_expr::parse_duration;

use super::Run;
use super::body::{Body, Gate};
use super::node::{Memo, NodeOutputs, OutputParameter};
use crate::cache::{CacheEntry, is_cache_key};
use crate::effect::Effect;
use crate::fact::CacheSeen;
use crate::ids::NodeIndex;
use crate::plan::PlannedTemplate;
use crate::timestamp;

impl Run {
    /// Asks the cache for what a node would put out.
    pub(super) fn look_up_cache(
        &mut self,
        index: NodeIndex,
        planned: &PlannedTemplate,
        memoize: &Memoize,
    ) -> Result<(), String> {
        let filled = self.filled_part(index, planned, memoize, "memoize")?;
        if !is_cache_key(&filled.key) {
            return Err(format!("invalid cache key: {}", filled.key));
        }
        if !filled.max_age.is_empty() {
            parse_duration(&filled.max_age).map_err(|error| format!("invalid maxAge: {error}"))?;
        }
        let (cache, key) = cache_and_key(&filled);
        self.effects.push(Effect::LoadCache {
            run: self.id,
            node: index,
            cache,
            key,
        });
        self.wait_at(index, planned, Gate::Cache);
        Ok(())
    }

    /// The cache has answered.
    pub(super) fn cache_seen(&mut self, index: NodeIndex, seen: &CacheSeen) {
        let waits = self
            .nodes
            .get(index.offset())
            .is_some_and(|node| node.body_is(&Gate::Cache));
        let (Some(planned), true) = (self.template_of(index), waits) else {
            return;
        };
        let Some(memoize) = planned.template.memoize.clone() else {
            return;
        };
        let filled = match self.filled_part(index, &planned, &memoize, "memoize") {
            Ok(filled) => filled,
            Err(error) => return self.refuse_late(index, &error),
        };
        let found = match seen {
            CacheSeen::Missing => Ok(None),
            CacheSeen::Failed(error) => Err(error.to_string()),
            CacheSeen::Found(json) => CacheEntry::read(json).map(Some),
        };
        let entry = match found {
            Ok(entry) => {
                entry.filter(|entry| !entry.node_id.is_empty() && self.is_young(entry, &filled))
            }
            Err(error) => return self.refuse_late(index, &error),
        };
        let (cache, key) = cache_and_key(&filled);
        let hit = entry.is_some();
        self.leave_gate(index);
        self.change(index).details_mut().memo = Some(Arc::new(Memo { hit, cache, key }));
        match entry {
            // It has counted as active while it waited.
            None => self.pass_on(index, &planned),
            Some(entry) => {
                if let Some(outputs) = entry.outputs {
                    let outputs = node_outputs(outputs);
                    self.export_outputs(index, &outputs);
                    self.change(index).outputs = Some(Arc::new(outputs));
                }
                self.end(index, NodePhase::Succeeded, None);
            }
        }
    }

    fn is_young(&self, entry: &CacheEntry, memoize: &Memoize) -> bool {
        if memoize.max_age.is_empty() {
            return true;
        }
        let Ok(most) = parse_duration(&memoize.max_age) else {
            return false;
        };
        let created = entry
            .creation_timestamp
            .as_deref()
            .and_then(timestamp::parse_rfc3339);
        let age = created.map_or(i64::MAX, |at| self.now.since(at));
        i128::from(age) * 1_000_000_000 <= i128::from(most)
    }

    /// Keeps what a node has put out, if its template says so and it ran.
    pub(super) fn memoize(&mut self, index: NodeIndex) {
        let node = self.node(index);
        let saves = matches!(
            node.kind,
            NodeType::Pod | NodeType::Steps | NodeType::DAG | NodeType::HTTP | NodeType::Plugin
        );
        let memo = node
            .details
            .as_ref()
            .and_then(|details| details.memo.clone());
        let (Some(memo), true, NodePhase::Succeeded) = (memo, saves, node.phase) else {
            return;
        };
        if memo.hit {
            return;
        }
        let outputs = self.outputs_status(index);
        let at = self.node(index).finished_at().unwrap_or(self.now);
        let entry = CacheEntry::new(&self.node_id(index), outputs, at);
        self.effects.push(Effect::SaveCache {
            run: self.id,
            cache: memo.cache.clone(),
            key: memo.key.clone(),
            entry: Arc::from(entry.write()),
        });
    }
}

impl super::node::Node {
    fn body_is(&self, gate: &Gate) -> bool {
        matches!(&self.body, Body::Gate(at) if at == gate)
    }
}

fn cache_and_key(memoize: &Memoize) -> (Arc<str>, Arc<str>) {
    let name = memoize
        .cache
        .as_ref()
        .and_then(|cache| cache.config_map.as_ref())
        .map_or("", |map| map.name.as_str());
    (Arc::from(name), Arc::from(memoize.key.as_str()))
}

/// A node's outputs from Argo's JSON of them.
pub(super) fn node_outputs(outputs: Outputs) -> NodeOutputs {
    NodeOutputs {
        parameters: outputs
            .parameters
            .into_iter()
            .map(|parameter| OutputParameter {
                name: Arc::from(parameter.name),
                value: parameter.value.map(|value| Arc::from(value.as_str())),
            })
            .collect(),
        artifacts: outputs.artifacts.into(),
        result: outputs.result.map(Arc::from),
        exit_code: outputs.exit_code.and_then(|code| code.parse().ok()),
    }
}
