//! The metrics that workflows define: what is told of them, and the pure table that an endpoint
//! serves. Argo: `workflow/metrics/metrics_custom.go`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::{RunId, Seconds};

/// One observation, its texts resolved.
#[derive(Clone, Debug, PartialEq)]
pub struct Emission {
    /// The run that tells it.
    pub run: RunId,
    /// When.
    pub at: Seconds,
    /// The metric's name.
    pub name: String,
    /// What it is.
    pub help: String,
    /// Its labels, in order.
    pub labels: Vec<(String, String)>,
    /// What was observed.
    pub reading: Reading,
}

/// What was observed.
#[derive(Clone, Debug, PartialEq)]
pub enum Reading {
    /// A counter grows by this.
    Counter(f64),
    /// A gauge is set or moved.
    Gauge(Operation, f64),
    /// A value falls into one of these buckets.
    Histogram {
        /// Upper bounds.
        buckets: Vec<f64>,
        /// The value.
        value: f64,
    },
    /// A gauge shows the seconds since this time, until it is told otherwise.
    Since(Seconds),
}

/// What an observation does to a gauge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Takes its place.
    Set,
    /// Adds to it.
    Add,
    /// Takes from it.
    Sub,
}

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// It only grows.
    Counter,
    /// It is set.
    Gauge,
    /// It counts observations by size.
    Histogram,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Counter => "Counter",
            Self::Gauge => "Gauge",
            Self::Histogram => "Histogram",
        }
    }
}

impl Reading {
    /// The kind of metric that such an observation belongs to.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Counter(_) => Kind::Counter,
            Self::Gauge(..) | Self::Since(_) => Kind::Gauge,
            Self::Histogram { .. } => Kind::Histogram,
        }
    }
}

/// All metrics that workflows have told of.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    families: BTreeMap<String, Family>,
}

#[derive(Clone, Debug, PartialEq)]
struct Family {
    help: String,
    kind: Kind,
    series: BTreeMap<Vec<(String, String)>, Series>,
}

#[derive(Clone, Debug, PartialEq)]
struct Series {
    value: Current,
    updated: Seconds,
    /// The run that keeps it moving.
    owner: Option<RunId>,
}

/// Where a series stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Current {
    /// At this number.
    Number(f64),
    /// At the seconds since this time.
    Since(Seconds),
    /// How many values there were, their sum, and how many lie below each bound.
    Histogram {
        /// How many values.
        count: u64,
        /// Their sum.
        sum: f64,
        /// By upper bound, how many are not above it.
        buckets: Vec<(f64, u64)>,
    },
}

/// One series with all that is known of it: the form in which a store keeps a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeriesRow {
    /// The metric's name.
    pub name: String,
    /// Its labels, sorted. Name and labels tell a row from all others.
    pub labels: Vec<(String, String)>,
    /// What the metric is; the same for all of its series.
    pub help: String,
    /// The metric's kind; the same for all of its series.
    pub kind: Kind,
    /// Where it stands.
    pub value: Current,
    /// When it was told last.
    pub updated: Seconds,
    /// The run that keeps it moving.
    pub owner: Option<RunId>,
}

/// One series as an endpoint shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample<'t> {
    /// The metric's name.
    pub name: &'t str,
    /// What it is.
    pub help: &'t str,
    /// Its kind.
    pub kind: Kind,
    /// Its labels.
    pub labels: &'t [(String, String)],
    /// Its value now.
    pub value: Current,
}

