//! Endings and Accept headers.

use blerg_http::Headers;

use super::Format;

fn headers(accept: &str) -> Headers {
    let mut headers = Headers::default();
    assert!(headers.push(b"Accept", accept.as_bytes()));
    headers
}

#[test]
fn a_trailing_ending_is_always_the_format() {
    let check = |path, want| assert_eq!(Format::split(path), want, "{path}");
    check("user/jon.rss", ("user/jon", Some(Format::Rss)));
    check("user/jon.rss.rss", ("user/jon.rss", Some(Format::Rss)));
    check("user/jon.json.atom", ("user/jon.json", Some(Format::Atom)));
    check("user/jon.rss.", ("user/jon.rss.", None));
    check("user/J.R.", ("user/J.R.", None));
    check("user/jon.RSS", ("user/jon.RSS", None));
    check("latest", ("latest", None));
}

#[test]
fn accept_chooses_and_rss_is_the_default() {
    let check = |accept, want| assert_eq!(Format::accepted(&headers(accept)), want, "{accept}");
    check("", Format::Rss);
    check("*/*", Format::Rss);
    check("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", Format::Rss);
    check("application/atom+xml", Format::Atom);
    check("application/feed+json, application/json;q=0.9, */*;q=0.1", Format::Json);
    check("application/atom+xml;q=0.9, application/rss+xml;q=0.9", Format::Rss);
    check("application/rss+xml;q=0.8, application/atom+xml; q=1.0", Format::Atom);
    check("application/atom+xml;q=0, application/feed+json;q=0.001", Format::Json);
    check("application/atom+xml;q=0", Format::Rss);
    check("application/atom+xml;q=é;,,;=;q=", Format::Rss);
}

#[test]
fn browsers_get_a_type_that_they_show() {
    let check = |accept, want| assert_eq!(Format::Atom.type_for(&headers(accept)), want, "{accept}");
    check("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "application/xml");
    check("*/*", "application/atom+xml");
    check("application/atom+xml, text/html;q=0.1", "application/atom+xml");
    assert_eq!(Format::Json.type_for(&headers("text/html")), "application/json");
}
