//! The style sheet, which the program serves itself. Start at [`answer`]. Its address holds a hash of it, so that browsers
//! may keep it for good.

use blerg_http::{Response, Validators};

use crate::call::Call;
use crate::failure::Failure;

/// The style sheet.
const STYLE: &str = include_str!("style.css");

/// Tells versions of it apart (FNV-1a): nobody gains by making two alike.
pub(crate) const VERSION: u64 = hash(STYLE.as_bytes());

const fn hash(bytes: &[u8]) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut rest = bytes;
    while let [byte, after @ ..] = rest {
        hash = (hash ^ *byte as u64).wrapping_mul(0x0100_0000_01b3);
        rest = after;
    }
    hash
}

/// Where it is.
pub(crate) fn address(call: &Call<'_>) -> String {
    call.place.special(&format!("Style.css?v={VERSION:x}"))
}

/// GET Special:Style.css
pub(crate) fn answer(call: &Call<'_>, _: &str) -> Result<Response, Failure> {
    let validators = Validators { etag: format!("{VERSION:x}"), last_modified_secs: 0 };
    if call.request.not_modified(&validators) {
        return Ok(Response::not_modified(&validators));
    }
    let asked = call.query.get("v");
    let is_current = asked.is_some_and(|asked| asked == format!("{VERSION:x}"));
    let cache = if is_current { "public, max-age=31536000, immutable" } else { "max-age=300" };
    Ok(Response::new(200, "text/css; charset=utf-8", STYLE.as_bytes().to_vec()).validators(&validators).cache(cache))
}
