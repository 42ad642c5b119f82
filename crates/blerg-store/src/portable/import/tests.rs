//! Imports: good ones, hostile ones, and ones that stopped half way.

use super::*;
use crate::tests::{NOW_US, Site, names, tags_of};

fn options(format: ImportFormat, author: Option<&str>) -> ImportOptions {
    ImportOptions { format, author: author.map(str::to_owned), find_tags: tags_of, now_us: NOW_US }
}

fn import(site: &Site, text: &str) -> (Imported, Result<(), Error>) {
    site.store.import(&mut text.as_bytes(), &options(ImportFormat::JsonLines, None), &mut |_| {})
}

#[track_caller]
fn import_all(site: &Site, text: &str) -> Imported {
    let (done, result) = import(site, text);
    result.unwrap();
    done
}

fn texts(site: &Site) -> Vec<String> {
    let reader = site.store.reader().unwrap();
    let posts = crate::tests::all_pages(100, |before| reader.latest(before, 100).unwrap());
    posts.into_iter().rev().map(|post| post.text).collect()
}

#[test]
fn lines_become_records_with_dates_tags_and_replies() {
    let site = Site::new();
    let done = import_all(
        &site,
        concat!(
            r#"{"author":"Ada","timestamp":100,"text":"first #tea"}"#,
            "\r\n\n",
            r#"{"author":"grace","timestamp":101.5,"text":"second @Ada","reply_to":"ada/0"}"#,
            "\n",
            r#"{"author":"ADA","text":"third","reply_to":"grace/0"}"#,
            "\n",
            r#"{"author":"Ada","timestamp":103,"text":"lost","reply_to":"nobody/5"}"#,
            "\n",
            r#"{"author":"Ada","follows":"grace"}"#,
            "\n",
            r#"{"author":"Ada","follows":"nobody"}"#,
        ),
    );
    assert_eq!(
        (done.lines, done.records, done.authors, done.known, done.follows, done.loose_replies),
        (7, 4, 2, 0, 1, 1)
    );
    let reader = site.store.reader().unwrap();
    let page = reader.latest(None, 10).unwrap();
    let ada_grace = [("Ada", 2), ("Ada", 1), ("grace", 0), ("Ada", 0)].map(|(name, no)| (name.to_owned(), no));
    assert_eq!(names(&page.posts), ada_grace);
    let dates: Vec<u64> = page.posts.iter().map(|post| post.timestamp_us).collect();
    assert_eq!(dates, [103_000_000, NOW_US, 101_500_000, 100_000_000]);
    assert_eq!(page.posts[1].reply_to, Some(("grace".to_owned(), RecordNo(0))));
    assert_eq!(page.posts[0].reply_to, None);
    assert_eq!(reader.tag_len(&crate::TagKey::Tag("TEA".into())).unwrap(), 1);
    assert_eq!(reader.author("ada").unwrap().unwrap().created_us, 100_000_000);
    assert_eq!(site.store.search(&words("second"), None, 5).unwrap().posts.len(), 1);
}

fn words(word: &str) -> crate::SearchQuery {
    crate::SearchQuery { words: vec![word.to_owned()], ..crate::SearchQuery::default() }
}

#[test]
fn a_bad_line_ends_the_import_and_leaves_no_half() {
    #[track_caller]
    fn check(bad: &str, want: &str) {
        let site = Site::new();
        let good = |i: u64| format!("{{\"author\":\"ada\",\"timestamp\":{i},\"text\":\"good {i}\"}}\n");
        let (done, result) = import(&site, &format!("{}{}{bad}\n{}", good(1), good(2), good(3)));
        match result {
            Err(Error::Line { line: 3, problem }) => assert!(problem.contains(want), "{problem:?}, want {want:?}"),
            other => panic!("{bad}: {other:?}"),
        }
        assert_eq!(done.records, 2);
        assert_eq!(texts(&site), ["good 1", "good 2"], "{bad}");
        assert_eq!(site.store.check(&mut |_| {}).unwrap().problems, Vec::<String>::new());
    }
    check("nonsense", "no JSON");
    check("{\"author\":\"ada\"}", "neither");
    check("{\"author\":\"ada\",\"text\":\"\"}", "text of 0 bytes");
    check(&format!("{{\"author\":\"ada\",\"text\":\"{}\"}}", "x".repeat(65_536)), "text of 65536 bytes");
    check("{\"text\":\"whose?\"}", "no author");
    check("{\"author\":\"a/b\",\"text\":\"x\"}", "'/'");
    check("{\"author\":\"..\",\"text\":\"x\"}", "only dots");
    check("{\"author\":\"ada\",\"text\":\"x\",\"timestamp\":99999999999}", "future");
    check("{\"author\":\"ada\",\"text\":\"x\",\"timestamp\":-5}", "out of range");
    check("{\"author\":\"ada\",\"text\":\"x\",\"earlier\":[{\"data\":\"y\"}]}", "earlier");
    check("{\"author\":\"ada\",\"text\":\"x\",\"record\":\"many\"}", "whole number");
    check("{\"author\":\"ada\",\"text\":\"\\ud800\"}", "no JSON");
    check(&format!("{{\"author\":\"ada\",\"text\":\"{}\"}}", "x".repeat(2 * 1024 * 1024)), "longer than");
}

