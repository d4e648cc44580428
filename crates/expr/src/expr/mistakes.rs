//! What is wrong with an expression, told to the one who writes it: where, and what to do about it.
//! Argo finds these things when a workflow runs, and its words are those of a parser.

use super::ast::{Arena, BinaryOperator, Node, NodeId};
use super::functions::{Function, OF_ARGO};
use super::lexer::{self, Kind, Token, next_token};
use super::{check, methods, parser};
use crate::error::{ExprError, ExprErrorKind};

/// A mistake in an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// What is wrong.
    pub message: String,
    /// What to do about it, if that can be told.
    pub help: Option<String>,
    /// Where it is in the expression, in bytes.
    pub offset: usize,
    /// How many bytes it covers.
    pub length: usize,
    /// The function that is called and that there is not.
    pub unknown_function: Option<String>,
}

/// Roots of Argo's variables: what stands behind a minus is none of these if a name has a dash.
const ROOTS: [&str; 13] = [
    "inputs",
    "outputs",
    "item",
    "pod",
    "steps",
    "tasks",
    "workflow",
    "node",
    "lastRetry",
    "retries",
    "cronworkflow",
    "hooks",
    "payload",
];

/// Functions of other languages, and what to write here.
const OTHER_NAMES: [(&str, &str); 22] = [
    ("toUpper", "upper"),
    ("toLower", "lower"),
    ("uppercase", "upper"),
    ("lowercase", "lower"),
    ("str", "string"),
    ("toString", "string"),
    ("parseInt", "int"),
    ("toInt", "int"),
    ("Number", "float"),
    ("parseFloat", "float"),
    ("toFloat", "float"),
    ("length", "len"),
    ("size", "len"),
    ("strip", "trim"),
    ("startswith", "hasPrefix"),
    ("startsWith", "hasPrefix"),
    ("endsWith", "hasSuffix"),
    ("parseJSON", "fromJSON"),
    ("parseJson", "fromJSON"),
    ("range", "1..3 (a range)"),
    ("includes", "x in list"),
    ("contains", "text contains part"),
];

/// Words of other languages, and what to write here.
const OTHER_WORDS: [(&str, &str); 6] = [
    ("null", "nil"),
    ("None", "nil"),
    ("undefined", "nil"),
    ("True", "true"),
    ("False", "false"),
    ("NULL", "nil"),
];

/// The first mistake that can be told without the variables.
pub(super) fn first(source: &str) -> Option<Mistake> {
    if source.trim().is_empty() {
        return Some(Mistake {
            message: "the expression is empty".to_owned(),
            ..Mistake::at(0, source.len(), None)
        });
    }
    let (arena, _) = match parser::parse(source) {
        Ok(parsed) => parsed,
        Err(error) => return Some(of_reading(source, &error)),
    };
    for (id, node) in arena.iter() {
        if let Some(mistake) = of_node(source, &arena, id, node) {
            return Some(mistake);
        }
    }
    let (_, error) = check::fault(source, &arena, |_| check::Kind::Any)?;
    let help = help_for_types(&error.message).map(str::to_owned);
    Some(Mistake {
        message: error.message,
        ..Mistake::at(error.offset, error.length, help)
    })
}

fn help_for_types(message: &str) -> Option<&'static str> {
    let has = |part| message.contains(part);
    let logic = ["! (", "&& (", "|| (", "and (", "or (", "not ("];
    if !has("mismatched type") {
        None
    } else if logic.into_iter().any(has) {
        Some("compare it with something, so that it is true or false: x == 'yes'")
    } else if has("string") && (has("int") || has("float64")) {
        Some("convert one side: int(x) or float(x) makes a number of a text, string(x) a text")
    } else {
        None
    }
}

/// The functions that expressions know, those of sprig as they are called.
pub fn function_names() -> impl Iterator<Item = String> {
    let named = super::functions::names().map(|(name, is_of_sprig)| match is_of_sprig {
        true => format!("sprig.{name}"),
        false => name.to_owned(),
    });
    let with_predicate = super::ast::Iteration::ALL.iter();
    named.chain(with_predicate.map(|iteration| iteration.name().to_owned()))
}

impl Mistake {
    fn at(offset: usize, length: usize, help: Option<String>) -> Self {
        Self {
            message: String::new(),
            help,
            offset,
            length,
            unknown_function: None,
        }
    }
}

