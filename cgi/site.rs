//! The whole site as one handler: [`Site`] sends each request to the part that has its route. Errors that no visitor
//! caused become a line for the operator.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use blerg_api::{Api, Written};
use blerg_feed::Feeds;
use blerg_http::{Handler, Plan, Request, Response};
use blerg_store::Store;
use blerg_wiki::Wiki;

use crate::error::{chain, data_advice, visible};
use crate::setup::{Setup, now_us};

/// The same fault is told at most once in this time, so that a full disk does not fill the log as well.
const REPEAT_US: u64 = 10_000_000;

/// What a program serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The API alone.
    Api,
    /// Feeds alone.
    Feeds,
    /// The wiki alone.
    Wiki,
    /// The whole site, by route.
    Whole,
}

/// Tells whoever works after answers that there is something to do.
pub type Wake = Box<dyn Fn(&Store) + Send + Sync>;

/// The parts of a site behind one handler.
pub struct Site {
    part: Part,
    api: Api,
    feeds: Feeds,
    wiki: Wiki,
}

impl Site {
    /// A site over a store; faults go to standard error, which is the web server's log.
    #[must_use]
    /// With a hub, new records become jobs, and `wake` is called.
    pub fn new(store: &Arc<Store>, part: Part, setup: &Setup, wake: Wake) -> Site {
        let hub = setup.hub();
        let told_us = AtomicU64::new(0);
        let data = store.dir().to_owned();
        let report: Arc<dyn Fn(&blerg_store::Error) + Send + Sync> = Arc::new(move |error: &blerg_store::Error| {
            let now_us = now_us();
            if error.is_recovering() || now_us.saturating_sub(told_us.swap(now_us, Ordering::Relaxed)) < REPEAT_US {
                return;
            }
            log(&chain(error));
            if let Some(advice) = data_advice(&data, error) {
                log(&advice);
            }
        });
        let (of_feeds, of_wiki) = (Arc::clone(&report), Arc::clone(&report));
        let mut api = Api::new(Arc::clone(store), Box::new(move |error| report(error)));
        if hub.is_some() {
            let store = Arc::clone(store);
            api = api.telling(Box::new(move |written| tell(&store, &wake, written)));
        }
        let feeds = Feeds::new(Arc::clone(store), hub, Box::new(move |error| of_feeds(error)));
        let wiki = Wiki::new(Arc::clone(store), setup.wiki_options(), Box::new(move |error| of_wiki(error)));
        Site { part, api, feeds, wiki }
    }

    /// Who has the route.
    fn handler(&self, request: &Request) -> &dyn Handler {
        match self.part {
            Part::Feeds => &self.feeds,
            Part::Wiki => &self.wiki,
            Part::Whole if blerg_feed::has(&request.path) => &self.feeds,
            Part::Whole if blerg_wiki::has(&request.path) => &self.wiki,
            Part::Api | Part::Whole => &self.api,
        }
    }
}

impl Handler for Site {
    fn plan(&self, head: &Request) -> Plan {
        self.handler(head).plan(head)
    }

    fn handle(&self, request: &Request) -> Response {
        self.handler(request).handle(request)
    }
}

/// Asks for the hub to be told. The record is durable and stays, whatever becomes of this.
fn tell(store: &Store, wake: &Wake, written: &Written<'_>) {
    match store.add_jobs(written.now_us, &blerg_feed::topics(written.author, written.text)) {
        Ok(()) => wake(store),
        Err(error) => log(&format!("jobs: {}", chain(&error))),
    }
}

/// One line for the operator; where it can't be written nothing can be done about it.
pub(crate) fn log(line: &str) {
    let _ = writeln!(std::io::stderr(), "blerg: {}", visible(line));
}
