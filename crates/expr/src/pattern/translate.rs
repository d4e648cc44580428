//! From Go's syntax of patterns to Rust's. They are nearly the same; what differs is rewritten: Go's
//! `\d`, `\w`, `\s` and `\b` know only ASCII, a `[` within brackets is itself, `\Q…\E` quotes, octal
//! numbers are letters. What Go refuses is refused in its words. Go: `regexp/syntax/parse.go`.

use std::fmt::Write as _;

/// How often Go lets something be repeated.
const MAX_COUNT: u32 = 1_000;

/// Why a pattern is none, and the part of it that shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fault<'p> {
    pub(super) reason: &'static str,
    pub(super) part: &'p str,
}

type Read<'p, T> = Result<T, Fault<'p>>;

/// The pattern as Rust writes it.
pub(super) fn to_rust(pattern: &str) -> Read<'_, String> {
    let mut translator = Translator {
        whole: pattern,
        rest: pattern,
        out: String::with_capacity(pattern.len() + 16),
        open: 0,
        repeatable: false,
        last_repetition: None,
    };
    while !translator.rest.is_empty() {
        let repetition = translator.part()?;
        translator.last_repetition = repetition;
    }
    match translator.open {
        0 => Ok(translator.out),
        _ => Err(Fault {
            reason: "missing closing )",
            part: pattern,
        }),
    }
}

struct Translator<'p> {
    whole: &'p str,
    rest: &'p str,
    out: String,
    /// How many groups are open.
    open: usize,
    /// Whether there is something that can be repeated.
    repeatable: bool,
    /// What follows the last part, and that part, if it says how often something is repeated.
    last_repetition: Option<&'p str>,
}

impl<'p> Translator<'p> {
    /// Reads one part; of one that says how often something is repeated, gives it and what follows.
    fn part(&mut self) -> Read<'p, Option<&'p str>> {
        let before = self.rest;
        let Some(letter) = self.take() else {
            return Ok(None);
        };
        match letter {
            '(' => self.group(before)?,
            '|' => {
                self.out.push('|');
                self.repeatable = false;
            }
            ')' => self.close()?,
            '[' => self.class(before)?,
            '\\' => self.escaped(before)?,
            '*' | '+' | '?' => {
                self.repetition(before)?;
                return Ok(Some(before));
            }
            '{' => match count(self.rest) {
                Some((least, most, length)) => {
                    self.rest = &self.rest[length..];
                    if least > MAX_COUNT
                        || most.is_some_and(|most| most > MAX_COUNT || most < least)
                    {
                        return Err(self.fault("invalid repeat count", before));
                    }
                    self.repetition(before)?;
                    return Ok(Some(before));
                }
                None => self.literal('{'),
            },
            '^' | '$' | '.' => {
                self.out.push(letter);
                self.repeatable = true;
            }
            _ => self.literal(letter),
        }
        Ok(None)
    }

    fn take(&mut self) -> Option<char> {
        let letter = self.rest.chars().next()?;
        self.rest = &self.rest[letter.len_utf8()..];
        Some(letter)
    }

