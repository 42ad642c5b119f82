//! Bodies: never past their length, never for ever.

use std::io::Write as _;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;

use super::*;

const SHORT: Duration = Duration::from_millis(50);

#[test]
fn a_body_is_read_to_its_length_and_no_further() {
    let (mut client, server) = UnixStream::pair().expect("a pair");
    client.write_all(b"a=b&c=dEXTRA").expect("it fits the buffer");
    assert_eq!(read_body(server.as_fd(), 7, SHORT), Ok(b"a=b&c=d".to_vec()));
    assert_eq!(read_body(server.as_fd(), 5, SHORT), Ok(b"EXTRA".to_vec()));
    assert_eq!(read_body(server.as_fd(), 0, SHORT), Ok(Vec::new()));
}

#[test]
fn a_body_that_ends_early_is_malformed() {
    let (mut client, server) = UnixStream::pair().expect("a pair");
    client.write_all(b"a=b").expect("it fits the buffer");
    drop(client);
    assert_eq!(read_body(server.as_fd(), 4, SHORT), Err(Refusal::LENGTH));
}

#[test]
fn a_body_that_never_ends_is_given_up() {
    let (mut client, server) = UnixStream::pair().expect("a pair");
    client.write_all(b"a=b").expect("it fits the buffer");
    assert_eq!(read_body(server.as_fd(), 4, SHORT), Err(Refusal::SLOW));
}

#[test]
fn a_refused_body_is_taken_as_far_as_it_comes() {
    let (mut client, server) = UnixStream::pair().expect("a pair");
    client.write_all(b"a=b&c=d").expect("it fits the buffer");
    forget_body(server.as_fd(), 100, SHORT);
    client.write_all(b"EXTRA").expect("it fits the buffer");
    assert_eq!(read_body(server.as_fd(), 5, SHORT), Ok(b"EXTRA".to_vec()));
    drop(client);
    forget_body(server.as_fd(), 100, Duration::from_secs(3600));
}

#[test]
fn what_the_web_server_shows_is_collected() {
    let variables = vec![
        ("DOCUMENT_ROOT".into(), "/var/www".into()),
        ("SCRIPT_FILENAME".into(), "/home/jon/cgi-bin/blerg.cgi".into()),
    ];
    assert_eq!(shown_directories(&variables), [Path::new("/var/www"), Path::new("/home/jon/cgi-bin")]);
}

#[test]
fn a_browser_gets_a_page_and_a_program_a_failure() {
    let page = broken(&vec![("HTTP_ACCEPT".into(), "text/html,*/*".into())]);
    let failure = broken(&vec![("HTTP_ACCEPT".into(), "*/*".into())]);
    assert_eq!((page.status, failure.status), (500, 500));
    assert_eq!(page.headers.first().map(|(_, value)| value.as_ref()), Some("text/html; charset=utf-8"));
    assert_eq!(failure.headers.first().map(|(_, value)| value.as_ref()), Some("application/json"));
}
