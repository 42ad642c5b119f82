//! Files attached to pages.

use super::site::{Site, settings};
use blerg_store::{Settings, WikiSettings};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\nrest";

#[test]
fn a_picture_is_attached_and_shown() {
    let site = Site::new();
    let ada = site.join("ada");
    ada.write("Tea", "![a cup](cup.png)");
    site.guest().get("/wiki/Tea").has("class=\"missing\"").has("action=attach&amp;name=cup.png");
    ada.upload("/wiki/Tea?action=attach", &[("summary", "a cup")], &[("cup.png", PNG)])
        .leads_to(303, "/wiki/Tea?action=attach");
    site.guest().get("/wiki/Tea").has("<img src=\"./Tea/cup.png\" alt=\"a cup\"");
    let file = site.guest().get("/wiki/Tea/cup.png");
    assert_eq!((file.status, file.body.as_slice(), file.header("Content-Type")), (200, PNG, Some("image/png")));
    assert_eq!(file.header("Content-Disposition"), Some("inline; filename*=UTF-8''cup.png"));
    assert!(file.header("Content-Security-Policy").unwrap().contains("sandbox"));
    assert_eq!(file.header("X-Content-Type-Options"), Some("nosniff"));
    assert!(file.header("ETag").is_some());
    site.guest().get("/wiki/Tea?action=attach").is(200).has("cup.png").has_not("type=\"file\"");
    ada.upload("/wiki/Tea?action=attach", &[], &[("cup.png", b"\x89PNG\r\n\x1a\nsecond")]).is(303);
    assert_eq!(site.guest().get("/wiki/Tea/cup.png?version=1").body, PNG);
    ada.upload("/wiki/Tea?action=attach", &[("delete", "cup.png")], &[]).is(303);
    site.guest().get("/wiki/Tea/cup.png").is(404);
    ada.upload("/wiki/Tea?action=attach", &[("undelete", "cup.png")], &[]).is(303);
    site.guest().get("/wiki/Tea/cup.png").is(200);
    // Files go along with the page's name.
    ada.post("/wiki/Tea?action=rename", &[("to", "Cup")]).is(303);
    site.guest().get("/wiki/Cup/cup.png").is(200);
    site.guest().get("/wiki/Tea/cup.png").leads_to(301, "/wiki/Cup/cup.png");
    site.has_no_fault();
}

#[test]
fn what_could_run_is_only_saved() {
    let site = Site::new();
    let ada = site.join("ada");
    ada.write("Tea", "x");
    for (name, bytes) in [
        ("x.svg", b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>".as_slice()),
        ("x.html", b"<script>alert(1)</script>"),
        ("x.png", b"<html><script>alert(1)</script>"),
        ("x.pdf", b"%PDF-1.4"),
    ] {
        ada.upload("/wiki/Tea?action=attach", &[], &[(name, bytes)]).is(303);
        let file = site.guest().get(&format!("/wiki/Tea/{name}"));
        assert!(file.header("Content-Disposition").unwrap().starts_with("attachment;"), "{name}");
        let media = file.header("Content-Type").unwrap();
        assert!(["text/plain; charset=utf-8", "application/pdf"].contains(&media), "{name}: {media}");
    }
}

#[test]
fn files_have_limits_and_names_have_rules() {
    let wiki = WikiSettings { file_bytes_max: 1000, page_files_bytes_max: 1500, ..WikiSettings::default() };
    let site = Site::with(Settings { wiki, ..settings() });
    let ada = site.join("ada");
    ada.write("Tea", "x");
    let send = |name: &str, bytes: &[u8]| ada.upload("/wiki/Tea?action=attach", &[], &[(name, bytes)]);
    send("a.bin", &[1; 1000]).is(303);
    send("b.bin", &[1; 1001]).is(413).has("at most 1000 bytes");
    send("c.bin", &[2; 501]).is(507);
    send("d.bin", &[]).is(400);
    for bad in ["", ".htaccess", "a%2f", "a?b", "a#b", "\u{202e}gnp.exe"] {
        send(bad, b"x").is(400).has("role=\"alert\"");
    }
    // Browsers on Windows once sent whole paths.
    send("C:\\fakepath\\e.txt", b"x").is(303);
    site.guest().get("/wiki/Tea/e.txt").is(200);
    ada.upload("/wiki/Tea?action=attach", &[("name", "kept name.txt")], &[("f.txt", b"x")]).is(303);
    let kept = site.guest().get("/wiki/Tea/kept%20name.txt");
    assert_eq!(kept.header("Content-Disposition"), Some("attachment; filename*=UTF-8''kept%20name.txt"));
    site.guest().upload("/wiki/Tea?action=attach", &[], &[("g.txt", b"x")]).is(403);
    ada.upload("/wiki/Milk?action=attach", &[], &[("g.txt", b"x")]).is(404);
}

#[test]
fn a_large_file_leaves_in_pieces() {
    let site = Site::new();
    let ada = site.join("ada");
    ada.write("Tea", "x");
    let bytes: Vec<u8> = (0..300_000_u32).map(|n| (n % 251) as u8).collect();
    ada.upload("/wiki/Tea?action=attach", &[], &[("big.bin", &bytes)]).is(303);
    let file = site.guest().get("/wiki/Tea/big.bin");
    assert_eq!(file.body, bytes);
    assert_eq!(file.header("Content-Length"), Some("300000"));
}
