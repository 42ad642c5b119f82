//! Which descriptors are listening sockets, and what becomes of paths.

use std::os::unix::net::{UnixDatagram, UnixStream};

use super::*;

fn directory() -> tempfile::TempDir {
    tempfile::tempdir().expect("temporary directory")
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("metadata").permissions().mode() & 0o777
}

#[test]
fn only_a_listening_socket_is_taken_from_a_descriptor() {
    let directory = directory();
    let unix = UnixListener::bind(directory.path().join("s")).expect("bind");
    let tcp = TcpListener::bind("127.0.0.1:0").expect("bind");
    assert!(matches!(Listener::from_descriptor(&unix), Ok(Some(Listener { socket: Socket::Unix(_), .. }))));
    let listener = Listener::from_descriptor(&tcp).expect("usable").expect("listening");
    assert_eq!(listener.address(), tcp.local_addr().expect("address").to_string());
    assert!(!listener.is_own());

    let (pair, _other) = UnixStream::pair().expect("pair");
    let client = std::net::TcpStream::connect(tcp.local_addr().expect("address")).expect("connect");
    let datagrams = UnixDatagram::unbound().expect("datagram socket");
    let file = fs::File::open("/dev/null").expect("open");
    assert!(matches!(Listener::from_descriptor(&pair), Ok(None)));
    assert!(matches!(Listener::from_descriptor(&client), Ok(None)));
    assert!(matches!(Listener::from_descriptor(&datagrams), Ok(None)));
    assert!(matches!(Listener::from_descriptor(&file), Ok(None)));
}

#[test]
fn a_path_has_the_mode_asked_for_and_goes_with_the_listener() {
    let directory = directory();
    let path = directory.path().join("s");
    for wanted in [0o600, 0o660, 0o666] {
        let listener = Listener::unix(&path, wanted).expect("listen");
        assert_eq!(mode(&path), wanted);
        assert_eq!(listener.address(), path.display().to_string());
        drop(listener);
        assert!(!path.exists());
    }
}

#[test]
fn a_stale_socket_is_replaced() {
    let directory = directory();
    let path = directory.path().join("s");
    drop(UnixListener::bind(&path).expect("bind"));
    assert!(path.exists());
    let _listener = Listener::unix(&path, 0o600).expect("listen");
    UnixStream::connect(&path).expect("somebody answers");
}

#[test]
fn a_socket_on_which_somebody_answers_stays() {
    let directory = directory();
    let path = directory.path().join("s");
    let _first = Listener::unix(&path, 0o600).expect("listen");
    let error = Listener::unix(&path, 0o600).expect_err("taken");
    assert_eq!(error.to_string(), format!("listening on {}", path.display()));
    assert_eq!(error::Error::source(&error).expect("source").to_string(), "another process answers there");
    UnixStream::connect(&path).expect("the first still answers");
}

#[test]
fn a_socket_whose_process_has_no_time_to_accept_stays() {
    let directory = directory();
    let path = directory.path().join("s");
    let busy = UnixListener::bind(&path).expect("bind");
    listen(&busy, 0).expect("no backlog");
    let _waits = UnixStream::connect(&path).expect("the only one that may wait");
    let error = Listener::unix(&path, 0o600).expect_err("taken");
    assert_eq!(error::Error::source(&error).expect("source").to_string(), "another process answers there");
    assert!(path.exists());
}

#[test]
fn a_file_is_never_replaced() {
    let directory = directory();
    let path = directory.path().join("data");
    fs::write(&path, "precious").expect("write");
    let error = Listener::unix(&path, 0o600).expect_err("a file is there");
    assert_eq!(error::Error::source(&error).expect("source").to_string(), "there is something other than a socket");
    assert_eq!(fs::read(&path).expect("read"), b"precious");
}

#[test]
fn a_path_that_somebody_else_took_over_stays() {
    let directory = directory();
    let path = directory.path().join("s");
    let old = Listener::unix(&path, 0o600).expect("listen");
    fs::remove_file(&path).expect("remove");
    let _new = UnixListener::bind(&path).expect("bind");
    drop(old);
    assert!(path.exists());
}

#[test]
fn web_server_addresses_are_a_list() {
    let list = parse_web_server_addrs("127.0.0.1, ::1").expect("a list");
    assert_eq!(list, ["127.0.0.1".parse::<IpAddr>().expect("v4"), "::1".parse().expect("v6")]);
    for wrong in ["", "localhost", "127.0.0.1,", "127.0.0.1;127.0.0.2"] {
        parse_web_server_addrs(wrong).expect_err(wrong);
    }
}
