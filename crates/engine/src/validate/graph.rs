//! The dependencies of a DAG's tasks: their order, their cycles, and who comes before whom.

use std::collections::BTreeMap;

/// How many tasks of a cycle are named.
const MAX_CYCLE_SHOWN: usize = 20;

/// A graph without cycles.
pub(super) struct Ancestry {
    /// The tasks, each after those that it depends on.
    order: Vec<u32>,
    /// Where each task stands in that order.
    rank: Vec<u32>,
    /// For each task, the part of a spanning forest below it: `first..last`.
    interval: Vec<(u32, u32)>,
}

impl Ancestry {
    /// Orders the tasks; `None` if there is a cycle.
    pub fn new(dependencies: &[Vec<u32>]) -> Option<Self> {
        let order = topological(dependencies)?;
        let mut rank = vec![0; order.len()];
        for (position, task) in order.iter().enumerate() {
            rank[*task as usize] = u32::try_from(position).unwrap_or(u32::MAX);
        }
        let interval = intervals(dependencies, &order, &rank);
        Some(Self {
            order,
            rank,
            interval,
        })
    }

    /// For each pair whether the second task comes before the first by these dependencies, which
    /// are those that it was made of.
    pub fn answer(&self, dependencies: &[Vec<u32>], pairs: &[(u32, u32)]) -> Vec<bool> {
        let mut answers = vec![false; pairs.len()];
        let mut open = BTreeMap::<u32, Vec<usize>>::new();
        for (index, (task, ancestor)) in pairs.iter().enumerate() {
            let (from, to) = (
                self.interval[*task as usize],
                self.interval[*ancestor as usize],
            );
            if to.0 <= from.0 && from.1 <= to.1 && task != ancestor {
                answers[index] = true;
            } else if self.rank[*ancestor as usize] < self.rank[*task as usize] {
                open.entry(self.rank[*ancestor as usize])
                    .or_default()
                    .push(index);
            }
        }
        let open: Vec<(u32, Vec<usize>)> = open.into_iter().collect();
        for chunk in open.chunks(64) {
            self.answer_chunk(dependencies, chunk, pairs, &mut answers);
        }
        answers
    }

    /// Carries one bit for each of up to 64 ancestors along the order.
    fn answer_chunk(
        &self,
        dependencies: &[Vec<u32>],
        chunk: &[(u32, Vec<usize>)],
        pairs: &[(u32, u32)],
        answers: &mut [bool],
    ) {
        let first = chunk.first().map_or(0, |(rank, _)| *rank as usize);
        let last = chunk
            .iter()
            .flat_map(|(_, queries)| queries)
            .map(|query| self.rank[pairs[*query].0 as usize] as usize)
            .max()
            .unwrap_or(first);
        let mut before = vec![0u64; last + 1 - first];
        for position in first..=last {
            let task = self.order[position] as usize;
            let mut bits = 0;
            for dependency in &dependencies[task] {
                let rank = self.rank[*dependency as usize] as usize;
                if rank >= first {
                    bits |= before[rank - first];
                    let found = chunk.binary_search_by(|(known, _)| (*known as usize).cmp(&rank));
                    if let Ok(bit) = found {
                        bits |= 1 << bit;
                    }
                }
            }
            before[position - first] = bits;
        }
        for (bit, (_, queries)) in chunk.iter().enumerate() {
            for query in queries {
                let rank = self.rank[pairs[*query].0 as usize] as usize;
                answers[*query] = before[rank - first] & (1 << bit) != 0;
            }
        }
    }
}

/// The tasks, each after those that it depends on.
fn topological(dependencies: &[Vec<u32>]) -> Option<Vec<u32>> {
    let dependents = reversed(dependencies);
    let mut waits: Vec<usize> = dependencies.iter().map(Vec::len).collect();
    let mut order: Vec<u32> = (0..dependencies.len())
        .filter(|task| waits[*task] == 0)
        .filter_map(|task| u32::try_from(task).ok())
        .collect();
    let mut next = 0;
    while next < order.len() {
        for dependent in dependents.of(order[next]) {
            let waits = &mut waits[*dependent as usize];
            *waits -= 1;
            if *waits == 0 {
                order.push(*dependent);
            }
        }
        next += 1;
    }
    (order.len() == dependencies.len()).then_some(order)
}

/// Edges the other way round, in one piece.
struct Reversed {
    starts: Vec<u32>,
    edges: Vec<u32>,
}

impl Reversed {
    fn of(&self, task: u32) -> &[u32] {
        let at = task as usize;
        &self.edges[self.starts[at] as usize..self.starts[at + 1] as usize]
    }
}

fn reversed(dependencies: &[Vec<u32>]) -> Reversed {
    let mut starts = vec![0u32; dependencies.len() + 1];
    for dependency in dependencies.iter().flatten() {
        starts[*dependency as usize + 1] += 1;
    }
    for at in 1..starts.len() {
        starts[at] += starts[at - 1];
    }
    let mut fill = starts.clone();
    let mut edges = vec![0; starts.last().map_or(0, |count| *count as usize)];
    for (task, list) in dependencies.iter().enumerate() {
        for dependency in list {
            let slot = &mut fill[*dependency as usize];
            edges[*slot as usize] = u32::try_from(task).unwrap_or(u32::MAX);
            *slot += 1;
        }
    }
    Reversed { starts, edges }
}

