//! sprig's encodings. What can't be decoded gives the error's text, as in sprig.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::expr::budget::Failure;
use crate::expr::functions::{Entry, decode_base64, entry};
use crate::value::Value;

pub(super) const TABLE: &[Entry] = &[
    entry("b64enc", 1, 1, |_, a| {
        Ok(STANDARD.encode(a.string(0)?).into())
    }),
    entry("b64dec", 1, 1, |_, a| {
        Ok(decoded(decode_base64(a.string(0)?)))
    }),
    entry("b32enc", 1, 1, |_, a| {
        Ok(base32(a.string(0)?.as_bytes()).into())
    }),
    entry("b32dec", 1, 1, |_, a| {
        Ok(decoded(from_base32(a.string(0)?).map_err(|at| {
            Failure::Message(format!("illegal base32 data at input byte {at}"))
        })))
    }),
];

fn decoded(result: Result<Vec<u8>, Failure>) -> Value {
    match result {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned().into(),
        Err(Failure::Message(message)) => message.into(),
        Err(Failure::Budget(message)) => message.into(),
    }
}

const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

fn base32(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(5) * 8);
    for chunk in bytes.chunks(5) {
        let mut bits = 0_u64;
        for at in 0..5 {
            bits = bits << 8 | u64::from(chunk.get(at).copied().unwrap_or(0));
        }
        let letters = (chunk.len() * 8).div_ceil(5);
        for at in 0..8 {
            let digit = (bits >> (35 - at * 5)) & 31;
            out.push(if at < letters {
                char::from(ALPHABET[digit as usize])
            } else {
                '='
            });
        }
    }
    out
}

fn from_base32(text: &str) -> Result<Vec<u8>, usize> {
    let text: Vec<u8> = text
        .bytes()
        .filter(|b| !matches!(b, b'\r' | b'\n'))
        .collect();
    let length = text.iter().position(|b| *b == b'=').unwrap_or(text.len());
    let padding = text.len() - length;
    let valid_padding = text[length..].iter().all(|b| *b == b'=')
        && text.len().is_multiple_of(8)
        && matches!(padding, 0 | 1 | 3 | 4 | 6);
    if !valid_padding {
        return Err(length);
    }
    let mut out = Vec::with_capacity(length * 5 / 8);
    let mut bits = 0_u64;
    let mut count = 0;
    for (at, byte) in text[..length].iter().enumerate() {
        let digit = ALPHABET.iter().position(|b| b == byte).ok_or(at)?;
        bits = (bits << 5 | digit as u64) & 0xffff;
        count += 5;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
        }
    }
    Ok(out)
}
