//! 50,000 real records of 100 authors: imported, asked for in every way that pages, and compared with a plain model that
//! is computed from the input alone; then checked, rebuilt, dumped and restored with equal answers. Start at [`Model`].

mod model;

use std::collections::BTreeSet;

use model::{Model, RECORDS, Written};

use super::front::{Kind, Way};
use super::http::Reply;
use super::site::{Site, hand_over};

/// All records of a list, newest first, by following the links.
#[track_caller]
fn walk(way: &Way, path: &str, pages_max: usize) -> Vec<Found> {
    let mut found = Vec::new();
    let mut path = path.to_owned();
    for _ in 0..pages_max {
        let reply = way.get(&path);
        found.extend(listed(&reply));
        let Some(link) = reply.header("link") else { return found };
        path = link.trim_start_matches('<').split('>').next().unwrap().to_owned();
    }
    found
}

/// A record as an answer shows it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Found {
    author: Option<String>,
    record: u64,
    text: String,
    timestamp: u64,
}

#[track_caller]
fn listed(reply: &Reply) -> Vec<Found> {
    assert_eq!(reply.status, 200, "{}", reply.text());
    let json = reply.json();
    let posts = json.as_array().unwrap_or_else(|| panic!("{}", reply.text()));
    let found = posts.iter().map(|post| Found {
        author: post["author"].as_str().map(str::to_owned),
        record: post["record"].as_str().unwrap().parse().unwrap(),
        text: post["data"].as_str().unwrap().to_owned(),
        timestamp: post["timestamp"].as_u64().unwrap(),
    });
    found.collect()
}

/// What an answer must show of the records with these indexes.
fn wanted(model: &Model, indexes: impl IntoIterator<Item = usize>, with_author: bool) -> Vec<Found> {
    let shown = |written: &Written| Found {
        author: with_author.then(|| written.author.clone()),
        record: written.record,
        text: written.text.clone(),
        timestamp: written.timestamp,
    };
    indexes.into_iter().map(|index| shown(&model.records[index])).collect()
}

/// The same records in the same order; the message shows the first that differs, not thousands.
#[track_caller]
fn check(path: &str, found: &[Found], want: &[Found]) {
    let differs = found.iter().zip(want).position(|(found, want)| found != want);
    if let Some(at) = differs {
        panic!("{path}: entry {at}: found {:?}, want {:?}", found[at], want[at]);
    }
    assert_eq!(found.len(), want.len(), "{path}: entries");
}

fn encoded(name: &str) -> String {
    url::form_urlencoded::byte_serialize(name.as_bytes()).collect::<String>().replace('+', "%20")
}

fn authors_are_right(way: &Way, model: &Model) {
    for (name, records) in &model.by_author {
        let (path, count) = (encoded(name), records.len());
        assert_eq!(way.get(&format!("/info/{path}")).json()["record_count"], count.to_string(), "{name}");
        check(name, &listed(&way.get(&format!("/get/{path}"))), &wanted(model, last(records, 50), false));
        for start in (0..count).step_by(100) {
            let range = format!("/get/{path}/{start}-{}", start + 99);
            let mut found = listed(&way.get(&range));
            found.sort_by_key(|post| post.record);
            let end = count.min(start + 100);
            check(&range, &found, &wanted(model, records[start..end].iter().copied(), false));
        }
        assert_eq!(way.get(&format!("/get/{path}/{count}-{count}")).status, 404, "{name}");
    }
}

fn last(records: &[usize], count: usize) -> impl Iterator<Item = usize> {
    records.iter().rev().take(count).copied()
}

fn lists_are_right(way: &Way, model: &Model) {
    for (name, records) in model.by_author.iter().step_by(25) {
        let path = format!("/get/{}", encoded(name));
        check(&path, &walk(way, &path, usize::MAX), &wanted(model, last(records, RECORDS), false));
    }
    for (tag, records) in model.chosen_tags() {
        let path = format!("/tag/{}", tag.replace('#', "H"));
        check(&path, &walk(way, &path, usize::MAX), &wanted(model, last(records, RECORDS), true));
        let count = way.get(&path.replace("/tag/", "/taginfo/"));
        assert!(count.text().contains(&format!("\"{}\"", records.len())), "{tag}: {}", count.text());
        let mut first = listed(&way.get(&format!("{path}/0-99")));
        first.sort_by_key(|post| post.timestamp);
        check(&path, &first, &wanted(model, records.iter().take(100).copied(), true));
    }
    check("/latest", &walk(way, "/latest", usize::MAX), &wanted(model, (0..RECORDS).rev(), true));
}

