//! The tree of a run as lines: of many nodes below one, those that run or went wrong have lines; the
//! rest are counted.

use argosy_api::{NodePhase, NodeType, WorkflowPhase};
use argosy_engine::ids::Seconds;
use argosy_engine::run::Run;

use super::nodes::{Below, Nodes};
use crate::output::short_duration;
use crate::style::{Style, one_line};

/// More children than these are counted, not shown.
const FEW: usize = 10;

/// How many of those that run, and of those that went wrong, have lines all the same.
const ACTIVE: usize = 8;
const BAD: usize = 5;

/// The lines of a picture.
pub(super) struct Picture {
    pub style: Style,
    pub now: Seconds,
    pub lines: Vec<String>,
    pub most: usize,
}

impl Picture {
    /// Adds a run.
    pub fn run(&mut self, run: &Run, nodes: &Nodes) {
        let glyph = match run.phase() {
            Some(WorkflowPhase::Succeeded) => Some(NodePhase::Succeeded),
            Some(WorkflowPhase::Failed) => Some(NodePhase::Failed),
            Some(WorkflowPhase::Error) => Some(NodePhase::Error),
            Some(WorkflowPhase::Running) => Some(NodePhase::Running),
            Some(WorkflowPhase::Pending) | None => Some(NodePhase::Pending),
        };
        let glyph = self.style.glyph(glyph);
        self.lines
            .push(format!(" {glyph} {}", summary(self.style, run)));
        for &root in &nodes.roots {
            // The main root's line is the workflow's own.
            if root != 0 {
                let line = self.line(run, nodes, root);
                self.lines.push(format!(" {line}"));
            }
            self.below(run, nodes, root, " ", self.most);
        }
    }

    fn line(&self, run: &Run, nodes: &Nodes, index: u32) -> String {
        let Some(node) = nodes.seen.get(index as usize).copied().flatten() else {
            return String::new();
        };
        let suspended = node.kind == NodeType::Suspend && node.phase == NodePhase::Running;
        let glyph = match suspended {
            true => self.style.suspend_glyph(),
            false => self.style.glyph(Some(node.phase)),
        };
        let mut text = format!("{glyph} {}", one_line(&run.display_name_at(index)));
        if let Some(below) = nodes
            .below
            .get(&index)
            .filter(|below| below.children.len() > FEW)
        {
            text.push_str(&format!(
                "  {}",
                self.counts(below.counts.iter().map(|(&a, &b)| (a, b)))
            ));
        }
        if node.phase != NodePhase::Pending && node.kind == NodeType::Pod {
            let span = node.finished_at.unwrap_or(self.now).since(node.started_at);
            text.push_str(&format!("  {}", short_duration(span)));
        }
        let message = run.message_at(index);
        if !message.is_empty() {
            text.push_str(&format!("  {}", one_line(message)));
        }
        text
    }

    // As deep as the templates call each other, which is bounded; as long as there are lines: below
    // this node so many in all. Where they don't suffice, the last one counts what has none.
    fn below(&mut self, run: &Run, nodes: &Nodes, index: u32, prefix: &str, most: usize) {
        let Some(below) = nodes.below.get(&index) else {
            return;
        };
        if self.lines.len() >= most {
            return;
        }
        let wanted = wanted(below);
        let all = below.children.len();
        let mut shown = 0;
        for &child in &wanted {
            let is_last = shown + 1 == all;
            if !is_last && self.lines.len() + 1 >= most {
                break;
            }
            shown += 1;
            let (part, inner) = match is_last {
                true => ("└─", "  "),
                false => ("├─", "│ "),
            };
            let line = self.line(run, nodes, child);
            self.lines.push(format!("{prefix}{part}{line}"));
            if !is_folded(nodes, child) {
                let kept = usize::from(!is_last);
                let inner = format!("{prefix}{inner}");
                self.below(run, nodes, child, &inner, most - kept);
            }
        }
        let rest = all - shown;
        if rest > 0 {
            let mut counts = below.counts.clone();
            for &child in &wanted[..shown] {
                if let Some(seen) = nodes.seen.get(child as usize).copied().flatten()
                    && let Some(count) = counts.get_mut(&seen.phase)
                {
                    *count = count.saturating_sub(1);
                }
            }
            let counts = self.counts(counts.into_iter());
            self.lines
                .push(format!("{prefix}└─… {rest} more: {counts}"));
        }
    }

