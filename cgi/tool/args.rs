//! The arguments of `blergtool`: [`Args`]. What they mean is in the commands' own files.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

use super::wiki::args::WikiCommand;

/// Makes, fills, checks and carries a Blërg site. Every setting can also come from the environment (BLERG_DATA, ...).
#[derive(Debug, Parser)]
#[command(
    name = "blergtool",
    version,
    about,
    after_help = "Exit codes: 0 done, 1 found something wrong, 2 called wrongly."
)]
pub(crate) struct Args {
    /// The data directory (or BLERG_DATA)
    #[arg(long, global = true, value_name = "DIR")]
    pub data: Option<OsString>,
    /// Print one JSON object instead of text
    #[arg(long, global = true)]
    pub json: bool,
    /// What an acknowledged write survives, chosen when the directory is made: sync or none
    #[arg(long, global = true, value_name = "WHAT")]
    pub durability: Option<OsString>,
    /// Memory of one password hash in MiB: default, 46, 19, 12, 9 or 7
    #[arg(long, global = true, value_name = "MIB")]
    pub argon2: Option<OsString>,
    /// Take a data directory on NFS and the like
    #[arg(long, global = true)]
    pub allow_network_fs: bool,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a data directory ready
    Init(Init),
    /// Accounts: add, passwd, disable, enable, invite, role, list
    User {
        #[command(subcommand)]
        command: UserCommand,
    },
    /// Bring in records: JSON lines, twtxt, a Mastodon outbox.json; or a directory of wiki pages in Markdown; or restore
    /// a dump into an empty directory
    Import(Import),
    /// Write the whole site as JSON lines, password hashes included
    Dump(Dump),
    /// Copy the whole site, also while it is in use, into a new or empty directory; opening that restores it
    Backup(Backup),
    /// Make the log small, also while the site is in use, and take what was deleted out of every file
    Compact,
    /// Verify every checksum, list, account and the search index
    Check,
    /// Make the index and the search index anew from the log
    Rebuild,
    /// Make a sound site, in a new or empty directory, of what can be read of a damaged one that nobody uses; says what is
    /// lost (exit code 1) and leaves the damaged one as it is
    Salvage(Salvage),
    /// Say how much there is
    Stats,
    /// Show what waits to be told to the WebSub hub
    Jobs(Jobs),
    /// Wiki pages: import, export, list, show, delete, undelete, rename, protect, revert, erase, check, stats
    Wiki {
        #[command(subcommand)]
        command: WikiCommand,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct Init {
    /// Give the new directory to this user (a name or a number): the one that the web server runs our programs as
    #[arg(long, value_name = "USER")]
    pub owner: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Jobs {
    /// Do first what is due: for a cron job where only CGI programs run
    #[arg(long)]
    pub run: bool,
    /// Make everything due at once, also what was given up
    #[arg(long)]
    pub retry: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Add an account
    Add {
        /// Its name
        name: String,
        /// May protect and delete wiki pages
        #[arg(long)]
        admin: bool,
        #[command(flatten)]
        password: Password,
    },
    /// Set a new password and end all sessions; also gives an imported author an account
    Passwd {
        /// Whose
        name: String,
        #[command(flatten)]
        password: Password,
    },
    /// Switch an account off
    Disable {
        /// Whose
        name: String,
    },
    /// Switch an account on again
    Enable {
        /// Whose
        name: String,
    },
    /// Make an invitation for one new account
    Invite {
        /// Days that it is good for
        #[arg(long, default_value_t = 14, value_parser = clap::value_parser!(u64).range(1..=3650))]
        days: u64,
    },
    /// Give an account a role
    Role {
        /// Whose
        name: String,
        /// member or admin
        #[arg(value_parser = ["member", "admin"])]
        role: String,
    },
    /// List accounts
    List,
}

/// Where a password comes from: the terminal or standard input, unless said otherwise.
#[derive(Debug, clap::Args)]
pub(crate) struct Password {
    /// Read the password from this file (one line end at its end is left out)
    #[arg(long, value_name = "FILE", conflicts_with = "password")]
    pub password_file: Option<PathBuf>,
    /// The password itself; everybody on this machine can see it while the command runs
    #[arg(long, value_name = "TEXT")]
    pub password: Option<OsString>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Import {
    /// The file or directory; - for standard input
    pub file: PathBuf,
    /// What the file is; otherwise seen from its beginning
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    /// Whose records they are, where the file does not say
    #[arg(long, value_name = "NAME")]
    pub author: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// A JSON object a line, or a user's export
    Jsonl,
    /// twtxt.txt
    Twtxt,
    /// outbox.json of a Mastodon archive
    Mastodon,
    /// What `dump` wrote
    Dump,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Backup {
    /// The directory to make, or an empty one
    pub dir: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Salvage {
    /// The directory to make, or an empty one
    pub dir: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Dump {
    /// The file to write, which must not exist; - or none for standard output
    pub file: Option<PathBuf>,
}
