//! The page that the processes of one start of the machine share: how far the log goes, how much of it is durable and
//! indexed, and what must not be forgotten. Start at [`Control`]. Never trusted after another start. Layout: FORMAT.md,
//! section "Control page"; all of it lies in one sector, so a power cut cannot tear it.

use std::path::Path;

use crate::file::File;
use crate::segment::Tail;
use crate::{Backend, Disk, Error, Mapping, OpenMode};

/// The file.
pub(crate) const CONTROL_FILE: &str = "ctl";
/// Its length: a page.
pub(crate) const CONTROL_BYTES: u64 = 4096;
/// What of it is used: less than a sector.
const USED_BYTES: usize = 320;
const MAGIC: u64 = u64::from_le_bytes(*b"BLERGCT1");
const SLOT_BYTES: usize = 64;
const SLOT_WORDS: usize = SLOT_BYTES / 8;
/// A reader that meets this many commits while it copies a slot gives up; the writer would have to outrun it every time.
const TRIES_MAX: u32 = 1_000;

/// A word of the page, by its offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    Magic = 0,
    Site = 8,
    SiteHigh = 16,
    /// The page's own inode: a copied directory is not taken for the live one.
    Inode = 24,
    Boot = 32,
    BootHigh = 40,
    /// The number of the index file.
    Generation = 48,
    /// The random number of the last recovery.
    Epoch = 56,
    /// A [`State`].
    State = 64,
    /// Where the running fdatasync will have made the log durable; 0 when none runs.
    Intent = 72,
    Durable = 80,
    Indexed = 88,
    /// Not 0: a reader found the index to be wrong.
    Suspect = 96,
    /// Behind the last DELETE that was indexed.
    Deleted = 104,
    /// Behind the last DELETE whose texts are erased.
    Scrubbed = 112,
    LastSync = 120,
    /// Where the log ended when everything was synced; 0 when it was not.
    CleanEnd = 128,
    /// Counts the times that a segment file was replaced.
    Replaced = 136,
    /// Behind the last CLOSE_USER that was indexed; 0 if no author ever left, and readers need not ask.
    Closed = 152,
    /// Counts the commits; its last bit chooses the slot.
    Current = 144,
    /// Random; another one each time that the end was moved back, so that a position from before is not taken for one of now.
    Cut = 160,
    /// The number of the log that the page is of.
    Log = 168,
    /// The DELETE of which only some texts are erased yet: an erasure of many goes on in rounds.
    ErasedOf = 176,
    /// How many of them, from the newest.
    Erased = 184,
}

const SLOTS_AT: usize = 192;

/// Whether the store takes writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It does.
    Open,
    /// A sync failed: not before what it concerned was written anew.
    Poisoned,
    /// That failed too: not before the operator acts, or the machine starts anew.
    Lost,
    /// The log is damaged where more was durable: not before it was salvaged.
    Damaged,
    /// A later version wrote frames that this one does not know and must not ignore: that one does.
    Alien,
    /// FORMAT may name another log by now: whoever sees this looks. Programs that know nothing of it take it for alien, and do
    /// not write.
    Moving,
}

impl State {
    fn of(word: u64) -> State {
        match word {
            0 => State::Open,
            1 => State::Poisoned,
            2 => State::Lost,
            3 => State::Damaged,
            5 => State::Moving,
            _ => State::Alien,
        }
    }

    fn word(self) -> u64 {
        match self {
            State::Open => 0,
            State::Poisoned => 1,
            State::Lost => 2,
            State::Damaged => 3,
            State::Alien => 4,
            State::Moving => 5,
        }
    }
}

/// A published commit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Commit {
    /// Behind the last frame.
    pub(crate) end: u64,
    /// The last frame.
    pub(crate) last: Tail,
    /// The last frame's time.
    pub(crate) time_us: u64,
}

impl Commit {
    fn words(&self, sequence: u64) -> [u64; SLOT_WORDS] {
        let mut words = [sequence, self.end, self.last.position, self.last.hcrc.into(), self.time_us, 0, 0, 0];
        let sum = sum_of(&words);
        if let Some(last) = words.last_mut() {
            *last = sum;
        }
        words
    }

    fn of(words: [u64; SLOT_WORDS], sequence: u64) -> Option<Commit> {
        let [found, end, position, hcrc, time_us, _, _, sum] = words;
        let sound = found == sequence && sum == sum_of(&words);
        let last = Tail { position, hcrc: u32::try_from(hcrc).ok()? };
        sound.then_some(Commit { end, last, time_us })
    }
}

fn sum_of(words: &[u64; SLOT_WORDS]) -> u64 {
    let bytes = words.iter().take(SLOT_WORDS - 1).flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
    u64::from(crc32c::crc32c(&bytes)) | 1 << 32
}

/// A place in the log for one who waits until it is durable: it means something only until the log is cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Behind the frames that are waited for.
    pub(crate) end: u64,
    /// The word of that name, as it was when they were published.
    pub(crate) cut: u64,
    /// The log that they are in.
    pub(crate) log: u64,
}