/// Hangs each task below the dependency that comes last, and numbers the forest: a task is below
/// another if its interval lies within. That settles most questions at once.
fn intervals(dependencies: &[Vec<u32>], order: &[u32], rank: &[u32]) -> Vec<(u32, u32)> {
    let parents: Vec<Vec<u32>> = dependencies
        .iter()
        .map(|list| {
            list.iter()
                .copied()
                .max_by_key(|dependency| rank[*dependency as usize])
                .into_iter()
                .collect()
        })
        .collect();
    let children = reversed(&parents);
    let mut sizes = vec![1u32; order.len()];
    for task in order.iter().rev() {
        for parent in &parents[*task as usize] {
            sizes[*parent as usize] += sizes[*task as usize];
        }
    }
    let mut interval = vec![(0, 0); order.len()];
    let mut free = 0;
    for task in order {
        let at = *task as usize;
        if parents[at].is_empty() {
            interval[at] = (free, free + sizes[at]);
            free += sizes[at];
        }
        let mut start = interval[at].0 + 1;
        for child in children.of(*task) {
            let size = sizes[*child as usize];
            interval[*child as usize] = (start, start + size);
            start += size;
        }
    }
    interval
}

/// Some tasks that depend on each other in a circle, in the order of the dependencies; the last
/// one depends on the first again.
pub(super) fn cycle(dependencies: &[Vec<u32>]) -> Vec<u32> {
    let mut waits: Vec<usize> = dependencies.iter().map(Vec::len).collect();
    let dependents = reversed(dependencies);
    let mut free: Vec<u32> = (0..dependencies.len())
        .filter(|task| waits[*task] == 0)
        .filter_map(|task| u32::try_from(task).ok())
        .collect();
    while let Some(task) = free.pop() {
        for dependent in dependents.of(task) {
            waits[*dependent as usize] -= 1;
            if waits[*dependent as usize] == 0 {
                free.push(*dependent);
            }
        }
    }
    // Whoever still waits, waits for one that waits: following that leads into a circle.
    let Some(mut task) = waits.iter().position(|count| *count > 0) else {
        return Vec::new();
    };
    let mut seen_at = vec![usize::MAX; dependencies.len()];
    let mut path = Vec::new();
    while seen_at[task] == usize::MAX {
        seen_at[task] = path.len();
        path.push(u32::try_from(task).unwrap_or(u32::MAX));
        let next = dependencies[task]
            .iter()
            .find(|dependency| waits[**dependency as usize] > 0);
        match next {
            Some(next) => task = *next as usize,
            None => return Vec::new(),
        }
    }
    path.split_off(seen_at[task])
}

/// The circle for a person to read.
pub(super) fn show_cycle<'n>(cycle: &[u32], name: impl Fn(u32) -> &'n str) -> String {
    let mut text = String::new();
    for task in cycle.iter().take(MAX_CYCLE_SHOWN) {
        text.push_str(name(*task));
        text.push_str(" -> ");
    }
    if cycle.len() > MAX_CYCLE_SHOWN {
        text.push_str("… -> ");
    }
    text.push_str(cycle.first().map_or("", |first| name(*first)));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reaches(dependencies: &[Vec<u32>], task: u32, ancestor: u32) -> bool {
        let mut open = vec![task];
        let mut seen = vec![false; dependencies.len()];
        while let Some(task) = open.pop() {
            for dependency in &dependencies[task as usize] {
                if *dependency == ancestor {
                    return true;
                }
                if !std::mem::replace(&mut seen[*dependency as usize], true) {
                    open.push(*dependency);
                }
            }
        }
        false
    }

    #[test]
    fn answers_like_a_plain_search() {
        let mut seed = 7u64;
        let mut random = |bound: u64| {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % bound
        };
        for size in [1u64, 2, 5, 40, 200] {
            let dependencies: Vec<Vec<u32>> = (0..size)
                .map(|task| {
                    let mut list: Vec<u32> = (0..random(4))
                        .filter(|_| task > 0)
                        .map(|_| u32::try_from(random(task.max(1))).unwrap_or(0))
                        .collect();
                    list.sort_unstable();
                    list.dedup();
                    list
                })
                .collect();
            let ancestry = Ancestry::new(&dependencies).expect("no cycle");
            let count = u32::try_from(size).expect("small");
            let pairs: Vec<(u32, u32)> = (0..count)
                .flat_map(|task| (0..count).map(move |ancestor| (task, ancestor)))
                .collect();
            for (pair, answer) in pairs.iter().zip(ancestry.answer(&dependencies, &pairs)) {
                assert_eq!(
                    answer,
                    reaches(&dependencies, pair.0, pair.1),
                    "{size} {pair:?}"
                );
            }
        }
    }

    #[test]
    fn finds_a_cycle() {
        let dependencies = [vec![2], vec![0], vec![3], vec![0], vec![]];
        assert!(Ancestry::new(&dependencies).is_none());
        let found = cycle(&dependencies);
        let names = ["A", "B", "C", "D", "E"];
        assert_eq!(
            show_cycle(&found, |task| names[task as usize]),
            "A -> C -> D -> A"
        );
    }
}
