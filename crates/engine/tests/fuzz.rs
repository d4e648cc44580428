//! The fuzzing harness on the stable compiler: the corpus, and texts made from it by chance. The
//! same seed gives the same texts; `FUZZ_ROUNDS` asks for more of them, `FUZZ_SEED` for others.

#[path = "../../../fuzz/harness.rs"]
mod harness;

use std::path::Path;

/// What the languages are made of.
const TOKENS: &[&str] = &[
    "{{",
    "}}",
    "{{=",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "'",
    "\"",
    "`",
    "\\",
    "\n",
    "\n  ",
    "- ",
    ": ",
    ",",
    ".",
    "..",
    "?.",
    "??",
    "|",
    "||",
    "&&",
    "&",
    "*",
    "**",
    "!",
    "!!",
    "#",
    "$",
    "@",
    "%",
    "~",
    "=",
    "==",
    "=~",
    "<",
    "<<",
    "<<: ",
    ">",
    "|\n",
    ">-\n",
    "---\n",
    "...",
    "0",
    "1",
    "-1",
    "1e999",
    "0x",
    "9223372036854775808",
    "null",
    "true",
    "nil",
    "in",
    "not ",
    "let x = ",
    "item",
    "a",
    "é",
    "\u{feff}",
    "\t",
    "\r\n",
    "*a ",
    "&a ",
    "? ",
    "name: ",
    "sprig.",
    "$patch",
    ".Succeeded",
];

/// Longer texts are cut.
const LONGEST: usize = 4_096;

/// A small stream of chance.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound.max(1) as u64) as usize
    }

    /// A place between two characters.
    fn place(&mut self, text: &str) -> usize {
        let mut at = self.below(text.len() + 1);
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    }

    fn stretch(&mut self, text: &str) -> std::ops::Range<usize> {
        let (one, two) = (self.place(text), self.place(text));
        one.min(two)..one.max(two)
    }

    /// Another text made from one of these.
    fn text(&mut self, seeds: &[String]) -> String {
        let mut text = seeds[self.below(seeds.len())].clone();
        for _ in 0..=self.below(6) {
            let at = self.place(&text);
            match self.below(5) {
                0 => text.insert_str(at, TOKENS[self.below(TOKENS.len())]),
                1 => text.replace_range(self.stretch(&text), ""),
                2 => {
                    let copy = text[self.stretch(&text)].to_owned();
                    text.insert_str(at, &copy);
                }
                3 => {
                    let other = &seeds[self.below(seeds.len())];
                    let part = other[self.stretch(other)].to_owned();
                    text.insert_str(at, &part);
                }
                _ => {
                    let stretch = self.stretch(&text);
                    text.replace_range(stretch, TOKENS[self.below(TOKENS.len())]);
                }
            }
            if text.len() > LONGEST {
                let end = (0..=LONGEST).rfind(|at| text.is_char_boundary(*at));
                text.truncate(end.unwrap_or(0));
            }
        }
        text
    }
}

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(otherwise)
}

fn check(name: &str, harness: fn(&str), rounds: u64) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    let mut files: Vec<_> = std::fs::read_dir(folder.join(name))
        .expect("the corpus is there")
        .map(|entry| entry.expect("a readable entry").path())
        .collect();
    files.sort();
    let seeds: Vec<String> = files
        .iter()
        .map(|file| std::fs::read_to_string(file).expect("a readable seed"))
        .collect();
    for seed in &seeds {
        attempt(name, harness, seed);
    }
    let mut chance = Chance(number("FUZZ_SEED", 0x5eed) | 1);
    for _ in 0..number("FUZZ_ROUNDS", rounds) {
        let text = chance.text(&seeds);
        attempt(name, harness, &text);
    }
}

fn attempt(name: &str, harness: fn(&str), text: &str) {
    let outcome = std::panic::catch_unwind(|| harness(text));
    assert!(outcome.is_ok(), "{name} fails on {text:?}");
}

#[test]
fn yaml() {
    check("yaml", harness::yaml, 1_500);
}

#[test]
fn expressions() {
    check("expression", harness::expression, 5_000);
}

#[test]
fn tags() {
    check("tags", harness::tags, 5_000);
}

#[test]
fn depends() {
    check("depends", harness::depends, 5_000);
}

#[test]
fn when() {
    check("when", harness::when, 5_000);
}

#[test]
fn jsonpath() {
    check("jsonpath", harness::jsonpath, 5_000);
}

#[test]
fn patch() {
    check("patch", harness::patch, 5_000);
}
