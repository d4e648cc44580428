//! Cutting a condition into tokens, with all of govaluate's habits: a run of signs is one token
//! (so `==-1` is none), a backslash makes any character part of a token, white space ends words
//! and numbers.

use regex::Regex;

use super::syntax;
use crate::json::go_float;
use crate::time;

/// What a token is.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    Prefix(String),
    Number(f64),
    Bool(bool),
    Text(String),
    Pattern(Regex),
    Time(jiff::Zoned),
    Variable(String),
    Accessor(Vec<String>),
    Separator,
    Comparator(String),
    Logical(String),
    Modifier(String),
    Open,
    Close,
    Ternary(String),
}

impl Kind {
    /// The name that stands in govaluate's errors.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Prefix(_) => "PREFIX",
            Self::Number(_) => "NUMERIC",
            Self::Bool(_) => "BOOLEAN",
            Self::Text(_) => "STRING",
            Self::Pattern(_) => "PATTERN",
            Self::Time(_) => "TIME",
            Self::Variable(_) => "VARIABLE",
            Self::Accessor(_) => "ACCESSOR",
            Self::Separator => "SEPARATOR",
            Self::Comparator(_) => "COMPARATOR",
            Self::Logical(_) => "LOGICALOP",
            Self::Modifier(_) => "MODIFIER",
            Self::Open => "CLAUSE",
            Self::Close => "CLAUSE_CLOSE",
            Self::Ternary(_) => "TERNARY",
        }
    }

    /// The value that stands in govaluate's errors: a parenthesis is its number.
    pub(super) fn value(&self) -> String {
        match self {
            Self::Prefix(s)
            | Self::Text(s)
            | Self::Variable(s)
            | Self::Comparator(s)
            | Self::Logical(s)
            | Self::Modifier(s)
            | Self::Ternary(s) => s.clone(),
            Self::Number(n) => go_float(*n),
            Self::Bool(b) => b.to_string(),
            Self::Pattern(pattern) => pattern.to_string(),
            Self::Time(time) => time::go_text(time),
            Self::Accessor(path) => format!("[{}]", path.join(" ")),
            Self::Separator => ",".into(),
            Self::Open => "40".into(),
            Self::Close => "41".into(),
        }
    }
}

/// A token.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
}

impl Token {
    pub(super) fn is_variable(&self) -> bool {
        matches!(self.kind, Kind::Variable(_))
    }
}

/// How many tokens a condition may have.
const MAX_TOKENS: usize = 100_000;

/// The tokens of a condition.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut lexer = Lexer {
        chars: text.chars().collect(),
        position: 0,
    };
    let mut tokens: Vec<Token> = Vec::new();
    while let Some(kind) = lexer.next(tokens.last().map(|token| &token.kind))? {
        tokens.push(Token { kind });
        if tokens.len() > MAX_TOKENS {
            return Err("the condition is too long".into());
        }
    }
    Ok(tokens)
}

/// Whether white space belongs to what is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Space {
    Kept,
    Ends,
}

struct Lexer {
    chars: Vec<char>,
    position: usize,
}

