//! The history of a directory that is a git work tree, or a part of one. Start at [`find`]. It asks the `git` program, in a
//! way in which nothing that the repository's configuration names is run and nothing is fetched. Texts are read one by
//! one ([`Blobs`]), so that a long history needs no more memory than its list of changes.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::super::Failure;
use super::names::is_markdown;
use super::plan::Plan;

/// Longest field of git's output that is read: a path, a name or a commit's first lines.
const FIELD_BYTES_MAX: u64 = 64 * 1024;

/// Most changes to Markdown files that are kept in memory; older ones are left out.
const ENTRIES_MAX: usize = 1_000_000;

/// Most bytes of a list of ignored files.
const IGNORED_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// How often a file may have been renamed.
const RENAMES_MAX: usize = 64;

/// A directory with a history.
#[derive(Clone, Debug)]
pub(crate) struct Repo {
    folder: PathBuf,
}

/// Who changed something, when, and what they said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Commit {
    pub(crate) at_us: u64,
    pub(crate) author: String,
    pub(crate) summary: String,
}

/// One state of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Past {
    /// Where the file was then.
    pub(crate) path: String,
    /// The object with its bytes.
    pub(crate) blob: String,
    /// Its number in [`Log::commits`].
    pub(crate) commit: usize,
}

/// All that happened to the pages of a plan.
#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(crate) commits: Vec<Commit>,
    /// For each page of the plan, by its number, the newest state first.
    pub(crate) pasts: BTreeMap<usize, Vec<Past>>,
    /// From earlier paths to later ones.
    pub(crate) renames: BTreeMap<String, String>,
    /// The beginning of the history did not fit.
    pub(crate) is_cut: bool,
}

/// A change of a file, as git tells it.
#[derive(Debug)]
struct Entry {
    commit: usize,
    path: String,
    /// Where it was before, if this is a rename.
    before: Option<String>,
    blob: String,
}

/// The repository that a directory belongs to, if it has commits.
///
/// # Errors
/// There is one, and `git` is missing or refuses it.
pub(crate) fn find(folder: &Path) -> Result<Option<Repo>, Failure> {
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    if !folder.ancestors().any(|around| around.join(".git").exists()) {
        return Ok(None);
    }
    let repo = Repo { folder };
    let output = repo.git(&["rev-parse", "--show-toplevel"]).stderr(Stdio::piped()).output();
    let shown = repo.folder.display();
    match output {
        Ok(output) if output.status.success() => {}
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            let said = said.lines().next().unwrap_or("no reason given").to_owned();
            let advice = "--no-history imports the files alone";
            return Err(Failure::Refused(format!("git cannot read the history of {shown}: {said}; {advice}")));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let advice = "install it, or import the files alone with --no-history";
            return Err(Failure::Refused(format!(
                "{shown} has a git history and the program git is missing: {advice}"
            )));
        }
        Err(error) => return Err(Failure::File("run git".to_owned(), error)),
    }
    let head = repo.git(&["rev-parse", "--verify", "--quiet", "HEAD"]).stdout(Stdio::null()).status();
    let has_commits = head.map_err(|error| Failure::File("run git".to_owned(), error))?.success();
    Ok(has_commits.then_some(repo))
}

