//! The arguments of a call, taken out by type.

use crate::expr::budget::Failure;
use crate::expr::operators::conversion;
use crate::value::{List, Map, Value};

static EMPTY_LIST: List = List::EMPTY;
static EMPTY_MAP: Map = Map::EMPTY;

/// The arguments of a call.
pub(crate) struct Arguments<'a> {
    pub(crate) function: &'static str,
    pub(crate) values: &'a [Value],
    pub(crate) nil: NilArgument,
    /// From which place on there may be any number of arguments.
    pub(crate) variadic_from: Option<usize>,
}

/// What nil is where a function wants a text or a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NilArgument {
    /// A fault.
    Refused,
    /// The zero value: functions of Go that are called by reflection, as sprig's are.
    IsZero,
}

impl<'a> Arguments<'a> {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    /// The argument at this place; nil if there is none.
    pub(crate) fn get(&self, at: usize) -> &'a Value {
        self.values.get(at).unwrap_or(&Value::Nil)
    }

    /// Whether a nil that was given stands for zero.
    fn is_zero(&self, at: usize) -> bool {
        self.nil == NilArgument::IsZero && self.values.get(at) == Some(&Value::Nil)
    }

    fn invalid(&self, at: usize) -> Failure {
        Failure::Message(format!(
            "invalid argument for {} (type {})",
            self.function,
            self.get(at).go_type()
        ))
    }

    /// A value of another type than the function takes, in Go's words: sprig's functions are called
    /// by reflection, the others convert what they are given.
    pub(crate) fn mistyped(&self, at: usize, wanted: &str) -> Failure {
        let value = self.get(at);
        Failure::Message(match self.nil {
            NilArgument::IsZero if self.variadic_from.is_some_and(|from| at >= from) => {
                let found = value.go_type();
                format!("reflect: cannot use {found} as type {wanted} in Call")
            }
            NilArgument::IsZero => {
                format!("reflect: Call using {} as type {wanted}", value.go_type())
            }
            NilArgument::Refused => conversion(value, wanted),
        })
    }

    /// The same of what expr-lang's own functions look at themselves.
    fn unfit(&self, at: usize, wanted: &str) -> Failure {
        match self.nil {
            NilArgument::IsZero => self.mistyped(at, wanted),
            NilArgument::Refused => self.invalid(at),
        }
    }

    pub(crate) fn string(&self, at: usize) -> Result<&'a str, Failure> {
        if self.is_zero(at) {
            return Ok("");
        }
        let text = self.get(at).as_str();
        text.ok_or_else(|| self.mistyped(at, "string"))
    }

    pub(crate) fn boolean(&self, at: usize) -> Result<bool, Failure> {
        match self.get(at) {
            Value::Bool(b) => Ok(*b),
            _ => Err(self.mistyped(at, "bool")),
        }
    }

    /// An integer; a float without a fraction is one too, since all numbers from JSON are floats.
    pub(crate) fn int(&self, at: usize) -> Result<i64, Failure> {
        match self.get(at) {
            Value::Int(n) | Value::Duration(n) => Ok(*n),
            Value::Float(f) if f.trunc() == *f && f.abs() < 9e15 => Ok(*f as i64),
            Value::Nil if self.is_zero(at) => Ok(0),
            _ => Err(self.unfit(at, "int")),
        }
    }

    /// An integer, not below 0.
    pub(crate) fn count(&self, at: usize) -> Result<usize, Failure> {
        let n = self.int(at)?;
        usize::try_from(n).map_err(|_| match self.nil {
            NilArgument::IsZero => "strings: negative Repeat count".into(),
            NilArgument::Refused => Failure::Message(format!(
                "invalid argument for {} (expected positive integer, got {n})",
                self.function
            )),
        })
    }

    pub(crate) fn float(&self, at: usize) -> Result<f64, Failure> {
        match self.get(at) {
            Value::Int(n) => Ok(*n as f64),
            Value::Float(f) => Ok(*f),
            Value::Nil if self.is_zero(at) => Ok(0.0),
            _ => Err(self.unfit(at, "float64")),
        }
    }

    pub(crate) fn list(&self, at: usize) -> Result<&'a List, Failure> {
        match self.get(at) {
            Value::List(list) => Ok(list),
            Value::Nil if self.is_zero(at) => Ok(&EMPTY_LIST),
            _ => Err(self.unfit(at, "[]interface {}")),
        }
    }

    pub(crate) fn map(&self, at: usize) -> Result<&'a Map, Failure> {
        match self.get(at) {
            Value::Map(map) => Ok(map),
            Value::Nil if self.is_zero(at) => Ok(&EMPTY_MAP),
            _ => Err(self.unfit(at, "map[string]interface {}")),
        }
    }

    /// That the argument can't be used.
    pub(crate) fn refuse<T>(&self, at: usize) -> Result<T, Failure> {
        Err(self.invalid(at))
    }
}
