//! All pages and files as a zip archive: `Name.md` and `Name/file`. Start at [`export`]. It goes out page by page, so that
//! the largest wiki needs no more memory than its largest file; nothing is compressed, because that would need more of both.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use blerg_http::Response;
use blerg_store::{Error, FileView, LimitKind, PageHead, PageName, Store};
use rawzip::ZipArchiveWriter;
use rawzip::time::UtcDateTime;

use crate::call::Call;
use crate::failure::Failure;

/// Names of pages that are looked up at once.
const NAMES: usize = 200;

/// GET Special:Export
pub(crate) fn export(call: &Call<'_>, _: &str) -> Result<Response, Failure> {
    call.spend_of(LimitKind::Look)?;
    // An error now is an answer; later it cuts the archive off.
    call.wiki()?.version()?;
    let archive = Archive::new(call.store);
    let name = crate::time::date(call.request.now_us);
    Ok(call
        .kept(Response::stream("application/zip", Box::new(archive)))
        .header("Content-Disposition", format!("attachment; filename=\"wiki-{name}.zip\"")))
}

/// What the archive's writer has written and nobody has taken yet.
#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Buffer {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The archive while it goes out.
pub(crate) struct Archive {
    store: Arc<Store>,
    writer: Option<ZipArchiveWriter<Buffer>>,
    buffer: Buffer,
    /// What is to be written next, the last one first.
    ahead: Vec<Item>,
    /// The last page that was looked up.
    last: Option<PageName>,
}

/// One file of the archive.
enum Item {
    Page(Box<PageHead>),
    File(PageName, Box<FileView>),
}

impl Archive {
    pub(crate) fn new(store: &Arc<Store>) -> Archive {
        let buffer = Buffer::default();
        let writer = Some(ZipArchiveWriter::new(buffer.clone()));
        Archive { store: Arc::clone(store), writer, buffer, ahead: Vec::new(), last: None }
    }

    /// The next item; after a page come its files.
    fn next_item(&mut self) -> Result<Option<Item>, Error> {
        if self.ahead.is_empty() {
            let heads = self.store.wiki()?.all(self.last.as_ref(), NAMES)?;
            self.last = heads.last().map(|head| head.name.clone()).or(self.last.take());
            self.ahead = heads.into_iter().rev().map(|head| Item::Page(Box::new(head))).collect();
        }
        let item = self.ahead.pop();
        if let Some(Item::Page(head)) = &item {
            let files = self.store.wiki()?.files(&head.name)?;
            let files = files.into_iter().rev().filter(|file| !file.is_deleted);
            self.ahead.extend(files.map(|file| Item::File(head.name.clone(), Box::new(file))));
        }
        Ok(item)
    }

    /// Its name in the archive, its time and its bytes; `None` if it has gone meanwhile.
    fn read(&self, item: &Item) -> Result<Option<(String, u64, Vec<u8>)>, Error> {
        let wiki = self.store.wiki()?;
        match item {
            Item::Page(head) => match wiki.source(&head.name, None) {
                Ok(source) => Ok(source
                    .text
                    .map(|text| (format!("{}.md", head.name.underscored()), source.change.at_us, text.into_bytes()))),
                Err(error) if error.is_not_found() => Ok(None),
                Err(error) => Err(error),
            },
            Item::File(page, file) => {
                let mut bytes = Vec::new();
                loop {
                    let offset = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                    match wiki.file_bytes(file.id, offset) {
                        Ok(piece) if piece.is_empty() => break,
                        Ok(piece) => bytes.extend_from_slice(&piece),
                        Err(error) if error.is_not_found() => return Ok(None),
                        Err(error) => return Err(error),
                    }
                }
                Ok(Some((format!("{}/{}", page.underscored(), file.name), file.at_us, bytes)))
            }
        }
    }

    /// Writes the next item, or the archive's end; `None` after that.
    fn step(&mut self) -> io::Result<Option<Vec<u8>>> {
        let Some(mut writer) = self.writer.take() else { return Ok(None) };
        while let Some(item) = self.next_item().map_err(io::Error::other)? {
            if let Some((name, at_us, bytes)) = self.read(&item).map_err(io::Error::other)? {
                add(&mut writer, &name, at_us, &bytes).map_err(io::Error::other)?;
                self.writer = Some(writer);
                return Ok(Some(self.buffer.take()));
            }
        }
        writer.finish().map_err(io::Error::other)?;
        Ok(Some(self.buffer.take()))
    }
}

fn add(writer: &mut ZipArchiveWriter<Buffer>, name: &str, at_us: u64, bytes: &[u8]) -> Result<(), rawzip::Error> {
    let at = UtcDateTime::from_unix(i64::try_from(at_us / 1_000_000).unwrap_or(0));
    let (mut entry, config) = writer.new_file(name).last_modified(at).unix_permissions(0o644).start()?;
    let mut data = config.wrap(&mut entry);
    data.write_all(bytes)?;
    let (_, sums) = data.finish()?;
    entry.finish(sums)?;
    Ok(())
}

impl Iterator for Archive {
    type Item = io::Result<Vec<u8>>;

    /// After an error the archive has no end, so that nobody takes it for whole.
    fn next(&mut self) -> Option<io::Result<Vec<u8>>> {
        self.step().transpose()
    }
}
