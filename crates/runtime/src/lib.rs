//! argosy-runtime.
