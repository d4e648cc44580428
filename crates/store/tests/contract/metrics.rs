//! The table of metrics: every observation counts once.

use argosy_engine::commit::{Commit, RunSummary};
use argosy_engine::fact::Letter;
use argosy_engine::ids::{RunId, Seconds};
use argosy_engine::metrics::{Current, Emission, Operation, Reading};
use argosy_store::{Claim, CommandId, Durability, Epoch, Store};

use crate::world::{new_run, on_each};

fn told(run: RunId, name: &str, label: &str, reading: Reading) -> Emission {
    Emission {
        run,
        at: Seconds(100),
        name: name.to_owned(),
        help: format!("about {name}"),
        labels: vec![("k".to_owned(), label.to_owned())],
        reading,
    }
}

fn commit(run: RunId, metrics: Vec<Emission>) -> Commit {
    Commit {
        run: Some(run),
        metrics,
        ..Commit::default()
    }
}

/// Name, label and value of all series at a time.
fn samples(store: &dyn Store, at: i64) -> Vec<(String, String, Current)> {
    let table = store.metrics().expect("the metrics are read");
    let samples = table.samples(Seconds(at));
    samples
        .map(|sample| {
            let label = sample.labels[0].1.clone();
            (sample.name.to_owned(), label, sample.value)
        })
        .collect()
}

fn owned(store: &dyn Store, name: &str) -> (RunId, Claim) {
    let id = store.create_run(new_run("ns", name)).expect("created");
    let claim = store.claim(id).expect("claimed").expect("free");
    (id, claim)
}

#[test]
fn observations_count_with_their_commit_and_only_then() {
    on_each(|world| {
        let store = world.open();
        let (run, claim) = owned(&*store, "wf");
        let store_it = |epoch, told| store.commit(epoch, commit(run, told), Durability::Process);
        let count = |label, by| told(run, "count", label, Reading::Counter(by));
        let sized = |value| Reading::Histogram {
            buckets: vec![1.0, f64::INFINITY],
            value,
        };
        store_it(claim.epoch, vec![count("a", 1.0), count("a", 2.0)]).expect("stored");
        store_it(claim.epoch, vec![count("b", 1.0), count("a", 4.0)]).expect("stored");
        let gauge = Reading::Gauge(Operation::Sub, 5.0);
        let mixed = vec![
            told(run, "gauge", "a", gauge),
            told(run, "size", "a", sized(0.5)),
            told(run, "size", "a", sized(2.0)),
        ];
        store_it(claim.epoch, mixed).expect("stored");
        assert!(store_it(Epoch(7), vec![count("a", 100.0)]).is_err());
        drop(store);
        let store = world.open();
        let number = |name: &str, label: &str, value| {
            let value = Current::Number(value);
            (name.to_owned(), label.to_owned(), value)
        };
        let sizes = Current::Histogram {
            count: 2,
            sum: 2.5,
            buckets: vec![(1.0, 1), (f64::INFINITY, 2)],
        };
        let expected = [
            number("count", "a", 7.0),
            number("count", "b", 1.0),
            number("gauge", "a", -5.0),
            ("size".to_owned(), "a".to_owned(), sizes),
        ];
        assert_eq!(samples(&*store, 100), expected);
        store.sweep_metrics(Seconds(160), 60).expect("swept");
        assert_eq!(samples(&*store, 160).len(), 4);
        store.sweep_metrics(Seconds(161), 60).expect("swept");
        assert_eq!(samples(&*store, 161), []);
    });
}

#[test]
fn what_does_not_fit_is_told_to_the_run() {
    on_each(|world| {
        let store = world.open();
        let (run, claim) = owned(&*store, "wf");
        let list = vec![
            told(run, "m", "a", Reading::Counter(1.0)),
            told(run, "m", "b", Reading::Gauge(Operation::Set, 1.0)),
            told(run, "m", "b", Reading::Counter(2.0)),
        ];
        store
            .commit(claim.epoch, commit(run, list), Durability::Process)
            .expect("stored");
        assert_eq!(samples(&*store, 100).len(), 2);
        let letters = store.commands(Some(run), CommandId(0)).expect("read");
        let letters: Vec<Letter> = letters
            .iter()
            .map(|row| serde_json::from_slice(&row.command).expect("a letter"))
            .collect();
        let expected = Letter::Metric {
            metric_refused: "found existing counter for custom metric m of type Gauge".into(),
        };
        assert_eq!(letters, [expected]);
    });
}

#[test]
fn what_moves_stands_still_when_its_run_has_ended() {
    on_each(|world| {
        let store = world.open();
        let (run, claim) = owned(&*store, "wf");
        let list = vec![told(run, "age", "a", Reading::Since(Seconds(90)))];
        store
            .commit(claim.epoch, commit(run, list), Durability::Process)
            .expect("stored");
        let value = |at| samples(&*store, at).remove(0).2;
        assert_eq!(value(110), Current::Number(20.0));
        store.sweep_metrics(Seconds(1_000), 60).expect("swept");
        assert_eq!(value(1_000), Current::Number(910.0), "its run goes on");
        let end = Commit {
            summary: Some(RunSummary {
                finished_at: Some(Seconds(120)),
                completed: true,
                ..RunSummary::default()
            }),
            ..commit(run, Vec::new())
        };
        store
            .commit(claim.epoch, end, Durability::Process)
            .expect("stored");
        assert_eq!(value(1_000), Current::Number(30.0));
    });
}
