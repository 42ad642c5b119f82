//! A site whose clock and random numbers are the test's, and requests to it as a front end makes them. Start at [`Site`].

use blerg_api::Api;
use blerg_feed::Feeds;
use blerg_http::{Body, Front, Handler, Headers, Incoming, Request};
use blerg_store::{Argon2Cost, Backend, Durability, Limits, Recovery, Registration, Settings, Store, WikiSettings};
use blerg_wiki::{Options, Wiki};
use std::cell::Cell;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

/// The moment before a site's first request: that of the contract's example.
pub const START_SECS: u64 = 1_294_309_438;

thread_local! {
    static RANDOM: Cell<u64> = const { Cell::new(0) };
}

/// SplitMix64, begun anew by each [`Site`]: a test runs in a thread of its own.
fn random(buffer: &mut [u8]) {
    for chunk in buffer.chunks_mut(8) {
        let state = RANDOM.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        RANDOM.set(state);
        let mut word = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^= word >> 31;
        chunk.copy_from_slice(&word.to_le_bytes()[..chunk.len()]);
    }
}

/// The cheapest settings with which everything still goes its way.
pub fn settings() -> Settings {
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

/// A site and its clock.
pub struct Site {
    pub api: Api,
    pub feeds: Feeds,
    pub wiki: Wiki,
    pub store: Arc<Store>,
    pub now_us: Cell<u64>,
    pub faults: Arc<Mutex<Vec<String>>>,
    front: Front,
    _dir: TempDir,
}

/// A request, as a test writes it.
#[derive(Clone, Debug, Default)]
pub struct Ask<'a> {
    pub method: &'a str,
    pub target: &'a str,
    pub headers: Vec<(&'a str, &'a str)>,
    pub body: &'a [u8],
    pub https: bool,
    pub script_name: &'a str,
}

/// An answer, sealed as a front end writes it.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Reply {
    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {}", self.body))
    }

    /// The failure's word, or nothing.
    pub fn code(&self) -> String {
        let body = self.json();
        body["code"].as_str().unwrap_or_default().to_owned()
    }

    /// The record numbers of a list.
    pub fn records(&self) -> Vec<u64> {
        let body = self.json();
        let list = body.as_array().unwrap_or_else(|| panic!("no list: {}", self.body));
        list.iter().map(|post| post["record"].as_str().expect("a string").parse().expect("a number")).collect()
    }

    /// Where the list goes on.
    pub fn next(&self) -> Option<String> {
        let link = self.header("Link")?;
        Some(link.strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\"")).expect("a link").to_owned())
    }
}

impl Site {
    pub fn new() -> Site {
        Site::with(settings())
    }

