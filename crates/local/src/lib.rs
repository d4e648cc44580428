//! argosy-local.
