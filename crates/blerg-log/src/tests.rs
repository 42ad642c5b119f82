//! The whole log: on the real disk, and on one that lies.

mod basics;
mod crashes;
pub(crate) mod fake;
mod model;
mod models;
mod protocol;
mod recovery;
mod storm;
