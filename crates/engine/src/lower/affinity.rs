//! Keeping a retry off the machines on which earlier attempts failed.

use k8s_openapi::api::core::v1::{
    Affinity, NodeAffinity, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm,
};

/// The label by which machines are told apart. Argo reads it from `RETRY_HOST_NAME_LABEL_KEY`.
const HOST_LABEL: &str = "kubernetes.io/hostname";

/// Adds "on none of these hosts" to an affinity: to the requirement on hosts that is there, to the
/// first term that is empty, or to the first term.
pub(super) fn avoid_hosts(affinity: &mut Option<Affinity>, hosts: &[String]) {
    let mut unique: Vec<String> = Vec::with_capacity(hosts.len());
    for host in hosts {
        if !unique.contains(host) {
            unique.push(host.clone());
        }
    }
    if unique.is_empty() {
        return;
    }
    let terms = &mut affinity
        .get_or_insert_default()
        .node_affinity
        .get_or_insert_with(NodeAffinity::default)
        .required_during_scheduling_ignored_during_execution
        .get_or_insert_with(NodeSelector::default)
        .node_selector_terms;
    if terms.is_empty() {
        terms.push(NodeSelectorTerm::default());
    }
    for term in terms.iter_mut() {
        let expressions = term.match_expressions.get_or_insert_default();
        if expressions.is_empty() {
            expressions.push(not_in(unique));
            return;
        }
        let existing = expressions
            .iter_mut()
            .find(|e| e.key == HOST_LABEL && e.operator == "NotIn");
        if let Some(existing) = existing {
            let values = existing.values.get_or_insert_default();
            for host in unique {
                if !values.contains(&host) {
                    values.push(host);
                }
            }
            return;
        }
    }
    if let Some(first) = terms.first_mut() {
        first
            .match_expressions
            .get_or_insert_default()
            .push(not_in(unique));
    }
}

fn not_in(hosts: Vec<String>) -> NodeSelectorRequirement {
    NodeSelectorRequirement {
        key: HOST_LABEL.to_owned(),
        operator: "NotIn".to_owned(),
        values: Some(hosts),
    }
}
