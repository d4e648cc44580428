//! sprig's functions on lists.

use super::{is_empty, numbers, text};
use crate::expr::budget::{Failure, Tools};
use crate::expr::functions::{Arguments, Entry, MANY, Outcome, entry};
use crate::value::Value;

pub(super) const TABLE: &[Entry] = &[
    entry("list", 0, MANY, |_, a| list(a.values.to_vec())),
    entry("tuple", 0, MANY, |_, a| list(a.values.to_vec())),
    entry("append", 2, 2, push),
    entry("push", 2, 2, push),
    entry("mustAppend", 2, 2, push),
    entry("mustPush", 2, 2, push),
    entry("prepend", 2, 2, prepend),
    entry("mustPrepend", 2, 2, prepend),
    entry("first", 1, 1, first),
    entry("mustFirst", 1, 1, first),
    entry("last", 1, 1, last),
    entry("mustLast", 1, 1, last),
    entry("rest", 1, 1, rest),
    entry("mustRest", 1, 1, rest),
    entry("initial", 1, 1, initial),
    entry("mustInitial", 1, 1, initial),
    entry("reverse", 1, 1, reverse),
    entry("mustReverse", 1, 1, reverse),
    entry("uniq", 1, 1, uniq),
    entry("mustUniq", 1, 1, uniq),
    entry("compact", 1, 1, compact),
    entry("mustCompact", 1, 1, compact),
    entry("without", 1, MANY, without),
    entry("mustWithout", 1, MANY, without),
    entry("has", 2, 2, has),
    entry("mustHas", 2, 2, has),
    entry("slice", 1, MANY, slice),
    entry("mustSlice", 1, MANY, slice),
    entry("chunk", 2, 2, chunk),
    entry("mustChunk", 2, 2, chunk),
    entry("concat", 0, MANY, |tools, a| {
        let mut all = Vec::new();
        for at in 0..a.len() {
            let items = items(a, at, "concat")?;
            tools.grow_by(items.len(), size_of::<Value>())?;
            all.extend_from_slice(items);
        }
        list(all)
    }),
    entry("sortAlpha", 1, 1, |_, a| {
        let mut texts = texts(a.get(0));
        texts.sort_unstable();
        Ok(Value::strings(texts)?)
    }),
    entry("toStrings", 1, 1, |_, a| {
        Ok(Value::strings(texts(a.get(0)))?)
    }),
    entry("join", 2, 2, |tools, a| {
        let separator = a.string(0)?;
        let texts = texts(a.get(1));
        tools.grow_by(texts.len(), separator.len())?;
        Ok(texts.join(separator).into())
    }),
    entry("splitList", 2, 2, |tools, a| {
        let (separator, s) = (a.string(0)?, a.string(1)?);
        tools.grow_by(s.len() + 1, size_of::<Value>())?;
        let parts = crate::expr::functions::split_parts(s, separator, -1);
        Ok(Value::strings(parts)?)
    }),
];

fn list(items: Vec<Value>) -> Outcome {
    Ok(Value::list(items)?)
}

fn items<'a>(a: &Arguments<'a>, at: usize, what: &str) -> Result<&'a [Value], Failure> {
    match a.get(at) {
        Value::List(list) => Ok(list.items()),
        Value::Nil => {
            Err("runtime error: invalid memory address or nil pointer dereference".into())
        }
        other => {
            let kind = other.go_kind();
            Err(Failure::Message(match what {
                "slice" => format!("list should be type of slice or array but {kind}"),
                "chunk" => format!("Cannot chunk type {kind}"),
                "concat" => format!("Cannot concat type {kind} as list"),
                _ => format!("Cannot {what} on type {kind}"),
            }))
        }
    }
}

/// The elements as texts, without nils; of what is no list, the thing itself.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::List(list) => list
            .items()
            .iter()
            .filter(|item| **item != Value::Nil)
            .map(text)
            .collect(),
        Value::Nil => Vec::new(),
        other => vec![text(other)],
    }
}