/// The whole page at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    pub(crate) generation: u64,
    pub(crate) replaced: u64,
    pub(crate) epoch: u64,
    pub(crate) state: State,
    pub(crate) durable: u64,
    pub(crate) indexed: u64,
    pub(crate) closed: u64,
    pub(crate) is_suspect: bool,
    pub(crate) cut: u64,
    pub(crate) log: u64,
    pub(crate) commit: Commit,
}

impl Look {
    /// The published end.
    pub(crate) fn mark(&self) -> Mark {
        Mark { end: self.commit.end, cut: self.cut, log: self.log }
    }
}

/// The page: through a map, or for readers of one request by single reads.
pub(crate) struct Control {
    file: File,
    inode: u64,
    map: Option<Box<dyn Mapping>>,
}

impl Control {
    /// The page for a reader; `None` if there is none, or not a whole one.
    pub(crate) fn open(disk: &dyn Disk, dir: &Path, backend: Backend) -> Result<Option<Control>, Error> {
        let Some(file) = File::open_if_there(disk, &dir.join(CONTROL_FILE), OpenMode::Read)? else { return Ok(None) };
        let map = match backend {
            Backend::Mapped if file.size()? < CONTROL_BYTES => return Ok(None),
            Backend::Mapped => Some(file.map_read(0, CONTROL_BYTES as usize)?),
            Backend::Pread => None,
        };
        Ok(Some(Control { inode: file.inode()?, file, map }))
    }

    /// The page for a writer, who always maps it; `None` if there is none, or not a whole one.
    pub(crate) fn open_to_write(disk: &dyn Disk, dir: &Path) -> Result<Option<Control>, Error> {
        let Some(file) = File::open_if_there(disk, &dir.join(CONTROL_FILE), OpenMode::Write)? else { return Ok(None) };
        if file.size()? < CONTROL_BYTES {
            return Ok(None);
        }
        let map = Some(file.map_write(0, CONTROL_BYTES as usize)?);
        Ok(Some(Control { inode: file.inode()?, file, map }))
    }

    /// The page for a recovery, which makes it if it is not there.
    pub(crate) fn open_or_make(disk: &dyn Disk, dir: &Path) -> Result<Control, Error> {
        let file = File::open(disk, &dir.join(CONTROL_FILE), OpenMode::Create)?;
        file.allocate(CONTROL_BYTES)?;
        let map = Some(file.map_write(0, CONTROL_BYTES as usize)?);
        Ok(Control { inode: file.inode()?, file, map })
    }

    pub(crate) fn inode(&self) -> u64 {
        self.inode
    }

    pub(crate) fn sync(&self) -> Result<(), Error> {
        self.file.sync()
    }

    /// Takes the clean mark away, durably, before what it vouches for changes: else an index that a power cut tore would be
    /// taken for a clean one.
    pub(crate) fn clear_clean_mark(&self) -> Result<(), Error> {
        let clean_end = self.load(Word::CleanEnd)?;
        if clean_end != 0 {
            self.store(Word::CleanEnd, 0);
            self.sync().inspect_err(|_| self.store(Word::CleanEnd, clean_end))?;
        }
        Ok(())
    }

