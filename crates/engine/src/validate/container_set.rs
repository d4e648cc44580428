//! The body of a `containerSet` template.

use std::collections::BTreeMap;

use argosy_api::{ContainerSetTemplate, MAIN_CONTAINER, Template};

use super::fault::Finding;
use super::names::{NameRule, check_names};
use argosy_api::nearest;

/// How much of a circle is told.
const MAX_SHOWN: usize = 100;

/// Whether a container's name is one that Argo's own containers have.
pub(super) fn is_reserved(name: &str) -> bool {
    matches!(name, "wait" | "supervisor") || name.starts_with("artifact-plugin-")
}

/// Checks it.
pub(super) fn check_container_set(template: &Template, findings: &mut Vec<Finding>) {
    let Some(set) = &template.container_set else {
        return;
    };
    let name = &template.name;
    let prefix = format!("templates.{name}.containerSet.");
    if set.containers.is_empty() {
        findings.push(Finding::error(
            "container-set-empty",
            "containerSet.containers",
            format!("{prefix}containers must have at least one container"),
        ));
    }
    check_names(
        NameRule::Field,
        &format!("{prefix}containers"),
        "containerSet.containers",
        set.containers
            .iter()
            .map(|container| container.name.as_str()),
        findings,
    );
    check_mounts(&prefix, set, findings);
    check_dependencies(&prefix, set, findings);
    let passes_data = !template.inputs.artifacts.is_empty()
        || !template.outputs.parameters.is_empty()
        || !template.outputs.artifacts.is_empty();
    if passes_data && !template.is_main_container(MAIN_CONTAINER) {
        findings.push(Finding::error(
            "container-name",
            "containerSet.containers",
            format!("{prefix}containers must have a container named \"main\" for input or output"),
        ));
    }
    for (index, container) in set.containers.iter().enumerate() {
        if is_reserved(&container.name) {
            findings.push(Finding::error(
                "container-name",
                format!("containerSet.containers[{index}].name"),
                format!(
                    "{prefix}containers: {:?} is a reserved Argo container name",
                    container.name
                ),
            ));
        }
    }
}

fn check_mounts(prefix: &str, set: &ContainerSetTemplate, findings: &mut Vec<Finding>) {
    let mut mounted: BTreeMap<&str, &str> = BTreeMap::new();
    for (index, mount) in set.volume_mounts.iter().enumerate() {
        if let Some(before) = mounted.get(mount.mount_path.as_str()) {
            findings.push(Finding::error(
                "mount-path",
                format!("containerSet.volumeMounts[{index}].mountPath"),
                format!("{prefix}volumeMounts[{index}].mountPath '{}' already mounted in volumeMounts.{before}", mount.mount_path),
            ));
        }
        mounted.insert(&mount.mount_path, &mount.name);
    }
}

fn check_dependencies(prefix: &str, set: &ContainerSetTemplate, findings: &mut Vec<Finding>) {
    let mut index: BTreeMap<&str, u32> = BTreeMap::new();
    for (number, container) in (0u32..).zip(&set.containers) {
        index.insert(&container.name, number);
    }
    let mut graph: Vec<Vec<u32>> = Vec::with_capacity(set.containers.len());
    for (number, container) in set.containers.iter().enumerate() {
        let mut list = Vec::new();
        for (at, dependency) in container.dependencies.iter().enumerate() {
            match index.get(dependency.as_str()) {
                Some(to) => list.push(*to),
                None => findings.push(
                    Finding::error(
                        "dependency-undefined",
                        format!("containerSet.containers[{number}].dependencies[{at}]"),
                        format!(
                            "{prefix}containers.{} dependency '{dependency}' not defined",
                            container.name
                        ),
                    )
                    .propose(nearest(dependency, index.keys().copied())),
                ),
            }
        }
        graph.push(list);
    }
    let found = cycle(&graph, index.values().copied());
    if let Some(first) = found.first() {
        let names = found.iter().take(MAX_SHOWN);
        let shown: Vec<&str> = names
            .map(|at| set.containers[*at as usize].name.as_str())
            .collect();
        findings.push(Finding::error(
            "dependency-cycle",
            format!("containerSet.containers[{first}]"),
            format!(
                "{prefix}containers dependency cycle detected: {}",
                shown.join("->")
            ),
        ));
    }
}

/// The way into the first circle and once round it, from the containers that the first by name
/// waits for. Argo: `validateNoCycles`.
fn cycle(graph: &[Vec<u32>], by_name: impl Iterator<Item = u32>) -> Vec<u32> {
    let mut done = vec![false; graph.len()];
    for start in by_name {
        // The containers on the way, each with the dependency that is next.
        let mut open = vec![(start, 0)];
        let mut way: Vec<u32> = Vec::new();
        while let Some((container, at)) = open.last_mut() {
            let Some(next) = graph[*container as usize].get(*at).copied() else {
                done[*container as usize] = true;
                open.pop();
                way.pop();
                continue;
            };
            *at += 1;
            if way.contains(&next) {
                way.push(next);
                return way;
            }
            if !done[next as usize] {
                way.push(next);
                open.push((next, 0));
            }
        }
    }
    Vec::new()
}
