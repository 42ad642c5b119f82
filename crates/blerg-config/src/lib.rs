//! The settings of every program: one table of names, flags, defaults, meanings and checks. Start at [`Config`] and
//! [`SETTINGS`]. Reads no environment itself: `cgi/` hands in variables and arguments.
//!
//! ```
//! use blerg_config::{Config, Key};
//!
//! let environment = [("BLERG_DATA".into(), "/var/lib/blerg".into())];
//! let config = Config::read(environment, ["--password-min".into(), "12".into()]).expect("both are well formed");
//! assert_eq!(config.number(Key::PasswordMin), 12);
//! assert_eq!(config.text(Key::Registration), "open");
//! ```
#![forbid(unsafe_code)]

mod config;
mod error;
mod help;
mod table;

pub use config::{Config, Request};
pub use error::Error;
pub use help::help;
pub use table::{Check, Key, SETTINGS, Setting};
