//! A WebSub hub on loopback, over HTTP and over HTTPS, is told of news after the answer: from CGI, FastCGI, the embedded
//! server and behind lighttpd. It may be slow or broken; jobs wait for it, and the operator sees them. Start at [`Hub`].

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::super::front::{Kind, Way};
use super::super::http::Ask;
use super::super::site::{PATIENCE, Site, hand_over, wait_until};
use super::done;

/// The public root that the sites under test are said to have.
const BASE: &str = "https://b.example/";

#[derive(Debug, Default)]
struct State {
    /// The addresses that it was told of.
    told: Mutex<Vec<String>>,
    status: AtomicU16,
    wait_ms: AtomicU64,
    /// Requests under way, and the most that ever were.
    now: AtomicUsize,
    most: AtomicUsize,
    is_over: AtomicBool,
    /// Clients keep connections open for later.
    streams: Mutex<Vec<TcpStream>>,
}

/// A hub that notes what it is told.
#[derive(Debug)]
struct Hub {
    state: Arc<State>,
    address: SocketAddr,
    thread: Option<JoinHandle<()>>,
}

impl Hub {
    fn start(tls: Option<Arc<ServerConfig>>) -> Hub {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State { status: AtomicU16::new(204), ..State::default() });
        let shared = Arc::clone(&state);
        let thread = thread::spawn(move || {
            thread::scope(|scope| {
                while let Ok((stream, _)) = listener.accept() {
                    if shared.is_over.load(Ordering::Relaxed) {
                        return;
                    }
                    shared.streams.lock().unwrap().push(stream.try_clone().unwrap());
                    let (state, tls) = (&shared, tls.clone());
                    scope.spawn(move || serve(stream, tls, state));
                }
            });
        });
        Hub { state, address, thread: Some(thread) }
    }

    /// The different addresses that it was told of, less the public root.
    fn told(&self) -> BTreeSet<String> {
        let told = self.state.told.lock().unwrap();
        told.iter().map(|url| url.strip_prefix(BASE).unwrap_or_else(|| panic!("{url}")).to_owned()).collect()
    }

    fn is_told(&self, wanted: &BTreeSet<String>) -> bool {
        self.told().is_superset(wanted)
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.state.is_over.store(true, Ordering::Relaxed);
        for stream in self.state.streams.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Requests of one connection; clients may use it again.
fn serve(stream: TcpStream, tls: Option<Arc<ServerConfig>>, state: &State) {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    match tls {
        None => requests(stream, state),
        Some(config) => requests(StreamOwned::new(ServerConnection::new(config).unwrap(), stream), state),
    }
}

fn requests(mut stream: impl Read + Write, state: &State) {
    let mut input = Vec::new();
    let mut piece = [0; 4096];
    loop {
        while let Some((request, rest)) = whole(&input) {
            input = rest;
            let now = state.now.fetch_add(1, Ordering::SeqCst) + 1;
            state.most.fetch_max(now, Ordering::SeqCst);
            thread::sleep(Duration::from_millis(state.wait_ms.load(Ordering::Relaxed)));
            let status = state.status.load(Ordering::Relaxed);
            note(&request, status, state);
            state.now.fetch_sub(1, Ordering::SeqCst);
            if write!(stream, "HTTP/1.1 {status} So\r\nContent-Length: 0\r\n\r\n")
                .and_then(|()| stream.flush())
                .is_err()
            {
                return;
            }
        }
        match stream.read(&mut piece) {
            Ok(bytes) if bytes > 0 => input.extend(&piece[..bytes]),
            _ => return,
        }
    }
}

/// The first request with its body, and what follows.
fn whole(input: &[u8]) -> Option<(String, Vec<u8>)> {
    let end = input.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = String::from_utf8(input[..end].to_vec()).unwrap().to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |n| n.parse().unwrap());
    let request = input.get(..end + length)?;
    Some((String::from_utf8(request.to_vec()).unwrap(), input[end + length..].to_vec()))
}

fn note(request: &str, status: u16, state: &State) {
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /hub HTTP/1.1\r\n"), "{head}");
    assert!(head.to_lowercase().contains("content-type: application/x-www-form-urlencoded"), "{head}");
    let form: Vec<(String, String)> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let get = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    assert_eq!(get("hub.mode").as_deref(), Some("publish"), "{body}");
    if status < 300 {
        state.told.lock().unwrap().push(get("hub.url").expect("hub.url"));
    }
}

