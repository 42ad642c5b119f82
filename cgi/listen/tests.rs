//! Sockets left behind, sockets in use, and what is no socket.

use super::*;

#[test]
fn a_socket_that_nobody_answers_on_is_made_anew() {
    let home = tempfile::tempdir().expect("a directory");
    let path = home.path().join("sock");
    drop(UnixListener::bind(&path).expect("bound"));
    let address = Address::parse(&format!("unix:{}", path.display()));
    let socket = address.bind().expect("made anew");
    let mode = fs::metadata(&path).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, SOCKET_MODE);
    assert!(address.bind().is_err(), "a socket in use is not taken away");
    drop(socket);
}

#[test]
fn what_is_no_socket_stays() {
    let home = tempfile::tempdir().expect("a directory");
    let path = home.path().join("file");
    fs::write(&path, "text").expect("written");
    let error = Address::Unix(path.clone()).bind().expect_err("a file is there");
    assert!(error.to_string().starts_with("listen on unix:/"), "{error}");
    assert_eq!(fs::read_to_string(&path).expect("there"), "text");
}

#[test]
fn addresses_are_told_apart() {
    assert_eq!(Address::parse("unix:/run/blerg.sock"), Address::Unix("/run/blerg.sock".into()));
    assert_eq!(Address::parse("[::1]:80"), Address::Tcp("[::1]:80".to_owned()));
}

#[test]
fn a_taken_port_says_so() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("bound").to_string();
    let error = Address::parse(&address).bind().expect_err("it is taken");
    assert_eq!(error.to_string(), format!("listen on {address}"));
}
