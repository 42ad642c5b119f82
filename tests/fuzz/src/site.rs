//! A small site that is only read, and what others build stores with. Start at [`with`]. Its clock and its random numbers are
//! always the same, so that an input always finds the same site.

use std::cell::Cell;
use std::fmt::Write as _;
use std::fs;
use std::sync::{Arc, Mutex};

use blerg_api::Api;
use blerg_feed::Feeds;
use blerg_http::{Body, Front, Handler, Headers, Incoming, Method, Request};
use blerg_log::{Identity, Log, RealDisk};
use blerg_store::{
    Argon2Cost, Backend, ClientInfo, Durability, ImportFormat, ImportOptions, Limits, NewAccount, Recovery,
    Registration, Settings, Store, TagSpan, WikiSettings,
};
use blerg_wiki::{Options, Wiki};
use tempfile::TempDir;

pub(crate) const NOW_US: u64 = 1_700_000_000_000_000;

fn random(buffer: &mut [u8]) {
    thread_local! { static STATE: Cell<u64> = const { Cell::new(7) }; }
    for chunk in buffer.chunks_mut(8) {
        let state = STATE.get().wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        STATE.set(state);
        chunk.copy_from_slice(&(state >> 7).to_le_bytes()[..chunk.len()]);
    }
}

/// The cheapest settings with which everything still goes its way.
pub(crate) fn settings() -> Settings {
    Settings {
        durability: Some(Durability::None),
        backend: Backend::Pread,
        recovery: Recovery::Inline,
        argon2: Argon2Cost { memory_kib: 8, passes: 1, lanes: 1 },
        password_min: 8,
        registration: Registration::Open,
        limits: Limits::OFF,
        allow_network_fs: true,
        hash_wait_ms: 10_000,
        wiki: WikiSettings::default(),
        random,
    }
}

/// A place for a store; the fuzzer is told of one in memory.
pub(crate) fn directory() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// The folder of a site in which nothing is yet: a small log, and databases with their tables. A copy of one that was made once.
pub(crate) fn empty() -> TempDir {
    thread_local! { static EMPTY: TempDir = make_empty(); }
    let dir = directory();
    fs::create_dir(dir.path().join("log")).expect("a new folder");
    EMPTY.with(|empty| {
        for name in ["FORMAT", "log/0000000000000000.seg", "site.db", "search.db"] {
            fs::copy(empty.path().join(name), dir.path().join(name)).expect("a file that was made");
        }
    });
    dir
}

fn make_empty() -> TempDir {
    let dir = directory();
    let identity = Identity { site_id: [1; 16], hash_key: [2; 16], durability: Durability::None };
    Log::create_tiny(dir.path(), &identity, Arc::new(RealDisk)).expect("an empty folder");
    let store = Store::new(dir.path(), settings());
    store.dump(&mut std::io::sink(), &mut |_| {}).expect("a new site");
    let options = ImportOptions { format: ImportFormat::JsonLines, author: None, find_tags, now_us: NOW_US };
    store.import(&mut &b""[..], &options, &mut |_| {}).1.expect("nothing at all");
    store.close().expect("a new site");
    dir
}

pub(crate) fn find_tags(text: &str) -> Vec<TagSpan> {
    let span = |span: &blerg_markup::Span| {
        Some(TagSpan { start: u16::try_from(span.start).ok()?, len: u8::try_from(span.len).ok()? })
    };
    blerg_markup::tags(text).iter().filter_map(span).collect()
}

/// A site with a few authors, records and pages.
pub(crate) struct Site {
    pub(crate) store: Arc<Store>,
    api: Api,
    feeds: Feeds,
    wiki: Wiki,
    faults: Arc<Mutex<Vec<String>>>,
    token: String,
    _dir: TempDir,
}

/// An answer, sealed as a front end writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

/// Lends this thread's site.
pub(crate) fn with<T>(work: impl FnOnce(&Site) -> T) -> T {
    thread_local! { static SITE: Site = Site::new(); }
    SITE.with(work)
}

impl Site {
    pub(crate) fn new() -> Site {
        let dir = empty();
        let store = Arc::new(Store::new(dir.path(), settings()));
        let faults = Arc::new(Mutex::new(Vec::new()));
        let report = |faults: &Arc<Mutex<Vec<String>>>| {
            let faults = Arc::clone(faults);
            Box::new(move |error: &blerg_store::Error| faults.lock().expect("not poisoned").push(format!("{error:?}")))
        };
        let api = Api::new(Arc::clone(&store), report(&faults));
        let feeds = Feeds::new(Arc::clone(&store), Some("http://hub.example/".to_owned()), report(&faults));
        let options = Options { name: "Wiki".to_owned(), language: "en".to_owned() };
        let wiki = Wiki::new(Arc::clone(&store), options, report(&faults));
        let mut site = Site { store, api, feeds, wiki, faults, token: String::new(), _dir: dir };
        site.fill();
        site
    }

