//! What web servers show of the site's folders: the files of `www/`, and nothing else. One place per server and mount.

use std::fs;

use super::front::{Kind, Way};
use super::http::Ask;
use super::site::Site;

/// Starts the server with files that must not be shown, and with some that must.
fn open(kind: Kind, url: &'static str) -> Way {
    let site = Site::new(url);
    fs::write(site.www().join("index.html"), "<!doctype html><title>the front page</title>").unwrap();
    fs::write(site.www().join("app.js"), "// the client\n").unwrap();
    Way::open(kind, site)
}

#[track_caller]
fn check(kind: Kind) {
    for url in ["", "/blog"] {
        let way = open(kind, url);
        let front = way.get("/");
        assert!(front.status == 200 && front.text().contains("the front page"), "{}: {front:?}", way.name());
        assert!(front.header("content-type").is_some_and(|value| value.starts_with("text/html")), "{}", way.name());
        assert_eq!(way.get("/index.html?x=1").body, front.body, "{}", way.name());
        let script = way.get("/app.js");
        assert_eq!((script.status, script.text()), (200, "// the client\n"), "{}", way.name());
        assert!(script.header("content-type").is_some_and(|value| value.contains("javascript")), "{}", way.name());
        for hidden in [
            "/.htaccess",
            "/cgi_blerg",
            "/data/FORMAT",
            "/../data/FORMAT",
            "/..%2fdata/FORMAT",
            "/%2e%2e/data/FORMAT",
            "/app.js/../../data/FORMAT",
        ] {
            let reply = way.get(hidden);
            assert!(matches!(reply.status, 400 | 403 | 404), "{}: {hidden}: {}", way.name(), reply.status);
        }
        let feed = way.get("/rss/latest.atom");
        let kind_of_feed = feed.header("content-type").unwrap_or_default();
        assert_eq!((feed.status, kind_of_feed.starts_with("application/atom+xml")), (200, true), "{}", way.name());
        // The same without rewriting, as www/ finds it where rewriting is not allowed.
        let program = if matches!(kind, Kind::LighttpdCgi | Kind::ApacheCgi) { "blerg.cgi" } else { "blerg.fcgi" };
        if kind != Kind::Http && kind != Kind::Nginx {
            let reply = way.get(&format!("/{program}/latest"));
            assert_eq!((reply.status, reply.text()), (200, "[]"), "{}", way.name());
        }
    }
}

#[test]
fn http_blerg_shows_the_files_and_no_more() {
    check(Kind::Http);
}

#[test]
fn lighttpd_mod_cgi_shows_the_files_and_no_more() {
    check(Kind::LighttpdCgi);
}

#[test]
fn lighttpd_mod_fastcgi_shows_the_files_and_no_more() {
    check(Kind::LighttpdFcgi);
}

#[test]
fn apache_htaccess_shows_the_files_and_no_more() {
    check(Kind::ApacheCgi);
}

#[test]
fn apache_htaccess_never_shows_a_stray_file() {
    let way = open(Kind::ApacheCgi, "/blog");
    let folder = way.site.run().join("document-root/blog");
    fs::write(folder.join("site.sqlite"), "secret").unwrap();
    fs::create_dir(folder.join("data")).unwrap();
    fs::write(folder.join("data/0.seg"), "secret").unwrap();
    for hidden in ["/site.sqlite", "/data/0.seg", "/data/", "/data", "/blerg.cgi~", "/.htaccess"] {
        let reply = way.get(hidden);
        assert!(matches!(reply.status, 301 | 403 | 404) && !reply.text().contains("secret"), "{hidden}: {reply:?}");
    }
}

#[test]
fn a_data_directory_in_the_document_root_is_refused() {
    let site = Site::new("");
    let data = site.run().join("document-root/data").display().to_string();
    let way = Way::open(Kind::ApacheCgi, site.set("BLERG_DATA", &data));
    let reply = way.get("/latest");
    assert_eq!(reply.status, 500, "{}", reply.text());
    assert!(!reply.text().contains("document-root"), "{}", reply.text());
    assert!(way.running[0].log().contains(&data), "{}", way.running[0].log());
}

#[test]
fn apache_mod_fcgid_shows_the_files_and_no_more() {
    check(Kind::ApacheFcgid);
}

#[test]
fn apache_mod_proxy_fcgi_shows_the_files_and_no_more() {
    check(Kind::ApacheProxyFcgi);
}

#[test]
fn nginx_shows_the_files_and_no_more() {
    check(Kind::Nginx);
}

#[test]
fn a_sub_directory_without_its_slash_leads_there() {
    for kind in [Kind::LighttpdCgi, Kind::LighttpdFcgi, Kind::ApacheCgi, Kind::ApacheFcgid, Kind::ApacheProxyFcgi] {
        let way = open(kind, "/blog");
        let address = way.address.clone().unwrap();
        let reply = super::http::ask(&address, &way.host, "", &Ask::get("/blog")).unwrap();
        assert!(matches!(reply.status, 301 | 308), "{}: {}", way.name(), reply.status);
        assert!(reply.header("location").is_some_and(|to| to.ends_with("/blog/")), "{}: {reply:?}", way.name());
    }
}
