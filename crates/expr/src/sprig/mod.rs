//! sprig.

use crate::expr::functions::Entry;

pub(crate) const TABLES: &[&[Entry]] = &[];
