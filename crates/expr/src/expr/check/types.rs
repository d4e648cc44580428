//! The types that are known before an expression is evaluated, and how they fit each other.

use crate::value::Value;

/// A type, without what is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::expr) enum Kind {
    /// Go's `any`.
    Any,
    /// Something of which nothing is known.
    Unknown,
    Nil,
    Bool,
    Int,
    Float,
    String,
    Bytes,
    List,
    Map,
    /// `map[interface {}]interface {}`, and what `groupBy` gives.
    Mixed,
    Time,
    Duration,
    Zone,
    /// A value with methods that expr-lang knows of by reflection.
    Version,
}

impl Kind {
    pub(super) fn is_any(self) -> bool {
        matches!(self, Self::Any | Self::Unknown)
    }

    pub(in crate::expr) fn of(value: &Value) -> Self {
        match value {
            Value::Nil => Self::Nil,
            Value::Bool(_) => Self::Bool,
            Value::Int(_) => Self::Int,
            Value::Float(_) => Self::Float,
            Value::String(_) => Self::String,
            Value::Bytes(_) => Self::Bytes,
            Value::List(_) => Self::List,
            Value::Map(_) => Self::Map,
            Value::Duration(_) => Self::Duration,
            Value::Time(_) => Self::Time,
            Value::Zone(_) => Self::Zone,
            Value::Version(_) => Self::Version,
        }
    }
}

/// A type; of a list, with the kind of its elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Type {
    pub(super) kind: Kind,
    pub(super) element: Kind,
    /// A list that Go knows as `[]string`.
    pub(super) strings: bool,
}

impl Type {
    pub(super) const fn of(kind: Kind) -> Self {
        Self {
            kind,
            element: Kind::Any,
            strings: false,
        }
    }

    pub(super) const fn list(element: Kind) -> Self {
        Self {
            kind: Kind::List,
            element,
            strings: false,
        }
    }

    pub(super) const STRINGS: Self = Self {
        kind: Kind::List,
        element: Kind::String,
        strings: true,
    };

    pub(super) fn is(self, kind: Kind) -> bool {
        self.kind == kind
    }

    pub(super) fn is_any(self) -> bool {
        self.kind.is_any()
    }

    pub(super) fn is_number(self) -> bool {
        matches!(self.kind, Kind::Int | Kind::Float)
    }

    pub(super) fn is_list(self) -> bool {
        matches!(self.kind, Kind::List | Kind::Bytes)
    }

    /// Whether a value of this type may stand where one of the other is wanted.
    pub(super) fn fits(self, wanted: Self) -> bool {
        match (self.kind, wanted.kind) {
            (Kind::Unknown, _) | (_, Kind::Unknown) => false,
            (_, Kind::Any) => !self.is(Kind::Nil),
            (Kind::Nil, wanted) => {
                matches!(wanted, Kind::List | Kind::Map | Kind::Bytes | Kind::Mixed)
            }
            (Kind::List, Kind::List) => self.strings == wanted.strings,
            (own, wanted) => own == wanted,
        }
    }

    /// Whether it and another can be compared with `==`.
    pub(super) fn is_comparable(self, other: Self) -> bool {
        let free = |kind: Kind| kind.is_any() || kind == Kind::Nil;
        free(self.kind)
            || free(other.kind)
            || self.is_number() && other.is_number()
            || self.is_list() && other.is_list()
            || self.fits(other)
    }
}

/// As Go prints the type.
impl std::fmt::Display for Type {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.kind {
            Kind::Any => "interface {}",
            Kind::Nil | Kind::Unknown => "unknown",
            Kind::Bool => "bool",
            Kind::Int => "int",
            Kind::Float => "float64",
            Kind::String => "string",
            Kind::Bytes => "[]uint8",
            Kind::List if self.strings => "[]string",
            Kind::List => "[]interface {}",
            Kind::Map => "map[string]interface {}",
            Kind::Mixed => "map[interface {}]interface {}",
            Kind::Time => "time.Time",
            Kind::Duration => "time.Duration",
            Kind::Zone => "*time.Location",
            Kind::Version => "*semver.Version",
        })
    }
}

pub(super) const BOOL: Type = Type::of(Kind::Bool);
pub(super) const INT: Type = Type::of(Kind::Int);
pub(super) const FLOAT: Type = Type::of(Kind::Float);
pub(super) const STRING: Type = Type::of(Kind::String);
pub(super) const ANY: Type = Type::of(Kind::Any);
pub(super) const UNKNOWN: Type = Type::of(Kind::Unknown);
