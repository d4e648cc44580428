//! `argosy test`: plays the workflows that test files name, with mocked steps and a virtual clock.

mod difference;
mod forms;
mod junit;
mod shelf;
mod tap;
mod watch;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use argosy_api::{Limits, Source, read_documents};
use argosy_sim::testing::{
    Coverage, Options, ReadTest, Report, SCHEMA, Unmocked, read_tests, run_test,
};

use crate::files::{self, Fault};
use crate::options::Global;
use crate::output;
use crate::style::{StyleFlags, drawn_on};
use forms::Form;
use shelf::{Named, Shelf, beside, folder_of};
use watch::Stamps;

/// So many faults of files are shown.
const MOST_FAULTS: usize = 100;

/// The end of the name of a test file that is looked for in folders.
const SUFFIXES: [&str; 2] = ["_test.yaml", "_test.yml"];

/// What a file of a snapshot begins with.
const HEADER: &str = "# Written by `argosy test --update`, and compared with by `argosy test`.\n";

#[derive(clap::Args)]
pub struct Arguments {
    /// Test files, and folders in which files named *_test.yaml are looked for
    #[arg(default_value = ".")]
    paths: Vec<PathBuf>,
    /// Play only the tests whose file or name holds this text, or one of several such
    #[arg(long, value_name = "TEXT")]
    filter: Vec<String>,
    /// Print the names of the tests, and play none
    #[arg(long)]
    list: bool,
    /// Have a test fail where a step has no mock
    #[arg(long)]
    strict: bool,
    /// Show which templates, and branches of `when` and `depends`, no test has taken
    #[arg(long)]
    coverage: bool,
    /// Fail if the tests take less of the branches than this, in percent
    #[arg(long, value_name = "PERCENT", value_parser = percentage)]
    coverage_min: Option<f64>,
    /// Write what was seen into the files of snapshots that differ
    #[arg(long)]
    update: bool,
    /// Play the tests again whenever one of their files has changed
    #[arg(long)]
    watch: bool,
    /// Print the JSON schema of test files, for editors
    #[arg(long, exclusive = true)]
    schema: bool,
    /// What to print
    #[arg(short, long, default_value = "plain")]
    output: Form,
    #[command(flatten)]
    style: StyleFlags,
}

fn percentage(text: &str) -> Result<f64, String> {
    let number: Option<f64> = text.trim_end_matches('%').parse().ok();
    number
        .filter(|number| (0.0..=100.0).contains(number))
        .ok_or_else(|| "expected a number from 0 to 100".to_owned())
}

/// A file with its faults.
type Unread = (String, Vec<Fault>);

/// A test that was played.
struct Played {
    file: String,
    report: Report,
    took: Duration,
}

/// All that came of the tests.
struct Outcome<'a> {
    played: &'a [Played],
    /// The files that have faults.
    unread: &'a [Unread],
    /// What they have taken together, if that is asked for.
    coverage: Option<&'a Coverage>,
    took: Duration,
}

impl Outcome<'_> {
    /// How many tests failed.
    fn failed(&self) -> usize {
        let played = self.played.iter();
        played.filter(|played| !played.report.passed()).count()
    }
}

