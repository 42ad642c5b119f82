//! The ways into a site, all asked the same way: CGI and FastCGI by hand, `http_blerg`, and the web servers of
//! `servers.rs`. Start at [`Way`] and [`each_front_end`].

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU16, Ordering};

use super::fcgi_client::Client;
use super::http::{self, Address, Ask, Reply};
use super::site::{Running, Site, free_port};
use super::{cgi_run, servers};

/// How a request reaches the programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `cgi_blerg`, started by the test.
    Cgi,
    /// `fcgi_blerg --listen`, asked over its socket.
    Fcgi,
    /// `http_blerg`.
    Http,
    LighttpdCgi,
    LighttpdFcgi,
    ApacheCgi,
    ApacheFcgid,
    ApacheProxyFcgi,
    Nginx,
}

impl Kind {
    const FRONT_ENDS: [Kind; 3] = [Kind::Cgi, Kind::Fcgi, Kind::Http];
}

/// A site with everything that serves it.
#[derive(Debug)]
pub struct Way {
    pub kind: Kind,
    /// The web server (or the program itself), then what it talks to; ended in this order, before the site goes.
    pub running: Vec<Running>,
    /// Where a client connects; `None`: a process a request.
    pub address: Option<Address>,
    /// What clients call the host.
    pub host: String,
    pub site: Site,
    /// The next request id for FastCGI by hand.
    next_id: AtomicU16,
}

impl Way {
    /// Starts everything and waits until it answers.
    pub fn open(kind: Kind, site: Site) -> Way {
        let mut way = Way {
            kind,
            running: Vec::new(),
            address: None,
            host: "127.0.0.1".to_owned(),
            site,
            next_id: AtomicU16::new(1),
        };
        match kind {
            Kind::Cgi => {}
            Kind::Fcgi => way.start_worker(),
            Kind::Http => way.start_http(),
            _ => servers::start(&mut way),
        }
        way
    }

    /// Starts `fcgi_blerg` on a socket of the site.
    pub fn start_worker(&mut self) {
        let socket = self.site.run().join("fcgi.sock");
        let listen = format!("unix:{}", socket.display());
        let mut command = self.site.command("fcgi_blerg");
        let mut running = Running::start(&self.site, "fcgi_blerg", command.args(["--listen", &listen]));
        let address = Address::Unix(socket);
        running.wait_until(|| address.connect().is_ok());
        self.running.push(running);
        self.address = Some(address);
    }

    fn start_http(&mut self) {
        let port = self.listen();
        let mut command = self.site.command("http_blerg");
        command.args(["--listen", &self.host, "--www"]).arg(self.site.www());
        if !self.site.url.is_empty() {
            command.args(["--base-url", &format!("http://127.0.0.1:{port}{}/", self.site.url)]);
        }
        let running = Running::start(&self.site, "http_blerg", &mut command);
        self.add(running);
    }

    /// Chooses a port.
    pub fn listen(&mut self) -> u16 {
        let port = free_port();
        self.address = Some(Address::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, port))));
        self.host = format!("127.0.0.1:{port}");
        port
    }

    /// Takes over what listens at our address, once it does.
    pub fn add(&mut self, mut running: Running) {
        let address = self.address.clone().expect("the way has an address");
        running.wait_until(|| address.connect().is_ok());
        self.running.insert(0, running);
    }

    /// For messages.
    pub fn name(&self) -> String {
        format!("{:?} at {}/", self.kind, self.site.url)
    }

    /// One request, which must get an answer.
    #[track_caller]
    pub fn ask(&self, ask: &Ask) -> Reply {
        self.try_ask(ask).unwrap_or_else(|error| {
            let logs: Vec<String> = self.running.iter().map(Running::log).collect();
            panic!("{}: {} {}: {error}\n{}", self.name(), ask.method, ask.path, logs.join("\n"))
        })
    }

    /// One request.
    pub fn try_ask(&self, ask: &Ask) -> io::Result<Reply> {
        match (self.kind, &self.address) {
            (Kind::Fcgi, Some(address)) => {
                let id = self.next_id.fetch_add(1, Ordering::Relaxed).max(1);
                let variables = cgi_run::variables(&self.site, "blerg.fcgi", &self.host, ask);
                Client::open(address)?.ask(id, false, &variables, ask.body.as_deref().unwrap_or_default())
            }
            (_, Some(address)) => http::ask(address, &self.host, self.site.url, ask),
            (_, None) => cgi_run::run(&self.site, ask),
        }
    }

    #[track_caller]
    pub fn get(&self, path: &str) -> Reply {
        self.ask(&Ask::get(path))
    }

    /// Makes an account and logs in; the session's token.
    #[track_caller]
    pub fn sign_up(&self, name: &str) -> String {
        let fields = [("username", name), ("password", PASSWORD)];
        let created = self.ask(&Ask::post("/create", &fields));
        assert_eq!(created.json()["status"], "success", "{}: {}", self.name(), created.text());
        self.log_in(name)
    }

    /// Logs in; the session's token.
    #[track_caller]
    pub fn log_in(&self, name: &str) -> String {
        let reply = self.ask(&Ask::post("/login", &[("username", name), ("password", PASSWORD)]));
        assert_eq!(reply.json()["status"], "success", "{}: {}", self.name(), reply.text());
        token(&reply)
    }
}

/// What accounts of the tests have.
pub const PASSWORD: &str = "correct horse";

/// The session's token that an answer sets.
#[track_caller]
pub fn token(reply: &Reply) -> String {
    let cookie = reply.header("set-cookie").expect("a login sets a cookie");
    let value = cookie.strip_prefix("auth=").expect("auth comes first");
    value.split(';').next().unwrap_or_default().to_owned()
}

/// Runs a scenario over CGI, FastCGI and HTTP, each with a site of its own, set up by `prepare`.
pub fn each_front_end(prepare: impl Fn(Site) -> Site, scenario: impl Fn(&Way)) {
    for kind in Kind::FRONT_ENDS {
        scenario(&Way::open(kind, prepare(Site::new(""))));
    }
}
