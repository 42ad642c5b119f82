//! A wiki whose clock is the test's, and requests to it as a front end makes them. Start at [`Site`].

use std::borrow::Cow;
use std::cell::Cell;
use std::sync::{Arc, Mutex};

use blerg_http::{Body, Front, Handler, Headers, Incoming, Request};
use blerg_store::{
    Argon2Cost, Backend, ClientInfo, Durability, Limits, NewAccount, Recovery, Registration, Role, Settings, Store,
    WikiSettings,
};
use blerg_wiki::{Options, Wiki};
use tempfile::TempDir;

pub const PASSWORD: &str = "correct horse";

fn random(buffer: &mut [u8]) {
    thread_local! { static STATE: Cell<u64> = const { Cell::new(7) }; }
    for chunk in buffer.chunks_mut(8) {
        let state = STATE.get().wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        STATE.set(state);
        chunk.copy_from_slice(&(state >> 7).to_le_bytes()[..chunk.len()]);
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

pub struct Site {
    pub wiki: Wiki,
    pub store: Arc<Store>,
    pub now_us: Cell<u64>,
    pub faults: Arc<Mutex<Vec<String>>>,
    pub dir: TempDir,
}

/// A request, as a test writes it.
#[derive(Clone, Debug, Default)]
pub struct Ask {
    pub method: &'static str,
    pub target: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    pub script_name: &'static str,
}

/// An answer, sealed as a front end writes it.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// Whether the body holds this.
    #[track_caller]
    pub fn has(&self, wanted: &str) -> &Reply {
        assert!(self.text().contains(wanted), "no {wanted:?} in {} {}", self.status, self.text());
        self
    }

    #[track_caller]
    pub fn has_not(&self, unwanted: &str) -> &Reply {
        assert!(!self.text().contains(unwanted), "{unwanted:?} in {} {}", self.status, self.text());
        self
    }

    #[track_caller]
    pub fn is(&self, status: u16) -> &Reply {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        self
    }

    /// Where a redirect leads, without scheme and host.
    #[track_caller]
    pub fn leads_to(&self, status: u16, path: &str) {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        assert_eq!(self.header("Location"), Some(format!("http://example.org{path}").as_str()));
    }

    /// The value of the first input of this name.
    pub fn input(&self, name: &str) -> String {
        let mark = format!("name=\"{name}\" value=\"");
        let (_, rest) = self.text().split_once(&mark).unwrap_or_else(|| panic!("no {name} in {}", self.text()));
        rest.split('"').next().unwrap().to_owned()
    }

    /// What stands in the textarea of the form, unescaped.
    pub fn typed(&self) -> String {
        let (_, rest) = self.text().split_once("name=\"text\"").unwrap_or_else(|| panic!("no text in {}", self.text()));
        let (_, rest) = rest.split_once(">\n").unwrap();
        let text = rest.split("</textarea>").next().unwrap();
        text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
    }
}

impl Site {
    pub fn new() -> Site {
        Site::with(settings())
    }

    pub fn with(settings: Settings) -> Site {
        let dir = tempfile::tempdir().unwrap();
        Site::at(dir, settings)
    }

    /// Over a directory that may hold a site already.
    pub fn at(dir: TempDir, settings: Settings) -> Site {
        let store = Arc::new(Store::new(dir.path().join("data"), settings));
        let faults = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&faults);
        let options = Options { name: "Test wiki".to_owned(), language: "en".to_owned() };
        let report = Box::new(move |error: &blerg_store::Error| told.lock().unwrap().push(error.to_string()));
        let wiki = Wiki::new(Arc::clone(&store), options, report);
        Site { wiki, store, now_us: Cell::new(1_700_000_000_000_000), faults, dir }
    }

    /// The same data under other settings.
    pub fn again(self, settings: Settings) -> Site {
        let Site { dir, now_us, wiki, store, .. } = self;
        drop((wiki, store));
        let site = Site::at(dir, settings);
        site.now_us.set(now_us.get());
        site
    }

    pub fn request(&self, ask: &Ask) -> Request {
        let mut headers = Headers::default();
        assert!(headers.push(b"Host", b"example.org"));
        for (name, value) in &ask.headers {
            assert!(headers.push(name.as_bytes(), value.as_bytes()));
        }
        let incoming = Incoming {
            method: ask.method.as_bytes(),
            target: Some(ask.target.as_bytes()),
            script_name: ask.script_name.as_bytes(),
            remote: Some([192, 0, 2, 1].into()),
            headers,
            ..Incoming::default()
        };
        let mut request = Front::default().accept(incoming, self.now_us.get()).unwrap();
        request.body.clone_from(&ask.body);
        request
    }

    /// Sends a request a second after the last one.
    pub fn send(&self, ask: &Ask) -> Reply {
        self.now_us.set(self.now_us.get() + 1_000_000);
        let request = self.request(ask);
        let sealed = self.wiki.handle(&request).seal(request.method);
        let body = match sealed.body {
            Body::Bytes(bytes) => bytes,
            Body::Stream(pieces) => pieces.flat_map(|piece| piece.unwrap()).collect(),
        };
        let own = |(name, value): (&str, Cow<'_, str>)| (name.to_owned(), value.into_owned());
        Reply { status: sealed.status, headers: sealed.headers.into_iter().map(own).collect(), body }
    }

    /// Somebody without an account.
    pub fn guest(&self) -> Visitor<'_> {
        Visitor { site: self, token: None }
    }

    /// Signs a user up and in.
    pub fn join(&self, name: &str) -> Visitor<'_> {
        let now_us = self.now_us.get();
        let new = NewAccount { name, password: PASSWORD.as_bytes(), invite: None, remote: None };
        self.store.create_account(now_us, &new).unwrap();
        self.log_in(name)
    }

    pub fn log_in(&self, name: &str) -> Visitor<'_> {
        let client = ClientInfo { remote: None, agent: None };
        let token = self.store.login(self.now_us.get(), name, PASSWORD.as_bytes(), &client).unwrap();
        Visitor { site: self, token: Some(token.to_string()) }
    }

    /// Signs an administrator up and in.
    pub fn admin(&self, name: &str) -> Visitor<'_> {
        self.join(name);
        self.store.set_role(name, Role::Admin).unwrap();
        self.log_in(name)
    }

    #[track_caller]
    pub fn has_no_fault(&self) {
        assert_eq!(*self.faults.lock().unwrap(), Vec::<String>::new());
    }
}

