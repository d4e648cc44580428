//! The order of keys in YAML that Go prints: letters after all else, numbers by their value.

use std::cmp::Ordering;

pub(super) fn compare(left: &str, right: &str) -> Ordering {
    let left: Vec<char> = left.chars().collect();
    let right: Vec<char> = right.chars().collect();
    let Some(at) = left.iter().zip(&right).position(|(l, r)| l != r) else {
        return left.len().cmp(&right.len());
    };
    let (l, r) = (left[at], right[at]);
    match (l.is_alphabetic(), r.is_alphabetic()) {
        (true, true) => return l.cmp(&r),
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    // A zero inside a number that has begun is a digit like others; in front it doesn't count.
    let begun = (l == '0' || r == '0')
        && left[..at]
            .iter()
            .rev()
            .take_while(|c| c.is_ascii_digit())
            .any(|digit| *digit != '0');
    let first = u64::from(begun);
    let (left_number, left_digits) = number(&left[at..], first);
    let (right_number, right_digits) = number(&right[at..], first);
    left_number
        .cmp(&right_number)
        .then(left_digits.cmp(&right_digits))
        .then(l.cmp(&r))
}

fn number(text: &[char], first: u64) -> (u64, usize) {
    let digits = text.iter().map_while(|c| c.to_digit(10));
    digits.fold((first, 0), |(value, count), digit| {
        (
            value.wrapping_mul(10).wrapping_add(u64::from(digit)),
            count + 1,
        )
    })
}