fn is_function(name: &str) -> bool {
    Function::builtin(name).is_some()
        || Function::of_argo(name).is_some()
        || parser::iteration(name).is_some()
}

/// What a single node shows to be wrong.
fn of_node(source: &str, arena: &Arena, id: NodeId, node: &Node) -> Option<Mistake> {
    let (offset, length) = arena.place(id);
    match node {
        Node::CallName { callee, .. } => {
            let Node::Name(name) = arena.get(*callee) else {
                return None;
            };
            Some(unknown_function(name, offset, length))
        }
        Node::Refused { name, message, .. } => {
            let full = format!("sprig.{name}");
            Some(match Function::of_sprig(name) {
                Some(function) => Mistake {
                    message: message.to_string(),
                    ..Mistake::at(offset, length, Some(takes(&full, function)))
                },
                None => unknown_function(&full, offset, length),
            })
        }
        Node::Method { name, .. } if !methods::is_known(name) => {
            let function = of_other_language(name).unwrap_or(name);
            let help = match is_function(function) {
                true => format!("write {function}(…), with the value in the parentheses"),
                false => "only times, durations and versions have methods".to_owned(),
            };
            Some(Mistake {
                message: format!("there is no method {name}"),
                ..Mistake::at(offset, length, Some(help))
            })
        }
        Node::Binary {
            operator: BinaryOperator::Subtract,
            right,
            ..
        } if is_rest_of_name(arena, *right) => name_with_dash(source, offset),
        Node::Let { name, .. } if ROOTS.contains(&&**name) => Some(Mistake {
            message: format!("{name} is a variable already"),
            ..Mistake::at(offset, length, Some("take another name".to_owned()))
        }),
        Node::Call { function, .. } if function.is_refused() => Some(Mistake {
            message: format!("sprig.{} is not supported", function.name()),
            ..Mistake::at(
                offset,
                length,
                Some("do this in a step of the workflow".to_owned()),
            )
        }),
        Node::Name(name) if !OF_ARGO.contains(&&**name) => of_name(name, offset, length),
        _ => None,
    }
}

fn of_name(name: &str, offset: usize, length: usize) -> Option<Mistake> {
    if is_function(name) {
        return Some(Mistake {
            message: format!("{name} is a function"),
            ..Mistake::at(offset, length, Some(format!("call it: {name}(…)")))
        });
    }
    let (_, word) = OTHER_WORDS.iter().find(|(other, _)| *other == name)?;
    Some(Mistake {
        message: format!("there is no variable {name}"),
        ..Mistake::at(offset, length, Some(format!("write {word}")))
    })
}

fn of_other_language(name: &str) -> Option<&'static str> {
    let mut others = OTHER_NAMES.iter();
    others
        .find(|(other, _)| *other == name)
        .map(|(_, here)| *here)
}

fn unknown_function(name: &str, offset: usize, length: usize) -> Mistake {
    let alike = function_names().find(|known| known.eq_ignore_ascii_case(name));
    let here = of_other_language(name).map(str::to_owned).or(alike);
    let of_sprig = || Function::of_sprig(name).map(|_| format!("sprig.{name}"));
    let help = here.or_else(of_sprig).map(|here| format!("write {here}"));
    Mistake {
        message: format!("there is no function {name}"),
        unknown_function: Some(name.to_owned()),
        ..Mistake::at(offset, length, help)
    }
}

/// How many arguments a function takes.
fn takes(name: &str, function: Function) -> String {
    let (least, most) = function.counts();
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    match (least, most) {
        (least, None) => format!("{name} takes at least {least} argument{}", plural(least)),
        (least, Some(most)) if least == most => {
            format!("{name} takes {least} argument{}", plural(least))
        }
        (least, Some(most)) => format!("{name} takes {least} to {most} arguments"),
    }
}

/// Whether what stands behind a minus may be the rest of a name: it is no variable of Argo's.
fn is_rest_of_name(arena: &Arena, right: NodeId) -> bool {
    let mut root = right;
    while let Node::Member { base, .. } | Node::Method { base, .. } = arena.get(root) {
        root = *base;
    }
    matches!(arena.get(root), Node::Name(name) if !ROOTS.contains(&&**name))
}