#[test]
fn an_import_that_stopped_is_finished_by_running_it_again() {
    let line = |i: u64| {
        let reply = if i.is_multiple_of(3) && i > 0 {
            format!(",\"reply_to\":\"a{}/{}\"", i % 2, (i - 2) / 2)
        } else {
            String::new()
        };
        // Equal texts at one second stay two records.
        format!("{{\"author\":\"a{}\",\"timestamp\":{},\"text\":\"text {}\"{reply}}}\n", i % 2, i / 4, i / 4)
    };
    let whole: String = (0..60).map(line).collect();
    let once = Site::new();
    import_all(&once, &whole);
    let want = texts(&once);
    assert_eq!(want.len(), 60);
    for cut in [1, 7, 30, 59] {
        let site = Site::new();
        let part: String = (0..cut).map(line).collect();
        assert_eq!(import_all(&site, &part).records, cut);
        let done = import_all(&site, &whole);
        assert_eq!((done.records, done.known), (60 - cut, cut));
        assert_eq!(texts(&site), want);
        assert_eq!(import_all(&site, &whole).records, 0);
        let reader = site.store.reader().unwrap();
        let replies = |store: &crate::Reader| -> Vec<_> {
            store.latest(None, 100).unwrap().posts.into_iter().map(|post| post.reply_to).collect()
        };
        assert_eq!(replies(&reader), replies(&once.store.reader().unwrap()));
    }
}

#[test]
fn an_export_brings_its_edits_and_its_subscriptions() {
    let site = Site::new();
    site.author("bob");
    let export = concat!(
        r#"{"type":"account","author":"ada","created":90}"#,
        "\n",
        r#"{"type":"record","record":"3","timestamp":100,"data":"now","edited":120,"earlier":[{"timestamp":100,"data":"was"},{"timestamp":110,"data":"then"}]}"#,
        "\n",
        r#"{"type":"record","record":"5","timestamp":130,"data":"re","reply_to":"ada/3"}"#,
        "\n",
        r#"{"type":"subscription","author":"bob"}"#,
        "\n",
    );
    let done = import_all(&site, export);
    assert_eq!((done.records, done.follows), (2, 1));
    let reader = site.store.reader().unwrap();
    let ada = reader.author("ada").unwrap().unwrap().id;
    let history = reader.history(ada, RecordNo(0)).unwrap().all(&reader);
    assert_eq!(history, [(100_000_000, "was".into()), (110_000_000, "then".into()), (120_000_000, "now".into())]);
    let reply = reader.post(ada, RecordNo(1)).unwrap().unwrap();
    assert_eq!(reply.reply_to, Some(("ada".to_owned(), RecordNo(0))));
    assert_eq!(import_all(&site, export).records, 0);
}

#[test]
fn mastodon_and_twtxt_files_belong_to_the_author_who_is_named() {
    let site = Site::new();
    let note = |id: u64, reply: &str, text: &str| {
        format!(
            r#"{{"type":"Create","object":{{"id":"https://m/{id}","type":"Note","published":"2009-02-13T23:31:{id:02}Z","inReplyTo":{reply},"content":"{text}","to":"as:Public"}}}}"#
        )
    };
    let outbox = format!(
        r#"{{"orderedItems":[{},{},{},{{"type":"Announce"}}]}}"#,
        note(1, "null", "<p>one #tea</p>"),
        note(2, "\"https://m/1\"", "<p>two</p>"),
        note(3, "\"https://elsewhere/9\"", "<p>three</p>"),
    );
    let mastodon = options(ImportFormat::Mastodon, Some("Ada"));
    let (done, result) = site.store.import(&mut outbox.as_bytes(), &mastodon, &mut |_| {});
    result.unwrap();
    assert_eq!((done.records, done.loose_replies, done.left_out.values().sum::<u64>()), (3, 1, 1));
    let twtxt = "# nick = ada\n2009-02-14T00:00:01Z\tlater\n2009-02-14T00:00:00Z\tearlier\n";
    let (done, result) =
        site.store.import(&mut twtxt.as_bytes(), &options(ImportFormat::Twtxt, Some("ada")), &mut |_| {});
    result.unwrap();
    assert_eq!(done.records, 2);
    assert_eq!(texts(&site), ["one #tea", "two", "three", "earlier", "later"]);
    let reader = site.store.reader().unwrap();
    let ada = reader.author("ada").unwrap().unwrap();
    assert_eq!(ada.name, "Ada");
    assert_eq!(reader.post(ada.id, RecordNo(1)).unwrap().unwrap().reply_to, Some(("Ada".to_owned(), RecordNo(0))));
}

#[test]
fn who_left_gets_no_new_records() {
    let site = Site::new();
    let ada = site.author("ada");
    site.store.log().unwrap().commit(NOW_US, vec![Op::CloseAuthor { author: ada }]).unwrap();
    let (_, result) = import(&site, "{\"author\":\"ada\",\"text\":\"x\"}\n");
    assert!(matches!(&result, Err(Error::Line { line: 1, problem }) if problem.contains("left")), "{result:?}");
}