pub fn run(arguments: &Arguments, global: &Global) -> Result<ExitCode> {
    if arguments.schema {
        print!("{SCHEMA}");
        return Ok(ExitCode::SUCCESS);
    }
    if arguments.list {
        return list(arguments);
    }
    if arguments.watch {
        watch(arguments, global)?;
    }
    Ok(match once(arguments, global, &mut Stamps::default())? {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// Prints where the tests stand, and their names.
fn list(arguments: &Arguments) -> Result<ExitCode> {
    let (tests, unread) = read(&test_files(&arguments.paths)?, &arguments.filter)?;
    for test in &tests {
        println!("{}: {}", test.place(), test.name());
    }
    print_faults(&unread);
    Ok(match unread.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

fn print_faults(unread: &[Unread]) {
    let all = || unread.iter().flat_map(|(_, faults)| faults);
    for fault in all().take(MOST_FAULTS) {
        eprintln!("{fault}\n");
    }
    let more = all().count().saturating_sub(MOST_FAULTS);
    if more > 0 {
        eprintln!("… and {more} more faults; `-o json` has them all\n");
    }
}

/// Plays the tests whenever their files have changed, until somebody ends the program.
fn watch(arguments: &Arguments, global: &Global) -> Result<Infallible> {
    let on_terminal = drawn_on(&std::io::stdout());
    loop {
        if on_terminal {
            // The last round's lines would be taken for this one's.
            print!("\x1b[2J\x1b[3J\x1b[H");
            std::io::stdout().flush()?;
        }
        let mut stamps = Stamps::default();
        if let Err(error) = once(arguments, global, &mut stamps) {
            eprintln!("error: {error:#}");
        }
        if on_terminal {
            println!("{} files are watched; Ctrl-C ends this", stamps.count());
        }
        std::io::stdout().flush()?;
        stamps.wait(|| test_files(&arguments.paths).unwrap_or_default());
    }
}

/// Plays the tests once and says whether all is well. The files are noted before they are read, so
/// that no change is missed.
fn once(arguments: &Arguments, global: &Global, stamps: &mut Stamps) -> Result<bool> {
    let began = Instant::now();
    let paths = test_files(&arguments.paths)?;
    stamps.note(paths.iter().cloned());
    let (tests, mut unread) = read(&paths, &arguments.filter)?;
    let named = Named::by(&tests);
    stamps.note(named.paths());
    let (mut shelf, faulty) = Shelf::of(&named);
    unread.extend(faulty);
    print_faults(&unread);
    let options = Options {
        unmocked: match arguments.strict {
            true => Unmocked::Fail,
            false => Unmocked::Succeed,
        },
        notes_branches: arguments.coverage || arguments.coverage_min.is_some(),
        namespace: Some(&global.namespace),
    };
    let mut played = play(&tests, &shelf, options);
    if arguments.update && update(&played)? > 0 {
        shelf = Shelf::of(&named).0;
        played = play(&tests, &shelf, options);
    }
    let coverage = options.notes_branches.then(|| {
        let mut coverage = Coverage::default();
        for played in &mut played {
            coverage.add(std::mem::take(&mut played.report.coverage));
        }
        coverage
    });
    let outcome = Outcome {
        played: &played,
        unread: &unread,
        coverage: coverage.as_ref(),
        took: began.elapsed(),
    };
    print!(
        "{}",
        arguments.output.write(&outcome, arguments.style.style())?
    );
    if played.is_empty() && unread.is_empty() {
        eprintln!("error: there is no test to play");
    }
    let enough = enough(arguments.coverage_min, coverage.as_ref());
    Ok(enough && outcome.failed() == 0 && unread.is_empty() && !played.is_empty())
}

/// Whether the tests take as much as is asked for.
fn enough(least: Option<f64>, coverage: Option<&Coverage>) -> bool {
    let (Some(least), Some(coverage)) = (least, coverage) else {
        return true;
    };
    let percent = coverage.percent();
    if percent < least {
        eprintln!("error: the tests take {percent:.1}% of the branches, less than {least}%");
    }
    percent >= least
}

/// Writes the snapshots that differ; says how many.
fn update(played: &[Played]) -> Result<usize> {
    let mut written: BTreeMap<PathBuf, &str> = BTreeMap::new();
    for played in played {
        let snapshot = played.report.snapshot.as_ref();
        let Some(snapshot) = snapshot.filter(|snapshot| snapshot.differs) else {
            continue;
        };
        let path = beside(&folder_of(&played.file), &snapshot.file);
        if let Some(other) = written.insert(path.clone(), &played.report.name) {
            bail!(
                "the tests {other:?} and {:?} have the same snapshot, {}, and see different things: give each its own",
                played.report.name,
                path.display()
            );
        }
        let text = format!("{HEADER}{}", output::yaml(&snapshot.seen)?);
        std::fs::write(&path, text)
            .with_context(|| format!("cannot write the snapshot {}", path.display()))?;
        eprintln!("{} written", path.display());
    }
    Ok(written.len())
}

/// The tests whose file or name holds one of these texts, or all if there are none, and the files
/// with faults.
fn read(paths: &[PathBuf], filter: &[String]) -> Result<(Vec<ReadTest>, Vec<Unread>)> {
    let mut tests = Vec::new();
    let mut unread = Vec::new();
    for path in paths {
        let text = files::read_text(path)?;
        let name = path.display().to_string();
        let source = Source::new(name.clone(), text);
        let (documents, faults) = read_documents(&source, &Limits::default());
        let (read, wrong) = read_tests(documents);
        let faults: Vec<Fault> = faults
            .into_iter()
            .chain(wrong)
            .filter(|fault| fault.is_error())
            .map(|fault| Fault::new(&name, &source.text, fault))
            .collect();
        if !faults.is_empty() {
            unread.push((name.clone(), faults));
        }
        let is_meant = |test: &ReadTest| {
            let mut texts = filter.iter();
            filter.is_empty() || texts.any(|text| name.contains(text) || test.name().contains(text))
        };
        tests.extend(read.into_iter().filter(is_meant));
    }
    Ok((tests, unread))
}

/// The files that are named, and the test files in the folders that are named.
fn test_files(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for path in paths {
        if path.is_dir() {
            let inside = files::expand(std::slice::from_ref(path))?;
            found.extend(inside.into_iter().filter(|path| is_test_file(path)));
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

/// Whether a file is one of tests, by its name.
fn is_test_file(path: &Path) -> bool {
    let name = path.to_string_lossy();
    SUFFIXES.iter().any(|suffix| name.ends_with(suffix))
}

/// Plays tests on all processors; gives what came of them in their order.
fn play(tests: &[ReadTest], shelf: &Shelf, options: Options<'_>) -> Vec<Played> {
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

fn play_one(test: &ReadTest, shelf: &Shelf, options: Options<'_>) -> Played {
    let began = Instant::now();
    let files = shelf.beside(test);
    // A fault of the program's own fails its test, not all.
    let played = catch_unwind(AssertUnwindSafe(|| run_test(test, &files, options)));
    let report = played.unwrap_or_else(|panic| Report::broken(test, &crate::panic_text(&*panic)));
    Played {
        file: test.file().to_owned(),
        report,
        took: began.elapsed(),
    }
}
