//! sprig's random functions, which draw from the context's stream.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::expr::budget::{Failure, Tools};
use crate::expr::functions::{Entry, Outcome, entry};

const DIGITS: &str = "0123456789";
const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BOTH: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

pub(super) const TABLE: &[Entry] = &[
    entry("randAlphaNum", 1, 1, |tools, a| {
        letters(tools, a.count(0)?, BOTH)
    }),
    entry("randAlpha", 1, 1, |tools, a| {
        letters(tools, a.count(0)?, LETTERS)
    }),
    entry("randNumeric", 1, 1, |tools, a| {
        letters(tools, a.count(0)?, DIGITS)
    }),
    entry("randAscii", 1, 1, |tools, a| {
        let printable: String = (' '..='~').collect();
        letters(tools, a.count(0)?, &printable)
    }),
    entry("randBytes", 1, 1, |tools, a| {
        let bytes = bytes(tools, a.count(0)?)?;
        Ok(STANDARD.encode(bytes).into())
    }),
    entry("randInt", 2, 2, |tools, a| {
        let (least, end) = (a.int(0)?, a.int(1)?);
        if end <= least {
            return Err("invalid argument to Intn".into());
        }
        let above = tools.context.random_below(end.abs_diff(least));
        Ok(least.wrapping_add_unsigned(above).into())
    }),
    entry("shuffle", 1, 1, |tools, a| {
        let mut chars: Vec<char> = a.string(0)?.chars().collect();
        tools.work(chars.len() as u64)?;
        for at in (1..chars.len()).rev() {
            let other = tools.context.random_below(at as u64 + 1);
            chars.swap(at, other as usize);
        }
        Ok(chars.into_iter().collect::<String>().into())
    }),
    entry("uuidv4", 0, 0, |tools, _| {
        let mut bytes = bytes(tools, 16)?;
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let mut out = String::with_capacity(36);
        for (at, byte) in bytes.iter().enumerate() {
            if matches!(at, 4 | 6 | 8 | 10) {
                out.push('-');
            }
            out.push_str(&format!("{byte:02x}"));
        }
        Ok(out.into())
    }),
];

fn letters(tools: &Tools<'_>, count: usize, from: &str) -> Outcome {
    tools.work(count as u64)?;
    tools.grow_by(count, 1)?;
    let letters: String = (0..count)
        .map(|_| {
            let at = tools.context.random_below(from.len() as u64);
            char::from(from.as_bytes()[at as usize])
        })
        .collect();
    Ok(letters.into())
}

fn bytes(tools: &Tools<'_>, count: usize) -> Result<Vec<u8>, Failure> {
    tools.work(count as u64)?;
    tools.grow_by(count, 2)?;
    Ok((0..count)
        .map(|_| tools.context.random_below(256) as u8)
        .collect())
}
