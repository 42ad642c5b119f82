//! The wiring of every program: settings -> `Store` -> [`Site`] -> a front end. The only code of the suite that reads the
//! environment, the clock and the arguments. Start at [`Setup`]; each front end is a module: [`gateway`] (CGI),
//! [`worker`] (FastCGI), [`http`] (the embedded server).
//!
//! ```
//! let config = blerg_config::Config::read([("BLERG_DATA".into(), "/var/lib/blerg".into())], []).expect("good settings");
//! let setup = blerg::Setup::read(config, blerg::Style::Server).expect("all of them can be used");
//! assert_eq!(setup.data.to_str(), Some("/var/lib/blerg"));
//! ```
#![forbid(unsafe_code)]

mod error;
pub mod gateway;
pub mod http;
pub mod jobs;
mod listen;
mod place;
pub mod program;
mod push;
mod recovery;
mod sandbox;
mod setup;
mod site;
mod terminal;
mod tick;
pub mod tool;
pub mod worker;

pub use error::Error;
pub use setup::{Setup, Style, now_us, random};
pub use site::{Part, Site};
