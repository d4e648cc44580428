//! What functions take and give, as far as it can be told before they are called.

use super::types::{ANY, BOOL, FLOAT, INT, Kind, STRING, Type, UNKNOWN};
use super::{Checked, Checker};
use crate::expr::ast::NodeId;
use crate::expr::functions::Function;

const LIST: Type = Type::list(Kind::Any);

/// What a function of fixed types takes, once for each number of arguments that it can have, and
/// gives. Of several ways to call it, expr-lang tells why the last one does not fit.
fn signatures(name: &str) -> Option<(&'static [&'static [Type]], Type)> {
    const S: Type = STRING;
    const ONE: &[&[Type]] = &[&[S]];
    const TWO: &[&[Type]] = &[&[S, S]];
    const INTS: &[&[Type]] = &[&[INT, INT]];
    Some(match name {
        "type" | "string" | "toJSON" | "toJson" => (&[&[ANY]], STRING),
        "asInt" | "asFloat" => (&[&[ANY]], ANY),
        "upper" | "lower" | "toBase64" | "fromBase64" => (ONE, STRING),
        "fromJSON" => (ONE, ANY),
        "duration" => (ONE, Type::of(Kind::Duration)),
        "timezone" => (ONE, Type::of(Kind::Zone)),
        "trim" => (&[&[S], &[S, S]], STRING),
        "trimPrefix" | "trimSuffix" => (&[&[S, S], &[S]], STRING),
        "split" | "splitAfter" => (&[&[S, S], &[S, S, INT]], Type::STRINGS),
        "replace" => (&[&[S, S, S, INT], &[S, S, S]], STRING),
        "repeat" => (&[&[S, INT]], STRING),
        "join" => (
            &[&[LIST, S], &[LIST], &[Type::STRINGS, S], &[Type::STRINGS]],
            STRING,
        ),
        "indexOf" | "lastIndexOf" => (TWO, INT),
        "hasPrefix" | "hasSuffix" => (TWO, BOOL),
        "jsonpath" => (TWO, ANY),
        "bitnot" => (&[&[INT]], INT),
        "bitand" | "bitor" | "bitxor" | "bitnand" | "bitshl" | "bitshr" | "bitushr" => (INTS, INT),
        _ => return None,
    })
}

impl Checker<'_> {
    pub(super) fn call(&self, id: NodeId, function: &Function, arguments: &[NodeId]) -> Checked {
        if function.is_of_sprig() {
            return Ok(UNKNOWN);
        }
        let name = function.name();
        if let Some((ways, gives)) = signatures(name) {
            let mut last = Ok(gives);
            for wanted in ways {
                last = self.fits(id, name, wanted, arguments).map(|()| gives);
                if last.is_ok() {
                    break;
                }
            }
            return last;
        }
        let types: Vec<Type> = arguments.iter().map(|a| self.type_of(*a)).collect();
        if name == "sort" {
            return self.sort(id, arguments);
        }
        if name == "get"
            && let [base, key] = arguments
        {
            return self.get(*base, *key);
        }
        judged(name, &types).map_err(|message| (id, message))
    }

    /// Whether a function can be called in one of its ways.
    fn fits(
        &self,
        id: NodeId,
        name: &str,
        wanted: &[Type],
        arguments: &[NodeId],
    ) -> Result<(), (NodeId, String)> {
        if arguments.len() != wanted.len() {
            let amount = match arguments.len() < wanted.len() {
                true => "not enough",
                false => "too many",
            };
            return Err((id, format!("{amount} arguments to call {name}")));
        }
        for (argument, wanted) in arguments.iter().zip(wanted) {
            let found = self.type_of(*argument);
            let message = match found.kind {
                Kind::Any | Kind::Unknown => continue,
                Kind::Nil if wanted.is_any() => continue,
                Kind::Nil => format!("cannot use nil as argument (type {wanted}) to call {name}"),
                _ if found.fits(*wanted) => continue,
                _ => format!("cannot use {found} as argument (type {wanted}) to call {name} "),
            };
            return Err((*argument, message));
        }
        Ok(())
    }

    fn sort(&self, id: NodeId, arguments: &[NodeId]) -> Checked {
        let [list, order @ ..] = arguments else {
            return Err((id, "not enough arguments to call sort".to_owned()));
        };
        let found = self.type_of(*list);
        let fits = (found.is_any() || found.is(Kind::List))
            && order.iter().all(|order| {
                let found = self.type_of(*order);
                found.is_any() || found.is(Kind::String)
            });
        match (fits, order.is_empty(), found.kind) {
            (true, ..) => Ok(LIST),
            (false, false, _) => Err((id, "too many arguments to call sort".to_owned())),
            (false, true, Kind::Nil) => {
                let message = "cannot use nil as argument (type []int) to call sort";
                Err((*list, message.to_owned()))
            }
            (false, true, _) => {
                let message = format!("cannot use {found} as argument (type []int) to call sort ");
                Err((*list, message))
            }
        }
    }

    fn get(&self, base: NodeId, key: NodeId) -> Checked {
        let (found, of_key) = (self.type_of(base), self.type_of(key));
        match found.kind {
            Kind::Any | Kind::Unknown => Ok(UNKNOWN),
            Kind::Mixed => Ok(ANY),
            Kind::List | Kind::Bytes if of_key.is(Kind::Int) || of_key.is_any() => {
                Ok(Type::of(found.element))
            }
            Kind::List | Kind::Bytes => Err((key, format!("non-integer slice index {of_key}"))),
            Kind::Map if of_key.is(Kind::String) || of_key.is_any() => Ok(ANY),
            Kind::Map => {
                let message = format!("cannot use {of_key} to get an element from {found}");
                Err((key, message))
            }
            _ => Err((base, format!("type {found} does not support indexing"))),
        }
    }
}

