//! Work that is done after an answer: telling a hub that a feed has news. Start at [`Store::add_jobs`]; whoever works is
//! the [`JobTurn`], one at a time across all processes, and takes one job after the other with [`Store::take_job`].
//!
//! The queue is `jobs.db`, a file of its own that is not synced: a power cut may cost a ping, but no put waits for it.
//! A topic stands in it once, however often it is asked for. A job that is taken is leased: it comes back by itself when
//! its worker dies. What a topic is, and how a job is done, is the caller's business.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;

use rusqlite::{OptionalExtension as _, Row, params};
use rustix::fs::{FlockOperation, flock};

use crate::db::{Checkpoints, Db, Layout, Syncing};
use crate::ready::NO_LINK;
use crate::{Error, Recovery, Store, lock};

/// The file.
pub(crate) const JOBS: Layout = Layout {
    file: "jobs.db",
    application_id: 0x424c_524a,
    migrations: &["
CREATE TABLE job (
    id INTEGER PRIMARY KEY,
    topic TEXT NOT NULL UNIQUE,
    wanted INTEGER NOT NULL DEFAULT 1,
    attempts INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0 CHECK (failed BETWEEN 0 AND 1),
    created_us INTEGER NOT NULL,
    due_us INTEGER NOT NULL,
    error TEXT
) STRICT;
CREATE INDEX job_due ON job (due_us, id) WHERE failed = 0;
"],
};

/// The file whose kernel lock is the right to work.
const TURN_FILE: &str = "jobs.lock";

/// Most topics in the queue; beyond it news are not told, and readers find them when they ask.
pub const JOBS_MAX: u64 = 10_000;

/// A taken job that was neither finished nor failed is anybody's after this time: its worker is dead.
pub const JOB_LEASE_US: u64 = 120_000_000;

/// A job that failed this often is given up, and shown to the operator.
pub const JOB_ATTEMPTS_MAX: u32 = 9;

/// The wait after the first failure; it grows fourfold each time, up to [`JOB_WAIT_MAX_US`].
pub const JOB_WAIT_US: u64 = 30_000_000;

/// The longest wait.
pub const JOB_WAIT_MAX_US: u64 = 24 * 3_600_000_000;

/// Most bytes of an error's text that are kept.
const ERROR_BYTES_MAX: usize = 500;

/// A topic that is there is wanted once more, and tried anew if it was given up.
const ASK_AGAIN: &str = "UPDATE job SET wanted = wanted + 1, attempts = iif(failed, 0, attempts), \
                         due_us = iif(failed, ?2, due_us), failed = 0 WHERE topic = ?1";

/// A job that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    id: i64,
    wanted: i64,
    /// What it is about.
    pub topic: String,
    /// The how manieth try this is, from 1.
    pub attempts: u32,
}

/// A job as the operator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobView {
    /// What it is about.
    pub topic: String,
    /// How often it was tried.
    pub attempts: u32,
    /// Whether it was given up.
    pub is_failed: bool,
    /// When it was first asked for.
    pub created_us: u64,
    /// When it is tried next; of a job under way, when it would be somebody else's.
    pub due_us: u64,
    /// What went wrong last.
    pub error: Option<String>,
}

/// The right to work, until it is dropped or its process ends.
#[derive(Debug)]
pub struct JobTurn {
    _file: File,
}

impl Store {
    /// Asks for jobs to be done now. One that waits already is not put off, one that was given up is tried again.
    ///
    /// # Errors
    /// The queue cannot be opened or written.
    pub fn add_jobs(&self, now_us: u64, topics: &[String]) -> Result<(), Error> {
        self.jobs_db()?.write("add jobs", |transaction| {
            let count: i64 = transaction.query_row("SELECT count(*) FROM job", (), |row| row.get(0))?;
            let mut room = JOBS_MAX.saturating_sub(u64::try_from(count).unwrap_or(0));
            let mut again = transaction.prepare(ASK_AGAIN)?;
            let mut add = transaction.prepare("INSERT INTO job (topic, created_us, due_us) VALUES (?1, ?2, ?2)")?;
            for topic in topics {
                let is_there = again.execute(params![topic, signed(now_us)])? > 0;
                if !is_there && room > 0 {
                    room -= 1;
                    add.execute(params![topic, signed(now_us)])?;
                }
            }
            Ok(())
        })
    }