/// Certificates made for this test: the authority's file, and what the hub shows.
fn certificates(site: &Site) -> (String, Arc<ServerConfig>) {
    let folder = site.run();
    let openssl = |arguments: &str| {
        let output = Command::new("openssl").args(arguments.split(' ')).current_dir(&folder).output().unwrap();
        assert!(output.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
    };
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    openssl(&format!("req -x509 {key} -keyout ca.key -out ca.pem -days 2 -subj /CN=test"));
    openssl(&format!("req {key} -keyout hub.key -out hub.csr -subj /CN=localhost"));
    fs::write(folder.join("hub.ext"), "subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n").unwrap();
    openssl("x509 -req -in hub.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out hub.pem -days 2 -extfile hub.ext");
    let chain = vec![CertificateDer::from_pem_file(folder.join("hub.pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_file(folder.join("hub.key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(chain, key).unwrap();
    hand_over(&folder.join("ca.pem"));
    (folder.join("ca.pem").display().to_string(), Arc::new(config))
}

/// A site with its hub.
fn with_hub(kind: Kind, scheme: &str) -> (Way, Hub) {
    let site = Site::new("");
    let (ca, tls) = certificates(&site);
    let hub = Hub::start((scheme == "https").then_some(tls));
    let url = format!("{scheme}://localhost:{}/hub", hub.address.port());
    let site = site.set("BLERG_HUB", &url).set("BLERG_BASE_URL", BASE).set("BLERG_CA_FILE", &ca);
    (Way::open(kind, site), hub)
}

/// The feeds' addresses, less the public root.
fn feeds(topics: &[&str]) -> BTreeSet<String> {
    let all = topics.iter().flat_map(|topic| ["rss", "atom", "json"].map(|ending| format!("rss/{topic}.{ending}")));
    all.collect()
}

#[track_caller]
fn jobs(site: &Site) -> serde_json::Value {
    let output = site.try_tool(&["--json", "jobs"]);
    serde_json::from_slice(&output.stdout).unwrap()
}

#[track_caller]
fn wait_until_told(way: &Way, hub: &Hub, topics: &[&str]) {
    let wanted = feeds(topics);
    wait_until(&format!("{}: the hub is told of {wanted:?}, not only {:?}", way.name(), hub.told()), || {
        hub.is_told(&wanted)
    });
}

fn news_reach_the_hub(kind: Kind, scheme: &str) {
    let (way, hub) = with_hub(kind, scheme);
    let token = way.sign_up("jon");
    // A hub that takes its time: the answer does not wait for it.
    hub.state.wait_ms.store(300, Ordering::Relaxed);
    done(&way, &token, "/put", &[("data", "Hello #Tea, @Ada")]);
    assert_eq!(hub.told(), BTreeSet::new(), "{}: the answer came first", way.name());
    hub.state.wait_ms.store(0, Ordering::Relaxed);
    wait_until_told(&way, &hub, &["user/jon", "latest", "tag/Htea", "tag/@ada"]);
    wait_until("the queue is empty", || jobs(&way.site)["jobs"] == serde_json::json!([]));
    // What a feed says of itself is what the hub was told.
    for feed in hub.told() {
        let reply = way.get(&format!("/{feed}"));
        let hub_url = format!("{scheme}://localhost:{}/hub", hub.address.port());
        let link = reply.header("link").unwrap();
        assert!(link.contains(&format!("<{hub_url}>; rel=\"hub\"")), "{feed}: {link}");
        assert!(link.contains(&format!("<{BASE}{feed}>; rel=\"self\"")), "{feed}: {link}");
        assert!(reply.text().contains(&hub_url) && reply.text().contains(&format!("{BASE}{feed}")), "{feed}");
    }
    hub.state.told.lock().unwrap().clear();
    done(&way, &token, "/edit", &[("record", "0"), ("data", "Hello #coffee")]);
    wait_until_told(&way, &hub, &["user/jon", "latest", "tag/Hcoffee"]);
    assert_eq!(hub.state.most.load(Ordering::SeqCst), 1, "{}: one at a time", way.name());
}

#[test]
fn news_of_cgi_programs_reach_a_hub_over_http() {
    news_reach_the_hub(Kind::Cgi, "http");
}

#[test]
fn news_of_cgi_programs_reach_a_hub_over_https() {
    news_reach_the_hub(Kind::Cgi, "https");
}

#[test]
fn news_of_a_worker_reach_a_hub_over_http_and_https() {
    news_reach_the_hub(Kind::Fcgi, "http");
    news_reach_the_hub(Kind::Fcgi, "https");
}

#[test]
fn news_of_http_blerg_reach_a_hub_over_https() {
    news_reach_the_hub(Kind::Http, "https");
}

#[test]
fn news_behind_lighttpd_reach_a_hub_from_cgi_programs() {
    news_reach_the_hub(Kind::LighttpdCgi, "https");
}

#[test]
fn a_broken_hub_is_told_later_and_the_operator_sees_what_waits() {
    for kind in [Kind::Cgi, Kind::Fcgi] {
        let (way, hub) = with_hub(kind, "http");
        let token = way.sign_up("jon");
        hub.state.status.store(500, Ordering::Relaxed);
        done(&way, &token, "/put", &[("data", "Hello")]);
        let error = || {
            let jobs = jobs(&way.site)["jobs"].clone();
            jobs.as_array().unwrap().iter().filter(|job| job["error"] == "the hub answered 500").count()
        };
        wait_until(&format!("{}: both jobs have failed", way.name()), || error() == 2);
        let text = String::from_utf8(way.site.try_tool(&["jobs"]).stdout).unwrap();
        assert!(text.contains("user/jon: in ") && text.contains("tried 1 times; the hub answered 500"), "{text}");
        assert_eq!(hub.told(), BTreeSet::new());
        hub.state.status.store(202, Ordering::Relaxed);
        way.site.try_tool(&["jobs", "--retry"]);
        // A server sees it by itself; the process of a CGI program, too, if it has not ended yet.
        wait_until_told(&way, &hub, &["user/jon", "latest"]);
        wait_until("the queue is empty", || jobs(&way.site)["jobs"] == serde_json::json!([]));
    }
}

#[test]
fn the_tool_tells_the_hub_where_nothing_else_does() {
    let (way, hub) = with_hub(Kind::Fcgi, "https");
    let token = way.sign_up("jon");
    drop(hub);
    done(&way, &token, "/put", &[("data", "Hello")]);
    wait_until("the jobs have failed", || {
        jobs(&way.site)["jobs"].as_array().unwrap().iter().filter(|job| job["error"].is_string()).count() == 2
    });
    let Way { running, site, .. } = way;
    drop(running);
    let (_, tls) = certificates(&site);
    let hub = Hub::start(Some(tls));
    let url = format!("https://localhost:{}/hub", hub.address.port());
    let ca = site.run().join("ca.pem").display().to_string();
    let site = site.set("BLERG_HUB", &url).set("BLERG_CA_FILE", &ca);
    let text = site.tool(&["jobs", "--retry", "--run"]);
    assert!(text.contains("2 done, 0 failed") && text.contains("nothing waits"), "{text}");
    assert_eq!(hub.told(), feeds(&["user/jon", "latest"]));
}

#[test]
fn a_certificate_of_an_unknown_authority_is_refused() {
    let (way, hub) = with_hub(Kind::Fcgi, "https");
    let other = Site::new("");
    let (ca, _) = certificates(&other);
    let site = Site::new("").set("BLERG_BASE_URL", BASE).set("BLERG_CA_FILE", &ca);
    let way = Way::open(way.kind, site.set("BLERG_HUB", &format!("https://localhost:{}/hub", hub.address.port())));
    let token = way.sign_up("jon");
    done(&way, &token, "/put", &[("data", "Hello")]);
    let refused = || {
        let jobs = jobs(&way.site)["jobs"].clone();
        jobs.as_array()
            .unwrap()
            .iter()
            .any(|job| job["error"].as_str().is_some_and(|error| error.contains("certificate")))
    };
    wait_until(&format!("the hub's certificate is refused: {}", jobs(&way.site)), refused);
    assert_eq!(hub.told(), BTreeSet::new());
}

#[test]
fn many_cgi_programs_at_once_tell_the_hub_one_thing_at_a_time() {
    let (way, hub) = with_hub(Kind::Cgi, "http");
    let names: Vec<String> = (0..6).map(|n| format!("user{n}")).collect();
    let tokens: Vec<String> = names.iter().map(|name| way.sign_up(name)).collect();
    hub.state.wait_ms.store(20, Ordering::Relaxed);
    thread::scope(|scope| {
        for token in &tokens {
            let way = &way;
            scope.spawn(move || done(way, token, "/put", &[("data", "at once #all")]));
        }
    });
    let topics: Vec<String> = names.iter().map(|name| format!("user/{name}")).collect();
    let mut topics: Vec<&str> = topics.iter().map(String::as_str).collect();
    topics.extend(["latest", "tag/Hall"]);
    wait_until_told(&way, &hub, &topics);
    assert_eq!(hub.state.most.load(Ordering::SeqCst), 1);
}

#[test]
fn a_hub_needs_a_public_root() {
    let site = Site::new("").set("BLERG_HUB", "https://hub.example/");
    let output = site.command("http_blerg").output().unwrap();
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(2) && complaint.contains("BLERG_BASE_URL"), "{complaint}");
    let way = Way::open(Kind::Cgi, Site::new("").set("BLERG_HUB", "https://hub.example/"));
    assert_eq!(way.ask(&Ask::get("/latest")).status, 500);
}
