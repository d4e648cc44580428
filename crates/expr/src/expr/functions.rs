//! The functions that an expression can call by name.

use super::budget::{Failure, Tools};
use crate::value::Value;

mod arguments;
mod collections;
mod dates;
mod numbers;
mod of_argo;
mod strings;

pub(crate) use arguments::{Arguments, NilArgument};
pub(crate) use strings::{decode_base64, split_parts};

pub(crate) type Outcome = Result<Value, Failure>;

/// A function: its name, how many arguments it takes, and what it does.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    pub(crate) least: usize,
    pub(crate) most: usize,
    pub(crate) run: fn(&Tools<'_>, &Arguments<'_>) -> Outcome,
}

/// expr-lang's functions.
const OWN: [&[Entry]; 4] = [
    strings::TABLE,
    numbers::TABLE,
    collections::TABLE,
    dates::TABLE,
];

/// The functions that check their arguments themselves.
const CHECKED: [&str; 19] = [
    "len",
    "abs",
    "ceil",
    "floor",
    "round",
    "int",
    "float",
    "first",
    "last",
    "get",
    "take",
    "keys",
    "values",
    "toPairs",
    "fromPairs",
    "reverse",
    "uniq",
    "flatten",
    "count",
];

/// Names that Argo puts among the variables, though they are functions or hold functions.
pub(crate) const OF_ARGO: [&str; 5] = ["sprig", "asInt", "asFloat", "jsonpath", "toJson"];

/// Any number of arguments.
pub(crate) const MANY: usize = usize::MAX;

/// A line of a table of functions.
pub(crate) const fn entry(
    name: &'static str,
    least: usize,
    most: usize,
    run: fn(&Tools<'_>, &Arguments<'_>) -> Outcome,
) -> Entry {
    Entry {
        name,
        least,
        most,
        run,
    }
}

/// A reference to a function.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Function {
    entry: &'static Entry,
    nil: NilArgument,
}

impl Function {
    /// expr-lang's function of this name.
    pub(crate) fn builtin(name: &str) -> Option<Self> {
        find(&OWN, name, NilArgument::Refused)
    }

    /// The function of this name that Argo adds.
    pub(crate) fn of_argo(name: &str) -> Option<Self> {
        find(&[of_argo::TABLE], name, NilArgument::Refused)
    }

    /// `sprig.name`.
    pub(crate) fn of_sprig(name: &str) -> Option<Self> {
        find(crate::sprig::TABLES, name, NilArgument::IsZero)
    }

    /// Whether it takes this many arguments, in the words of expr-lang, which has several for it.
    pub(crate) fn check(self, count: usize) -> Result<(), String> {
        let Entry {
            name, least, most, ..
        } = *self.entry;
        if (least..=most).contains(&count) {
            return Ok(());
        }
        let few = count < least;
        if self.is_of_sprig() {
            return Err(match least == most {
                true => format!("invalid number of arguments: expected {least}, got {count}"),
                false => "reflect: Call with too few input arguments".to_owned(),
            });
        }
        let expected = match name {
            "now" => "0".to_owned(),
            "date" if !few => "at most 3".to_owned(),
            "date" | "concat" => "at least 1".to_owned(),
            _ if CHECKED.contains(&name) => least.to_string(),
            _ if few => return Err(format!("not enough arguments to call {name}")),
            _ => return Err(format!("too many arguments to call {name}")),
        };
        Err(format!(
            "invalid number of arguments (expected {expected}, got {count})"
        ))
    }

    /// How many arguments it takes: at least, and at most if there is an end to it.
    pub(crate) fn counts(self) -> (usize, Option<usize>) {
        let most = Some(self.entry.most).filter(|most| *most != MANY);
        (self.entry.least, most)
    }

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        self.entry.name
    }

    /// Whether it is known and not supported.
    pub(crate) fn is_refused(self) -> bool {
        self.is_of_sprig() && crate::sprig::is_refused(self.entry.name)
    }

    /// Whether it is one of sprig's, which are called by reflection: nothing is known of their types.
    pub(crate) fn is_of_sprig(self) -> bool {
        self.nil == NilArgument::IsZero
    }

    /// Calls it.
    pub(crate) fn run(self, tools: &Tools<'_>, values: &[Value]) -> Outcome {
        // What a function makes of lists and maps counts where it does so.
        let texts = values.iter().map(|value| match value {
            Value::String(text) => text.len(),
            Value::Bytes(bytes) => bytes.len(),
            _ => 0,
        });
        tools.look_at(texts.sum())?;
        (self.entry.run)(
            tools,
            &Arguments {
                function: self.entry.name,
                values,
                nil: self.nil,
                variadic_from: (self.entry.most == MANY).then_some(self.entry.least),
            },
        )
    }
}

/// The names of all functions, and whether each is one of sprig's.
pub(crate) fn names() -> impl Iterator<Item = (&'static str, bool)> {
    let own = OWN.iter().chain(&[of_argo::TABLE]);
    let own = own.flat_map(|table| table.iter().map(|entry| (entry.name, false)));
    let sprig = crate::sprig::TABLES.iter();
    own.chain(sprig.flat_map(|table| table.iter().map(|entry| (entry.name, true))))
}

fn find(tables: &[&'static [Entry]], name: &str, nil: NilArgument) -> Option<Function> {
    tables
        .iter()
        .flat_map(|table| table.iter())
        .find(|entry| entry.name == name)
        .map(|entry| Function { entry, nil })
}
