//! The files of `www/`, held in memory: [`Files`]. A request names a file by its path in a map that was made from the
//! directory, so no path leads out of it. Names that start with a dot, and directories below [`DEPTH_MAX`], are left out.

use std::collections::HashMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use blerg_http::{Method, Request, Response, Validators};

use crate::error::Error;

/// The client has a dozen files; themes and pictures may join them.
const FILES_MAX: usize = 1000;
/// All of them are held in memory; a larger file belongs behind a web server.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;
const DEPTH_MAX: usize = 4;
/// How often a request looks whether the directory has changed, so that a new client needs no restart.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// The files of one directory.
pub(crate) struct Files {
    root: PathBuf,
    held: RwLock<Held>,
}

struct Held {
    files: Arc<HashMap<String, File>>,
    looked: Instant,
}

struct File {
    bytes: Arc<[u8]>,
    content_type: &'static str,
    validators: Validators,
    modified: Option<SystemTime>,
}

impl Files {
    /// Reads a directory.
    pub(crate) fn load(root: &Path) -> Result<Files, Error> {
        let files = scan(root, &HashMap::new())?;
        if !files.contains_key("/index.html") {
            return Err(Error::Www { path: root.join("index.html"), source: std::io::ErrorKind::NotFound.into() });
        }
        let held = Held { files: Arc::new(files), looked: Instant::now() };
        Ok(Files { root: root.to_owned(), held: RwLock::new(held) })
    }

    /// The file that a GET or HEAD names; `None`: there is no such file.
    pub(crate) fn answer(&self, request: &Request) -> Option<Response> {
        if !matches!(request.method, Method::Get | Method::Head) {
            return None;
        }
        let files = self.current();
        let file = match request.path.strip_suffix('/') {
            None => files.get(&request.path),
            Some(directory) => files.get(&format!("{directory}/index.html")),
        }?;
        if request.not_modified(&file.validators) {
            return Some(Response::not_modified(&file.validators));
        }
        Some(Response::new(200, file.content_type, file.bytes.to_vec()).validators(&file.validators))
    }

    fn current(&self) -> Arc<HashMap<String, File>> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        let files = Arc::clone(&held.files);
        if held.looked.elapsed() < LOOK_AGAIN {
            return files;
        }
        drop(held);
        // While the directory is being replaced it may not be readable; the old files are better than none.
        let fresh = scan(&self.root, &files).map_or(files, Arc::new);
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        *held = Held { files: Arc::clone(&fresh), looked: Instant::now() };
        fresh
    }
}

/// Reads what has changed since `known`. At first everything must be readable; later a file that is not (its permissions, or
/// a link to somewhere that this program gave up) is left out until it is.
fn scan(root: &Path, known: &HashMap<String, File>) -> Result<HashMap<String, File>, Error> {
    let mut files = HashMap::new();
    let mut directories = vec![(root.to_owned(), String::new(), 0)];
    while let Some((directory, prefix, depth)) = directories.pop() {
        let wrong = |source| Error::Www { path: directory.clone(), source };
        let entries = match fs::read_dir(&directory) {
            Err(error) if is_left_out(&error, known) && depth > 0 => continue,
            entries => entries.map_err(wrong)?,
        };
        for entry in entries {
            let entry = entry.map_err(wrong)?;
            let Some(name) = entry.file_name().to_str().filter(|name| !name.starts_with('.')).map(str::to_owned) else {
                continue;
            };
            let (path, key) = (entry.path(), format!("{prefix}/{name}"));
            // A link is followed: what the operator puts here is meant to be seen.
            let Ok(metadata) = fs::metadata(&path) else {
                continue;
            };
            if metadata.is_dir() && depth < DEPTH_MAX {
                directories.push((path, key, depth + 1));
            } else if metadata.is_file() && metadata.len() <= FILE_BYTES_MAX && files.len() < FILES_MAX {
                let file = match known.get(&key) {
                    Some(file) if file.is_same(&metadata) => Ok(file.again()),
                    _ => read(&path, &metadata),
                };
                match file {
                    Err(Error::Www { source, .. }) if is_left_out(&source, known) => {}
                    file => drop(files.insert(key, file?)),
                }
            }
        }
    }
    Ok(files)
}

fn is_left_out(error: &std::io::Error, known: &HashMap<String, File>) -> bool {
    error.kind() == std::io::ErrorKind::PermissionDenied && !known.is_empty()
}

fn read(path: &Path, metadata: &fs::Metadata) -> Result<File, Error> {
    let wrong = |source| Error::Www { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    fs::File::open(path).map_err(wrong)?.take(FILE_BYTES_MAX).read_to_end(&mut bytes).map_err(wrong)?;
    let modified = metadata.modified().ok();
    let since = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    let etag = format!("{:x}-{:x}", since.as_micros(), bytes.len());
    let validators = Validators { etag, last_modified_secs: since.as_secs() };
    Ok(File { bytes: bytes.into(), content_type: content_type(path), validators, modified })
}

impl File {
    fn is_same(&self, metadata: &fs::Metadata) -> bool {
        self.modified.is_some()
            && self.modified == metadata.modified().ok()
            && self.bytes.len() as u64 == metadata.len()
    }

    fn again(&self) -> File {
        let (bytes, validators) = (Arc::clone(&self.bytes), self.validators.clone());
        File { bytes, content_type: self.content_type, validators, modified: self.modified }
    }
}

fn content_type(path: &Path) -> &'static str {
    match path.extension().and_then(|extension| extension.to_str()).unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "txt" | "md" => "text/plain; charset=utf-8",
        "xml" => "application/xml",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests;
