//! argosy-artifacts.
