//! The wiki as visitors meet it, through every way in. `pages.rs`: a life of pages, the same everywhere; `browser.rs` and
//! others look at it with other eyes. What they share stands here; start at [`multipart`].

mod browser;
mod pages;
mod storm;

use super::http::Ask;

/// A form with files, as browsers send it.
pub fn multipart(path: &str, fields: &[(&str, &str)], files: &[(&str, &[u8])]) -> Ask {
    let mut body = Vec::new();
    for (name, value) in fields {
        body.extend(format!("--XX\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").bytes());
    }
    for (name, bytes) in files {
        let disposition = format!("Content-Disposition: form-data; name=\"file\"; filename=\"{name}\"");
        body.extend(format!("--XX\r\n{disposition}\r\nContent-Type: image/png\r\n\r\n").bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--XX--\r\n");
    Ask::new("POST", path).header("Content-Type", "multipart/form-data; boundary=XX").body(body)
}
