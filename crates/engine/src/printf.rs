//! Go's `fmt.Sprintf` for one integer, as `withSequence.format` uses it.

/// Prints a number by a printf format. Verbs `d`, `x`, `X`, `o`, `b`, `c`, `v` with flags and width
/// are known; anything else is printed as Go prints a verb that it can't use.
pub fn integer(format: &str, number: i64) -> String {
    let mut out = String::with_capacity(format.len() + 8);
    let mut used = false;
    let mut rest = format;
    while let Some(percent) = rest.find('%') {
        out.push_str(&rest[..percent]);
        rest = &rest[percent + 1..];
        let Some(verb) = Verb::take(&mut rest) else {
            out.push_str("%!(NOVERB)");
            return out;
        };
        if verb.letter == '%' {
            out.push('%');
        } else if used {
            out.push_str(&format!("%!{}(BADINDEX)", verb.letter));
        } else {
            used = true;
            verb.print(number, &mut out);
        }
    }
    out.push_str(rest);
    if !used {
        out.push_str(&format!("%!(EXTRA int={number})"));
    }
    out
}

/// The widest that a number is padded to: a longer one is a mistake.
const MAX_WIDTH: usize = 1_000;

struct Verb {
    letter: char,
    plus: bool,
    minus: bool,
    space: bool,
    zero: bool,
    sharp: bool,
    width: usize,
    precision: Option<usize>,
}

impl Verb {
    fn take(rest: &mut &str) -> Option<Self> {
        let mut verb = Self {
            letter: ' ',
            plus: false,
            minus: false,
            space: false,
            zero: false,
            sharp: false,
            width: 0,
            precision: None,
        };
        let mut chars = rest.char_indices();
        let mut width_seen = false;
        for (index, letter) in chars.by_ref() {
            match letter {
                '+' if !width_seen => verb.plus = true,
                '-' if !width_seen => verb.minus = true,
                ' ' if !width_seen => verb.space = true,
                '#' if !width_seen => verb.sharp = true,
                '0' if !width_seen && verb.precision.is_none() => verb.zero = true,
                '0'..='9' => {
                    let digit = letter as usize - '0' as usize;
                    match &mut verb.precision {
                        Some(precision) => *precision = (*precision * 10 + digit).min(MAX_WIDTH),
                        None => {
                            width_seen = true;
                            verb.width = (verb.width * 10 + digit).min(MAX_WIDTH);
                        }
                    }
                }
                '.' => verb.precision = Some(0),
                _ => {
                    verb.letter = letter;
                    *rest = &rest[index + letter.len_utf8()..];
                    return Some(verb);
                }
            }
        }
        None
    }

    fn print(&self, number: i64, out: &mut String) {
        let magnitude = number.unsigned_abs();
        let (digits, prefix) = match self.letter {
            'd' | 'v' => (magnitude.to_string(), ""),
            'x' => (format!("{magnitude:x}"), "0x"),
            'X' => (format!("{magnitude:X}"), "0X"),
            'o' => (format!("{magnitude:o}"), "0"),
            'O' => (format!("0o{magnitude:o}"), ""),
            'b' => (format!("{magnitude:b}"), "0b"),
            'c' => {
                let letter = u32::try_from(number).ok().and_then(char::from_u32);
                out.push(letter.unwrap_or(char::REPLACEMENT_CHARACTER));
                return;
            }
            letter => {
                out.push_str(&format!("%!{letter}(int={number})"));
                return;
            }
        };
        let sign = match (number < 0, self.plus, self.space) {
            (true, _, _) => "-",
            (false, true, _) => "+",
            (false, false, true) => " ",
            (false, false, false) => "",
        };
        let prefix = if self.sharp { prefix } else { "" };
        let mut zeros = self.precision.unwrap_or(0).saturating_sub(digits.len());
        let taken = sign.len() + prefix.len() + digits.len();
        if self.zero && !self.minus && self.precision.is_none() {
            zeros = self.width.saturating_sub(taken);
        }
        let body = format!("{sign}{prefix}{}{digits}", "0".repeat(zeros));
        let pad = " ".repeat(self.width.saturating_sub(body.len()));
        if self.minus {
            out.push_str(&body);
            out.push_str(&pad);
        } else {
            out.push_str(&pad);
            out.push_str(&body);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::integer;

    #[test]
    fn prints_as_go_does() {
        for (format, number, expected) in [
            ("%d", 7, "7"),
            ("testuser%02X", 10, "testuser0A"),
            ("%05d", -42, "-0042"),
            ("%-4d|", 7, "7   |"),
            ("%+d", 3, "+3"),
            ("%x", 255, "ff"),
            ("%#x", 255, "0xff"),
            ("%.3d", 7, "007"),
            ("100%%-%d", 1, "100%-1"),
            ("%s", 5, "%!s(int=5)"),
            ("none", 5, "none%!(EXTRA int=5)"),
            ("%d-%d", 5, "5-%!d(BADINDEX)"),
        ] {
            assert_eq!(integer(format, number), expected, "{format} of {number}");
        }
    }
}
