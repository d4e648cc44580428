//! `--node-field-selector`, on nodes as they are shown. Argo: `SelectorMatchesNode`.

use anyhow::{Result, anyhow, bail};
use argosy_engine::fact::{NodeSelector, Requirement};

/// Reads `key=value,key!=value`.
pub fn parse(text: &str) -> Result<NodeSelector> {
    let selector = NodeSelector::parse(text).map_err(|error| anyhow!("the selector {error}"))?;
    for Requirement { key, .. } in &selector.0 {
        let parameter = key.starts_with("inputs.parameters.") && key.ends_with(".value");
        if !parameter && !KEYS.contains(&&**key) {
            bail!(
                "nodes can't be selected by {key:?}; they can by {} and inputs.parameters.NAME.value",
                KEYS.join(", ")
            );
        }
    }
    Ok(selector)
}

const KEYS: [&str; 7] = [
    "displayName",
    "templateName",
    "templateRef.name",
    "templateRef.template",
    "phase",
    "name",
    "id",
];

#[cfg(test)]
mod tests {
    use argosy_api::NodeStatus;

    use super::*;

    #[test]
    fn nodes_are_found_by_their_fields() {
        let node = NodeStatus {
            id: "w-1".to_owned(),
            display_name: "a".to_owned(),
            phase: Some(argosy_api::NodePhase::Failed),
            ..NodeStatus::default()
        };
        for (selector, expected) in [
            ("", true),
            ("id=w-1", true),
            ("id==w-2", false),
            ("displayName=a,phase=Failed", true),
            ("displayName=a,phase!=Failed", false),
            ("templateRef.name=x", false),
            ("templateRef.name!=x", true),
            ("inputs.parameters.n.value=1", false),
        ] {
            let parsed = parse(selector).expect(selector);
            assert_eq!(parsed.fits(&node), expected, "{selector}");
        }
        for wrong in ["a", "colour=red"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