    fn fill(&mut self) {
        let new = NewAccount { name: "Ada", password: b"correct horse", invite: None, remote: None };
        self.store.create_account(NOW_US - 1, &new).expect("an account");
        let client = ClientInfo { remote: None, agent: None };
        let token = self.store.login(NOW_US - 1, "Ada", b"correct horse", &client).expect("a session");
        self.token = token.to_string();
        let mut lines = String::new();
        for n in 0..120_u64 {
            let (author, at) = (["Ada", "jon", "o'brien"][n as usize % 3], 1_000_000_000 + n * 86_400);
            let text = format!("entry {n} of #day{} for @Ada, see [[Home]] été https://a.example/?n={n}", n % 7);
            let _ = writeln!(lines, r#"{{"author":"{author}","timestamp":{at},"text":"{text}"}}"#);
        }
        lines.push_str("{\"author\":\"Ada\",\"follows\":\"jon\"}\n");
        let options = ImportOptions { format: ImportFormat::JsonLines, author: None, find_tags, now_us: NOW_US };
        self.store.import(&mut lines.as_bytes(), &options, &mut |_| {}).1.expect("good lines");
        for (page, text) in [
            ("Home", "# Welcome\n\nSee [[Help]], [[Nowhere]] and #day1.\n\n## More\n\ntext"),
            ("Help", "Help is here: [[Home|back]]"),
            ("Old_help", "#REDIRECT [[Help]]"),
        ] {
            for text in [text.to_owned(), format!("{text}\nlater")] {
                self.write(page, &text);
            }
        }
    }

    fn write(&self, page: &str, text: &str) {
        let form = self.form(page);
        let base = base_in(&form);
        let text: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let of_redirect = if form.contains("name=\"redirect\"") { "&redirect=1" } else { "" };
        let body = format!("text={text}&base={}&save=1{of_redirect}", base.expect("a form"));
        let mut request = self.request(b"POST", format!("/wiki/{page}").as_bytes(), &[]).expect("well formed");
        request.body = body.into_bytes();
        assert_eq!(self.answer(&request).status, 303, "{page}");
    }

    fn form(&self, page: &str) -> String {
        let page: String = page.bytes().map(|byte| format!("%{byte:02X}")).collect();
        String::from_utf8(self.get(&format!("/wiki/{page}?action=edit")).body).expect("text")
    }

    /// Which revision the form of a page is of, as the form says it.
    pub(crate) fn base(&self, page: &str) -> Option<String> {
        base_in(&self.form(page)).map(str::to_owned)
    }

    pub(crate) fn get(&self, target: &str) -> Reply {
        self.answer(&self.request(b"GET", target.as_bytes(), &[]).expect("well formed"))
    }

    /// The request as a front end would make it, by a user who is logged in; `None` where it would refuse it.
    pub(crate) fn request(&self, method: &[u8], target: &[u8], more: &[(&[u8], &[u8])]) -> Option<Request> {
        let mut headers = Headers::default();
        let bearer = format!("Bearer {}", self.token);
        let own: [(&[u8], &[u8]); 2] = [(b"Host", b"example.org"), (b"Authorization", bearer.as_bytes())];
        // Whoever sends a header first is heard.
        if !more.iter().chain(&own).all(|(name, value)| headers.push(name, value)) {
            return None;
        }
        let remote = Some([192, 0, 2, 1].into());
        let incoming = Incoming { method, target: Some(target), remote, headers, ..Incoming::default() };
        Front::default().accept(incoming, NOW_US).ok()
    }

    /// The answer; nothing in it is the operator's fault.
    pub(crate) fn answer(&self, request: &Request) -> Reply {
        let handler: &dyn Handler = match request.path.as_str() {
            path if blerg_feed::has(path) => &self.feeds,
            path if blerg_wiki::has(path) => &self.wiki,
            _ => &self.api,
        };
        let plan = handler.plan(request);
        assert!(plan.body_bytes_max == 0 || request.method == Method::Post);
        let sealed = handler.handle(request).seal(request.method);
        let body = match sealed.body {
            Body::Bytes(bytes) => bytes,
            Body::Stream(pieces) => pieces.flat_map(|piece| piece.expect("a readable log")).collect(),
        };
        let headers = sealed.headers.into_iter().map(|(name, value)| (name.to_owned(), value.into_owned())).collect();
        assert_eq!(*self.faults.lock().expect("not poisoned"), Vec::<String>::new(), "{}", request.path);
        Reply { status: sealed.status, headers, body }
    }
}

fn base_in(form: &str) -> Option<&str> {
    form.split_once("name=\"base\" value=\"").and_then(|(_, rest)| rest.split('"').next())
}
