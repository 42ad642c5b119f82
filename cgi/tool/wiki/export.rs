//! `blergtool wiki export`: all pages as `Name.md` and their files as `Name/file`, in a directory or a zip archive. Start
//! at [`run`]. What is written is written with the rights of whoever called the tool: the target is opened, and a thread
//! that writes begun, before this one becomes the data directory's owner (user ids belong to threads).

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use blerg_store::{FileView, PageName, Progress, Wiki};
use serde_json::json;

use super::super::meter::Meter;
use super::super::{Answer, Failure, existing_store};
use super::args::Export;
use crate::setup::Setup;

/// Names that are looked up at once.
const ROWS: usize = 500;

/// Files that wait to be written.
const AHEAD: usize = 2;

/// Runs the command.
pub(crate) fn run(setup: &Setup, export: &Export, is_json: bool) -> Result<Answer, Failure> {
    let target = &export.target;
    if target.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("zip")) {
        return zip(setup, target);
    }
    make_folder(target)?;
    let (send, files) = sync_channel(AHEAD);
    let folder = target.clone();
    let writer = thread::Builder::new().name("writer".to_owned()).spawn(move || write_all(&folder, &files));
    let writer = writer.map_err(|error| Failure::File("start a thread".to_owned(), error))?;
    let store = existing_store(setup)?;
    let mut meter = Meter::new(is_json, None);
    let read = read_all(store.wiki()?, &send, &mut meter);
    drop((send, meter));
    let written =
        writer.join().unwrap_or_else(|_| Err(Failure::Refused("the thread that writes has failed".to_owned())));
    let (pages, files) = written.and(read)?;
    store.close()?;
    let text = format!("{pages} pages and {files} files exported to {}\n", target.display());
    Ok(Answer::new(text, json!({ "pages": pages, "files": files })))
}

/// What is there already is never touched.
fn make_folder(target: &Path) -> Result<(), Failure> {
    let failed = |error| Failure::File(format!("make {}", target.display()), error);
    fs::create_dir_all(target).map_err(failed)?;
    if fs::read_dir(target).map_err(failed)?.next().is_some() {
        return Err(Failure::Usage(format!("{} is not empty", target.display())));
    }
    Ok(())
}

fn zip(setup: &Setup, target: &Path) -> Result<Answer, Failure> {
    let failed = |error| Failure::File(format!("write {}", target.display()), error);
    let file = OpenOptions::new().write(true).create_new(true).open(target).map_err(failed)?;
    let store = Arc::new(existing_store(setup)?);
    let mut out = BufWriter::new(&file);
    for piece in blerg_wiki::archive(&store) {
        out.write_all(&piece.map_err(failed)?).map_err(failed)?;
    }
    out.into_inner().map_err(|error| failed(error.into_error()))?;
    file.sync_all().map_err(failed)?;
    let stats = store.wiki()?.stats()?;
    let text = format!("{} pages exported to {}\n", stats.pages, target.display());
    Ok(Answer::new(text, json!({ "pages": stats.pages })))
}

/// A file to be written, in pieces.
enum Step {
    Open(PathBuf),
    Bytes(Vec<u8>),
}

fn write_all(folder: &Path, steps: &Receiver<Step>) -> Result<(), Failure> {
    let mut open: Option<(PathBuf, File)> = None;
    for step in steps {
        match (step, &mut open) {
            (Step::Open(path), _) => {
                let path = folder.join(path);
                let made = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| File::create_new(&path));
                let file = made.map_err(|error| Failure::File(format!("make {}", path.display()), error))?;
                open = Some((path, file));
            }
            (Step::Bytes(bytes), Some((path, file))) => {
                let written = file.write_all(&bytes);
                written.map_err(|error| Failure::File(format!("write {}", path.display()), error))?;
            }
            (Step::Bytes(_), None) => return Err(Failure::File("write".to_owned(), io::ErrorKind::NotFound.into())),
        }
    }
    Ok(())
}

/// Sends everything; ends early where nobody takes it any more, who then says why.
fn read_all(wiki: Wiki<'_>, to: &SyncSender<Step>, meter: &mut Meter) -> Result<(u64, u64), Failure> {
    let (mut pages, mut files) = (0, 0);
    let mut after: Option<PageName> = None;
    loop {
        let heads = wiki.all(after.as_ref(), ROWS)?;
        let Some(last) = heads.last() else { return Ok((pages, files)) };
        after = Some(last.name.clone());
        for head in &heads {
            let underscored = head.name.underscored();
            let text = match wiki.source(&head.name, None) {
                Ok(source) => source.text.unwrap_or_default(),
                Err(error) if error.is_not_found() => continue,
                Err(error) => return Err(error.into()),
            };
            pages += 1;
            meter.show(Progress { doing: "pages exported", done: pages, total: None });
            let page = [Step::Open(format!("{underscored}.md").into()), Step::Bytes(text.into_bytes())];
            if page.into_iter().any(|step| to.send(step).is_err()) {
                return Ok((pages, files));
            }
            for file in wiki.files(&head.name)?.iter().filter(|file| !file.is_deleted) {
                files += 1;
                if !send_file(wiki, to, &underscored, file)? {
                    return Ok((pages, files));
                }
            }
        }
    }
}

/// Says whether somebody takes it.
fn send_file(wiki: Wiki<'_>, to: &SyncSender<Step>, folder: &str, file: &FileView) -> Result<bool, Failure> {
    let mut is_taken = to.send(Step::Open(Path::new(folder).join(file.name.as_str()))).is_ok();
    let mut offset = 0;
    while is_taken {
        let bytes = wiki.file_bytes(file.id, offset)?;
        if bytes.is_empty() {
            break;
        }
        offset += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        is_taken = to.send(Step::Bytes(bytes)).is_ok();
    }
    Ok(is_taken)
}
