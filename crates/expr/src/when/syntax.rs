//! What may follow what in a condition.

use super::lexer::{Kind, Token};

/// Whether a token of this kind may follow the last one.
pub(super) fn may_follow(last: Option<&Kind>, next: &Kind) -> bool {
    use Kind as K;
    let Some(last) = last else {
        return matches!(
            next,
            K::Prefix(_)
                | K::Number(_)
                | K::Bool(_)
                | K::Variable(_)
                | K::Pattern(_)
                | K::Accessor(_)
                | K::Text(_)
                | K::Time(_)
                | K::Open
        );
    };
    let operator = matches!(
        next,
        K::Modifier(_) | K::Comparator(_) | K::Logical(_) | K::Close | K::Separator
    );
    match last {
        K::Open => may_follow(None, next) || matches!(next, K::Close),
        K::Close => {
            operator
                || matches!(
                    next,
                    K::Number(_)
                        | K::Bool(_)
                        | K::Variable(_)
                        | K::Text(_)
                        | K::Pattern(_)
                        | K::Time(_)
                        | K::Open
                        | K::Ternary(_)
                )
        }
        K::Number(_) | K::Bool(_) | K::Text(_) | K::Variable(_) => {
            operator || matches!(next, K::Ternary(_))
        }
        K::Time(_) | K::Pattern(_) => operator,
        K::Accessor(_) => operator || matches!(next, K::Ternary(_) | K::Open),
        K::Modifier(_) => {
            matches!(next, K::Close)
                || (may_follow(None, next) && !matches!(next, K::Time(_) | K::Pattern(_)))
        }
        K::Comparator(_) => matches!(next, K::Close) || may_follow(None, next),
        K::Logical(_) => {
            matches!(next, K::Close) || (may_follow(None, next) && !matches!(next, K::Pattern(_)))
        }
        K::Prefix(_) => matches!(
            next,
            K::Number(_) | K::Bool(_) | K::Variable(_) | K::Accessor(_) | K::Open | K::Close
        ),
        K::Ternary(_) => {
            matches!(next, K::Separator)
                || (may_follow(None, next) && !matches!(next, K::Pattern(_)))
        }
        K::Separator => may_follow(None, next) && !matches!(next, K::Pattern(_)),
    }
}

/// Whether a condition may end here.
fn may_end(last: Option<&Kind>) -> bool {
    use Kind as K;
    matches!(
        last,
        Some(
            K::Close
                | K::Number(_)
                | K::Bool(_)
                | K::Text(_)
                | K::Time(_)
                | K::Pattern(_)
                | K::Variable(_)
                | K::Accessor(_)
        )
    )
}

/// Checks the balance of parentheses and the order of tokens.
pub(super) fn check(tokens: &[Token]) -> Result<(), String> {
    let count = |wanted: fn(&Kind) -> bool| tokens.iter().filter(|t| wanted(&t.kind)).count();
    if count(|kind| matches!(kind, Kind::Open)) != count(|kind| matches!(kind, Kind::Close)) {
        return Err("Unbalanced parenthesis".into());
    }
    let mut last: Option<&Kind> = None;
    for token in tokens {
        if !may_follow(last, &token.kind) {
            if let (Some(Kind::Variable(name)), Kind::Open) = (last, &token.kind) {
                return Err(format!("Undefined function {name}"));
            }
            let (name, value) = match last {
                Some(last) => (last.name(), last.value()),
                None => ("UNKNOWN", "<nil>".into()),
            };
            return Err(format!(
                "Cannot transition token types from {name} [{value}] to {} [{}]",
                token.kind.name(),
                token.kind.value()
            ));
        }
        last = Some(&token.kind);
    }
    if !may_end(last) {
        return Err("Unexpected end of expression".into());
    }
    Ok(())
}

/// Makes patterns of the texts after `=~` and `!~`.
pub(super) fn compile_patterns(tokens: &mut [Token]) -> Result<(), String> {
    for at in 1..tokens.len() {
        let is_match =
            matches!(&tokens[at - 1].kind, Kind::Comparator(sign) if sign == "=~" || sign == "!~");
        if is_match && let Kind::Text(text) = &tokens[at].kind {
            tokens[at].kind = Kind::Pattern(crate::pattern::compile(text)?);
        }
    }
    Ok(())
}