/// The functions that look at the types of their arguments themselves.
fn judged(name: &str, types: &[Type]) -> Result<Type, String> {
    let first = types.first().copied().unwrap_or(ANY);
    let shown = match first.kind {
        Kind::Nil => "%!s(<nil>)".to_owned(),
        _ => first.to_string(),
    };
    let number = first.is_number() || first.is_any();
    let list = first.is_list() || first.is_any();
    let map = first.is(Kind::Map) || first.is(Kind::Mixed) || first.is_any();
    let invalid = || Err(format!("invalid argument for {name} (type {shown})"));
    match name {
        "len" if list || map || first.is(Kind::String) => Ok(INT),
        "abs" if number => Ok(first),
        "ceil" | "floor" | "round" if number => Ok(FLOAT),
        "int" if number || first.is(Kind::String) || first.is(Kind::Duration) => Ok(INT),
        "float" if number || first.is(Kind::String) => Ok(FLOAT),
        "len" | "abs" | "ceil" | "floor" | "round" | "int" | "float" => invalid(),
        "max" | "min" | "mean" | "median" => {
            for found in types {
                match found.kind {
                    Kind::Any | Kind::Unknown | Kind::List | Kind::Bytes => return Ok(ANY),
                    Kind::Int | Kind::Float | Kind::Duration => {}
                    Kind::Nil => {
                        return Err(format!("invalid argument for {name} (type %!s(<nil>))"));
                    }
                    _ => return Err(format!("invalid argument for {name} (type {found})")),
                }
            }
            Ok(first)
        }
        "first" | "last" if list => Ok(match first.strings {
            true => STRING,
            false => ANY,
        }),
        "first" | "last" => Err(format!("cannot get {name} element from {shown}")),
        "take" if !list => Err(format!("cannot take from {shown}")),
        "take" => match types.get(1).copied().unwrap_or(ANY) {
            count if count.is(Kind::Int) || count.is_any() => Ok(first),
            count => Err(format!("cannot take {count} elements")),
        },
        "keys" | "values" if map => Ok(LIST),
        "keys" | "values" => Err(format!("cannot get {name} from {shown}")),
        "toPairs" if map => Ok(LIST),
        "toPairs" => Err(format!("cannot transform {shown} to pairs")),
        "fromPairs" if list => Ok(Type::of(Kind::Mixed)),
        "fromPairs" => Err(format!("cannot transform {shown} from pairs")),
        "reverse" | "uniq" | "flatten" if list => Ok(LIST),
        "reverse" | "uniq" | "flatten" => Err(format!("cannot {name} {shown}")),
        "concat" => types
            .iter()
            .find(|found| !found.is_any() && !found.is_list())
            .map_or(Ok(LIST), |found| Err(format!("cannot concat {found}"))),
        "now" if !types.is_empty() && !first.is(Kind::Zone) => Err(format!(
            "invalid number of arguments (expected 0, got {})",
            types.len()
        )),
        "now" | "date" => Ok(Type::of(Kind::Time)),
        _ => Ok(ANY),
    }
}
