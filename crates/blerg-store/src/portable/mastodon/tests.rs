//! Outboxes: what is taken, what is left out, what is refused.

use super::*;

const PUBLIC_NOTE: &str = r#"{"type":"Create","published":"2009-02-13T23:31:30Z","to":["https://www.w3.org/ns/activitystreams#Public"],"cc":[],
 "object":{"id":"https://m.example/1","type":"Note","published":"2009-02-13T23:31:30Z","content":"<p>One</p>","to":["https://www.w3.org/ns/activitystreams#Public"]}}"#;

fn outbox(items: &[&str]) -> String {
    format!(r#"{{"@context":"x","type":"OrderedCollection","orderedItems":[{}]}}"#, items.join(","))
}

/// The first item of an outbox.
#[track_caller]
fn only(item: &str) -> What {
    entries(&outbox(&[item])).unwrap().remove(0).what
}

#[test]
fn public_posts_come_with_date_id_and_reply() {
    let reply = PUBLIC_NOTE.replace(
        "\"type\":\"Note\"",
        "\"type\":\"Note\",\"inReplyTo\":\"https://m.example/0\",\"summary\":\"warning\"",
    );
    let What::Record(written) = only(&reply) else { panic!("no record") };
    assert_eq!(written.text, "warning\n\nOne");
    assert_eq!(written.at_us, Some(1_234_567_890_000_000));
    assert_eq!(written.id, Some(Id::Url("https://m.example/1".into())));
    assert_eq!(written.reply_to, Some(Id::Url("https://m.example/0".into())));
}

#[test]
fn nothing_that_was_not_public_is_taken() {
    #[track_caller]
    fn check(item: &str) {
        assert!(matches!(only(item), What::LeftOut(_)), "{item}");
    }
    let public = "\"https://www.w3.org/ns/activitystreams#Public\"";
    check(&PUBLIC_NOTE.replace(public, "\"https://m.example/users/ada/followers\""));
    check(&PUBLIC_NOTE.replace(public, "\"https://m.example/users/bob\""));
    check(&PUBLIC_NOTE.replace("\"to\"", "\"bto\"").replace("\"cc\"", "\"bcc\""));
    // Only the activity says that it is public; the post itself is for somebody.
    check(&PUBLIC_NOTE.replacen(public, "\"as:Public\"", 1).replace(public, "\"https://m.example/users/bob\""));
    check(&PUBLIC_NOTE.replace("Create", "Announce"));
    check(&PUBLIC_NOTE.replace("<p>One</p>", "<p></p>"));
    check(&PUBLIC_NOTE.replace("\"Note\"", "\"Question\""));
    // Unlisted posts were public.
    assert!(matches!(only(&PUBLIC_NOTE.replace("\"to\"", "\"cc\"").replace("\"cc\":[],", "")), What::Record(_)));
}

#[test]
fn posts_are_put_in_order_of_their_dates() {
    let later = PUBLIC_NOTE.replace("2009", "2010").replace("One", "Two");
    let found = entries(&outbox(&[&later, PUBLIC_NOTE])).unwrap();
    let texts: Vec<String> = found
        .into_iter()
        .map(|entry| match entry.what {
            What::Record(written) => written.text,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(texts, ["One", "Two"]);
}

#[test]
fn what_is_no_outbox_is_refused_with_a_reason() {
    for wrong in [
        "",
        "[]",
        "{}",
        "{\"orderedItems\":3}",
        &outbox(&["3"]),
        &outbox(&["{\"type\":\"Create\"}"]),
        &outbox(&[&PUBLIC_NOTE.replace("2009-02-13T23:31:30Z", "soon")]),
        &outbox(&[&PUBLIC_NOTE.replace("\"<p>One</p>\"", "7")]),
    ] {
        assert!(entries(wrong).is_err(), "{wrong}");
    }
    let (line, problem) = entries(&outbox(&[PUBLIC_NOTE, "3"])).unwrap_err();
    assert_eq!((line, problem.as_str()), (2, "item 2: want a JSON object"));
}