fn both_tags_are_right(way: &Way, model: &Model) {
    let tags: Vec<(&str, &[usize])> = model.chosen_tags().collect();
    for pair in tags.windows(2) {
        let (first, second): (BTreeSet<_>, BTreeSet<_>) = (pair[0].1.iter().collect(), pair[1].1.iter().collect());
        let both: Vec<usize> = first.intersection(&second).map(|index| **index).collect();
        let path = format!("/tag/{},{}", pair[0].0.replace('#', "H"), pair[1].0.replace('#', "H"));
        check(&path, &listed(&way.get(&path)), &wanted(model, last(&both, 50), true));
    }
}

fn searches_are_right(way: &Way, model: &Model) {
    let words = model.plain_words();
    assert!(words.len() >= 40, "{words:?}");
    for (word, records) in words {
        let path = format!("/search?q={word}");
        check(&path, &walk(way, &path, usize::MAX), &wanted(model, last(&records, RECORDS), true));
    }
}

fn threads_are_right(way: &Way, model: &Model) {
    for (answered, answers) in model.answers.iter().take(50) {
        let written = &model.records[*answered];
        let reply = way.get(&format!("/thread/{}/{}", encoded(&written.author), written.record));
        let found: BTreeSet<Found> = listed_anywhere(&reply);
        for want in wanted(model, answers.iter().copied().chain([*answered]), true) {
            assert!(found.contains(&want), "{} lacks {want:?}", reply.text());
        }
    }
}

/// The records of an answer, however it nests them.
fn listed_anywhere(reply: &Reply) -> BTreeSet<Found> {
    fn visit(value: &serde_json::Value, found: &mut BTreeSet<Found>) {
        if let Some(text) = value["data"].as_str() {
            found.insert(Found {
                author: value["author"].as_str().map(str::to_owned),
                record: value["record"].as_str().unwrap().parse().unwrap(),
                text: text.to_owned(),
                timestamp: value["timestamp"].as_u64().unwrap(),
            });
        }
        let inner = value.as_array().into_iter().flatten();
        inner
            .chain(value.as_object().into_iter().flat_map(serde_json::Map::values))
            .for_each(|value| visit(value, found));
    }
    let mut found = BTreeSet::new();
    visit(&reply.json(), &mut found);
    found
}

/// A few hundred answers, to compare sites by.
fn answers(way: &Way, model: &Model) -> Vec<(String, String)> {
    let mut paths: Vec<String> = vec!["/latest".into(), "/latest/tags".into()];
    for (name, records) in &model.by_author {
        let name = encoded(name);
        paths.extend([format!("/get/{name}"), format!("/info/{name}"), format!("/get/{name}/0-99")]);
        paths.push(format!("/thread/{name}/{}", records.len() / 2));
    }
    for (tag, _) in model.chosen_tags() {
        let tag = tag.replace('#', "H");
        paths.extend([format!("/tag/{tag}"), format!("/tag/{tag}/0-99"), format!("/taginfo/{tag}")]);
    }
    paths.extend(model.plain_words().into_iter().map(|(word, _)| format!("/search?q={word}")));
    paths.into_iter().map(|path| (path.clone(), way.get(&path).text().to_owned())).collect()
}

#[track_caller]
fn check_equal(found: &[(String, String)], want: &[(String, String)]) {
    for (found, want) in found.iter().zip(want) {
        assert_eq!(found, want);
    }
    assert_eq!(found.len(), want.len());
}

#[test]
fn fifty_thousand_real_records_are_served_as_they_were_written() {
    let model = Model::new();
    let site = Site::new("").set("BLERG_DURABILITY", "none");
    let (input, dump) = (site.run().join("input.jsonl"), site.run().join("dump.jsonl"));
    model.write(&input);
    site.tool(&["init"]);
    site.tool(&["import", input.to_str().unwrap()]);
    let way = Way::open(Kind::Http, site);
    authors_are_right(&way, &model);
    lists_are_right(&way, &model);
    both_tags_are_right(&way, &model);
    searches_are_right(&way, &model);
    threads_are_right(&way, &model);
    let before = answers(&way, &model);

    way.site.tool(&["check"]);
    way.site.tool(&["rebuild"]);
    check_equal(&answers(&way, &model), &before);
    way.site.tool(&["check"]);

    std::fs::write(&dump, way.site.tool(&["dump"])).unwrap();
    hand_over(&dump);
    let copy = Site::new("").set("BLERG_DURABILITY", "none");
    copy.tool(&["import", dump.to_str().unwrap()]);
    copy.tool(&["check"]);
    check_equal(&answers(&Way::open(Kind::Http, copy), &model), &before);
}