impl Lexer {
    fn next(&mut self, last: Option<&Kind>) -> Result<Option<Kind>, String> {
        while self.peek().is_some_and(char::is_whitespace) {
            self.position += 1;
        }
        let Some(first) = self.peek() else {
            return Ok(None);
        };
        if is_numeric(first) {
            return self.number().map(Some);
        }
        if first.is_alphabetic() {
            return self.word().map(Some);
        }
        let kind = match first {
            ',' => Kind::Separator,
            '(' => Kind::Open,
            ')' => Kind::Close,
            '[' => {
                self.position += 1;
                let name = self
                    .enclosed(|c| c != ']')
                    .ok_or("Unclosed parameter bracket")?;
                Kind::Variable(name)
            }
            '\'' | '"' => {
                self.position += 1;
                let text = self
                    .enclosed(is_not_quote)
                    .ok_or("Unclosed string literal")?;
                match time::parse_any(&text) {
                    Some(time) => Kind::Time(time),
                    None => Kind::Text(text),
                }
            }
            _ => return self.symbol(last).map(Some),
        };
        if matches!(kind, Kind::Separator | Kind::Open | Kind::Close) {
            self.position += 1;
        }
        Ok(Some(kind))
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.position).copied()
    }

    fn number(&mut self) -> Result<Kind, String> {
        let is_hex = self.peek() == Some('0')
            && self.chars.get(self.position + 1) == Some(&'x')
            && self.position + 2 < self.chars.len();
        if is_hex {
            self.position += 2;
            let (digits, _) = self.read(Space::Ends, |c| c.is_ascii_hexdigit())?;
            return u64::from_str_radix(&digits, 16)
                .map(|number| Kind::Number(number as f64))
                .map_err(|_| format!("Unable to parse hex value '{digits}' to uint64\n"));
        }
        let (digits, _) = self.read(Space::Ends, is_numeric)?;
        digits
            .parse()
            .ok()
            .filter(|number: &f64| number.is_finite())
            .map(Kind::Number)
            .ok_or_else(|| format!("Unable to parse numeric value '{digits}' to float64\n"))
    }

    fn word(&mut self) -> Result<Kind, String> {
        let (word, _) = self.read(Space::Ends, |c| c.is_alphanumeric() || c == '_' || c == '.')?;
        if word.find('.').is_some_and(|at| at > 0) {
            return accessor(&word);
        }
        Ok(match &*word {
            "true" => Kind::Bool(true),
            "false" => Kind::Bool(false),
            "in" | "IN" => Kind::Comparator("in".into()),
            _ => Kind::Variable(word),
        })
    }

    fn symbol(&mut self, last: Option<&Kind>) -> Result<Kind, String> {
        let (symbol, _) = self.read(Space::Ends, |c| {
            !(c.is_alphanumeric() || "()[]".contains(c)) && is_not_quote(c)
        })?;
        let prefix = Kind::Prefix(symbol.clone());
        if matches!(&*symbol, "-" | "!" | "~") && syntax::may_follow(last, &prefix) {
            return Ok(prefix);
        }
        Ok(match &*symbol {
            "+" | "-" | "*" | "/" | "%" | "**" | "&" | "|" | "^" | ">>" | "<<" => {
                Kind::Modifier(symbol)
            }
            "&&" | "||" => Kind::Logical(symbol),
            "==" | "!=" | ">" | ">=" | "<" | "<=" | "=~" | "!~" => Kind::Comparator(symbol),
            "?" | ":" | "??" => Kind::Ternary(symbol),
            _ => return Err(format!("Invalid token: '{symbol}'")),
        })
    }

    /// What stands before the closing sign, which is skipped.
    fn enclosed(&mut self, belongs: fn(char) -> bool) -> Option<String> {
        let (text, complete) = self.read(Space::Kept, belongs).ok()?;
        self.position += 1;
        complete.then_some(text)
    }

    /// Reads as long as characters belong; tells whether one that doesn't was met.
    fn read(&mut self, space: Space, belongs: fn(char) -> bool) -> Result<(String, bool), String> {
        let mut out = String::new();
        while let Some(c) = self.peek() {
            self.position += 1;
            if c == '\\' {
                let escaped = self
                    .peek()
                    .ok_or("a backslash stands at the end of the condition")?;
                self.position += 1;
                out.push(escaped);
                continue;
            }
            if c.is_whitespace() && space == Space::Ends {
                if out.is_empty() {
                    continue;
                }
                return Ok((out, true));
            }
            if !belongs(c) {
                self.position -= 1;
                return Ok((out, true));
            }
            out.push(c);
        }
        Ok((out, false))
    }
}

fn is_numeric(c: char) -> bool {
    c.is_numeric() || c == '.'
}

fn is_not_quote(c: char) -> bool {
    c != '\'' && c != '"'
}

/// `a.B`: a field of a variable. Argo has no variables, so these only ever give errors.
fn accessor(word: &str) -> Result<Kind, String> {
    if word.ends_with('.') {
        return Err(format!("Hanging accessor on token '{word}'"));
    }
    let path: Vec<String> = word.split('.').map(str::to_owned).collect();
    for field in &path[1..] {
        if field.starts_with(|c: char| c.to_uppercase().next() != Some(c)) {
            return Err(format!(
                "Unable to access unexported field '{field}' in token '{word}'"
            ));
        }
    }
    Ok(Kind::Accessor(path))
}
