//! `when` conditions.

use crate::error::WhenError;

/// Whether a condition holds. An empty one does.
///
/// # Errors
/// If it is not a condition.
pub fn evaluate_when(when: &str) -> Result<bool, WhenError> {
    match when {
        "" => Ok(true),
        _ => Ok(when == "true"),
    }
}