    /// The turn to work; `None` while somebody else has it.
    ///
    /// # Errors
    /// The lock's file cannot be made.
    pub fn job_turn(&self) -> Result<Option<JobTurn>, Error> {
        self.log()?;
        let path = self.dir().join(TURN_FILE);
        let mut open = OpenOptions::new();
        open.read(true).write(true).create(true).truncate(false).mode(0o600).custom_flags(NO_LINK);
        let file = open.open(&path).map_err(Error::io(&path, "open"))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(JobTurn { _file: file })),
            Err(rustix::io::Errno::WOULDBLOCK | rustix::io::Errno::INTR) => Ok(None),
            Err(errno) => Err(Error::io(path, "lock")(errno.into())),
        }
    }

    /// Takes the job that has been due longest, for [`JOB_LEASE_US`].
    ///
    /// # Errors
    /// The queue cannot be read or written.
    pub fn take_job(&self, _turn: &JobTurn, now_us: u64) -> Result<Option<Job>, Error> {
        self.jobs_db()?.write("take a job", |transaction| {
            let due = "SELECT id, wanted, topic, attempts FROM job WHERE failed = 0 AND due_us <= ?1 \
                       ORDER BY due_us, id LIMIT 1";
            let Some(mut job) = transaction.query_row(due, [signed(now_us)], job).optional()? else { return Ok(None) };
            job.attempts += 1;
            transaction.execute(
                "UPDATE job SET attempts = ?2, due_us = ?3 WHERE id = ?1",
                params![job.id, job.attempts, signed(now_us.saturating_add(JOB_LEASE_US))],
            )?;
            Ok(Some(job))
        })
    }

    /// The job is done. One that was asked for again meanwhile is due again.
    ///
    /// # Errors
    /// The queue cannot be written.
    pub fn finish_job(&self, now_us: u64, job: &Job) -> Result<(), Error> {
        self.jobs_db()?.write("finish a job", |transaction| {
            let done =
                transaction.execute("DELETE FROM job WHERE id = ?1 AND wanted = ?2", params![job.id, job.wanted])?;
            if done == 0 {
                transaction.execute(
                    "UPDATE job SET attempts = 0, due_us = ?2, error = NULL WHERE id = ?1",
                    params![job.id, signed(now_us)],
                )?;
            }
            Ok(())
        })
    }

    /// The job could not be done: it is tried again later, or given up.
    ///
    /// # Errors
    /// The queue cannot be written.
    pub fn fail_job(&self, now_us: u64, job: &Job, error: &str) -> Result<(), Error> {
        let due_us = now_us.saturating_add(wait_us(job.attempts));
        let is_failed = job.attempts >= JOB_ATTEMPTS_MAX;
        let mut end = error.len().min(ERROR_BYTES_MAX);
        while !error.is_char_boundary(end) {
            end -= 1;
        }
        let text = error.get(..end).unwrap_or_default();
        self.jobs_db()?.write("fail a job", |transaction| {
            transaction
                .execute(
                    "UPDATE job SET due_us = ?2, failed = ?3, error = ?4 WHERE id = ?1",
                    params![job.id, signed(due_us), is_failed, text],
                )
                .map(|_| ())
        })
    }

    /// When the next job is due, whether taken or waiting; `None` if there is none that will be tried.
    ///
    /// # Errors
    /// The queue cannot be read.
    pub fn next_job_us(&self) -> Result<Option<u64>, Error> {
        self.jobs_db()?.read("look for jobs", |connection| {
            let due = "SELECT min(due_us) FROM job WHERE failed = 0";
            Ok(connection.query_row(due, (), |row| row.get::<_, Option<i64>>(0))?.map(unsigned))
        })
    }

    /// All jobs, those first that are due first.
    ///
    /// # Errors
    /// The queue cannot be read.
    pub fn jobs(&self) -> Result<Vec<JobView>, Error> {
        self.jobs_db()?.read("list jobs", |connection| {
            let mut list = connection.prepare(
                "SELECT topic, attempts, failed, created_us, due_us, error FROM job ORDER BY failed, due_us, id",
            )?;
            list.query_map((), view)?.collect()
        })
    }

    /// Makes every job due now, those that were given up too; how many there are.
    ///
    /// # Errors
    /// The queue cannot be written.
    pub fn retry_jobs(&self, now_us: u64) -> Result<u64, Error> {
        self.jobs_db()?.write("retry jobs", |transaction| {
            let again = "UPDATE job SET attempts = 0, failed = 0, due_us = ?1";
            Ok(u64::try_from(transaction.execute(again, [signed(now_us)])?).unwrap_or(u64::MAX))
        })
    }

    /// Whether anything was ever to be told to a hub.
    pub(crate) fn has_jobs(&self) -> bool {
        self.dir().join(JOBS.file).exists()
    }

    /// The queue, opened on first use.
    pub(crate) fn jobs_db(&self) -> Result<&Db, Error> {
        if let Some(db) = self.jobs.get() {
            return Ok(db);
        }
        // The log makes the directory.
        self.log()?;
        let checkpoints = match self.settings().recovery {
            Recovery::Refuse => Checkpoints::WhenGrown,
            Recovery::Inline => Checkpoints::AtClose,
        };
        let _one_at_a_time = lock(&self.opening);
        if let Some(db) = self.jobs.get() {
            return Ok(db);
        }
        let db = Db::open(self.dir(), &JOBS, Syncing::Normal, checkpoints)?;
        Ok(self.jobs.get_or_init(|| db))
    }
}

/// The wait after so many tries.
fn wait_us(attempts: u32) -> u64 {
    let factor = 4_u64.checked_pow(attempts.saturating_sub(1)).unwrap_or(u64::MAX);
    JOB_WAIT_US.saturating_mul(factor).min(JOB_WAIT_MAX_US)
}

fn job(row: &Row<'_>) -> Result<Job, rusqlite::Error> {
    Ok(Job { id: row.get(0)?, wanted: row.get(1)?, topic: row.get(2)?, attempts: row.get(3)? })
}

fn view(row: &Row<'_>) -> Result<JobView, rusqlite::Error> {
    Ok(JobView {
        topic: row.get(0)?,
        attempts: row.get(1)?,
        is_failed: row.get(2)?,
        created_us: unsigned(row.get(3)?),
        due_us: unsigned(row.get(4)?),
        error: row.get(5)?,
    })
}

/// SQLite's integers have a sign; no time of ours comes near it.
fn signed(us: u64) -> i64 {
    i64::try_from(us).unwrap_or(i64::MAX)
}

fn unsigned(us: i64) -> u64 {
    u64::try_from(us).unwrap_or(0)
}

#[cfg(test)]
mod tests;
