//! The figures that this program is held to, as a table of ratios. `make bench` prints it.
//!
//! What is compared is measured in the same run, in turns, since a machine is not as fast at one
//! moment as at the next. `-- ITEMS` sets the size of the large loop (1,000,000), and
//! `-- ITEMS engine|local|compile|tests` measures one part only.

mod compile;
mod engine;
mod local;
mod table;
mod tests;
mod workloads;

use table::Table;

/// As in the program itself.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        // What cargo adds by itself.
        .filter(|argument| argument != "--bench")
        .collect();
    let number = |text: &String| text.replace('_', "").parse::<u64>().ok();
    let items = arguments.iter().find_map(number).unwrap_or(1_000_000);
    let part = arguments
        .iter()
        .find(|text| number(text).is_none())
        .map(String::as_str);
    let is_wanted = |name| part.is_none_or(|part| part == name);
    let mut table = Table::default();
    // The local part comes first: it is measured against a small process.
    if is_wanted("local") {
        local::measure(&mut table);
    }
    if is_wanted("compile") {
        compile::measure(&mut table);
    }
    if is_wanted("tests") {
        tests::measure(&mut table);
    }
    if is_wanted("engine") {
        engine::measure(&mut table, items);
    }
    println!("{table}");
}
