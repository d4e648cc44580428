//! Puts together what was found, in the order in which Argo would come upon it.

use std::collections::BTreeSet;

use argosy_api::{FieldPath, Severity};

use super::fault::{Fault, Finding, GlobalOutput, field_path, join};
use super::library::{Held, OWN};
use super::walk::{Entry, VisitId, Walk};

/// How many faults are told of.
const MAX_FAULTS: usize = 1_000;
/// How many calls on the way to a fault are named.
const MAX_WAY: usize = 50;

/// The faults, in order.
pub(super) fn report(walk: &Walk<'_>, via: &str) -> Vec<Fault> {
    let mut faults = Vec::new();
    // A tag may stand in a text twice.
    let mut told = BTreeSet::new();
    let mut lenient = Lenient::default();
    // The visits that are open, each with the entry that is next.
    let mut open: Vec<(Option<VisitId>, usize)> = vec![(None, 0)];
    while let Some((visit, at)) = open.pop() {
        let entries = match visit {
            None => &walk.root,
            Some(visit) => &walk.visits[visit].entries,
        };
        if let Some(visit) = visit
            && at == 0
        {
            lenient.enter(walk, visit);
        }
        let Some(entry) = entries.get(at) else {
            continue;
        };
        open.push((visit, at + 1));
        match entry {
            Entry::Enter(inner) => open.push((Some(*inner), 0)),
            Entry::Found(finding) => {
                if is_produced(walk, finding) {
                    continue;
                }
                let mut fault = place(walk, visit, finding, via);
                if visit.is_some_and(|visit| lenient.applies(walk, visit, at)) {
                    fault.severity = Severity::Warning;
                }
                if !told.insert((fault.path.to_string(), fault.text())) {
                    continue;
                }
                faults.push(fault);
                if faults.len() >= MAX_FAULTS {
                    faults.push(too_many());
                    return faults;
                }
            }
        }
    }
    faults
}

/// A fault of the object itself.
pub(super) fn fault_of(finding: Finding) -> Fault {
    Fault {
        severity: finding.severity,
        code: finding.code,
        path: field_path(&finding.path),
        part: finding.part,
        message: finding.message,
        via: String::new(),
        help: finding.help,
    }
}

fn too_many() -> Fault {
    Fault {
        severity: Severity::Warning,
        code: "too-many-faults",
        path: FieldPath::root(),
        part: None,
        message: format!("more than {MAX_FAULTS} faults: the others are not shown"),
        via: String::new(),
        help: None,
    }
}

fn is_produced(walk: &Walk<'_>, finding: &Finding) -> bool {
    let produced = &walk.produced;
    finding.unless_produced.as_ref().is_some_and(|output| {
        produced.outputs.contains(output)
            || match output {
                GlobalOutput::Parameter(_) => produced.any_parameter,
                GlobalOutput::Artifact(_) => produced.any_artifact,
            }
    })
}

/// Argo knows the templates that it has looked into by name, and those that stand inside steps and
/// tasks have none: of these it looks only into the first of each object.
#[derive(Default)]
struct Lenient {
    seen: BTreeSet<(usize, String)>,
    visits: BTreeSet<VisitId>,
}

impl Lenient {
    fn enter(&mut self, walk: &Walk<'_>, visit: VisitId) {
        let entered = &walk.visits[visit];
        if !matches!(entered.held, Held::Inline(_)) {
            return;
        }
        let inside = entered
            .way
            .from
            .is_some_and(|from| self.visits.contains(&from));
        let first = self.seen.insert((entered.base, entered.shape.name.clone()));
        if inside || !first {
            self.visits.insert(visit);
        }
    }

    fn applies(&self, walk: &Walk<'_>, visit: VisitId, at: usize) -> bool {
        at >= walk.visits[visit].body_from && self.visits.contains(&visit)
    }
}

/// Says where a finding is, and how Argo comes there.
fn place(walk: &Walk<'_>, visit: Option<VisitId>, finding: &Finding, via: &str) -> Fault {
    let mut fault = Fault {
        severity: finding.severity,
        code: finding.code,
        path: field_path(&finding.path),
        part: finding.part.clone(),
        message: finding.message.clone(),
        via: via.to_owned(),
        help: finding.help.clone(),
    };
    let Some(visit) = visit else {
        return fault;
    };
    let mut way: Vec<&str> = Vec::new();
    let mut at = visit;
    let mut inside = (walk.visits[visit].base != OWN).then_some(visit);
    loop {
        let here = &walk.visits[at];
        if !here.way.via.is_empty() && way.len() < MAX_WAY {
            way.push(&here.way.via);
        }
        let Some(from) = here.way.from else {
            break;
        };
        if inside.is_some() && walk.visits[from].base == OWN {
            fault.path = field_path(&join(&walk.visits[from].path, &here.way.path));
            foreign(walk, visit, finding, &mut fault);
            inside = None;
        }
        at = from;
    }
    if inside.is_some() {
        fault.path = field_path(&walk.visits[at].way.path);
        foreign(walk, visit, finding, &mut fault);
    } else if walk.visits[visit].base == OWN {
        fault.path = field_path(&join(&walk.visits[visit].path, &finding.path));
    }
    if !via.is_empty() {
        way.push(via);
    }
    way.reverse();
    fault.via = way.join(" ");
    fault
}

/// Names the other object that a fault is in.
fn foreign(walk: &Walk<'_>, visit: VisitId, finding: &Finding, fault: &mut Fault) {
    let visit = &walk.visits[visit];
    let place = format!(
        "it is in {}, at {}",
        walk.library.get(visit.base).title(),
        join(&visit.path, &finding.path)
    );
    // The text is not the one that is shown.
    fault.part = None;
    fault.help = Some(match &finding.help {
        Some(help) => format!("{help}; {place}"),
        None => place,
    });
}