    /// The words of the page: as they are at each call in a map, as they were at this call otherwise.
    fn words(&self) -> Result<Words<'_>, Error> {
        match &self.map {
            Some(map) => Ok(Words::Map(&**map)),
            None => {
                let mut bytes = Box::new([0; USED_BYTES]);
                self.file.read(&mut *bytes, 0)?;
                Ok(Words::Copy(bytes))
            }
        }
    }

    pub(crate) fn load(&self, word: Word) -> Result<u64, Error> {
        Ok(self.words()?.load(word as usize))
    }

    /// Stores a word; on a page that is not mapped for writing this does nothing.
    pub(crate) fn store(&self, word: Word, value: u64) {
        if let Some(map) = &self.map {
            map.store(word as usize, value);
        }
    }

    /// Raises a word that only grows.
    pub(crate) fn raise(&self, word: Word, value: u64) -> Result<(), Error> {
        if self.load(word)? < value {
            self.store(word, value);
        }
        Ok(())
    }

    pub(crate) fn state(&self) -> Result<State, Error> {
        Ok(State::of(self.load(Word::State)?))
    }

    pub(crate) fn set_state(&self, state: State) {
        self.store(Word::State, state.word());
    }

    /// What the page holds, if it is of this site, this start of the machine and this very file. Without a boot id it never is.
    pub(crate) fn current(&self, site_id: &[u8; 16], boot_id: Option<[u8; 16]>) -> Result<Option<Look>, Error> {
        let Some(boot_id) = boot_id else { return Ok(None) };
        let words = match self.words() {
            // The file is shorter than a page.
            Err(Error::Damaged { .. }) => return Ok(None),
            words => words?,
        };
        let is_ours = words.is_of(site_id)
            && words.pair(Word::Boot, Word::BootHigh) == u128::from_le_bytes(boot_id)
            && words.load(Word::Inode as usize) == self.inode;
        match words.look() {
            _ if !is_ours => Ok(None),
            Some(look) => Ok(Some(look)),
            // Read while a writer was at it, or damaged.
            None => Ok(self.look().ok()),
        }
    }

    /// The start of the machine that the page is of; 0: nobody's.
    pub(crate) fn boot(&self) -> Result<u128, Error> {
        Ok(self.words()?.pair(Word::Boot, Word::BootHigh))
    }

    /// Whether the page is of this site, whatever start of the machine it is from.
    pub(crate) fn is_of(&self, site_id: &[u8; 16]) -> Result<bool, Error> {
        Ok(self.words()?.is_of(site_id))
    }

    /// The newest published commit and what goes with it.
    pub(crate) fn look(&self) -> Result<Look, Error> {
        for _ in 0..TRIES_MAX {
            if let Some(look) = self.words()?.look() {
                return Ok(look);
            }
        }
        Err(Error::damaged(self.file.path(), SLOTS_AT as u64, "no sound commit"))
    }

    /// Publishes a commit: one store makes it visible.
    pub(crate) fn publish(&self, commit: &Commit) -> Result<(), Error> {
        let sequence = self.load(Word::Current)?.wrapping_add(1);
        if let Some(map) = &self.map {
            for (at, word) in (slot_at(sequence)..).step_by(8).zip(commit.words(sequence)) {
                map.store(at, word);
            }
        }
        self.store(Word::Current, sequence);
        Ok(())
    }

    /// Makes the page one of this site and of no start of the machine, so that whoever opens the store meanwhile waits for the recovery.
    /// What another site or chance has left in it is cleared first.
    pub(crate) fn claim(&self, site_id: &[u8; 16]) -> Result<(), Error> {
        self.store(Word::Boot, 0);
        self.store(Word::BootHigh, 0);
        if !self.is_of(site_id)?
            && let Some(map) = &self.map
        {
            (0..USED_BYTES).step_by(8).for_each(|at| map.store(at, 0));
        }
        let (site, site_high) = halves(site_id);
        self.store(Word::Site, site);
        self.store(Word::SiteHigh, site_high);
        self.store(Word::Inode, self.inode);
        self.store(Word::Magic, MAGIC);
        Ok(())
    }

    /// Makes the page that of this start of the machine; the last thing that a recovery does.
    pub(crate) fn own(&self, boot_id: Option<[u8; 16]>) {
        let (boot, boot_high) = halves(&boot_id.unwrap_or_default());
        self.store(Word::BootHigh, boot_high);
        self.store(Word::Boot, boot);
    }
}

fn halves(id: &[u8; 16]) -> (u64, u64) {
    let id = u128::from_le_bytes(*id);
    let half = |number: u128| u64::try_from(number & u128::from(u64::MAX)).unwrap_or_default();
    (half(id), half(id >> 64))
}

fn slot_at(sequence: u64) -> usize {
    if sequence.is_multiple_of(2) { SLOTS_AT } else { SLOTS_AT + SLOT_BYTES }
}

/// The words of a page, live or copied.
enum Words<'c> {
    Map(&'c dyn Mapping),
    Copy(Box<[u8; USED_BYTES]>),
}

impl Words<'_> {
    fn load(&self, at: usize) -> u64 {
        match self {
            Words::Map(map) => map.load(at),
            Words::Copy(bytes) => {
                let word = bytes.get(at..).and_then(|rest| rest.first_chunk());
                word.map_or(0, |word| u64::from_le_bytes(*word))
            }
        }
    }

    fn pair(&self, low: Word, high: Word) -> u128 {
        u128::from(self.load(low as usize)) | u128::from(self.load(high as usize)) << 64
    }

    fn is_of(&self, site_id: &[u8; 16]) -> bool {
        self.load(Word::Magic as usize) == MAGIC
            && self.pair(Word::Site, Word::SiteHigh) == u128::from_le_bytes(*site_id)
    }

    /// What the page holds; `None` if a writer was at it meanwhile.
    fn look(&self) -> Option<Look> {
        let load = |word: Word| self.load(word as usize);
        let (generation, replaced, cut) = (load(Word::Generation), load(Word::Replaced), load(Word::Cut));
        let (epoch, state) = (load(Word::Epoch), State::of(load(Word::State)));
        // In this order: what is durable or indexed is never beyond the commit that is read after it.
        let (durable, indexed) = (load(Word::Durable), load(Word::Indexed));
        let (closed, is_suspect, log) = (load(Word::Closed), load(Word::Suspect) != 0, load(Word::Log));
        let sequence = load(Word::Current);
        let commit = Commit::of(self.slot(sequence), sequence)?;
        let settled = (load(Word::Generation), load(Word::Replaced), load(Word::Cut)) == (generation, replaced, cut);
        let look = Look { generation, replaced, epoch, state, durable, indexed, closed, is_suspect, cut, log, commit };
        settled.then_some(look)
    }

    fn slot(&self, sequence: u64) -> [u64; SLOT_WORDS] {
        let mut words = [0; SLOT_WORDS];
        for (at, word) in (slot_at(sequence)..).step_by(8).zip(&mut words) {
            *word = self.load(at);
        }
        words
    }
}

#[cfg(test)]
mod tests;
