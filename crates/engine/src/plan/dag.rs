//! A compiled `dag` template: tasks with edges in both directions.
//! Argo: `workflow/common/ancestry.go`, `docs/enhanced-depends-logic.md`.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use argosy_api::{DagTask, DagTemplate};
use argosy_expr::{Depends, DependsExpr, TaskResult};

use super::{CallPlan, CompileError};

/// A compiled DAG.
#[derive(Debug)]
pub struct DagPlan {
    /// The tasks, in the order in which they were written.
    pub tasks: Vec<TaskPlan>,
    /// Where the task of a name stands.
    pub by_name: BTreeMap<Arc<str>, u32>,
    /// The tasks whose ends decide the DAG's: those of `target`, else those on which none depends,
    /// by name.
    pub targets: Vec<u32>,
    /// How many tasks the targets need, themselves included.
    pub needed: u32,
    /// The tasks in the order in which Argo comes to them: from each target in turn, what it depends
    /// on before itself. Of those that may begin the first one does so first.
    pub order: Vec<u32>,
    /// Whether the DAG fails with its first failed target.
    pub fail_fast: bool,
}

/// A compiled task.
#[derive(Debug)]
pub struct TaskPlan {
    /// What it calls.
    pub call: Arc<CallPlan>,
    /// The tasks that it depends on, in the order of their mention.
    pub dependencies: Vec<u32>,
    /// The condition over them; task numbers are places in `dependencies`.
    pub depends: Option<DependsExpr>,
    /// The tasks that depend on it.
    pub dependents: Vec<u32>,
    /// Its place in the DAG's `order`.
    pub rank: u32,
    /// Whether a target needs it.
    pub needed: bool,
    /// Whether it is a target.
    pub is_target: bool,
}

impl DagPlan {
    pub(super) fn new(dag: &DagTemplate, calls: Vec<CallPlan>) -> Result<Self, CompileError> {
        let by_name: BTreeMap<Arc<str>, u32> = calls
            .iter()
            .zip(0u32..)
            .map(|(call, index)| (call.name.clone(), index))
            .collect();
        let places: HashMap<&str, u32> = dag
            .tasks
            .iter()
            .map(|task| task.name.as_str())
            .zip(0u32..)
            .collect();
        let accepts = |name: &str| {
            places
                .get(name)
                .map_or_else(Vec::new, |&index| accepted(&dag.tasks[index as usize]))
        };
        let mut tasks = Vec::with_capacity(calls.len());
        for (task, call) in dag.tasks.iter().zip(calls) {
            let depends = if !task.depends.is_empty() {
                Some(Depends::read(&task.depends, accepts))
            } else if !task.dependencies.is_empty() {
                let names = task.dependencies.iter().map(String::as_str);
                Some(Depends::all(names, accepts))
            } else {
                None
            };
            let mut dependencies = Vec::new();
            for dependency in depends.iter().flat_map(Depends::tasks) {
                dependencies.push(*places.get(dependency.name.as_str()).ok_or_else(|| {
                    CompileError(format!(
                        "dependency '{}' of task '{}' not defined",
                        dependency.name, task.name
                    ))
                })?);
            }
            tasks.push(TaskPlan {
                call: Arc::new(call),
                dependencies,
                depends: depends.map(Depends::into_expr),
                dependents: Vec::new(),
                rank: 0,
                needed: false,
                is_target: false,
            });
        }
        for index in 0..tasks.len() {
            for place in 0..tasks[index].dependencies.len() {
                let dependency = tasks[index].dependencies[place] as usize;
                // One that is named twice is waited for twice.
                tasks[dependency].dependents.push(index as u32);
            }
        }
        let targets = targets(dag, &tasks, &by_name)?;
        let needed = mark_needed(&mut tasks, &targets);
        for &target in &targets {
            tasks[target as usize].is_target = true;
        }
        refuse_cycles(&tasks)?;
        let order = walk(&tasks, &targets);
        for (rank, &slot) in (0u32..).zip(&order) {
            tasks[slot as usize].rank = rank;
        }
        Ok(Self {
            order,
            tasks,
            by_name,
            targets,
            needed,
            fail_fast: dag.fail_fast.unwrap_or(true),
        })
    }
}

