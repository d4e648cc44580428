//! sprig's functions on types.

use crate::expr::functions::{Entry, entry};

pub(super) const TABLE: &[Entry] = &[
    entry("typeOf", 1, 1, |_, a| Ok(a.get(0).go_type().into())),
    entry("typeIs", 2, 2, |_, a| {
        Ok((a.string(0)? == a.get(1).go_type()).into())
    }),
    entry("typeIsLike", 2, 2, |_, a| {
        let (wanted, found) = (a.string(0)?, a.get(1).go_type());
        Ok((wanted == found || found.strip_prefix('*') == Some(wanted)).into())
    }),
    entry("kindOf", 1, 1, |_, a| Ok(a.get(0).go_kind().into())),
    entry("kindIs", 2, 2, |_, a| {
        Ok((a.string(0)? == a.get(1).go_kind()).into())
    }),
    entry("deepEqual", 2, 2, |tools, a| {
        tools.work(a.get(0).weight().min(a.get(1).weight()) / 64)?;
        Ok((a.get(0) == a.get(1)).into())
    }),
];