    /// A fault whose part goes from here to where the translator has come.
    fn fault(&self, reason: &'static str, from: &'p str) -> Fault<'p> {
        let part = &from[..from.len() - self.rest.len()];
        Fault { reason, part }
    }

    fn literal(&mut self, letter: char) {
        push_literal(&mut self.out, letter);
        self.repeatable = true;
    }

    /// What says how often something is repeated, from `before` on, but for the `?` behind it.
    fn repetition(&mut self, before: &'p str) -> Read<'p, ()> {
        let sign = &before[..before.len() - self.rest.len()];
        let lazy = self.rest.starts_with('?');
        if lazy {
            self.rest = &self.rest[1..];
        }
        if let Some(last) = self.last_repetition {
            return Err(self.fault("invalid nested repetition operator", last));
        }
        if !self.repeatable {
            return Err(self.fault("missing argument to repetition operator", before));
        }
        self.out.push_str(sign);
        if lazy {
            self.out.push('?');
        }
        Ok(())
    }

    fn close(&mut self) -> Read<'p, ()> {
        let Some(open) = self.open.checked_sub(1) else {
            return Err(Fault {
                reason: "unexpected )",
                part: self.whole,
            });
        };
        self.open = open;
        self.out.push(')');
        self.repeatable = true;
        Ok(())
    }

    /// What follows a `(`.
    fn group(&mut self, before: &'p str) -> Read<'p, ()> {
        if !self.rest.starts_with('?') {
            self.out.push('(');
            self.open += 1;
            self.repeatable = false;
            return Ok(());
        }
        let is_named = ["(?P<", "(?<"]
            .into_iter()
            .find(|sign| before.starts_with(sign) && before.len() > sign.len());
        let Some(sign) = is_named else {
            return self.flags(before);
        };
        let invalid = |part| Fault {
            reason: "invalid named capture",
            part,
        };
        let end = before.find('>').ok_or(invalid(before))?;
        let name = before.get(sign.len()..end).unwrap_or_default();
        let is_word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        if name.is_empty() || !name.bytes().all(is_word) {
            return Err(invalid(&before[..=end]));
        }
        // To Rust a name begins with a letter.
        match name.starts_with(|c: char| c.is_ascii_digit()) {
            true => self.out.push('('),
            false => self.out.push_str(&before[..=end]),
        }
        self.rest = &before[end + 1..];
        self.open += 1;
        self.repeatable = false;
        Ok(())
    }

    /// `(?i)`, `(?i:`, `(?:`.
    fn flags(&mut self, before: &'p str) -> Read<'p, ()> {
        self.rest = &before[2..];
        let (mut on, mut off) = (String::new(), String::new());
        let mut negated = false;
        while let Some(letter) = self.take() {
            match letter {
                'i' | 'm' | 's' | 'U' => {
                    let flags = if negated { &mut off } else { &mut on };
                    if !flags.contains(letter) {
                        flags.push(letter);
                    }
                }
                '-' if !negated => negated = true,
                ':' | ')' if !negated || !off.is_empty() => {
                    // Of a flag that is switched on and off, the end counts.
                    on.retain(|flag| !off.contains(flag));
                    if !off.is_empty() {
                        off.insert(0, '-');
                    }
                    if letter == ':' {
                        self.open += 1;
                        self.repeatable = false;
                    } else if on.is_empty() && off.is_empty() {
                        return Ok(());
                    }
                    // A String takes no fault.
                    let _ = write!(self.out, "(?{on}{off}{letter}");
                    return Ok(());
                }
                _ => break,
            }
        }
        Err(self.fault("invalid or unsupported Perl syntax", before))
    }

    /// What follows a backslash outside of brackets.
    fn escaped(&mut self, before: &'p str) -> Read<'p, ()> {
        let sign = match self.rest.as_bytes().first() {
            Some(b'A') => "\\A",
            Some(b'z') => "\\z",
            Some(b'b') => "(?-u:\\b)",
            Some(b'B') => "\\B",
            Some(b'Q') => {
                let quoted = &self.rest[1..];
                let (quoted, rest) = quoted.split_once("\\E").unwrap_or((quoted, ""));
                self.rest = rest;
                quoted.chars().for_each(|letter| self.literal(letter));
                return Ok(());
            }
            _ => "",
        };
        if !sign.is_empty() {
            self.rest = &self.rest[1..];
            self.out.push_str(sign);
            self.repeatable = true;
            return Ok(());
        }
        if let Some(class) = self.letter_class(before)? {
            self.out.push_str(&class.as_part());
            self.repeatable = true;
            return Ok(());
        }
        let letter = self.escape(before)?;
        self.literal(letter);
        Ok(())
    }

    /// `\d`, `\pL`: after the backslash, if such a class follows.
    fn letter_class(&mut self, before: &'p str) -> Read<'p, Option<LetterClass>> {
        let letter = self.rest.chars().next();
        let inner = match letter {
            Some('d' | 'D') => "0-9".to_owned(),
            Some('w' | 'W') => "0-9A-Za-z_".to_owned(),
            Some('s' | 'S') => "\\t\\n\\x0C\\r ".to_owned(),
            Some('p' | 'P') => return self.named_class(before).map(Some),
            _ => return Ok(None),
        };
        self.rest = &self.rest[1..];
        Ok(Some(LetterClass {
            inner,
            negated: letter.is_some_and(char::is_uppercase),
        }))
    }

    /// `\pL`, `\p{Greek}`, `\P{^Greek}`.
    fn named_class(&mut self, before: &'p str) -> Read<'p, LetterClass> {
        const REASON: &str = "invalid character class range";
        let mut negated = self.rest.starts_with('P');
        let name = &self.rest[1..];
        let (name, length) = match name.strip_prefix('{') {
            Some(inner) => match inner.find('}') {
                Some(end) => (&inner[..end], end + 3),
                None => {
                    return Err(Fault {
                        reason: REASON,
                        part: before,
                    });
                }
            },
            None => {
                let length = name.chars().next().map_or(0, char::len_utf8);
                (&name[..length], length + 1)
            }
        };
        self.rest = &self.rest[length..];
        let name = match name.strip_prefix('^') {
            Some(name) => {
                negated = !negated;
                name
            }
            None => name,
        };
        let inner = format!("\\p{{{name}}}");
        let is_name =
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !is_name || regex::Regex::new(&inner).is_err() {
            return Err(self.fault(REASON, before));
        }
        Ok(LetterClass { inner, negated })
    }

    /// The letter that an escape stands for, after the backslash.
    fn escape(&mut self, before: &'p str) -> Read<'p, char> {
        let Some(letter) = self.take() else {
            return Err(Fault {
                reason: "trailing backslash at end of expression",
                part: "",
            });
        };
        let code = match letter {
            'a' => Some(0x7),
            'f' => Some(0xc),
            'n' => Some(0xa),
            'r' => Some(0xd),
            't' => Some(0x9),
            'v' => Some(0xb),
            'x' => self.hexadecimal(),
            // A single digit would refer back, which is not supported.
            '1'..='7' if !self.rest.starts_with(|c| ('0'..='7').contains(&c)) => None,
            '0'..='7' => {
                let mut code = u32::from(letter) - u32::from('0');
                for _ in 0..2 {
                    let Some(digit) = self.rest.chars().next().and_then(|c| c.to_digit(8)) else {
                        break;
                    };
                    code = code * 8 + digit;
                    self.rest = &self.rest[1..];
                }
                Some(code)
            }
            _ => (letter.is_ascii() && !letter.is_ascii_alphanumeric()).then_some(letter.into()),
        };
        match code {
            Some(code) => Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)),
            None => Err(self.fault("invalid escape sequence", before)),
        }
    }

    /// The digits of `\x41` and `\x{1F600}`. Where they are wrong, it has come as far as Go does.
    fn hexadecimal(&mut self) -> Option<u32> {
        let first = self.take()?;
        if first != '{' {
            let second = self.take()?;
            return Some(first.to_digit(16)? * 16 + second.to_digit(16)?);
        }
        let mut code = None;
        loop {
            match self.take()? {
                '}' => return code,
                digit => {
                    let next = code.unwrap_or(0) * 16 + digit.to_digit(16)?;
                    code = Some(next).filter(|code| *code <= 0x10_ffff);
                    code?;
                }
            }
        }
    }

    /// What follows an opening bracket, to its end.
    fn class(&mut self, before: &'p str) -> Read<'p, ()> {
        self.out.push('[');
        if let Some(rest) = self.rest.strip_prefix('^') {
            self.rest = rest;
            self.out.push('^');
        }
        let mut first = true;
        while first || !self.rest.starts_with(']') {
            // A `]` at the beginning is no end.
            first = false;
            if self.posix_class()? {
                continue;
            }
            let from = self.rest;
            if let Some(after) = self.rest.strip_prefix('\\') {
                self.rest = after;
                if let Some(class) = self.letter_class(from)? {
                    self.out.push_str(&class.in_brackets());
                    continue;
                }
                self.rest = from;
            }
            let low = self.class_letter(before)?;
            push_in_class(&mut self.out, low);
            if self.rest.len() >= 2 && self.rest.starts_with('-') && !self.rest.starts_with("-]") {
                self.rest = &self.rest[1..];
                let high = self.class_letter(before)?;
                if high < low {
                    return Err(self.fault("invalid character class range", from));
                }
                self.out.push('-');
                push_in_class(&mut self.out, high);
            }
        }
        self.rest = &self.rest[1..];
        self.out.push(']');
        self.repeatable = true;
        Ok(())
    }

    /// `[:alpha:]` within brackets.
    fn posix_class(&mut self) -> Read<'p, bool> {
        const NAMES: [&str; 14] = [
            "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print",
            "punct", "space", "upper", "word", "xdigit",
        ];
        let Some(inner) = self.rest.strip_prefix("[:") else {
            return Ok(false);
        };
        let Some(end) = inner.find(":]") else {
            return Ok(false);
        };
        let whole = &self.rest[..end + 4];
        let name = &inner[..end];
        if !NAMES.contains(&name.strip_prefix('^').unwrap_or(name)) {
            return Err(Fault {
                reason: "invalid character class range",
                part: whole,
            });
        }
        self.out.push_str(whole);
        self.rest = &self.rest[whole.len()..];
        Ok(true)
    }

    /// One letter within brackets, which begin at `bracket`.
    fn class_letter(&mut self, bracket: &'p str) -> Read<'p, char> {
        let before = self.rest;
        match self.take() {
            Some('\\') => self.escape(before),
            Some(letter) => Ok(letter),
            None => Err(Fault {
                reason: "missing closing ]",
                part: bracket,
            }),
        }
    }
}

/// A class that is written as a letter.
struct LetterClass {
    /// Its letters, as they stand within brackets.
    inner: String,
    negated: bool,
}

impl LetterClass {
    fn as_part(&self) -> String {
        let sign = if self.negated { "^" } else { "" };
        format!("[{sign}{}]", self.inner)
    }

    fn in_brackets(&self) -> String {
        match self.negated {
            true => self.as_part(),
            false => self.inner.clone(),
        }
    }
}

/// The numbers of the `2}`, `2,}` or `2,5}` that follows, and its length. The second one is `None`
/// where there is no end.
fn count(rest: &str) -> Option<(u32, Option<u32>, usize)> {
    let number = |rest: &str| -> Option<(u32, usize)> {
        let length = rest.bytes().take_while(u8::is_ascii_digit).count();
        let digits = &rest[..length];
        if digits.is_empty() || (length > 1 && digits.starts_with('0')) {
            return None;
        }
        Some((digits.parse().unwrap_or(u32::MAX), length))
    };
    let (least, mut length) = number(rest)?;
    let mut most = Some(least);
    if rest[length..].starts_with(',') {
        length += 1;
        most = None;
        if !rest[length..].starts_with('}') {
            let (number, digits) = number(&rest[length..])?;
            most = Some(number);
            length += digits;
        }
    }
    rest[length..]
        .starts_with('}')
        .then_some((least, most, length + 1))
}

fn push_literal(out: &mut String, letter: char) {
    if letter.is_ascii_punctuation() {
        out.push_str(&regex::escape(letter.encode_utf8(&mut [0; 4])));
    } else {
        out.push(letter);
    }
}

/// A letter within brackets, where other signs mean something than outside.
fn push_in_class(out: &mut String, letter: char) {
    if matches!(letter, '[' | ']' | '\\' | '^' | '-' | '&' | '~') {
        out.push('\\');
    }
    out.push(letter);
}