/// Whether both are the same, also in type.
fn same(tools: &Tools<'_>, a: &Value, b: &Value) -> Result<bool, Failure> {
    tools.work(1 + a.weight().min(b.weight()) / 64)?;
    Ok(a == b)
}

fn contains(tools: &Tools<'_>, items: &[Value], wanted: &Value) -> Result<bool, Failure> {
    for item in items {
        if same(tools, item, wanted)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn push(_: &Tools<'_>, a: &Arguments<'_>) -> Outcome {
    let items = items(a, 0, "push")?;
    list(items.iter().chain([a.get(1)]).cloned().collect())
}

fn prepend(_: &Tools<'_>, a: &Arguments<'_>) -> Outcome {
    let items = items(a, 0, "prepend")?;
    list([a.get(1)].into_iter().chain(items).cloned().collect())
}

fn first(_: &Tools<'_>, a: &Arguments<'_>) -> Outcome {
    let items = items(a, 0, "find first")?;
    Ok(items.first().cloned().unwrap_or(Value::Nil))
}

fn last(_: &Tools<'_>, a: &Arguments<'_>) -> Outcome {
    let items = items(a, 0, "find last")?;
    Ok(items.last().cloned().unwrap_or(Value::Nil))
}

fn rest(_: &Tools<'_>, a: &Arguments<'_>) -> Outcome {
    match items(a, 0, "find rest")?.split_first() {
        Some((_, rest)) => list(rest.to_vec()),
        None => Ok(Value::Nil),
    }
}

fn initial(_: &Tools<'_>, a: &Arguments<'_>) -> Outcome {
    match items(a, 0, "find initial")?.split_last() {
        Some((_, initial)) => list(initial.to_vec()),
        None => Ok(Value::Nil),
    }
}

fn reverse(_: &Tools<'_>, a: &Arguments<'_>) -> Outcome {
    list(items(a, 0, "find reverse")?.iter().rev().cloned().collect())
}

fn uniq(tools: &Tools<'_>, a: &Arguments<'_>) -> Outcome {
    let mut kept: Vec<Value> = Vec::new();
    for item in items(a, 0, "find uniq")? {
        if !contains(tools, &kept, item)? {
            kept.push(item.clone());
        }
    }
    list(kept)
}

fn compact(_: &Tools<'_>, a: &Arguments<'_>) -> Outcome {
    let items = items(a, 0, "compact")?;
    list(
        items
            .iter()
            .filter(|item| !is_empty(item))
            .cloned()
            .collect(),
    )
}

fn without(tools: &Tools<'_>, a: &Arguments<'_>) -> Outcome {
    let mut kept = Vec::new();
    for item in items(a, 0, "find without")? {
        if !contains(tools, &a.values[1..], item)? {
            kept.push(item.clone());
        }
    }
    list(kept)
}

fn has(tools: &Tools<'_>, a: &Arguments<'_>) -> Outcome {
    if *a.get(1) == Value::Nil {
        return Ok(false.into());
    }
    Ok(contains(tools, items(a, 1, "find has")?, a.get(0))?.into())
}

fn slice(_: &Tools<'_>, a: &Arguments<'_>) -> Outcome {
    let items = items(a, 0, "slice")?;
    if items.is_empty() {
        return Ok(Value::Nil);
    }
    let place = |at: usize, default: usize| match a.values.get(at) {
        Some(value) => usize::try_from(numbers::to_int(value)).unwrap_or(usize::MAX),
        None => default,
    };
    match items.get(place(1, 0)..place(2, items.len())) {
        Some(part) => list(part.to_vec()),
        None => Err("slice bounds out of range".into()),
    }
}

fn chunk(_: &Tools<'_>, a: &Arguments<'_>) -> Outcome {
    let whole = items(a, 1, "chunk")?;
    if a.int(0)? < 0 {
        return list(Vec::new());
    }
    let size = a.count(0)?;
    if size == 0 {
        return Err("the size of a chunk must not be 0".into());
    }
    let chunks = whole.chunks(size).map(|chunk| list(chunk.to_vec()));
    list(chunks.collect::<Result<_, _>>()?)
}
