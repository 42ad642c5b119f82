//! The wiki's contract (API.md), through `Handler::handle` over a real store in a folder of its own. `site` makes requests;
//! `show` reads, `write` edits, `lost` proves that nothing typed is lost, `manage` renames and deletes, `files` attaches,
//! `lists` lists, `hostile` attacks.
#![expect(clippy::unwrap_used, reason = "a test that can't go on stops there")]

mod files;
mod hostile;
mod lists;
mod lost;
mod manage;
mod show;
mod site;
mod write;
