//! Reading YAML and JSON the way Kubernetes reads them, with the place of every value.

mod build;
mod document;
mod events;
mod faults;
mod lines;
mod merge;
mod quick;
mod scalar;
mod source;
mod syntax;
mod tree;

pub use document::{Document, read_documents};
pub use source::{Limits, Source};

pub(crate) use faults::{MAX_OF_A_KIND, more};
pub(crate) use scalar::{Scalar, resolve_plain, shorten};
pub(crate) use tree::{Items, Pairs, Tree, Value};
