//! argosy-expr.
