//! Kubernetes' quantities, such as `500m` and `1Gi`, as Go reads them.

/// What the Kubernetes types call a quantity.
pub(crate) const QUANTITY: &str = "Quantity";

/// What Go says of a text that is no quantity; `None` if it is one. Kubernetes:
/// `resource.ParseQuantity`.
pub(crate) fn fault(text: &str) -> Option<&'static str> {
    const FORMAT: &str = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
    const SUFFIX: &str = "unable to parse quantity's suffix";
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let end = unsigned
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(unsigned.len());
    let (number, suffix) = unsigned.split_at(end);
    let letters = suffix.trim_start_matches(|c: char| "eEinumkKMGTP".contains(c));
    let digits = letters.strip_prefix(['+', '-']).unwrap_or(letters);
    let well_formed = number.bytes().any(|byte| byte.is_ascii_digit())
        && number.matches('.').count() <= 1
        && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !well_formed {
        return Some(FORMAT);
    }
    let exponent = suffix.strip_prefix(['e', 'E']).map(|exponent| {
        let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    });
    let known = [
        "", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei",
    ];
    (!known.contains(&suffix) && exponent != Some(true)).then_some(SUFFIX)
}

#[cfg(test)]
mod tests {
    use super::fault;

    #[test]
    fn quantities_are_told_from_other_texts() {
        for text in [
            "1", "0.5", ".5", "5.", "+1", "-1", "100m", "1Gi", "1.5Gi", "2E", "1e3", "1E-3",
            "12e+4", "3Ei", "7u",
        ] {
            assert_eq!(fault(text), None, "{text}");
        }
        for (text, part) in [
            ("", "regular expression"),
            ("lots", "regular expression"),
            ("1.2.3", "regular expression"),
            ("1 Gi", "regular expression"),
            ("{{inputs.parameters.mem}}", "regular expression"),
            ("5Qi", "regular expression"),
            ("1gi", "regular expression"),
            ("5kk", "suffix"),
            ("1e", "suffix"),
            ("1m5", "suffix"),
        ] {
            let said = fault(text).unwrap_or_default();
            assert!(said.contains(part), "{text}: {said}");
        }
    }
}
