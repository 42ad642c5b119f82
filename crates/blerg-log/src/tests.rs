//! The whole log: on the real disk, and on one that lies.

mod basics;
mod crashes;
mod fake;
mod model;
mod models;
mod storm;
