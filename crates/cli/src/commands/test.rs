//! `argosy test`: plays the workflows that test files name, with mocked steps and a virtual clock.

mod forms;
mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::io::Write;
use std::path::{Component, Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use argosy_api::{Document, Limits, Source, read_documents};
use argosy_sim::testing::{
    Coverage, Files, Options, ReadTest, Report, Unmocked, read_tests, run_test,
};

use crate::files::{self, Fault};
use crate::output;
use crate::style::StyleFlags;
use forms::Form;
use watch::Stamps;

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
    /// Show which templates, and branches of `when` and `depends`, no test has taken
    #[arg(long)]
    coverage: bool,
    /// Write what was seen into the files of snapshots that differ
    #[arg(long)]
    update: bool,
    /// Play the tests again whenever one of their files has changed
    #[arg(long)]
    watch: bool,
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

/// All that came of the tests.
struct Outcome<'a> {
    played: &'a [Played],
    /// What they have taken together, if that is asked for.
    coverage: Option<&'a Coverage>,
    took: Duration,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    ensure!(
        !arguments.coverage || arguments.output != Form::Junit,
        "JUnit's form has no place for --coverage: use -o plain, json or tap"
    );
    if arguments.watch {
        watch(arguments)?;
    }
    Ok(match once(arguments, &mut Stamps::default())? {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// Plays the tests whenever their files have changed, until somebody ends the program.
fn watch(arguments: &Arguments) -> Result<Infallible> {
    loop {
        let mut stamps = Stamps::default();
        if let Err(error) = once(arguments, &mut stamps) {
            eprintln!("error: {error:#}");
        }
        std::io::stdout().flush()?;
        stamps.wait(|| test_files(&arguments.paths).unwrap_or_default());
    }
}

/// Plays the tests once and says whether all is well. The files are noted before they are read, so
/// that no change is missed.
fn once(arguments: &Arguments, stamps: &mut Stamps) -> Result<bool> {
    let began = Instant::now();
    let paths = test_files(&arguments.paths)?;
    stamps.note(paths.iter().cloned());
    let (tests, faults) = read(&paths, arguments.filter.as_deref().unwrap_or_default())?;
    for fault in &faults {
        eprintln!("{fault}\n");
    }
    let named = named_files(&tests);
    stamps.note(named.iter().cloned());
    let mut shelf = Shelf::of(&named);
    let options = Options {
        unmocked: match arguments.strict {
            true => Unmocked::Fail,
            false => Unmocked::Succeed,
        },
        notes_branches: arguments.coverage,
    };
    let mut played = play(&tests, &shelf, options);
    if arguments.update && update(&played)? > 0 {
        shelf = Shelf::of(&named);
        played = play(&tests, &shelf, options);
    }
    let coverage = arguments.coverage.then(|| {
        let mut coverage = Coverage::default();
        for played in &mut played {
            coverage.add(std::mem::take(&mut played.report.coverage));
        }
        coverage
    });
    let outcome = Outcome {
        played: &played,
        coverage: coverage.as_ref(),
        took: began.elapsed(),
    };
    print!(
        "{}",
        arguments.output.write(&outcome, arguments.style.style())?
    );
    if played.is_empty() && faults.is_empty() {
        eprintln!("error: there is no test to play");
    }
    let passed = played.iter().all(|played| played.report.passed());
    Ok(passed && faults.is_empty() && !played.is_empty())
}

/// Writes the snapshots that differ; says how many.
fn update(played: &[Played]) -> Result<usize> {
    let mut written = 0;
    for played in played {
        let snapshot = played.report.snapshot.as_ref();
        let Some(snapshot) = snapshot.filter(|snapshot| snapshot.differs) else {
            continue;
        };
        let path = beside(&folder_of(&played.file), &snapshot.file);
        std::fs::write(&path, output::yaml(&snapshot.seen)?)
            .with_context(|| format!("cannot write the snapshot {}", path.display()))?;
        eprintln!("{} written", path.display());
        written += 1;
    }
    Ok(written)
}

/// The tests whose file or name holds a text, and what is wrong with their files.
fn read(paths: &[PathBuf], filter: &str) -> Result<(Vec<ReadTest>, Vec<Fault>)> {
    let mut tests = Vec::new();
    let mut faults = Vec::new();
    for path in paths {
        let text = files::read_text(path)?;
        let name = path.display().to_string();
        let source = Source::new(name.clone(), text);
        let (documents, unread) = read_documents(&source, &Limits::default());
        let (read, wrong) = read_tests(documents);
        let errors = unread
            .into_iter()
            .chain(wrong)
            .filter(|fault| fault.is_error());
        faults.extend(errors.map(|fault| Fault::new(&name, &source.text, fault)));
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

/// The files that tests name.
fn named_files(tests: &[ReadTest]) -> BTreeSet<PathBuf> {
    tests
        .iter()
        .flat_map(|test| {
            let folder = folder_of(test.file());
            test.files().map(move |name| beside(&folder, name))
        })
        .collect()
}

/// The files that tests name, each read once.
struct Shelf(BTreeMap<PathBuf, Vec<Document>>);

impl Shelf {
    /// Files that can't be read are left out: the tests that name them say so.
    fn of(named: &BTreeSet<PathBuf>) -> Self {
        let read = named.iter().filter_map(|path| {
            let documents = documents_of(path).ok()?;
            Some((path.clone(), documents))
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

/// The folder of a test file.
fn folder_of(file: &str) -> PathBuf {
    let folder = Path::new(file).parent();
    folder.map(Path::to_path_buf).unwrap_or_default()
}

/// The file that a test in a folder means by a name. Tests in different folders call a file by the
/// same path.
fn beside(folder: &Path, name: &str) -> PathBuf {
    let mut path = PathBuf::new();
    for part in folder.join(name).components() {
        match (part, path.components().next_back()) {
            (Component::CurDir, _) => {}
            (Component::ParentDir, Some(Component::Normal(_))) => {
                path.pop();
            }
            (part, _) => path.push(part),
        }
    }
    path
}

/// The files beside a test.
struct Beside<'a> {
    shelf: &'a Shelf,
    folder: PathBuf,
}

impl Files for Beside<'_> {
    fn documents(&self, name: &str) -> Option<&[Document]> {
        let documents = self.shelf.0.get(&beside(&self.folder, name))?;
        Some(documents)
    }
}

/// Plays tests on all processors; gives what came of them in their order.
fn play(tests: &[ReadTest], shelf: &Shelf, options: Options) -> Vec<Played> {
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
                        mine.push((place, play_one(test, shelf, options)));
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

fn play_one(test: &ReadTest, shelf: &Shelf, options: Options) -> Played {
    let began = Instant::now();
    let folder = folder_of(test.file());
    let report = run_test(test, &Beside { shelf, folder }, options);
    Played {
        file: test.file().to_owned(),
        report,
        took: began.elapsed(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_beside_tests() {
        for (folder, name, wanted) in [
            ("", "wf.yaml", "wf.yaml"),
            ("a", "wf.yaml", "a/wf.yaml"),
            ("a/b", "../wf.yaml", "a/wf.yaml"),
            ("a", "./../../wf.yaml", "../wf.yaml"),
            ("/a", "b/../c.yaml", "/a/c.yaml"),
            ("a", "/c.yaml", "/c.yaml"),
        ] {
            assert_eq!(
                beside(Path::new(folder), name),
                Path::new(wanted),
                "{folder} {name}"
            );
        }
    }
}