    pub fn with(settings: Settings) -> Site {
        RANDOM.set(1);
        let dir = tempfile::tempdir().expect("a temporary folder");
        let store = Arc::new(Store::new(dir.path().join("data"), settings));
        let faults = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&faults);
        let report = Arc::new(move |error: &blerg_store::Error| {
            let mut text = error.to_string();
            let mut source = std::error::Error::source(error);
            while let Some(cause) = source {
                text = format!("{text}: {cause}");
                source = cause.source();
            }
            told.lock().expect("not poisoned").push(text);
        });
        let (of_feeds, of_wiki) = (Arc::clone(&report), Arc::clone(&report));
        let api = Api::new(Arc::clone(&store), Box::new(move |error| report(error)));
        let feeds = Feeds::new(Arc::clone(&store), None, Box::new(move |error| of_feeds(error)));
        let options = Options { name: "Wiki".to_owned(), language: "en".to_owned() };
        let wiki = Wiki::new(Arc::clone(&store), options, Box::new(move |error| of_wiki(error)));
        Site {
            api,
            feeds,
            wiki,
            store,
            now_us: Cell::new(START_SECS * 1_000_000),
            faults,
            front: Front::default(),
            _dir: dir,
        }
    }

    /// Lets time go by.
    pub fn wait(&self, secs: u64) {
        self.now_us.set(self.now_us.get() + secs * 1_000_000);
    }

    /// The request as a front end would make it.
    pub fn request(&self, ask: &Ask<'_>) -> Request {
        self.try_request(ask).expect("a well-formed request")
    }

    /// The request, unless a front end would refuse it.
    pub fn try_request(&self, ask: &Ask<'_>) -> Option<Request> {
        let mut headers = Headers::default();
        for (name, value) in [("Host", "example.org")].iter().chain(&ask.headers) {
            assert!(headers.push(name.as_bytes(), value.as_bytes()), "header limits");
        }
        let incoming = Incoming {
            method: ask.method.as_bytes(),
            target: Some(ask.target.as_bytes()),
            script_name: ask.script_name.as_bytes(),
            https: ask.https,
            remote: Some([192, 0, 2, 1].into()),
            headers,
            ..Incoming::default()
        };
        let mut request = self.front.accept(incoming, self.now_us.get()).ok()?;
        request.body = ask.body.to_vec();
        Some(request)
    }

    /// Sends a request a second after the last one.
    pub fn send(&self, ask: &Ask<'_>) -> Reply {
        self.wait(1);
        let request = self.request(ask);
        let handler: &dyn Handler = match request.path.as_str() {
            path if blerg_feed::has(path) => &self.feeds,
            path if blerg_wiki::has(path) => &self.wiki,
            _ => &self.api,
        };
        let sealed = handler.handle(&request).seal(request.method);
        let body = match sealed.body {
            Body::Bytes(bytes) => bytes,
            Body::Stream(pieces) => pieces.flat_map(|piece| piece.expect("a readable log")).collect(),
        };
        let own = |(name, value): (&str, std::borrow::Cow<'_, str>)| (name.to_owned(), value.into_owned());
        Reply {
            status: sealed.status,
            headers: sealed.headers.into_iter().map(own).collect(),
            body: String::from_utf8(body).expect("answers are UTF-8"),
        }
    }

    pub fn get(&self, target: &str) -> Reply {
        self.send(&Ask { method: "GET", target, ..Ask::default() })
    }

    pub fn post(&self, target: &str, body: &str) -> Reply {
        self.send(&Ask { method: "POST", target, body: body.as_bytes(), ..Ask::default() })
    }

    /// Signs a user up and in: the token.
    #[track_caller]
    pub fn join(&self, name: &str) -> User<'_> {
        let form = format!("username={}&password=correct+horse", name.replace(' ', "+"));
        assert_eq!(self.post("/create", &form).json()["status"], "success", "{name}");
        User { site: self, token: self.login(&form) }
    }

    /// Signs in.
    #[track_caller]
    pub fn login(&self, form: &str) -> String {
        let reply = self.post("/login", form);
        assert_eq!(reply.body, r#"{"status":"success"}"#);
        let cookie = reply.header("Set-Cookie").expect("a cookie");
        cookie.split(['=', ';']).nth(1).expect("a token").to_owned()
    }
}

/// A user who is logged in.
pub struct User<'s> {
    pub site: &'s Site,
    pub token: String,
}

impl User<'_> {
    /// The pieces in which an answer leaves, each as long as it is held in memory.
    pub fn pieces(&self, target: &str) -> Vec<Vec<u8>> {
        let cookie = format!("auth={}", self.token);
        let ask = Ask { method: "GET", target, headers: vec![("Cookie", &cookie)], ..Ask::default() };
        let request = self.site.request(&ask);
        match self.site.api.handle(&request).seal(request.method).body {
            Body::Bytes(bytes) => vec![bytes],
            Body::Stream(pieces) => pieces.map(|piece| piece.expect("a readable log")).collect(),
        }
    }

    pub fn get(&self, target: &str) -> Reply {
        let cookie = format!("auth={}", self.token);
        self.site.send(&Ask { method: "GET", target, headers: vec![("Cookie", &cookie)], ..Ask::default() })
    }

    pub fn post(&self, target: &str, body: &str) -> Reply {
        let (cookie, body) = (format!("auth={}", self.token), body.as_bytes());
        self.site.send(&Ask { method: "POST", target, headers: vec![("Cookie", &cookie)], body, ..Ask::default() })
    }

    /// POSTs what has to succeed.
    #[track_caller]
    pub fn done(&self, target: &str, body: &str) {
        let reply = self.post(target, body);
        assert_eq!((reply.status, reply.body.as_str()), (200, r#"{"status":"success"}"#), "{target} {body}");
    }

    /// Puts a record: its number.
    #[track_caller]
    pub fn put(&self, text: &str) -> u64 {
        self.put_with(text, "")
    }

    /// Puts a record with more parameters: its number.
    #[track_caller]
    pub fn put_with(&self, text: &str, more: &str) -> u64 {
        let reply = self.post("/put", &format!("data={}{more}", encode(text.as_bytes())));
        assert_eq!(reply.status, 200);
        let body = reply.json();
        assert_eq!(body["status"], "success", "{}", reply.body);
        body["record"].as_str().expect("a string").parse().expect("a number")
    }
}

/// Every byte as `%XX`.
pub fn encode(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("%{byte:02X}")).collect()
}