/// `steps.a-b.outputs`, where there is no space beside the minus.
fn name_with_dash(source: &str, minus: usize) -> Option<Mistake> {
    let is_part = |c: char| c == '-' || lexer::is_word(c);
    let before = source[..minus].chars().next_back()?;
    let after = source[minus + 1..].chars().next()?;
    if !lexer::is_word(before) || before.is_ascii_digit() || !lexer::is_word(after) {
        return None;
    }
    let start = source[..minus].rfind(|c| !is_part(c))?;
    let path = source[..start].rfind(|c| !is_part(c) && c != '.');
    let path = &source[path.map_or(0, |at| at + 1)..start];
    if !source[start..].starts_with('.') || path.is_empty() {
        return None;
    }
    let name = &source[start + 1..];
    let name = &name[..name.find(|c| !is_part(c)).unwrap_or(name.len())];
    let (first, rest) = name.split_once('-')?;
    Some(Mistake {
        message: format!("'{name}' is read as '{first}' minus '{rest}'"),
        ..Mistake::at(
            start + 1,
            name.len(),
            Some(format!("write {path}['{name}']")),
        )
    })
}

/// What is wrong with a text that can't be read.
fn of_reading(source: &str, error: &ExprError) -> Mistake {
    let mut mistake = Mistake {
        message: error.message.clone(),
        ..Mistake::at(error.offset, error.length, None)
    };
    if error.kind == ExprErrorKind::Budget {
        return mistake;
    }
    let tokens = tokens(source);
    let at = tokens.iter().position(|token| token.offset >= error.offset);
    let before = match at {
        Some(at) => at.checked_sub(1).map(|at| &tokens[at].kind),
        None => tokens.last().map(|token| &token.kind),
    };
    if error.message.starts_with("bad number syntax")
        && let Some(minus) = source[..error.offset].rfind('-')
        && let Some(mistake) = name_with_dash(source, minus)
    {
        return mistake;
    }
    if error.message == "literal not terminated" {
        return unclosed_text(source, &tokens, mistake);
    }
    if error.message.contains("to call ") || error.message.contains("number of arguments") {
        let name = source[error.offset..].get(..error.length);
        if let Some((name, function)) =
            name.and_then(|name| Some((name, Function::builtin(name).or(Function::of_argo(name))?)))
        {
            mistake.help = Some(takes(name, function));
        }
        return mistake;
    }
    if error.message.ends_with("unexpected token EOF")
        || error.message == "unexpected end of expression"
    {
        return breaks_off(source, &tokens, mistake);
    }
    if error.message.starts_with("error parsing regexp") {
        return mistake;
    }
    if let Some(token) = at.map(|at| &tokens[at])
        && error.message.contains("unexpected token")
    {
        let word = &source[token.offset..token.offset + token.length];
        mistake.message = match error.message.starts_with("a map key") {
            true => format!("'{word}' can't be the key of a map"),
            false => format!("'{word}' can't stand here"),
        };
    }
    let rest = &source[error.offset..];
    let adjacent = source[..error.offset].chars().next_back();
    mistake.help = help_for_sign(rest, adjacent).or_else(|| help_for_word(&tokens, at, before));
    mistake
}

fn help_for_sign(rest: &str, before: Option<char>) -> Option<String> {
    let help = if rest.starts_with("=>") {
        "write what is asked of each element without an arrow: filter(list, # > 1)"
    } else if rest.starts_with("=~") {
        "write: text matches 'pattern'"
    } else if rest.starts_with('=') && matches!(before, Some('=' | '!')) {
        "two signs are enough: == or !="
    } else if rest.starts_with('=') {
        "to compare, write =="
    } else if rest.starts_with('>') && before == Some('<') {
        "write !="
    } else if rest.starts_with("&&") || rest.starts_with("||") {
        "something is missing before it"
    } else if rest.starts_with('&') {
        "write && or 'and'"
    } else if rest.starts_with(['‘', '’', '‚', '“', '”', '„', '«', '»']) {
        "texts stand between ' or \""
    } else if rest.starts_with("{{") || (rest.starts_with('{') && before == Some('{')) {
        "names stand in expressions without braces: inputs.parameters.x"
    } else if rest.starts_with('.') && before.is_none() {
        "expressions are no Go templates: write inputs.parameters.x, without a dot before it"
    } else {
        return None;
    };
    Some(help.to_owned())
}

