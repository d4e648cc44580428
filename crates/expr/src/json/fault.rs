//! What Go's `encoding/json` says of a text that is no JSON: its `scanner.go`.

use std::iter::Peekable;
use std::str::Bytes;

/// How deep Go lets lists and maps nest.
const MAX_DEPTH: usize = 10_000;

/// What is wrong with a text; `None` if it is JSON.
pub(crate) fn fault(text: &str) -> Option<String> {
    let mut scanner = Scanner {
        text,
        bytes: text.bytes().peekable(),
        open: Vec::new(),
        too_large: None,
    };
    match scanner.document() {
        Err(message) => Some(message),
        Ok(()) => scanner.too_large.map(|number| {
            format!("json: cannot unmarshal number {number} into Go value of type float64")
        }),
    }
}

/// What a value stands in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    List,
    Map,
}

struct Scanner<'t> {
    text: &'t str,
    bytes: Peekable<Bytes<'t>>,
    open: Vec<Inside>,
    /// The first number that no float can hold.
    too_large: Option<&'t str>,
}

type Scanned = Result<(), String>;

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// The same where the end of the text counts as a space, as it does within words and numbers.
fn unfinished<T>(byte: Option<u8>, context: &str) -> Result<T, String> {
    invalid(byte.or(Some(b' ')), context)
}

fn invalid<T>(byte: Option<u8>, context: &str) -> Result<T, String> {
    let Some(byte) = byte else {
        return Err("unexpected end of JSON input".to_owned());
    };
    let shown = match byte {
        b'\'' => "\\'".to_owned(),
        b'"' => "\"".to_owned(),
        _ => {
            let quoted = super::go_quoted(char::from(byte).encode_utf8(&mut [0; 4]));
            quoted[1..quoted.len() - 1].to_owned()
        }
    };
    Err(format!("invalid character '{shown}' {context}"))
}

