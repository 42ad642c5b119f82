//! Statuses, headers and words of failures; and that API.md lists the same words.

use super::{Code, Failure};
use blerg_http::Body;
use blerg_store::{AuthorName, Error, RecordNo};

#[track_caller]
fn check(error: Error, status: u16, code: Code, retry_after: Option<&str>, is_fault: bool) {
    let failure = Failure::from(error);
    assert_eq!(failure.fault().is_some(), is_fault);
    let response = failure.into_response();
    assert_eq!(response.status, status);
    let retry = response.headers.iter().find(|(name, _)| *name == "Retry-After").map(|(_, value)| value.as_ref());
    assert_eq!(retry, retry_after);
    let Body::Bytes(body) = response.body else { panic!("failures are not streamed") };
    let body: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!((body["status"].as_str(), body["code"].as_str()), (Some("failure"), Some(code.word())));
    let reason = body["reason"].as_str().expect("a reason");
    assert!(reason.ends_with('.') && !reason.contains('/') && !reason.contains("SQL"), "{reason}");
}

#[test]
fn wrong_parameters_are_failures_with_200() {
    let name = AuthorName::parse("..").expect_err("only dots");
    check(Error::Name(name), 200, Code::BadUsername, None, false);
    check(Error::NameTaken, 200, Code::NameTaken, None, false);
    check(Error::PasswordLength { bytes: 3, min: 8 }, 200, Code::BadPassword, None, false);
    check(Error::WrongPassword, 200, Code::WrongPassword, None, false);
    check(Error::Disabled, 200, Code::AccountDisabled, None, false);
    check(Error::RegistrationClosed, 200, Code::RegistrationClosed, None, false);
    check(Error::Invite, 200, Code::BadInvite, None, false);
    check(Error::NoSuchAuthor, 200, Code::NoSuchUser, None, false);
    check(Error::NoSuchRecord { record: RecordNo(7) }, 200, Code::NoSuchRecord, None, false);
    check(Error::TextLength { bytes: 0 }, 200, Code::BadData, None, false);
    check(Error::FollowLimit, 200, Code::FollowLimit, None, false);
}

#[test]
fn too_much_is_said_with_the_time_to_come_again() {
    check(Error::Limited { retry_after_secs: 17 }, 429, Code::TooManyRequests, Some("17"), false);
    check(Error::Busy { retry_after_secs: 2 }, 503, Code::Busy, Some("2"), false);
    check(Error::Memory { bytes: 1 << 26 }, 503, Code::Busy, Some("5"), false);
    let busy = blerg_log::Error::Busy { path: "/secret/place".into(), waited_ms: 5000 };
    check(Error::Log(busy), 503, Code::Busy, Some("2"), false);
    let recovering = blerg_log::Error::Recovering { dir: "/secret/place".into(), log_bytes: 1 };
    check(Error::Log(recovering), 503, Code::Recovering, Some("10"), false);
}

#[test]
fn faults_go_to_the_operator_and_tell_the_visitor_nothing() {
    let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
    let full = Error::Io { path: "/secret/place".into(), doing: "write", source: full };
    check(full, 503, Code::StorageFull, Some("300"), true);
    for kind in [std::io::ErrorKind::FileTooLarge, std::io::ErrorKind::QuotaExceeded] {
        let full = Error::Io { path: "/secret/place".into(), doing: "write", source: kind.into() };
        check(full, 503, Code::StorageFull, Some("300"), true);
    }
    let read_only = std::io::Error::from(std::io::ErrorKind::ReadOnlyFilesystem);
    let read_only = Error::Io { path: "/secret/place".into(), doing: "write", source: read_only };
    check(read_only, 503, Code::ReadOnly, Some("300"), true);
    let full = blerg_log::Error::Full { path: "/secret/place".into() };
    check(Error::Log(full), 503, Code::StorageFull, Some("300"), true);
    let poisoned = blerg_log::Error::Poisoned { dir: "/secret/place".into() };
    check(Error::Log(poisoned), 503, Code::ReadOnly, Some("300"), true);
    let read_only = blerg_log::Error::ReadOnly { dir: "/secret/place".into(), why: "/secret/reason".to_owned() };
    check(Error::Log(read_only), 503, Code::ReadOnly, Some("300"), true);
    check(Error::Damaged { what: "/secret/place".to_owned() }, 500, Code::Internal, None, true);
}

#[test]
fn the_document_lists_the_same_words_in_the_same_order() {
    let document = include_str!("../../../../API.md");
    let (_, table) = document.split_once("| code | status |").expect("API.md has the table of codes");
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let words: Vec<&str> = rows.filter_map(|row| row.split('`').nth(1)).collect();
    let front_end = [
        "bad_request",
        "timeout",
        "length_required",
        "too_large",
        "uri_too_long",
        "unsupported_encoding",
        "headers_too_large",
    ];
    let ours: Vec<&str> = words.iter().copied().filter(|word| !front_end.contains(word)).collect();
    let all: Vec<&str> = Code::ALL.iter().map(|code| code.word()).collect();
    assert_eq!(ours, all);
    assert_eq!(words.len(), all.len() + front_end.len());
}