impl Repo {
    fn git(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("git");
        command.args(["--no-pager", "-c", "core.fsmonitor=false", "-c", "log.showSignature=false"]);
        command.arg("-C").arg(&self.folder).args(arguments);
        for other in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_EXTERNAL_DIFF"] {
            command.env_remove(other);
        }
        command.env("GIT_OPTIONAL_LOCKS", "0").env("GIT_NO_LAZY_FETCH", "1").env("GIT_TERMINAL_PROMPT", "0");
        command.env("LC_ALL", "C").stdin(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// Paths in the directory that git is told to ignore. None where the directory itself is: then it is wanted all the
    /// same.
    ///
    /// # Errors
    /// `git` fails.
    pub(crate) fn ignored(&self) -> Result<BTreeSet<String>, Failure> {
        let arguments = ["ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory"];
        let mut running = Running::start(self.git(&arguments))?;
        let mut bytes = Vec::new();
        running.output()?.take(IGNORED_BYTES_MAX).read_to_end(&mut bytes).map_err(failed)?;
        running.end()?;
        let paths = bytes.split(|byte| *byte == 0).filter_map(|path| std::str::from_utf8(path).ok());
        let paths: BTreeSet<String> =
            paths.map(|path| path.trim_end_matches('/').to_owned()).filter(|path| !path.is_empty()).collect();
        Ok(if paths.contains(".") { BTreeSet::new() } else { paths })
    }

    /// What happened to the plan's pages.
    ///
    /// # Errors
    /// `git` fails, or says what it never says.
    pub(crate) fn log(&self, plan: &Plan, now_us: u64) -> Result<Log, Failure> {
        let mut running = Running::start(self.git(&[
            "log",
            "-z",
            "-c",
            "-M",
            "--raw",
            "--no-abbrev",
            "--relative",
            "--date-order",
            "--no-color",
            "--no-ext-diff",
            "--no-textconv",
            "--encoding=UTF-8",
            "--format=%x01%at%x00%aN%x00%s",
            "--",
            ".",
        ]))?;
        let log = Log::read(running.output()?, plan, now_us)?;
        if !log.is_cut {
            running.end()?;
        }
        Ok(log)
    }

    /// Reads texts.
    ///
    /// # Errors
    /// `git` cannot be started.
    pub(crate) fn blobs(&self) -> Result<Blobs, Failure> {
        let mut command = self.git(&["cat-file", "--batch"]);
        command.stdin(Stdio::piped());
        let mut running = Running::start(command)?;
        let questions = running.child.stdin.take();
        let answers = running.output()?;
        Ok(Blobs { questions, answers, _running: running })
    }
}

fn failed(error: io::Error) -> Failure {
    Failure::File("read what git says".to_owned(), error)
}

fn strange() -> Failure {
    failed(io::Error::new(io::ErrorKind::InvalidData, "not in the form that it has"))
}

/// A `git` that is ended with its owner.
struct Running {
    child: Child,
}

impl Running {
    fn start(mut command: Command) -> Result<Running, Failure> {
        let child = command.stdout(Stdio::piped()).spawn();
        Ok(Running { child: child.map_err(|error| Failure::File("run git".to_owned(), error))? })
    }

    fn output(&mut self) -> Result<BufReader<ChildStdout>, Failure> {
        self.child.stdout.take().map(BufReader::new).ok_or_else(strange)
    }

