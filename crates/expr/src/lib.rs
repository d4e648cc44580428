//! The small languages inside a workflow.
//!
//! | text | type |
//! | --- | --- |
//! | `{{inputs.parameters.x}}`, `{{=expression}}` | [`Template`] |
//! | expressions (expr-lang, with Argo's functions and sprig) | [`Program`] |
//! | `when` conditions | [`evaluate_when`] |
//! | `depends` logic | [`Depends`] |
//! | JSONPath, kubectl's dialect | [`JsonPath`] |
//!
//! Everything here is pure: no clock, no randomness, no I/O. What `now()` and `sprig.randAlphaNum`
//! give comes from the [`EvalContext`]. Whatever the text, reading and evaluating it ends: nesting
//! is limited, and so are the steps and the memory of an evaluation. Nothing panics on bad input.

mod casing;
mod context;
mod depends;
mod error;
mod expr;
mod json;
mod jsonpath;
mod pattern;
mod render;
mod scope;
mod sprig;
mod tag;
mod time;
mod value;
mod version;
mod when;

pub use context::{EvalContext, Limits};
pub use depends::{Depends, DependsExpr, DependsTask, Logic, Named, TaskResult, named};
pub use error::{DependsError, ExprError, ExprErrorKind, JsonPathError, TagError, WhenError};
pub use expr::{Mistake, Program, condition_of, evaluate_bool, function_names};
pub use jsonpath::JsonPath;
pub use render::{Rendered, Unresolved};
pub use scope::{Layered, MapScope, Scope, ValueScope, Visit};
pub use tag::{Segment, Template};
pub use time::{duration_text, parse_duration, zone_names};
pub use value::{List, Map, Oversized, Value};
pub use version::Version;
pub use when::{evaluate_cron_when, evaluate_when};
