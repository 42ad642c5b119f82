//! The arguments of `blergtool wiki`: [`WikiCommand`]. What they mean is in the commands' own files.

use std::path::PathBuf;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum WikiCommand {
    /// Bring in a directory of Markdown files, with their history where it is a git work tree
    Import(Import),
    /// Write all pages and files into a new directory, or into a zip archive
    Export(Export),
    /// List pages
    List(List),
    /// Print a page's text, or its history
    Show(Show),
    /// Hide a page; its history stays
    Delete(Change),
    /// Show a deleted page again
    Undelete(Change),
    /// Give a page another name
    Rename(Rename),
    /// Decide who may edit a page
    Protect(Protect),
    /// Make an earlier text the page's text again
    Revert(Revert),
    /// Erase a page for good, with all its revisions and files; or the text of one revision
    Erase(Erase),
    /// Verify the wiki: texts, files, links and search
    Check,
    /// Say how much there is
    Stats,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Import {
    /// The directory
    pub folder: PathBuf,
    /// Say what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Put this name and a hyphen before every page's name
    #[arg(long, value_name = "NAME")]
    pub under: Option<String>,
    /// Who is said to have written what has no author in a git history
    #[arg(long, value_name = "NAME")]
    pub author: Option<String>,
    /// Attach files that no page links to as well, to the page of their directory
    #[arg(long)]
    pub all_files: bool,
    /// Leave a git history alone
    #[arg(long)]
    pub no_history: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Export {
    /// A directory that is not there yet or empty, or a file that ends in .zip and is not there yet
    pub target: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(crate) struct List {
    /// Deleted pages and names that lead to others as well
    #[arg(long)]
    pub all: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Show {
    /// Its name
    pub page: String,
    /// An earlier revision
    #[arg(long, value_name = "N")]
    pub rev: Option<u64>,
    /// The revisions instead of the text, newest first
    #[arg(long, conflicts_with = "rev")]
    pub history: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Change {
    /// Its name
    pub page: String,
    #[command(flatten)]
    pub said: Said,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Rename {
    /// Its name
    pub page: String,
    /// Its new name
    pub to: String,
    /// Leave nothing at the old name
    #[arg(long)]
    pub no_redirect: bool,
    /// Leave the links of other pages as they are
    #[arg(long)]
    pub keep_links: bool,
    #[command(flatten)]
    pub said: Said,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Protect {
    /// Its name
    pub page: String,
    /// Who may edit it: nobody but them, or whom the wiki's rule allows
    #[arg(value_parser = ["members", "named", "admins", "rule"])]
    pub who: String,
    #[command(flatten)]
    pub said: Said,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Revert {
    /// Its name
    pub page: String,
    /// The revision
    pub rev: u64,
    #[command(flatten)]
    pub said: Said,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Erase {
    /// Its name
    pub page: String,
    /// Only the text, the author and the summary of this revision; its number stays
    #[arg(long, value_name = "N")]
    pub rev: Option<u64>,
}

/// What the history says of a change.
#[derive(Debug, clap::Args)]
pub(crate) struct Said {
    /// Under whose name
    #[arg(long, value_name = "NAME")]
    pub author: Option<String>,
    /// Why
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub summary: String,
}