    fn end(&mut self) -> Result<(), Failure> {
        let status = self.child.wait().map_err(failed)?;
        if status.success() { Ok(()) } else { Err(Failure::Refused(format!("git ended with {status}"))) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The changes of Markdown files, the newest first; commits go to the log.
fn read_entries(mut from: impl BufRead, now_us: u64, log: &mut Log) -> Result<Vec<Entry>, Failure> {
    let mut entries = Vec::new();
    while let Some(field) = read_field(&mut from)? {
        let mut next = || read_field(&mut from)?.ok_or_else(strange);
        let field = field.trim_start_matches('\n');
        if let Some(at) = field.strip_prefix('\u{1}') {
            let secs: u64 = at.parse::<i64>().unwrap_or(0).try_into().unwrap_or(0);
            // A clock that was wrong would keep its changes at the top of all lists for years.
            let at_us = secs.saturating_mul(1_000_000).min(now_us);
            log.commits.push(Commit { at_us, author: next()?, summary: next()? });
        } else if let Some(change) = field.strip_prefix(':') {
            let change = Change::read(change).ok_or_else(strange)?;
            let before = if change.is_rename { Some(next()?) } else { None };
            let path = next()?;
            let is_ours = is_markdown(&path) || before.as_deref().is_some_and(is_markdown);
            if !change.is_file || !is_ours {
                continue;
            }
            if entries.len() >= ENTRIES_MAX {
                log.is_cut = true;
                break;
            }
            let commit = log.commits.len().checked_sub(1).ok_or_else(strange)?;
            entries.push(Entry { commit, path, before, blob: change.blob });
        } else if !field.is_empty() {
            return Err(strange());
        }
    }
    Ok(entries)
}

/// Bytes up to the next NUL.
fn read_field(from: &mut impl BufRead) -> Result<Option<String>, Failure> {
    let mut bytes = Vec::new();
    let read = from.take(FIELD_BYTES_MAX).read_until(0, &mut bytes).map_err(failed)?;
    if read == 0 {
        return Ok(None);
    }
    if bytes.pop() != Some(0) {
        return Err(strange());
    }
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

/// The beginning of one line of `--raw`, behind its first colon: modes, objects and a status. For a merge there is one
/// mode, object and letter for each parent.
struct Change {
    blob: String,
    is_rename: bool,
    /// There is a file afterwards, and something about it is new.
    is_file: bool,
}

impl Change {
    fn read(text: &str) -> Option<Change> {
        let parents = 1 + text.chars().take_while(|c| *c == ':').count();
        let parts: Vec<&str> = text.trim_start_matches(':').split(' ').collect();
        let [mode, blob, old, status] =
            [parents, 2 * parents + 1, parents + 1, 2 * parents + 2].map(|at| parts.get(at));
        let (mode, blob, old, status) = (*mode?, *blob?, *old?, *status?);
        let is_rename = parents == 1 && status.starts_with('R');
        let is_new = parents > 1 || is_rename || old != blob;
        let is_file = mode.starts_with("100") && is_new && !blob.bytes().all(|digit| digit == b'0');
        Some(Change { blob: blob.to_owned(), is_rename, is_file })
    }
}

impl Log {
    /// What `git log` says of the plan's pages.
    ///
    /// # Errors
    /// It is not in the form that it has.
    pub(crate) fn read(from: impl BufRead, plan: &Plan, now_us: u64) -> Result<Log, Failure> {
        let mut log = Log::default();
        let entries = read_entries(from, now_us, &mut log)?;
        log.follow(plan, entries);
        Ok(log)
    }

    /// Goes back in time and gives each change to the page that its file is today.
    fn follow(&mut self, plan: &Plan, entries: Vec<Entry>) {
        let later = |entry: &Entry| Some((entry.before.clone()?, entry.path.clone()));
        // The newest rename of a path wins.
        self.renames = entries.iter().rev().filter_map(later).collect();
        let mut live: BTreeMap<String, usize> =
            plan.pages.iter().enumerate().map(|(at, page)| (page.path.clone(), at)).collect();
        for entry in entries {
            let Some(page) = self.page_of(&live, &entry.path) else { continue };
            if let Some(before) = entry.before {
                live.remove(&entry.path);
                live.entry(before).or_insert(page);
            }
            let past = Past { path: entry.path, blob: entry.blob, commit: entry.commit };
            self.pasts.entry(page).or_default().push(past);
        }
    }

    /// The page of a path. On a branch a file may have kept the name that it had lost on another one.
    fn page_of(&self, live: &BTreeMap<String, usize>, path: &str) -> Option<usize> {
        let later = std::iter::successors(Some(path), |path| self.renames.get(*path).map(String::as_str));
        later.take(RENAMES_MAX).find_map(|path| live.get(path).copied())
    }
}

/// Reads one object after the other.
pub(crate) struct Blobs {
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    _running: Running,
}

impl Blobs {
    /// The bytes of an object; `None` if it has more than `bytes_max`, or is missing.
    ///
    /// # Errors
    /// `git` says what it never says.
    pub(crate) fn read(&mut self, blob: &str, bytes_max: u64) -> Result<Option<Vec<u8>>, Failure> {
        let questions = self.questions.as_mut().ok_or_else(strange)?;
        questions.write_all(format!("{blob}\n").as_bytes()).and_then(|()| questions.flush()).map_err(failed)?;
        read_object(&mut self.answers, bytes_max)
    }
}

/// An object as `git cat-file --batch` gives it; `None` if it has more than `bytes_max`, or is missing.
pub(crate) fn read_object(from: &mut impl BufRead, bytes_max: u64) -> Result<Option<Vec<u8>>, Failure> {
    let mut line = String::new();
    from.take(FIELD_BYTES_MAX).read_line(&mut line).map_err(failed)?;
    let mut words = line.split_whitespace().skip(1);
    let size: u64 = match (words.next(), words.next()) {
        (Some("missing"), _) => return Ok(None),
        (Some(_), Some(size)) => size.parse().map_err(|_| strange())?,
        _ => return Err(strange()),
    };
    let mut rest = from.take(size.saturating_add(1));
    if size > bytes_max {
        io::copy(&mut rest, &mut io::sink()).map_err(failed)?;
        return Ok(None);
    }
    let mut bytes = Vec::new();
    rest.read_to_end(&mut bytes).map_err(failed)?;
    if bytes.pop() != Some(b'\n') || u64::try_from(bytes.len()).ok() != Some(size) {
        return Err(strange());
    }
    Ok(Some(bytes))
}
