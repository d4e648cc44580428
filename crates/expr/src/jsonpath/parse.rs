//! Reading a path in kubectl's dialect.

use crate::error::JsonPathError;

/// How deep ranges and filters may nest.
const MAX_DEPTH: usize = 32;

/// A piece of a path's text.
#[derive(Clone, Debug)]
pub(super) enum Piece {
    Text(String),
    /// `{…}`.
    Action(Vec<Node>),
    /// `{range …}…{end}`.
    Range {
        list: Vec<Node>,
        body: Vec<Piece>,
    },
}

/// A step of an action.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Text(String),
    Field(String),
    Slice(Slice),
    Filter {
        left: Vec<Node>,
        right: Vec<Node>,
        operator: Operator,
    },
    Int(i64),
    Float(f64),
    Bool(bool),
    Wildcard,
    Recursive,
    Union(Vec<Vec<Node>>),
    Range,
    End,
}

/// `[1]`, `[1:3]`, `[::2]`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slice {
    pub(super) from: Option<i64>,
    pub(super) to: Option<i64>,
    /// Whether it is an index, `to` being one more.
    pub(super) is_index: bool,
    pub(super) step: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Exists,
    Less,
    Greater,
    Equal,
    NotEqual,
    LessOrEqual,
    GreaterOrEqual,
}

type Parsed<T> = Result<T, JsonPathError>;

/// Reads a path.
pub(super) fn parse(text: &str) -> Parsed<Vec<Piece>> {
    let mut flat = Vec::new();
    let mut position = 0;
    while let Some(found) = text[position..].find('{') {
        let open = position + found;
        if open > position {
            flat.push((position, Piece::Text(text[position..open].to_owned())));
        }
        let mut parser = Parser {
            text,
            position: open + 1,
            depth: 0,
        };
        let nodes = parser.action()?;
        flat.push((open, Piece::Action(nodes)));
        position = parser.position;
    }
    if position < text.len() {
        flat.push((position, Piece::Text(text[position..].to_owned())));
    }
    nest(flat)
}

/// Puts what stands between `{range …}` and `{end}` into the range.
fn nest(flat: Vec<(usize, Piece)>) -> Parsed<Vec<Piece>> {
    let mut open: Vec<(Vec<Node>, Vec<Piece>)> = Vec::new();
    let mut pieces = Vec::new();
    for (offset, piece) in flat {
        match piece {
            Piece::Action(nodes) if nodes.iter().any(|node| matches!(node, Node::End)) => {
                let Some((list, outer)) = open.pop() else {
                    return Err(error("not in range, nothing to end", offset));
                };
                let body = std::mem::replace(&mut pieces, outer);
                pieces.push(Piece::Range { list, body });
            }
            Piece::Action(nodes) if nodes.iter().any(|node| matches!(node, Node::Range)) => {
                if open.len() >= MAX_DEPTH {
                    return Err(error("ranges nest too deep", offset));
                }
                open.push((nodes, std::mem::take(&mut pieces)));
            }
            piece => pieces.push(piece),
        }
    }
    // As in kubectl, a range without end goes on to the end.
    while let Some((list, outer)) = open.pop() {
        let body = std::mem::replace(&mut pieces, outer);
        pieces.push(Piece::Range { list, body });
    }
    Ok(pieces)
}

fn error(message: impl Into<String>, offset: usize) -> JsonPathError {
    JsonPathError {
        message: message.into(),
        offset,
    }
}

