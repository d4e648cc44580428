//! Taking runs over, from where they stand in the store.

use std::collections::BTreeMap;
use std::sync::Arc;

use argosy_engine::definition::Definition;
use argosy_engine::fact::Fact;
use argosy_engine::ids::RunId;
use argosy_engine::outbox;
use argosy_engine::run::Run;
use argosy_store::Claim;

use super::{Pending, Pump, PumpError, now};
use crate::backend::Backend;
use crate::options::{RunOptions, Sync};

impl Pump {
    /// Takes a run over, from where it stands in the store. `false` if another process owns it.
    ///
    /// # Errors
    /// If it can't be read.
    pub fn adopt(&mut self, id: RunId, backend: &mut dyn Backend) -> Result<bool, PumpError> {
        if self.claims.contains_key(&id) {
            return Ok(true);
        }
        let Some(claim) = self.store.claim(id)? else {
            return Ok(false);
        };
        self.take(claim, backend)?;
        Ok(true)
    }

    /// Takes a run over that is this process's already, from where it stands in the store.
    ///
    /// # Errors
    /// If it can't be read.
    pub fn take(&mut self, claim: Claim, backend: &mut dyn Backend) -> Result<(), PumpError> {
        let id = claim.run;
        let mut rows = Vec::new();
        let stored = self.store.load(id, &mut |row| rows.push(row))?;
        let definition: Definition = serde_json::from_slice(&stored.definition)
            .map_err(|error| PumpError::Definition(id.0, error.to_string()))?;
        let options = RunOptions::from_json(&stored.options)
            .map_err(|error| PumpError::Options(id.0, error.to_string()))?;
        let mut values = BTreeMap::new();
        self.store.values(id, &mut |hash, text| {
            values.insert(hash, Arc::<str>::from(text));
        })?;
        let fresh = rows.is_empty() && stored.state.is_none();
        let run = Run::load(
            id,
            Arc::new(definition),
            self.settings.clone(),
            stored.state.as_deref(),
            rows,
            &|hash| values.get(&hash).cloned(),
        )
        .map_err(|error| PumpError::Load(id.0, error))?;
        let over = run.is_over();
        self.locks.take_over(&*self.store, &run)?;
        self.controller.add(run);
        self.claims.insert(id, claim);
        if options.sync == Sync::Each {
            self.synced.insert(id);
        }
        self.take_outbox(id)?;
        if over {
            // What it had still to have done is all that is left of it.
            self.ending.insert(id);
        }
        // What came while nobody owned the run.
        self.read_letters(id)?;
        if fresh {
            self.controller.tell(now(), id, Fact::Started);
        } else {
            self.awaiting_pods.insert(id, Vec::new());
            backend.inventory(id);
        }
        Ok(())
    }

    /// Has what the last owner of a run did not get to carried out, before all else.
    fn take_outbox(&mut self, id: RunId) -> Result<(), PumpError> {
        let mut entries = Vec::new();
        self.store
            .outbox(id, &mut |number, entry| entries.push((number, entry)))?;
        for (number, entry) in entries {
            let effects = outbox::decode(&entry).map_err(|error| PumpError::Outbox(id.0, error))?;
            self.pending.push_back(Pending {
                run: Some(id),
                effects,
                outbox: Some(number),
                ..Pending::after(self.next_commit - 1)
            });
        }
        Ok(())
    }
}