impl Table {
    /// Takes an observation in.
    ///
    /// # Errors
    /// If a metric of this name is something else, in Argo's words.
    pub fn record(&mut self, told: &Emission) -> Result<(), String> {
        let kind = told.reading.kind();
        let family = self
            .families
            .entry(told.name.clone())
            .or_insert_with(|| Family {
                help: told.help.clone(),
                kind,
                series: BTreeMap::new(),
            });
        if family.help != told.help {
            return Err(format!(
                "help for metric {} is already set to {}, it cannot be changed",
                told.name, family.help
            ));
        }
        if family.kind != kind {
            return Err(format!(
                "found existing {} for custom metric {} of type {}",
                family.kind.word().to_lowercase(),
                told.name,
                kind.word()
            ));
        }
        let series = family
            .series
            .entry(told.series())
            .or_insert_with(|| Series {
                value: match kind {
                    Kind::Counter | Kind::Gauge => Current::Number(0.0),
                    Kind::Histogram => Current::Histogram {
                        count: 0,
                        sum: 0.0,
                        buckets: Vec::new(),
                    },
                },
                updated: told.at,
                owner: None,
            });
        series.updated = told.at;
        series.take(told);
        Ok(())
    }

    /// The table that consists of these rows.
    pub fn from_rows(rows: impl IntoIterator<Item = SeriesRow>) -> Self {
        let mut table = Self::default();
        for row in rows {
            let family = table.families.entry(row.name).or_insert_with(|| Family {
                help: row.help,
                kind: row.kind,
                series: BTreeMap::new(),
            });
            let series = Series {
                value: row.value,
                updated: row.updated,
                owner: row.owner,
            };
            family.series.insert(row.labels, series);
        }
        table
    }

    /// All series as rows, by name and labels.
    pub fn rows(&self) -> impl Iterator<Item = SeriesRow> {
        self.families.iter().flat_map(|(name, family)| {
            family.series.iter().map(move |(labels, series)| SeriesRow {
                name: name.clone(),
                labels: labels.clone(),
                help: family.help.clone(),
                kind: family.kind,
                value: series.value.clone(),
                updated: series.updated,
                owner: series.owner,
            })
        })
    }

    /// What there is, by name and labels.
    pub fn samples(&self, now: Seconds) -> impl Iterator<Item = Sample<'_>> {
        self.families.iter().flat_map(move |(name, family)| {
            family.series.iter().map(move |(labels, series)| Sample {
                name,
                help: &family.help,
                kind: family.kind,
                labels,
                value: match &series.value {
                    Current::Since(start) => Current::Number(now.since(*start) as f64),
                    value => value.clone(),
                },
            })
        })
    }

    /// A run has ended: what it kept moving stands still.
    pub fn run_ended(&mut self, run: RunId, now: Seconds) {
        for series in self
            .families
            .values_mut()
            .flat_map(|f| f.series.values_mut())
        {
            if series.owner == Some(run) {
                series.owner = None;
                if let Current::Since(start) = series.value {
                    series.value = Current::Number(now.since(start) as f64);
                }
            }
        }
    }

    /// Drops what was not told for longer than `ttl_seconds` and moves no more.
    pub fn sweep(&mut self, now: Seconds, ttl_seconds: i64) {
        for family in self.families.values_mut() {
            family.series.retain(|_, series| {
                series.owner.is_some() || now.since(series.updated) <= ttl_seconds
            });
        }
        self.families.retain(|_, family| !family.series.is_empty());
    }
}

impl Emission {
    /// The labels of the series that it belongs to, sorted.
    pub fn series(&self) -> Vec<(String, String)> {
        let mut labels = self.labels.clone();
        labels.sort();
        labels
    }
}

impl SeriesRow {
    /// The row as a store keeps it: compact, and whole for numbers that JSON does not know.
    pub fn encode(&self) -> Vec<u8> {
        postcard::to_allocvec(self).unwrap_or_default()
    }

    /// Reads a row; `None` if it is damaged.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        postcard::from_bytes(bytes).ok()
    }
}

