//! The corpus, replayed: what nginx 1.22 and lighttpd 1.4.69 really sent, old attacks, and inputs that fuzzing found. What the
//! decoder and the params make of each piece of it is asked by tests/fuzz.

use std::fs;
use std::path::Path;

use fastcgi::{Decoder, Event, Params, Stream};

use crate::support::Running;

fn corpus(kind: &str) -> Vec<(String, Vec<u8>)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(kind);
    let mut files = Vec::new();
    for entry in fs::read_dir(&directory).expect("the corpus is there") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        files.push((name, fs::read(path).expect("read")));
    }
    assert!(files.len() >= 8, "{kind}: {} files", files.len());
    files
}

#[test]
fn every_input_leaves_a_server_serving() {
    let server = Running::start();
    for kind in ["decoder", "params"] {
        for (name, bytes) in corpus(kind) {
            server.client().try_send(&bytes);
            server.check_serves();
            assert!(!server.lab.has_heard("panicked"), "{name}");
        }
    }
}

#[track_caller]
fn check(name: &str, want_uri: &[u8], want_stdin: &[u8]) {
    let (_, bytes) = corpus("decoder").into_iter().find(|(found, _)| found == name).expect("in the corpus");
    let mut decoder = Decoder::new();
    decoder.push(&bytes);
    let (mut params, mut stdin, mut ended) = (Vec::new(), Vec::new(), 0);
    while let Some(event) = decoder.next().expect("FastCGI") {
        match event {
            Event::Piece { stream: Stream::Params, bytes, .. } => params.extend_from_slice(bytes),
            Event::Piece { stream: Stream::Stdin, bytes, .. } => stdin.extend_from_slice(bytes),
            Event::End { .. } => ended += 1,
            event => assert!(matches!(event, Event::Begin { id: 1, role: 1, .. }), "{event:?}"),
        }
    }
    let params = Params::from_encoded(params).expect("whole pairs");
    assert_eq!((params.get("REQUEST_URI"), &*stdin, ended), (Some(want_uri), want_stdin, 2));
    assert_eq!(params.content_length().expect("a number").unwrap_or(0), stdin.len() as u64);
}

#[test]
fn what_real_web_servers_sent_is_understood() {
    check("nginx_get", b"/ours/get/ada?x=1", b"");
    check("lighttpd_get", b"/ours/get/ada?x=1", b"");
    check("nginx_post", b"/ours/put", b"username=ada&data=hello");
    check("lighttpd_post", b"/ours/put", b"username=ada&data=hello");
}
