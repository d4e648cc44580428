//! argosy-store.