impl Series {
    fn take(&mut self, told: &Emission) {
        match (&told.reading, &mut self.value) {
            (Reading::Since(start), value) => {
                *value = Current::Since(*start);
                self.owner = Some(told.run);
            }
            (Reading::Counter(by), Current::Number(sum)) => *sum += by,
            (Reading::Gauge(Operation::Add, by), Current::Number(sum)) => *sum += by,
            (Reading::Gauge(Operation::Sub, by), Current::Number(sum)) => *sum -= by,
            (Reading::Gauge(_, to), value) => {
                *value = Current::Number(*to);
                self.owner = None;
            }
            (
                Reading::Histogram {
                    buckets: bounds,
                    value,
                },
                Current::Histogram {
                    count,
                    sum,
                    buckets,
                },
            ) => {
                if buckets.is_empty() {
                    buckets.extend(bounds.iter().map(|bound| (*bound, 0)));
                }
                *count += 1;
                *sum += value;
                for (bound, below) in buckets {
                    *below += u64::from(value <= bound);
                }
            }
            // A family is of one kind, so its series are.
            (Reading::Counter(_), Current::Since(_) | Current::Histogram { .. })
            | (Reading::Histogram { .. }, Current::Number(_) | Current::Since(_)) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(name: &str, reading: Reading) -> Emission {
        Emission {
            run: RunId(1),
            at: Seconds(100),
            name: name.to_owned(),
            help: "h".to_owned(),
            labels: vec![
                ("b".to_owned(), "2".to_owned()),
                ("a".to_owned(), "1".to_owned()),
            ],
            reading,
        }
    }

    fn stored(row: SeriesRow) -> SeriesRow {
        SeriesRow::decode(&row.encode()).expect("readable")
    }

    #[test]
    fn observations_add_up_by_kind() {
        let gauge = |operation, value| Reading::Gauge(operation, value);
        let histogram = |value| Reading::Histogram {
            buckets: vec![1.0, 10.0],
            value,
        };
        let cases = [
            (
                vec![Reading::Counter(1.0), Reading::Counter(2.0)],
                Current::Number(3.0),
            ),
            (
                vec![
                    gauge(Operation::Set, 5.0),
                    gauge(Operation::Add, 2.0),
                    gauge(Operation::Sub, 1.0),
                ],
                Current::Number(6.0),
            ),
            (vec![Reading::Since(Seconds(90))], Current::Number(10.0)),
            (
                vec![Reading::Since(Seconds(90)), gauge(Operation::Set, 4.0)],
                Current::Number(4.0),
            ),
            (
                vec![histogram(0.5), histogram(5.0)],
                Current::Histogram {
                    count: 2,
                    sum: 5.5,
                    buckets: vec![(1.0, 1), (10.0, 2)],
                },
            ),
        ];
        for (readings, expected) in cases {
            let mut table = Table::default();
            for reading in readings {
                table.record(&told("m", reading)).expect("recorded");
            }
            let samples: Vec<Sample<'_>> = table.samples(Seconds(100)).collect();
            assert_eq!(samples.len(), 1);
            assert_eq!(samples[0].labels[0].0, "a");
            assert_eq!(samples[0].value, expected);
            assert_eq!(Table::from_rows(table.rows().map(stored)), table);
        }
    }

    #[test]
    fn a_metric_stays_what_it_is() {
        let mut table = Table::default();
        table
            .record(&told("m", Reading::Counter(1.0)))
            .expect("recorded");
        let error = table.record(&told("m", Reading::Since(Seconds(0))));
        assert_eq!(
            error,
            Err("found existing counter for custom metric m of type Gauge".to_owned())
        );
        let mut other = told("m", Reading::Counter(1.0));
        other.help = "other".to_owned();
        let error = table.record(&other);
        assert_eq!(
            error,
            Err("help for metric m is already set to h, it cannot be changed".to_owned())
        );
    }

    #[test]
    fn what_stands_still_is_swept() {
        let mut table = Table::default();
        table
            .record(&told("live", Reading::Since(Seconds(90))))
            .expect("recorded");
        table
            .record(&told("still", Reading::Counter(1.0)))
            .expect("recorded");
        table.sweep(Seconds(161), 60);
        assert_eq!(table.samples(Seconds(161)).count(), 1);
        table.run_ended(RunId(1), Seconds(161));
        let value = table
            .samples(Seconds(190))
            .next()
            .map(|sample| sample.value);
        assert_eq!(value, Some(Current::Number(71.0)));
        table.sweep(Seconds(300), 60);
        assert_eq!(table.samples(Seconds(300)).count(), 0);
    }
}
