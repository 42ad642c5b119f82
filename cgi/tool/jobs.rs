//! `blergtool jobs`: what waits to be told to the hub, and doing it now. Start at [`run`].

use serde_json::json;

use super::args::Jobs;
use super::{Answer, Failure, existing_store};
use crate::jobs::work;
use crate::push::Hub;
use crate::setup::{Setup, now_us};

const US_PER_SEC: u64 = 1_000_000;

/// Lists the queue, after doing what the flags say.
pub(crate) fn run(setup: &Setup, jobs: &Jobs) -> Result<Answer, Failure> {
    let store = existing_store(setup)?;
    let mut text = String::new();
    let mut failed = 0;
    if jobs.retry {
        let count = store.retry_jobs(now_us())?;
        text.push_str(&format!("{count} due now\n"));
    }
    if jobs.run {
        let Some(hub) = Hub::new(setup)? else {
            return Err(Failure::Usage("there is no hub: set BLERG_HUB and BLERG_BASE_URL".to_owned()));
        };
        match store.job_turn()? {
            Some(turn) => {
                let round = work(&store, &hub, &turn, &|| true)?;
                failed = round.failed;
                text.push_str(&format!("{} done, {} failed\n", round.done, round.failed));
            }
            None => text.push_str("another process is at work\n"),
        }
    }
    let now_us = now_us();
    let list = store.jobs()?;
    for job in &list {
        let state = match job.due_us.saturating_sub(now_us) {
            _ if job.is_failed => "given up".to_owned(),
            0 => "due".to_owned(),
            wait_us => format!("in {} s", wait_us.div_ceil(US_PER_SEC)),
        };
        let error = job.error.as_deref().map(|error| format!("; {error}")).unwrap_or_default();
        text.push_str(&format!("{}: {state}, tried {} times{error}\n", job.topic, job.attempts));
    }
    if list.is_empty() {
        text.push_str("nothing waits\n");
    }
    let rows = list.iter().map(|job| {
        json!({
            "topic": job.topic, "attempts": job.attempts, "given_up": job.is_failed, "error": job.error,
            "created": job.created_us / US_PER_SEC, "due": job.due_us / US_PER_SEC,
        })
    });
    let is_wrong = failed > 0 || list.iter().any(|job| job.is_failed);
    store.close()?;
    Ok(Answer { is_wrong, ..Answer::new(text, json!({ "jobs": rows.collect::<Vec<_>>() })) })
}