    fn counts(&self, counts: impl Iterator<Item = (NodePhase, u32)>) -> String {
        let parts: Vec<String> = counts
            .filter(|(_, count)| *count > 0)
            .map(|(phase, count)| format!("{} {count}", self.style.glyph(Some(phase))))
            .collect();
        parts.join("  ")
    }
}

/// Which nodes below one have lines, if there are enough.
fn wanted(below: &Below) -> Vec<u32> {
    if below.children.len() <= FEW {
        return below.children.clone();
    }
    let active = below.active.iter().take(ACTIVE);
    active.chain(below.bad.iter().take(BAD)).copied().collect()
}

/// Whether what stands below a node is only counted: it has gone well, and there is much of it.
fn is_folded(nodes: &Nodes, index: u32) -> bool {
    let seen = nodes.seen.get(index as usize).copied().flatten();
    let over = seen.is_none_or(|seen| seen.phase == NodePhase::Succeeded);
    let below = nodes.below.get(&index);
    over && below.is_some_and(|below| below.children.len() > FEW)
}

/// How a run as a whole fares.
pub(super) fn summary(style: Style, run: &Run) -> String {
    let phase = run.phase().map_or("Pending", WorkflowPhase::as_str);
    let phase = match run.phase() {
        Some(WorkflowPhase::Succeeded) => style.good(phase),
        Some(WorkflowPhase::Failed | WorkflowPhase::Error) => style.bad(phase),
        Some(WorkflowPhase::Pending | WorkflowPhase::Running) | None => phase.to_owned(),
    };
    let suspended = match run.is_suspended() {
        true => " (Suspended)",
        false => "",
    };
    let (done, total) = run.progress();
    let mut text = format!(
        "{} {phase}{suspended} {done}/{total}",
        run.definition().name()
    );
    if !run.message().is_empty() {
        text.push_str("  ");
        text.push_str(&one_line(run.message()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use argosy_sim::{Outcome, World};

    const LOOP: &str = "
metadata: {name: wide}
spec:
  entrypoint: main
  templates:
  - name: main
    failFast: false
    dag:
      tasks:
      - {name: each, template: one, withSequence: {count: '1000'}}
      - {name: after, template: one, depends: each}
  - name: one
    container: {image: busybox, command: ['true']}
";

    #[test]
    fn a_long_loop_is_counted_and_what_matters_has_lines() {
        let mut world = World::default();
        let id = world.submit(LOOP).expect("the workflow compiles");
        world.settle();
        let pods = world.pods();
        for (key, _) in &pods[..2] {
            world.start_pod(*key);
        }
        for (key, _) in &pods[2..500] {
            world.end_pod(*key, &Outcome::exit(0));
        }
        world.end_pod(pods[500].0, &Outcome::exit(3));
        world.settle();

        let run = world.run(id).expect("it is there");
        let mut nodes = Nodes::default();
        for index in 0..run.node_count() as u32 {
            nodes.learn(run, index);
        }
        let drawn = |most| {
            let mut picture = Picture {
                style: Style::plain(),
                now: world.now(),
                lines: Vec::new(),
                most,
            };
            picture.run(run, &nodes);
            picture.lines
        };
        let expected = [
            " ● wide Running 498/1000",
            " └─● each  ◷ 499  ● 2  ✔ 498  ✖ 1",
            "   ├─● each(0:0)  0s",
            "   ├─● each(1:1)  0s",
            "   ├─✖ each(500:500)  0s  main: Error (exit code 3)",
            "   └─… 997 more: ◷ 499  ✔ 498",
        ];
        assert_eq!(drawn(40), expected);
        assert_eq!(drawn(6), expected);
        let few = [
            expected[0],
            expected[1],
            expected[2],
            "   └─… 999 more: ◷ 499  ● 1  ✔ 498  ✖ 1",
        ];
        assert_eq!(drawn(4), few);
        assert_eq!(drawn(2), expected[..2]);
        assert_eq!(drawn(1), expected[..1]);
    }
}
