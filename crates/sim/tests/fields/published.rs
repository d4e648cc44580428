//! The part of docs/compatibility.md that is made from the ledger.

use std::path::Path;

use super::{Kind, Ledger};

const BEGIN: &str = "<!-- made from fields.yaml: begin -->";
const END: &str = "<!-- made from fields.yaml: end -->";

/// Compares it, or with `UPDATE=1` writes it.
pub fn check(ledger: &Ledger) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/compatibility.md");
    let text = std::fs::read_to_string(&path).expect("docs/compatibility.md is there");
    let (before, rest) = text.split_once(BEGIN).expect("the place where it begins");
    let (_, after) = rest.split_once(END).expect("the place where it ends");
    let wanted = format!("{before}{BEGIN}\n{}{END}{after}", table(ledger));
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &wanted).expect("docs/compatibility.md can be written");
        return;
    }
    assert!(
        text == wanted,
        "docs/compatibility.md differs from docs/fields.yaml: run `UPDATE=1 cargo test -p argosy-sim --test fields`"
    );
}

fn table(ledger: &Ledger) -> String {
    let mut table = String::from("| fields | what becomes of them |\n| --- | --- |\n");
    for rest in &ledger.rest {
        let what = match rest.is {
            Kind::Waits => "wait for",
            Kind::Refused => "refused:",
            Kind::Whole | Kind::Status | Kind::Identity | Kind::Backend => continue,
        };
        let fields: Vec<String> = rest
            .fields
            .iter()
            .map(|field| format!("`{field}`"))
            .collect();
        table.push_str(&format!(
            "| {} | {what} {} |\n",
            fields.join(", "),
            rest.why
        ));
    }
    table
}