/// What may be meant where a word or a text stands that can't stand there.
fn help_for_word(
    tokens: &[Token<'_>],
    at: Option<usize>,
    before: Option<&Kind<'_>>,
) -> Option<String> {
    let token = tokens.get(at?)?;
    if let Some(Kind::Sign("not")) = before {
        return Some("write != or 'not (…)'".to_owned());
    }
    match (&tokens.first()?.kind, before, &token.kind) {
        (Kind::Sign("if"), Some(Kind::Identifier(_)), Kind::Identifier(_)) => Some(
            "expressions are no Go templates: write a == b ? 'yes' : 'no', or if a == b { 'yes' } else { 'no' }"
                .to_owned(),
        ),
        (_, Some(Kind::Identifier(name)), _) if is_function(name) => {
            Some(format!("call it with parentheses: {name}(…)"))
        }
        (_, Some(Kind::Identifier(_)), Kind::String(_)) => {
            Some("texts are put together with +".to_owned())
        }
        (_, Some(Kind::Identifier(_) | Kind::String(_) | Kind::Number(_)), Kind::Identifier(_) | Kind::String(_) | Kind::Number(_)) => {
            Some("an operator is missing before it, such as == or +".to_owned())
        }
        (_, _, Kind::Sign("and" | "or" | "in" | "matches" | "contains" | "startsWith" | "endsWith" | "==" | "!=" | "*" | "/" | "%")) => {
            Some("something is missing before it".to_owned())
        }
        _ => None,
    }
}

fn unclosed_text(source: &str, tokens: &[Token<'_>], mut mistake: Mistake) -> Mistake {
    let end = tokens.last().map_or(0, |token| token.offset + token.length);
    let start = source[end..].find(['\'', '"', '`']).map(|at| end + at);
    if let Some(start) = start {
        let quote = &source[start..=start];
        mistake.message = format!("the text that begins with {quote} has no end");
        mistake.help = Some(format!("close it with {quote}, on the same line"));
        mistake.offset = start;
        mistake.length = source.len() - start;
    }
    mistake
}

/// An expression that ends too early.
fn breaks_off(source: &str, tokens: &[Token<'_>], mut mistake: Mistake) -> Mistake {
    let mut open: Vec<(&str, usize)> = Vec::new();
    for token in tokens {
        match token.kind {
            Kind::Sign(sign @ ("(" | "[" | "{")) => open.push((sign, token.offset)),
            Kind::Sign(")" | "]" | "}") => {
                open.pop();
            }
            _ => {}
        }
    }
    let last = tokens.last().map(|token| &token.kind);
    let before_last = tokens.iter().rev().nth(1).map(|token| &token.kind);
    mistake.message = "the expression breaks off".to_owned();
    if let Some(last) = tokens.last() {
        mistake.offset = last.offset;
        mistake.length = last.length;
    }
    if let Some((sign, offset)) = open.pop() {
        mistake.message = format!("the '{sign}' is not closed");
        mistake.offset = offset;
        mistake.length = 1;
        return mistake;
    }
    mistake.help = match (before_last, last) {
        (Some(Kind::Sign("|")), Some(Kind::Identifier("true" | "false"))) => {
            Some("for 'or' write ||".to_owned())
        }
        (Some(Kind::Sign("|")), Some(Kind::Identifier(name))) => {
            Some(format!("behind a | stands a call: {name}()"))
        }
        (_, Some(Kind::Sign(sign))) => Some(format!("something is missing after '{sign}'")),
        _ if matches!(tokens.first().map(|t| &t.kind), Some(Kind::Sign("let"))) => Some(
            "behind the value of let stand a ; and what to do with it: let x = 1; x + 1".to_owned(),
        ),
        _ if source.contains('?') => {
            Some("a condition has two ends: a == b ? 'yes' : 'no'".to_owned())
        }
        _ if source.trim_start().starts_with("if ") => {
            Some("write if a == b { 'yes' } else { 'no' }".to_owned())
        }
        _ => None,
    };
    mistake
}

/// The tokens as far as they can be read.
fn tokens(source: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut position = 0;
    while let Ok(token) = next_token(source, position) {
        if token.kind == Kind::End {
            break;
        }
        position = token.offset + token.length;
        tokens.push(token);
    }
    tokens
}
