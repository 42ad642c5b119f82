//! The wiki in real Chromium (`tests/www/browser/wiki.mjs` says what people do there, `wiki-hostile.mjs` what attackers try),
//! under the eyes of axe and of the Nu Html Checker, and in browsers that show nothing but text. Start at [`drive`].

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::front::{Kind, Way};
use crate::http::Ask;
use crate::site::{Site, command, hand_over};

/// A file of the checkout.
fn file(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name).display().to_string()
}

/// A site with an administrator; what is written here need not survive a power cut.
fn open(url: &'static str) -> Way {
    let way = Way::open(Kind::Http, Site::new(url).set("BLERG_DURABILITY", "none"));
    way.sign_up("Boss");
    way.site.tool(&["user", "role", "Boss", "admin"]);
    way
}

/// What a program printed, which must have succeeded.
#[track_caller]
fn told(output: &Output) -> String {
    let [told, complaint] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    assert!(output.status.success(), "{} (`make deps` installs what it takes):\n{told}{complaint}", output.status);
    format!("{told}{complaint}")
}

/// Runs a file of scenarios; each must have been played.
#[track_caller]
fn drive(way: &Way, scenarios: &str, arguments: &[&str]) {
    let mut node = Command::new("timeout");
    node.args(["--kill-after=10", "400", "node", &file(&format!("tests/www/browser/{scenarios}"))]);
    let base = format!("http://{}{}/", way.host, way.site.url);
    let told = told(&node.arg(base).args(arguments).output().unwrap());
    assert!(told.contains("ok ") && !told.contains("FAILED"), "{told}");
}

/// What the Nu Html Checker finds in all files of a folder.
#[track_caller]
fn check_html(folder: &Path) {
    let jar = file("tests/npm/node_modules/vnu-jar/build/dist/vnu.jar");
    let mut java = Command::new("timeout");
    java.args([
        "--kill-after=10",
        "200",
        "java",
        "-Xss4m",
        "-XX:TieredStopAtLevel=1",
        "-XX:+UseSerialGC",
        "-jar",
        &jar,
    ]);
    java.args(["--skip-non-html", "--errors-only", "--format", "text"]).arg(folder);
    told(&java.output().unwrap());
}

#[test]
fn every_view_is_valid_accessible_and_fits_every_screen() {
    let way = open("");
    let folder = way.site.run().join("html");
    fs::create_dir(&folder).unwrap();
    drive(&way, "wiki.mjs", &[folder.to_str().unwrap()]);
    assert!(fs::read_dir(&folder).unwrap().count() > 30);
    check_html(&folder);
}

#[test]
fn hostile_texts_names_files_and_summaries_run_nothing() {
    drive(&open("/blog"), "wiki-hostile.mjs", &[]);
}

/// What a browser for terminals makes of a page; its own settings do not matter.
#[track_caller]
fn dump(way: &Way, browser: &str, arguments: &[&str], path: &str) -> String {
    let mut command = command(browser);
    command.env("HOME", way.site.run()).env("LC_ALL", "C.UTF-8").env("TERM", "dumb").stdin(Stdio::null());
    let address = format!("http://{}{}{path}", way.host, way.site.url);
    let columns: &[&str] = if browser == "w3m" {
        &["-dump", "-cols", "80"]
    } else {
        &["-dump", "-nolist", "-width=80", "-display_charset=utf-8"]
    };
    let told = told(&command.args(columns).args(arguments).arg(address).output().unwrap());
    told.split_whitespace().collect::<Vec<&str>>().join(" ")
}

#[test]
fn text_browsers_read_write_and_compare() {
    let way = open("/blog");
    let token = way.log_in("Boss");
    let save = |base: &str, text: &str| {
        let fields = [("text", text), ("base", base), ("summary", "about #milk"), ("save", "1")];
        assert_eq!(way.ask(&Ask::post("/wiki/Tea", &fields).with(&token)).status, 303);
    };
    save("0", "# Tea time\n\nHot *and* strong: [[Milk]].\n\n| Sort | °C |\n| - | -: |\n| Assam | 95 |\n\n- [x] boil\n");
    save("1", "# Tea time\n\nHot *and* weak: [[Milk]].\n\n| Sort | °C |\n| - | -: |\n| Assam | 95 |\n\n- [x] boil\n");
    for browser in ["w3m", "lynx"] {
        let page = dump(&way, browser, &[], "/wiki/Tea");
        for wanted in
            ["Tea time", "Hot and weak: Milk", "Assam", "95", "boil", "Read Edit History", "Recent changes", "Log in"]
        {
            assert!(page.contains(wanted), "{browser}: no {wanted:?} in {page}");
        }
        let history = dump(&way, browser, &[], "/wiki/Tea?action=history");
        assert!(history.contains("History of Tea") && history.contains("about #milk"), "{browser}: {history}");
        let diff = dump(&way, browser, &[], "/wiki/Tea?action=diff&from=1&to=2");
        assert!(diff.contains("\u{2212} Hot") && diff.contains("+ Hot"), "{browser}: {diff}");
        assert!(diff.contains("strong") && diff.contains("weak"), "{browser}: {diff}");
    }
    let missing = dump(&way, "w3m", &[], "/wiki/Milk");
    assert!(missing.contains("There is no page of this name yet"), "{missing}");
    // The form, and what it sends, by somebody who is logged in.
    let cookie = format!("Cookie: auth={token}");
    let form = dump(&way, "w3m", &["-header", &cookie], "/wiki/Tea?action=edit");
    for wanted in ["Edit Tea", "Hot *and* weak", "Summary of the change", "Save", "Preview"] {
        assert!(form.contains(wanted), "{wanted:?} in {form}");
    }
    let body = way.site.run().join("form");
    fs::write(&body, "text=Cold.%0D%0A&summary=by+w3m&base=2&save=1").unwrap();
    hand_over(&body);
    let saved = dump(&way, "w3m", &["-header", &cookie, "-post", body.to_str().unwrap()], "/wiki/Tea?action=edit");
    assert!(saved.contains("Cold.") && saved.contains("Revision 3"), "{saved}");
    assert_eq!(way.get("/wiki/Tea?action=raw").text(), "Cold.\n");
}
