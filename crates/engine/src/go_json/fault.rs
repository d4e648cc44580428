//! What Go's `encoding/json` says of a text that is no JSON: messages hold it.

/// Where the scanner stands.
#[derive(Clone, Copy)]
enum State {
    /// Before a value; in an empty list it may end at once.
    Value {
        or_end: bool,
    },
    /// Before a key; in an empty object it may end at once.
    Key {
        or_end: bool,
    },
    Colon,
    /// Behind a value.
    After,
}

/// What Go says of a text; `None` if it is JSON.
pub fn fault(text: &str) -> Option<String> {
    let mut rest = text;
    let mut state = State::Value { or_end: false };
    // Whether the open brackets, from the outside in, are objects.
    let mut open: Vec<bool> = Vec::new();
    loop {
        rest = rest.trim_start_matches([' ', '\t', '\r', '\n']);
        let Some(next) = rest.chars().next() else {
            let done = matches!(state, State::After) && open.is_empty();
            return (!done).then(|| "unexpected end of JSON input".to_owned());
        };
        let unexpected = |place: &str| Some(invalid(next, place));
        match (state, next) {
            (State::Value { or_end: true }, ']') | (State::Key { or_end: true }, '}') => {
                open.pop();
                state = State::After;
            }
            (State::Value { .. }, '[') => {
                open.push(false);
                state = State::Value { or_end: true };
            }
            (State::Value { .. }, '{') => {
                open.push(true);
                state = State::Key { or_end: true };
            }
            (State::Value { .. } | State::Key { .. }, '"') => {
                state = match state {
                    State::Key { .. } => State::Colon,
                    _ => State::After,
                };
                match string(&rest[1..]) {
                    Ok(behind) => rest = behind,
                    Err(fault) => return Some(fault),
                }
                continue;
            }
            (State::Value { .. }, 't' | 'f' | 'n' | '-' | '0'..='9') => {
                let scanned = match next {
                    't' => literal(rest, "true"),
                    'f' => literal(rest, "false"),
                    'n' => literal(rest, "null"),
                    _ => number(rest),
                };
                match scanned {
                    Ok(behind) => rest = behind,
                    Err(fault) => return Some(fault),
                }
                state = State::After;
                continue;
            }
            (State::Value { .. }, _) => return unexpected("looking for beginning of value"),
            (State::Key { .. }, _) => {
                return unexpected("looking for beginning of object key string");
            }
            (State::Colon, ':') => state = State::Value { or_end: false },
            (State::Colon, _) => return unexpected("after object key"),
            (State::After, _) => match (open.last(), next) {
                (None, _) => return unexpected("after top-level value"),
                (Some(true), ',') => state = State::Key { or_end: false },
                (Some(false), ',') => state = State::Value { or_end: false },
                (Some(true), '}') | (Some(false), ']') => {
                    open.pop();
                }
                (Some(true), _) => return unexpected("after object key:value pair"),
                (Some(false), _) => return unexpected("after array element"),
            },
        }
        rest = &rest[next.len_utf8()..];
    }
}

/// What stands behind a text's closing quote.
fn string(text: &str) -> Result<&str, String> {
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Ok(&text[at + 1..]),
            '\\' => match letters.next() {
                None => break,
                Some((_, 'b' | 'f' | 'n' | 'r' | 't' | '\\' | '/' | '"')) => {}
                Some((_, 'u')) => {
                    for _ in 0..4 {
                        match letters.next() {
                            None => return Err("unexpected end of JSON input".to_owned()),
                            Some((_, digit)) if digit.is_ascii_hexdigit() => {}
                            Some((_, other)) => {
                                return Err(invalid(other, "in \\u hexadecimal character escape"));
                            }
                        }
                    }
                }
                Some((_, other)) => return Err(invalid(other, "in string escape code")),
            },
            control if control < ' ' => return Err(invalid(control, "in string literal")),
            _ => {}
        }
    }
    Err("unexpected end of JSON input".to_owned())
}

