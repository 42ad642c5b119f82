//! The running server, from outside: a client of our own sends what web servers send and what they must not.

mod attacks;
mod corpus;
mod crowd;
mod inherited;
mod limits;
mod serving;
mod stopping;
mod support;