impl Scanner<'_> {
    fn next_after_space(&mut self) -> Option<u8> {
        while self.bytes.next_if(|byte| is_space(*byte)).is_some() {}
        self.bytes.next()
    }

    fn document(&mut self) -> Scanned {
        let first = self.next_after_space();
        self.value(first)?;
        loop {
            let byte = self.next_after_space();
            match (self.open.last(), byte) {
                (None, None) => return Ok(()),
                (None, byte) => return invalid(byte, "after top-level value"),
                (Some(Inside::List), Some(b',')) => {
                    let first = self.next_after_space();
                    self.value(first)?;
                }
                (Some(Inside::Map), Some(b',')) => {
                    let first = self.next_after_space();
                    self.entry(first)?;
                }
                (Some(Inside::List), Some(b']')) | (Some(Inside::Map), Some(b'}')) => {
                    self.open.pop();
                }
                (Some(Inside::List), byte) => return invalid(byte, "after array element"),
                (Some(Inside::Map), byte) => return invalid(byte, "after object key:value pair"),
            }
        }
    }

    /// A value up to where a first value inside of it ends.
    fn value(&mut self, first: Option<u8>) -> Scanned {
        let mut first = first;
        loop {
            match first {
                Some(b'"') => return self.string(),
                Some(byte @ (b'-' | b'0'..=b'9')) => return self.number(byte),
                Some(b't') => return self.literal("true"),
                Some(b'f') => return self.literal("false"),
                Some(b'n') => return self.literal("null"),
                Some(b'[') => {
                    self.enter(Inside::List)?;
                    first = self.next_after_space();
                    if first == Some(b']') {
                        self.open.pop();
                        return Ok(());
                    }
                }
                Some(b'{') => {
                    self.enter(Inside::Map)?;
                    let key = self.next_after_space();
                    if key == Some(b'}') {
                        self.open.pop();
                        return Ok(());
                    }
                    self.key(key)?;
                    first = self.next_after_space();
                }
                byte => return invalid(byte, "looking for beginning of value"),
            }
        }
    }

    fn enter(&mut self, inside: Inside) -> Scanned {
        self.open.push(inside);
        match self.open.len() > MAX_DEPTH {
            true => Err("exceeded max depth".to_owned()),
            false => Ok(()),
        }
    }

    fn entry(&mut self, first: Option<u8>) -> Scanned {
        self.key(first)?;
        let first = self.next_after_space();
        self.value(first)
    }

    fn key(&mut self, first: Option<u8>) -> Scanned {
        match first {
            Some(b'"') => self.string()?,
            byte => return invalid(byte, "looking for beginning of object key string"),
        }
        match self.next_after_space() {
            Some(b':') => Ok(()),
            byte => invalid(byte, "after object key"),
        }
    }

    fn string(&mut self) -> Scanned {
        loop {
            match self.bytes.next() {
                Some(b'"') => return Ok(()),
                Some(b'\\') => match self.bytes.next() {
                    Some(b'b' | b'f' | b'n' | b'r' | b't' | b'\\' | b'/' | b'"') => {}
                    Some(b'u') => {
                        for _ in 0..4 {
                            match self.bytes.next() {
                                Some(byte) if byte.is_ascii_hexdigit() => {}
                                byte => {
                                    return unfinished(byte, "in \\u hexadecimal character escape");
                                }
                            }
                        }
                    }
                    byte => return unfinished(byte, "in string escape code"),
                },
                Some(byte) if byte >= 0x20 => {}
                byte => return invalid(byte, "in string literal"),
            }
        }
    }

    fn literal(&mut self, word: &str) -> Scanned {
        for wanted in word.bytes().skip(1) {
            match self.bytes.next() {
                Some(byte) if byte == wanted => {}
                byte => {
                    let wanted = char::from(wanted);
                    return unfinished(byte, &format!("in literal {word} (expecting '{wanted}')"));
                }
            }
        }
        Ok(())
    }

    fn number(&mut self, first: u8) -> Scanned {
        let from = self.text.len() - self.bytes.len() - 1;
        let mut first = Some(first);
        if first == Some(b'-') {
            first = self.bytes.next();
        }
        match first {
            Some(b'0') => {}
            Some(b'1'..=b'9') => self.digits(),
            byte => return unfinished(byte, "in numeric literal"),
        }
        if self.bytes.next_if_eq(&b'.').is_some() {
            self.some_digits("after decimal point in numeric literal")?;
        }
        if self
            .bytes
            .next_if(|byte| matches!(byte, b'e' | b'E'))
            .is_some()
        {
            self.bytes.next_if(|byte| matches!(byte, b'+' | b'-'));
            self.some_digits("in exponent of numeric literal")?;
        }
        let number = &self.text[from..self.text.len() - self.bytes.len()];
        let is_finite = number.parse().is_ok_and(f64::is_finite);
        if !is_finite && self.too_large.is_none() {
            self.too_large = Some(number);
        }
        Ok(())
    }

    fn digits(&mut self) {
        while self.bytes.next_if(u8::is_ascii_digit).is_some() {}
    }

    fn some_digits(&mut self, context: &str) -> Scanned {
        match self.bytes.next() {
            Some(b'0'..=b'9') => {
                self.digits();
                Ok(())
            }
            byte => unfinished(byte, context),
        }
    }
}

/// The text with escapes of halves of letters that lack the other half, which Go reads as U+FFFD.
pub(crate) fn with_whole_letters(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let (kept, length) = match (half(rest), rest.get(6..).and_then(half)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => (&rest[..12], 12),
            (Some(0xd800..=0xdfff), _) => ("\\ufffd", 6),
            _ => {
                let next = rest[1..].chars().next();
                let length = 1 + next.map_or(0, char::len_utf8);
                (&rest[..length], length)
            }
        };
        out.push_str(kept);
        rest = &rest[length..];
    }
    out.push_str(rest);
    out
}

/// The number of the `\u` escape that the text begins with.
fn half(text: &str) -> Option<u32> {
    u32::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok()
}