struct Parser<'a> {
    text: &'a str,
    position: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.position..]
    }

    fn error(&self, message: impl Into<String>) -> JsonPathError {
        error(message, self.position)
    }

    /// What stands between braces, up to and with the closing one.
    fn action(&mut self) -> Parsed<Vec<Node>> {
        let mut nodes = Vec::new();
        loop {
            let rest = self.rest();
            if rest.starts_with('}') {
                self.position += 1;
                return Ok(nodes);
            }
            if rest.starts_with("[?(") {
                nodes.push(self.filter()?);
                continue;
            }
            if rest.starts_with("..") {
                if matches!(nodes.last(), Some(Node::Recursive)) {
                    return Err(self.error("invalid multiple recursive descent"));
                }
                self.position += 2;
                nodes.push(Node::Recursive);
                if self.rest().starts_with(is_word) {
                    nodes.push(self.field());
                }
                continue;
            }
            match rest.chars().next() {
                None | Some('\r' | '\n') => return Err(self.error("unclosed action")),
                Some(' ' | '@' | '$') => self.position += 1,
                Some('[') => self.brackets(&mut nodes)?,
                Some(quote @ ('"' | '\'')) => nodes.push(self.quoted(quote)?),
                Some('.') => {
                    self.position += 1;
                    nodes.push(self.field());
                }
                Some(c) if c == '+' || c == '-' || c.is_ascii_digit() => {
                    nodes.push(self.number()?);
                }
                Some(c) if is_word(c) => nodes.push(self.identifier()?),
                Some(c) => {
                    return Err(self.error(format!("unrecognized character in action: {c:?}")));
                }
            }
        }
    }

    /// The nodes of a part of an action: of a filter's side or a union's element.
    fn part(&self, text: &str, offset: usize) -> Parsed<Vec<Node>> {
        if self.depth >= MAX_DEPTH {
            return Err(self.error("it nests too deep"));
        }
        let mut inner = Parser {
            text: &format!("{text}}}"),
            position: 0,
            depth: self.depth + 1,
        };
        inner
            .action()
            .map_err(|inner| error(inner.message, offset + inner.offset))
    }

    fn field(&mut self) -> Node {
        let mut name = String::new();
        let mut escaped = false;
        let mut length = 0;
        for c in self.rest().chars() {
            if !escaped && (is_terminator(c) || c.is_ascii_whitespace()) {
                break;
            }
            length += c.len_utf8();
            escaped = !escaped && c == '\\';
            if c != '\\' {
                name.push(c);
            }
        }
        self.position += length;
        if name == "*" {
            Node::Wildcard
        } else {
            Node::Field(name)
        }
    }

    fn number(&mut self) -> Parsed<Node> {
        let rest = self.rest();
        let signed = usize::from(rest.starts_with(['+', '-']));
        let length = signed
            + rest[signed..]
                .find(|c: char| c != '.' && !c.is_ascii_digit())
                .unwrap_or(rest.len() - signed);
        let digits = &rest[..length];
        let node = if let Ok(n) = digits.parse() {
            Node::Int(n)
        } else if let Ok(f) = digits.parse() {
            Node::Float(f)
        } else {
            return Err(self.error(format!("cannot parse number {digits}")));
        };
        self.position += length;
        Ok(node)
    }

    fn identifier(&mut self) -> Parsed<Node> {
        let rest = self.rest();
        let length = rest
            .find(|c: char| is_terminator(c) || c.is_ascii_whitespace())
            .unwrap_or(rest.len());
        let node = match &rest[..length] {
            "true" => Node::Bool(true),
            "false" => Node::Bool(false),
            "range" => Node::Range,
            "end" => Node::End,
            name => return Err(self.error(format!("unrecognized identifier {name}"))),
        };
        self.position += length;
        Ok(node)
    }

    fn quoted(&mut self, quote: char) -> Parsed<Node> {
        let rest = self.rest();
        let mut out = String::new();
        let mut chars = rest.char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                '\n' => break,
                '\\' => match chars.next() {
                    Some((_, 'n')) => out.push('\n'),
                    Some((_, 't')) => out.push('\t'),
                    Some((_, 'r')) => out.push('\r'),
                    Some((_, escaped @ ('\\' | '"' | '\''))) => out.push(escaped),
                    Some((at, _)) => {
                        return Err(error("unquote string: invalid syntax", self.position + at));
                    }
                    None => break,
                },
                _ if c == quote => {
                    self.position += at + 1;
                    return Ok(Node::Text(out));
                }
                _ => out.push(c),
            }
        }
        Err(self.error("unterminated quoted string"))
    }

    fn brackets(&mut self, nodes: &mut Vec<Node>) -> Parsed<()> {
        let rest = self.rest();
        let Some(end) = rest
            .find([']', '\n'])
            .filter(|at| rest[*at..].starts_with(']'))
        else {
            return Err(self.error("unterminated array"));
        };
        let inside = &rest[1..end];
        if inside.contains(',') {
            let mut union = Vec::new();
            for element in inside.split(',') {
                union.push(self.part(&format!("[{}]", element.trim_matches(' ')), self.position)?);
            }
            nodes.push(Node::Union(union));
        } else if let Some(key) = inside
            .strip_prefix('\'')
            .and_then(|key| key.strip_suffix('\''))
            .filter(|key| !key.contains('\''))
        {
            nodes.extend(self.part(&format!(".{key}"), self.position)?);
        } else {
            nodes.push(Node::Slice(slice(inside).ok_or_else(|| {
                self.error(format!("invalid array index {inside}"))
            })?));
        }
        self.position += end + 1;
        Ok(())
    }

    fn filter(&mut self) -> Parsed<Node> {
        let start = self.position + 3;
        let mut quote = None;
        let mut closed = false;
        let mut before = ' ';
        let mut end = None;
        for (at, c) in self.text[start..].char_indices() {
            match c {
                '\n' => break,
                '"' | '\'' if quote.is_none() => quote = Some(c),
                _ if Some(c) == quote && before != '\\' => closed = true,
                ')' if quote.is_some() == closed => {
                    end = Some(start + at);
                    break;
                }
                _ => {}
            }
            before = c;
        }
        let end = end.ok_or_else(|| self.error("unterminated filter"))?;
        if !self.text[end + 1..].starts_with(']') {
            return Err(self.error("unclosed array expect ]"));
        }
        let inside = &self.text[start..end];
        let comparison = inside.find(['<', '>', '=', '!']).filter(|at| *at > 0);
        let node = match comparison {
            Some(at) => {
                let tail = inside[at..].trim_start_matches(['<', '>', '=', '!']);
                let sign = &inside[at..inside.len() - tail.len()];
                let operator = match sign {
                    "<" => Operator::Less,
                    ">" => Operator::Greater,
                    "==" => Operator::Equal,
                    "!=" => Operator::NotEqual,
                    "<=" => Operator::LessOrEqual,
                    ">=" => Operator::GreaterOrEqual,
                    _ => {
                        return Err(self.error(format!("unrecognized filter operator {sign}")));
                    }
                };
                Node::Filter {
                    left: self.part(&inside[..at], start)?,
                    right: self.part(tail, end - tail.len())?,
                    operator,
                }
            }
            None => Node::Filter {
                left: self.part(inside, start)?,
                right: Vec::new(),
                operator: Operator::Exists,
            },
        };
        self.position = end + 2;
        Ok(node)
    }
}

fn slice(inside: &str) -> Option<Slice> {
    let inside = if inside == "*" { ":" } else { inside };
    let mut parts = inside.split(':');
    let mut part = || -> Option<Option<Option<i64>>> {
        match parts.next() {
            None => Some(None),
            Some("") => Some(Some(None)),
            Some(digits) if digits.starts_with('+') => None,
            Some(digits) => Some(Some(Some(digits.parse().ok()?))),
        }
    };
    let from = part()?.flatten();
    let to = part()?;
    let step = part()?.flatten();
    if parts.next().is_some() {
        return None;
    }
    Some(Slice {
        from,
        to: match to {
            Some(to) => to,
            None => Some(from.unwrap_or(0).checked_add(1)?),
        },
        is_index: to.is_none(),
        step,
    })
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

fn is_terminator(c: char) -> bool {
    matches!(c, '.' | ',' | '[' | ']' | '$' | '@' | '{' | '}')
}
