//! Memoization: a node whose outputs are in a cache takes them and does not run.
//! Argo: `executeTemplate`, `initializeCacheHitNode`, `workflow/controller/cache`.

use std::sync::Arc;

use argosy_api::{NodePhase, NodeType, Outputs};
use argosy_expr::parse_duration;

use super::Run;
use super::body::{Body, Gate};
use super::node::{Memo, NodeOutputs, OutputParameter};
use super::passes::fill;
use crate::cache::{CacheEntry, is_cache_key};
use crate::effect::Effect;
use crate::fact::CacheSeen;
use crate::ids::NodeIndex;
use crate::plan::PlannedTemplate;
use crate::timestamp;

/// Which entry of which cache a node may take its outputs from, and how old it may be.
struct NamedEntry {
    cache: Arc<str>,
    key: Arc<str>,
    max_age: Arc<str>,
}

impl Run {
    /// Asks the cache for what a node would put out.
    pub(super) fn look_up_cache(
        &mut self,
        index: NodeIndex,
        planned: &PlannedTemplate,
    ) -> Result<(), String> {
        let Some(entry) = self.cache_entry(index, planned)? else {
            return Ok(());
        };
        if !is_cache_key(&entry.key) {
            return Err(format!("invalid cache key: {}", entry.key));
        }
        if !entry.max_age.is_empty() {
            parse_duration(&entry.max_age).map_err(|error| format!("invalid maxAge: {error}"))?;
        }
        self.effects.push(Effect::LoadCache {
            run: self.id,
            node: index,
            cache: entry.cache,
            key: entry.key,
        });
        self.wait_at(index, planned, Gate::Cache);
        Ok(())
    }

    /// Which entry of which cache a node's template names, if it does.
    fn cache_entry(
        &self,
        index: NodeIndex,
        planned: &PlannedTemplate,
    ) -> Result<Option<NamedEntry>, String> {
        let plan = match &planned.gates.memoize {
            None => return Ok(None),
            Some(plan) => plan.as_ref().map_err(ToString::to_string)?,
        };
        let mut variables = self.variables(index, Some(planned), None, &[]);
        variables.siblings = None;
        let context = self.eval_context(index, 0, &["memoize"]);
        let filled = |text| fill(text, &variables, &context).map_err(|error| error.to_string());
        Ok(Some(NamedEntry {
            cache: filled(&plan.cache)?,
            key: filled(&plan.key)?,
            max_age: filled(&plan.max_age)?,
        }))
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
        let named = match self.cache_entry(index, &planned) {
            Ok(Some(named)) => named,
            Ok(None) => return,
            Err(error) => return self.refuse_late(index, &error),
        };
        let found = match seen {
            CacheSeen::Missing => Ok(None),
            CacheSeen::Failed(error) => Err(error.to_string()),
            CacheSeen::Found(json) => CacheEntry::read(json).map(Some),
        };
        let entry = match found {
            Ok(entry) => entry
                .filter(|entry| !entry.node_id.is_empty() && self.is_young(entry, &named.max_age)),
            Err(error) => return self.refuse_late(index, &error),
        };
        let NamedEntry { cache, key, .. } = named;
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

    fn is_young(&self, entry: &CacheEntry, max_age: &str) -> bool {
        if max_age.is_empty() {
            return true;
        }
        let Ok(most) = parse_duration(max_age) else {
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
