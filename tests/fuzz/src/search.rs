//! Search expressions, and what they find on a small site: start at [`run`]. What visitors write is never an error of the full-text
//! index, and what is found is what was asked for.

use blerg_store::SearchQuery;

use crate::site;

pub(crate) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let query = match SearchQuery::parse(text) {
        Ok(query) => query,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    site::with(|site| {
        let page = site.store.search(&query, None, 30).expect("a query that was taken");
        for post in &page.posts {
            if let Some(from) = &query.from {
                assert!(post.author_name.eq_ignore_ascii_case(from));
            }
            assert!(query.after_us.is_none_or(|after| post.timestamp_us >= after), "{} {query:?}", post.timestamp_us);
            assert!(query.before_us.is_none_or(|before| post.timestamp_us < before), "{} {query:?}", post.timestamp_us);
            let folded = post.text.to_lowercase();
            for tag in &query.tags {
                assert!(folded.contains(&format!("#{}", tag.to_ascii_lowercase())), "{tag} in {folded:?}");
            }
            for mention in &query.mentions {
                assert!(folded.contains(&format!("@{}", mention.to_ascii_lowercase())), "{mention} in {folded:?}");
            }
            for word in query.words.iter().filter(|word| word.bytes().all(|byte| byte.is_ascii_alphanumeric())) {
                assert!(folded.contains(&word.to_ascii_lowercase()), "{word} in {folded:?}");
            }
        }
        let hits = site.store.wiki().expect("a wiki").search(&query, 0, 30).expect("a query that was taken");
        assert!(hits.len() <= 30);
    });
}
