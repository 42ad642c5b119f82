//! Sessions that somebody else would like to have: chosen for a visitor before the login, kept after its end, or made of
//! what is stored. One data directory, asked through a server and through CGI at once: both know at once.

use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags};

use super::super::cgi_run::run;
use super::super::front::{Kind, PASSWORD, Way, each_front_end, token};
use super::super::http::{Ask, Reply};
use super::super::site::Site;

/// Whether a token opens anything.
#[track_caller]
fn is_known(way: &Way, token: &str) -> bool {
    let ask = |ask: &Ask| way.ask(&ask.clone().with(token)).json()["code"] == "not_logged_in";
    let refused = [ask(&Ask::get("/status")), ask(&Ask::post("/put", &[("data", "stolen")]))];
    assert!(refused[0] == refused[1]);
    // CGI reads the same directory, whatever the server keeps in memory.
    let by_cgi = run(&way.site, &Ask::get("/status").with(token)).unwrap().json()["code"] == "not_logged_in";
    assert_eq!(by_cgi, refused[0], "{}", way.name());
    let bearer = way.ask(&Ask::get("/status").header("Authorization", &format!("Bearer {token}")));
    assert_eq!(bearer.json()["code"] == "not_logged_in", refused[0], "{}", way.name());
    !by_cgi
}

#[test]
fn a_token_chosen_for_a_visitor_never_becomes_one() {
    let chosen = ["0".repeat(64), "a".repeat(64), "deadbeef".to_owned(), "x".to_owned()];
    each_front_end(
        |site| site.set("BLERG_ARGON2", "7"),
        |way| {
            way.sign_up("jon");
            for chosen in &chosen {
                let login = Ask::post("/login", &[("username", "jon"), ("password", PASSWORD)]);
                let given = token(&way.ask(&login.clone().with(chosen)));
                let again = token(&way.ask(&login.with(&given)));
                assert!(given != *chosen && again != given, "{}", way.name());
                assert!(!is_known(way, chosen), "{}: {chosen}", way.name());
                assert!(is_known(way, &given) && is_known(way, &again), "{}", way.name());
                let page = [("username", "jon"), ("password", PASSWORD), ("return", "Home")];
                let reply: Reply = way.ask(&Ask::post("/wiki/Special:Login", &page).with(chosen));
                assert!(token(&reply) != *chosen && !is_known(way, chosen), "{}", way.name());
            }
        },
    );
}

/// What ends a session, given the token.
type End<'a> = Box<dyn Fn(&str) + 'a>;

#[test]
fn a_token_is_worth_nothing_after_its_end() {
    for kind in [Kind::Http, Kind::Fcgi] {
        let way = Way::open(kind, Site::new("").set("BLERG_ARGON2", "7"));
        way.sign_up("jon");
        let own = way.log_in("jon");
        let ends: [(&str, End<'_>); 6] = [
            ("logout", Box::new(|stolen| drop(way.ask(&Ask::post("/logout", &[]).with(stolen))))),
            (
                "logout by CGI",
                Box::new(|stolen| drop(run(&way.site, &Ask::post("/logout", &[]).with(stolen)).unwrap())),
            ),
            (
                "logout of the wiki",
                Box::new(|stolen| drop(way.ask(&Ask::post("/wiki/Special:Logout", &[]).with(stolen)))),
            ),
            ("revoked", Box::new(|_| drop(way.ask(&Ask::post("/sessions", &[("revoke", "others")]).with(&own))))),
            (
                "new password",
                Box::new(|_| {
                    let fields = [("password", PASSWORD), ("new_password", "battery staple")];
                    assert_eq!(way.ask(&Ask::post("/passwd", &fields).with(&own)).json()["status"], "success");
                    let fields = [("password", "battery staple"), ("new_password", PASSWORD)];
                    assert_eq!(way.ask(&Ask::post("/passwd", &fields).with(&own)).json()["status"], "success");
                }),
            ),
            (
                "the operator's password",
                Box::new(|_| drop(way.site.tool(&["user", "passwd", "jon", "--password", PASSWORD]))),
            ),
        ];
        for (what, end) in &ends {
            let stolen = way.log_in("jon");
            assert!(is_known(&way, &stolen), "{}: {what}", way.name());
            end(&stolen);
            assert!(!is_known(&way, &stolen), "{}: {what}", way.name());
        }
        let stolen = way.log_in("jon");
        way.site.tool(&["user", "disable", "jon"]);
        assert_eq!(way.ask(&Ask::post("/put", &[("data", "x")]).with(&stolen)).json()["status"], "failure");
        way.site.tool(&["user", "enable", "jon"]);
        let last = way.log_in("jon");
        way.ask(&Ask::post("/close", &[("password", PASSWORD)]).with(&last));
        assert!(!is_known(&way, &last), "{}: closed", way.name());
    }
}

/// Whoever reads the data directory has no session: everything in it is tried as a token.
#[test]
fn nothing_that_is_stored_is_a_token() {
    let way = Way::open(Kind::Fcgi, Site::new(""));
    way.sign_up("jon");
    let mut tried = 0;
    for value in stored(&way.site) {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let spellings = match value {
            Value::Blob(bytes) => vec![hex(&bytes), hex(&bytes).to_uppercase()],
            Value::Text(text) => vec![hex(text.as_bytes()), text],
            _ => continue,
        };
        for spelling in spellings.iter().filter(|text| !text.is_empty() && !text.contains(['\n', ';', ','])) {
            assert!(!is_known(&way, spelling), "{spelling}");
            tried += 1;
        }
    }
    assert!(tried > 5, "only {tried} values");
}

fn stored(site: &Site) -> Vec<Value> {
    let database = Connection::open_with_flags(site.data().join("site.db"), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let mut names = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").unwrap();
    let tables: Vec<String> = names.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let mut found = Vec::new();
    for table in tables {
        let mut statement = database.prepare(&format!("SELECT * FROM \"{table}\"")).unwrap();
        let columns = statement.column_count();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            found.extend((0..columns).map(|column| row.get::<_, Value>(column).unwrap()));
        }
    }
    found
}
