//! The contract (API.md), line by line, through `Handler::handle` over a real store in a folder of its own: `document`
//! sends the page's own examples, the other modules the rules between them.

mod accounts;
mod conditional;
mod document;
mod follows;
mod hostile;
mod lists;
mod records;
mod requests;
mod search;
mod site;
mod tags;
