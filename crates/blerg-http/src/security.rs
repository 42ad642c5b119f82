//! The security headers, in one place: [`headers`] says what a page and what data carries. Handlers may set a stricter
//! Content-Security-Policy of their own; nothing else overrides these.

/// For data: nothing in it may load, run or be framed, should a browser ever show it as a page.
const DATA_POLICY: &str = "default-src 'none'; frame-ancestors 'none'; sandbox";
/// For pages: our own files only; no inline script or style.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The header that a handler may set itself.
pub(crate) const POLICY: &str = "Content-Security-Policy";
const COMMON: [(&str, &str); 3] = [
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
];
const DATA: [(&str, &str); 1] = [(POLICY, DATA_POLICY)];
const PAGE: [(&str, &str); 4] = [
    (POLICY, PAGE_POLICY),
    ("X-Frame-Options", "DENY"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=()"),
];

/// What an answer carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carries {
    Page,
    Data,
    /// 304: a browser puts the headers of such an answer in place of those that came with its copy, so it must say
    /// nothing that depends on what that is.
    Nothing,
}

/// The headers that every answer of a kind has.
pub(crate) fn headers(carries: Carries) -> impl Iterator<Item = (&'static str, &'static str)> {
    let own: &[(&str, &str)] = match carries {
        Carries::Page => &PAGE,
        Carries::Data => &DATA,
        Carries::Nothing => &[],
    };
    COMMON.iter().chain(own).copied()
}
