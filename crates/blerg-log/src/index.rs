//! Placeholder of the index.