/// What stands behind a word.
fn literal<'a>(text: &'a str, word: &str) -> Result<&'a str, String> {
    let mut letters = text.chars();
    for expected in word.chars() {
        match letters.next() {
            None => return Err("unexpected end of JSON input".to_owned()),
            Some(letter) if letter == expected => {}
            Some(other) => {
                let place = format!("in literal {word} (expecting '{expected}')");
                return Err(invalid(other, &place));
            }
        }
    }
    Ok(letters.as_str())
}

/// What stands behind a number.
fn number(text: &str) -> Result<&str, String> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let mut rest = match unsigned.strip_prefix('0') {
        Some(rest) => rest,
        None => digits(unsigned, "in numeric literal")?,
    };
    if let Some(fraction) = rest.strip_prefix('.') {
        rest = digits(fraction, "after decimal point in numeric literal")?;
    }
    if let Some(exponent) = rest.strip_prefix(['e', 'E']) {
        let unsigned = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        rest = digits(unsigned, "in exponent of numeric literal")?;
    }
    Ok(rest)
}

fn digits<'a>(text: &'a str, place: &str) -> Result<&'a str, String> {
    match text.chars().next() {
        None => Err("unexpected end of JSON input".to_owned()),
        Some(digit) if digit.is_ascii_digit() => {
            Ok(text.trim_start_matches(|letter: char| letter.is_ascii_digit()))
        }
        Some(other) => Err(invalid(other, place)),
    }
}

fn invalid(letter: char, place: &str) -> String {
    let shown = match letter {
        '\'' => "\\'".to_owned(),
        '"' => "\"".to_owned(),
        letter => letter.escape_debug().to_string(),
    };
    format!("invalid character '{shown}' {place}")
}

#[cfg(test)]
mod tests {
    use super::fault;

    #[test]
    fn says_what_go_says() {
        for (text, expected) in [
            ("", "unexpected end of JSON input"),
            ("  ", "unexpected end of JSON input"),
            ("[1, 2", "unexpected end of JSON input"),
            ("\"a", "unexpected end of JSON input"),
            ("tru", "unexpected end of JSON input"),
            (
                "foo",
                "invalid character 'o' in literal false (expecting 'a')",
            ),
            (
                "hello",
                "invalid character 'h' looking for beginning of value",
            ),
            (
                "[1,]",
                "invalid character ']' looking for beginning of value",
            ),
            (
                "{oops",
                "invalid character 'o' looking for beginning of object key string",
            ),
            (
                "{'a': 1}",
                "invalid character '\\'' looking for beginning of object key string",
            ),
            ("{\"a\" 1}", "invalid character '1' after object key"),
            (
                "{\"a\": 1 2}",
                "invalid character '2' after object key:value pair",
            ),
            (
                "{\"a\": 1,}",
                "invalid character '}' looking for beginning of object key string",
            ),
            ("[1 2]", "invalid character '2' after array element"),
            ("[1}", "invalid character '}' after array element"),
            ("1 2", "invalid character '2' after top-level value"),
            ("01", "invalid character '1' after top-level value"),
            ("-a", "invalid character 'a' in numeric literal"),
            (
                "1.x",
                "invalid character 'x' after decimal point in numeric literal",
            ),
            (
                "1e+x",
                "invalid character 'x' in exponent of numeric literal",
            ),
            ("\"a\nb\"", "invalid character '\\n' in string literal"),
            ("\"\\q\"", "invalid character 'q' in string escape code"),
            (
                "\"\\u12g4\"",
                "invalid character 'g' in \\u hexadecimal character escape",
            ),
        ] {
            assert_eq!(fault(text).as_deref(), Some(expected), "{text:?}");
        }
        for text in [
            "[]",
            "{}",
            " {\"a\": [1, -0.5e3, null, true, \"\\u00e9\"]} ",
            "7",
            "\"x\"",
        ] {
            assert_eq!(fault(text), None, "{text:?}");
        }
    }

    #[test]
    fn agrees_with_the_reader_on_what_is_json() {
        for text in [
            "[[]]",
            "{\"a\":{}}",
            "[1,2,]",
            "-",
            "--1",
            "1.",
            ".5",
            "nul",
            "[\"\\\"]",
            "{}{}",
        ] {
            let read = serde_json::from_str::<serde_json::Value>(text).is_ok();
            assert_eq!(fault(text).is_none(), read, "{text:?}");
        }
    }
}
