//! Full-text search. Start at [`search`]; the grammar of a query and the index are in the store.

use crate::answer::{Audience, encode, linked, records, unless_known, validators, version_of};
use crate::call::Call;
use crate::failure::{Code, Failure};
use crate::json::Author;
use crate::param;
use crate::read::PAGE_RECORDS;
use blerg_http::Response;
use blerg_store::{ListKey, SearchQuery};

/// Batches of the log that a search adds to the index at most before it answers from what there is.
const CATCH_UP_BATCHES: u64 = 4;

/// GET /search?q=
pub(crate) fn search(call: &Call<'_>) -> Result<Response, Failure> {
    let form = call.request.query_form();
    let text = param::required(&form, "q")?;
    let before = call.before(&form)?;
    let query = SearchQuery::parse(text).map_err(|error| Failure::new(Code::BadQuery, error.to_string()))?;
    // Every put, edit and delete moves the list of all records.
    let version = version_of(&call.reader()?, &[ListKey::Latest])?;
    let mut validators = validators(call, Audience::Everybody, &version);
    let cover = call.store.index_search(CATCH_UP_BATCHES)?;
    if !cover.is_complete() {
        // The answer is that of a part of the log, and has to be asked for again.
        validators.etag.push_str(&format!("-c{:x}", cover.next.0));
    }
    unless_known(call, Audience::Everybody, &validators, || {
        let page = call.store.search(&query, before.as_ref(), PAGE_RECORDS).map_err(Call::page_failure)?;
        let response = records(call, &page.posts, Author::Shown);
        Ok(linked(response, call, "search", &format!("q={}&", encode(text)), page.next.as_ref()))
    })
}