/// Somebody who looks at the wiki.
pub struct Visitor<'s> {
    pub site: &'s Site,
    pub token: Option<String>,
}

impl Visitor<'_> {
    pub fn ask(&self, method: &'static str, target: &str) -> Ask {
        let cookie = self.token.iter().map(|token| ("Cookie", format!("auth={token}")));
        Ask { method, target: target.to_owned(), headers: cookie.collect(), ..Ask::default() }
    }

    pub fn get(&self, target: &str) -> Reply {
        self.site.send(&self.ask("GET", target))
    }

    pub fn post(&self, target: &str, fields: &[(&str, &str)]) -> Reply {
        let pairs: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
        let ask = Ask { body: pairs.join("&").into_bytes(), ..self.ask("POST", target) };
        self.site.send(&ask)
    }

    /// A form with files: name, file name, bytes.
    pub fn upload(&self, target: &str, fields: &[(&str, &str)], files: &[(&str, &[u8])]) -> Reply {
        let mut body = Vec::new();
        for (name, value) in fields {
            body.extend(format!("--XX\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").bytes());
        }
        for (name, bytes) in files {
            let head = format!("--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n");
            body.extend(head.bytes());
            body.extend_from_slice(bytes);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--XX--\r\n");
        let mut ask = Ask { body, ..self.ask("POST", target) };
        ask.headers.push(("Content-Type", "multipart/form-data; boundary=XX".to_owned()));
        self.site.send(&ask)
    }

    /// Saves a text whatever stands there now.
    #[track_caller]
    pub fn write(&self, page: &str, text: &str) {
        let form = self.get(&format!("/wiki/{page}?action=edit"));
        let base = form.input("base");
        let mut fields = vec![("text", text), ("base", base.as_str()), ("save", "1")];
        if form.text().contains("name=\"redirect\"") {
            fields.push(("redirect", "1"));
        }
        let reply = self.post(&format!("/wiki/{page}"), &fields);
        reply.is(303);
    }

    /// The page's source.
    #[track_caller]
    pub fn source(&self, page: &str) -> String {
        let reply = self.get(&format!("/wiki/{page}?action=raw"));
        reply.is(200).text().to_owned()
    }
}

/// All that has a meaning in a form.
pub fn encode(text: &str) -> String {
    text.bytes()
        .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}
