//! The whole log on the real disk: what a store promises, operation by operation.

mod basics;
