//! A data directory that somebody put inside what the web server shows: no server hands out a file of it, whether the
//! program was ever asked or not, and the programs that can know refuse to serve.

use std::fs;

use super::super::front::{Kind, Way};
use super::super::http::Ask;
use super::super::site::{Site, make_folder};
use super::files;

/// A site whose data directory is `www/data`, with everything in it; made before the server starts.
fn exposed(kind: Kind) -> Site {
    let site = Site::new("");
    let folder = if kind == Kind::ApacheCgi { site.run().join("document-root") } else { site.www() };
    make_folder(&folder);
    let site = site.set("BLERG_DATA", &folder.join("data").display().to_string());
    site.tool(&["init"]);
    site.tool(&["user", "add", "jon", "--password", super::super::front::PASSWORD]);
    site
}

#[test]
fn no_server_shows_a_file_of_a_data_directory_in_what_it_shows() {
    for kind in
        [Kind::LighttpdCgi, Kind::LighttpdFcgi, Kind::ApacheCgi, Kind::ApacheFcgid, Kind::ApacheProxyFcgi, Kind::Nginx]
    {
        let site = exposed(kind);
        let data =
            if kind == Kind::ApacheCgi { site.run().join("document-root/data") } else { site.www().join("data") };
        let way = Way::open(kind, site);
        let all = files(&data);
        assert!(all.len() >= 8, "{}: {all:?}", way.name());
        for file in &all {
            let name = file.strip_prefix(data.parent().unwrap()).unwrap().display().to_string();
            let bytes = fs::read(file).unwrap();
            for path in [format!("/{name}"), format!("/{name}?x=.css"), format!("//{name}"), format!("/./{name}")] {
                let reply = way.ask(&Ask::get(&path));
                let is_shown = reply.status == 200 && (bytes.is_empty() || reply.body == bytes);
                assert!(!is_shown, "{}: {path}", way.name());
            }
        }
        for path in ["/data", "/data/", "/data/log/"] {
            let reply = way.ask(&Ask::get(path));
            assert!(!String::from_utf8_lossy(&reply.body).contains("FORMAT"), "{}: {path}", way.name());
        }
        // Here the program is told what is shown, and serves nothing.
        if kind == Kind::ApacheCgi {
            let reply = way.ask(&Ask::get("/latest"));
            assert_eq!(reply.status, 500, "{}", way.name());
            assert!(way.running[0].log().contains("lies inside"), "{}: {}", way.name(), way.running[0].log());
        }
    }
}

#[test]
fn http_blerg_does_not_start_with_its_data_in_what_it_shows() {
    let site = exposed(Kind::Http);
    let output =
        site.command("http_blerg").args(["--listen", "127.0.0.1:0", "--www"]).arg(site.www()).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && told.contains("lies inside"), "{told}");
}
