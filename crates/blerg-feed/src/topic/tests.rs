//! Topics are the paths that feeds have.

use super::{TOPIC_TAGS_MAX, topic_urls, topics};

#[test]
fn a_record_is_news_to_its_author_everybody_and_its_tags() {
    assert_eq!(topics("O'Brien x", "Hi @Ada, #Tea and #tea"), ["user/O%27Brien%20x", "latest", "tag/@ada", "tag/Htea"]);
    let many: String = (0..100).map(|n| format!("#{n} ")).collect();
    assert_eq!(topics("jon", &many).len(), 2 + TOPIC_TAGS_MAX);
}

#[test]
fn every_format_has_an_address() {
    let urls = topic_urls("https://b.example/blog/", "tag/Htea");
    assert_eq!(urls, ["rss", "atom", "json"].map(|ending| format!("https://b.example/blog/rss/tag/Htea.{ending}")));
}