impl DagPlan {
    /// The tasks, each behind those that it depends on.
    pub(crate) fn in_order(&self) -> Vec<u32> {
        let mut waits: Vec<usize> = self.tasks.iter().map(|t| t.dependencies.len()).collect();
        let mut order: Vec<u32> = (0u32..)
            .zip(&waits)
            .filter(|(_, waits)| **waits == 0)
            .map(|(slot, _)| slot)
            .collect();
        let mut next = 0;
        while next < order.len() {
            for &dependent in &self.tasks[order[next] as usize].dependents {
                waits[dependent as usize] -= 1;
                if waits[dependent as usize] == 0 {
                    order.push(dependent);
                }
            }
            next += 1;
        }
        order
    }
}

/// The further results of a task that a plain dependency on it accepts: what `continueOn` allows.
fn accepted(task: &DagTask) -> Vec<TaskResult> {
    let mut results = Vec::new();
    if let Some(on) = &task.continue_on {
        if on.error {
            results.push(TaskResult::Errored);
        }
        if on.failed {
            results.push(TaskResult::Failed);
        }
    }
    results
}

fn targets(
    dag: &DagTemplate,
    tasks: &[TaskPlan],
    by_name: &BTreeMap<Arc<str>, u32>,
) -> Result<Vec<u32>, CompileError> {
    if dag.target.is_empty() {
        // The map is in the order of names, as Argo sorts them.
        return Ok(by_name
            .values()
            .copied()
            .filter(|&index| tasks[index as usize].dependents.is_empty())
            .collect());
    }
    dag.target
        .split(' ')
        .map(|name| {
            by_name
                .get(name)
                .copied()
                .ok_or_else(|| CompileError(format!("target '{name}' is not defined")))
        })
        .collect()
}

/// Argo: `executeDAGTask`, which goes from a task into those that it depends on.
fn walk(tasks: &[TaskPlan], targets: &[u32]) -> Vec<u32> {
    let mut order = Vec::with_capacity(tasks.len());
    let mut entered = vec![false; tasks.len()];
    // What no target needs comes last: it is never begun.
    for first in targets.iter().copied().chain(0..tasks.len() as u32) {
        // Each with how many of its dependencies have been gone into.
        let mut open = vec![(first, 0)];
        while let Some((slot, gone_into)) = open.pop() {
            if gone_into == 0 && std::mem::replace(&mut entered[slot as usize], true) {
                continue;
            }
            match tasks[slot as usize].dependencies.get(gone_into) {
                Some(&dependency) => open.extend([(slot, gone_into + 1), (dependency, 0)]),
                None => order.push(slot),
            }
        }
    }
    order
}

fn mark_needed(tasks: &mut [TaskPlan], targets: &[u32]) -> u32 {
    let mut open = targets.to_vec();
    let mut needed = 0;
    while let Some(index) = open.pop() {
        let task = &mut tasks[index as usize];
        if !task.needed {
            task.needed = true;
            needed += 1;
            open.extend_from_slice(&task.dependencies);
        }
    }
    needed
}

fn refuse_cycles(tasks: &[TaskPlan]) -> Result<(), CompileError> {
    let mut waits: Vec<usize> = tasks.iter().map(|task| task.dependencies.len()).collect();
    let mut ready: Vec<usize> = (0..tasks.len())
        .filter(|&index| waits[index] == 0)
        .collect();
    let mut seen = 0;
    while let Some(index) = ready.pop() {
        seen += 1;
        for &dependent in &tasks[index].dependents {
            let wait = &mut waits[dependent as usize];
            *wait -= 1;
            if *wait == 0 {
                ready.push(dependent as usize);
            }
        }
    }
    match (seen == tasks.len(), waits.iter().position(|&wait| wait > 0)) {
        (false, Some(index)) => Err(CompileError(format!(
            "dependency cycle through task '{}'",
            tasks[index].call.name
        ))),
        _ => Ok(()),
    }
}
