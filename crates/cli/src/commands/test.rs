//! `argosy test`: plays the workflows that test files name, with mocked steps and a virtual clock.

mod forms;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use argosy_api::{Document, Limits, Source, read_documents};
use argosy_sim::testing::{Files, ReadTest, Report, Unmocked, read_tests, run_test};

use crate::files::{self, Fault};
use crate::style::StyleFlags;
use forms::Form;

/// The end of the name of a test file that is looked for in folders.
const SUFFIXES: [&str; 2] = ["_test.yaml", "_test.yml"];

#[derive(clap::Args)]
pub struct Arguments {
    /// Test files, and folders in which files named *_test.yaml are looked for
    #[arg(default_value = ".")]
    paths: Vec<PathBuf>,
    /// Play only the tests whose file or name holds this text
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Have a test fail where a step has no mock
    #[arg(long)]
    strict: bool,
    /// What to print
    #[arg(short, long, default_value = "plain")]
    output: Form,
    #[command(flatten)]
    style: StyleFlags,
}

/// A test that was played.
struct Played {
    file: String,
    report: Report,
    took: Duration,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let began = Instant::now();
    let (tests, faults) = read(arguments)?;
    for fault in &faults {
        eprintln!("{fault}\n");
    }
    let shelf = Shelf::of(&tests);
    let unmocked = match arguments.strict {
        true => Unmocked::Fail,
        false => Unmocked::Succeed,
    };
    let played = play(&tests, &shelf, unmocked);
    print!(
        "{}",
        arguments
            .output
            .write(&played, began.elapsed(), arguments.style.style())?
    );
    if played.is_empty() && faults.is_empty() {
        eprintln!("error: there is no test to play");
    }
    let passed = played.iter().all(|played| played.report.passed());
    Ok(match passed && faults.is_empty() && !played.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// The tests that are meant, and what is wrong with their files.
fn read(arguments: &Arguments) -> Result<(Vec<ReadTest>, Vec<Fault>)> {
    let mut tests = Vec::new();
    let mut faults = Vec::new();
    for path in test_files(&arguments.paths)? {
        let text = files::read_text(&path)?;
        let name = path.display().to_string();
        let source = Source::new(name.clone(), text);
        let (documents, unread) = read_documents(&source, &Limits::default());
        let (read, wrong) = read_tests(documents);
        let errors = unread
            .into_iter()
            .chain(wrong)
            .filter(|fault| fault.is_error());
        faults.extend(errors.map(|fault| Fault::new(&name, &source.text, fault)));
        let filter = arguments.filter.as_deref().unwrap_or_default();
        tests.extend(
            read.into_iter()
                .filter(|test| name.contains(filter) || test.name().contains(filter)),
        );
    }
    Ok((tests, faults))
}

/// The files that are named, and the test files in the folders that are named.
fn test_files(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for path in paths {
        if path.is_dir() {
            let inside = files::expand(std::slice::from_ref(path))?;
            found.extend(inside.into_iter().filter(|path| {
                let name = path.to_string_lossy();
                SUFFIXES.iter().any(|suffix| name.ends_with(suffix))
            }));
        } else {
            found.push(path.clone());
        }
    }
    for path in &mut found {
        if let Ok(short) = path.strip_prefix(".") {
            *path = short.to_path_buf();
        }
    }
    Ok(found)
}

/// The files that tests name, each read once.
struct Shelf(BTreeMap<PathBuf, Vec<Document>>);

impl Shelf {
    /// Files that can't be read are left out: the tests that name them say so.
    fn of(tests: &[ReadTest]) -> Self {
        let wanted: BTreeSet<(PathBuf, String)> = tests
            .iter()
            .flat_map(|test| {
                let folder = folder_of(test);
                test.files()
                    .map(move |name| (folder.join(name), name.to_owned()))
            })
            .collect();
        let read = wanted.into_iter().filter_map(|(path, _)| {
            let documents = documents_of(&path).ok()?;
            Some((path, documents))
        });
        Self(read.collect())
    }
}

fn documents_of(path: &Path) -> Result<Vec<Document>> {
    let text = files::read_text(path)?;
    let source = Source::new(path.display().to_string(), text);
    let (documents, faults) = read_documents(&source, &Limits::default());
    match faults.into_iter().find(|fault| fault.is_error()) {
        Some(fault) => {
            Err(anyhow::anyhow!("{}", fault.message)).context(path.display().to_string())
        }
        None => Ok(documents),
    }
}

fn folder_of(test: &ReadTest) -> PathBuf {
    let folder = Path::new(test.file()).parent();
    folder.map(Path::to_path_buf).unwrap_or_default()
}

/// The files beside a test.
struct Beside<'a> {
    shelf: &'a Shelf,
    folder: PathBuf,
}

impl Files for Beside<'_> {
    fn documents(&self, name: &str) -> Option<&[Document]> {
        let documents = self.shelf.0.get(&self.folder.join(name))?;
        Some(documents)
    }
}

/// Plays tests on all processors; gives what came of them in their order.
fn play(tests: &[ReadTest], shelf: &Shelf, unmocked: Unmocked) -> Vec<Played> {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicUsize::new(0);
    let mut played: Vec<(usize, Played)> = std::thread::scope(|scope| {
        let players: Vec<_> = (0..processors.min(tests.len()))
            .map(|_| {
                scope.spawn(|| {
                    let mut mine = Vec::new();
                    loop {
                        let place = next.fetch_add(1, Ordering::Relaxed);
                        let Some(test) = tests.get(place) else {
                            return mine;
                        };
                        mine.push((place, play_one(test, shelf, unmocked)));
                    }
                })
            })
            .collect();
        players
            .into_iter()
            .flat_map(|player| match player.join() {
                Ok(mine) => mine,
                Err(panic) => std::panic::resume_unwind(panic),
            })
            .collect()
    });
    played.sort_by_key(|(place, _)| *place);
    played.into_iter().map(|(_, played)| played).collect()
}

fn play_one(test: &ReadTest, shelf: &Shelf, unmocked: Unmocked) -> Played {
    let began = Instant::now();
    let folder = folder_of(test);
    let report = run_test(test, &Beside { shelf, folder }, unmocked);
    Played {
        file: test.file().to_owned(),
        report,
        took: began.elapsed(),
    }
}
