//! argosy-executor.
