//! Everything that the log asks of a file system, as two small traits and a map. Start at [`Disk`].
//! The log touches no file by any other way, so that a test can hand it a disk that lies.

use std::io;
use std::path::Path;

/// A file system.
pub trait Disk: Send + Sync {
    /// Opens a file.
    ///
    /// # Errors
    /// What the system says.
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Box<dyn DiskFile>>;
    /// Gives a file a new name, over whatever has that name.
    ///
    /// # Errors
    /// What the system says.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file's name.
    ///
    /// # Errors
    /// What the system says.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Removes an empty directory.
    ///
    /// # Errors
    /// What the system says.
    fn remove_dir(&self, dir: &Path) -> io::Result<()>;
    /// Whether a symbolic link stands there. A disk that has none need not say.
    ///
    /// # Errors
    /// What the system says; there is nothing of that name.
    fn is_link(&self, _path: &Path) -> io::Result<bool> {
        Ok(false)
    }
    /// The names in a directory.
    ///
    /// # Errors
    /// What the system says.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;
    /// Makes a directory for the owner alone; one that exists is fine.
    ///
    /// # Errors
    /// What the system says.
    fn create_dir(&self, dir: &Path) -> io::Result<()>;
    /// Makes the names in a directory durable.
    ///
    /// # Errors
    /// What the system says.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// How much room there is.
    ///
    /// # Errors
    /// What the system says.
    fn space(&self, dir: &Path) -> io::Result<Space>;
    /// What kind of file system holds a directory.
    ///
    /// # Errors
    /// What the system says.
    fn filesystem(&self, dir: &Path) -> io::Result<Filesystem>;
    /// A number of this start of the machine; `None` if it cannot be known.
    fn boot_id(&self) -> Option<[u8; 16]>;
    /// The number of the file that has this name now.
    ///
    /// # Errors
    /// What the system says.
    fn inode(&self, path: &Path) -> io::Result<u64>;
}

/// An open file.
pub trait DiskFile: Send + Sync {
    /// Its length in bytes.
    ///
    /// # Errors
    /// What the system says.
    fn size(&self) -> io::Result<u64>;
    /// Its number in the file system.
    ///
    /// # Errors
    /// What the system says.
    fn inode(&self) -> io::Result<u64>;
    /// Reads some bytes; 0 at the end of the file.
    ///
    /// # Errors
    /// What the system says.
    fn read_at(&self, into: &mut [u8], at: u64) -> io::Result<usize>;
    /// Writes some of the bytes.
    ///
    /// # Errors
    /// What the system says.
    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<usize>;
    /// Sees to it that the first `bytes` bytes exist and have room on the disk.
    ///
    /// # Errors
    /// What the system says.
    fn allocate(&self, bytes: u64) -> io::Result<()>;
    /// Makes the content durable.
    ///
    /// # Errors
    /// What the system says.
    fn sync_data(&self) -> io::Result<()>;
    /// Takes the exclusive lock of the file if it is free; closing the file gives it back.
    ///
    /// # Errors
    /// What the system says.
    fn try_lock(&self) -> io::Result<bool>;
    /// Takes a lock of the file that others may take beside it, but not beside an exclusive one; closing the file gives it back.
    ///
    /// # Errors
    /// What the system says.
    fn try_share(&self) -> io::Result<bool>;
    /// Gives the lock back.
    ///
    /// # Errors
    /// What the system says.
    fn unlock(&self) -> io::Result<()>;
    /// Maps `bytes` bytes from `at` on for reading, shared with all other processes.
    ///
    /// # Errors
    /// What the system says.
    fn map_read(&self, at: u64, bytes: usize) -> io::Result<Box<dyn Mapping>>;
    /// Maps `bytes` bytes from `at` on for reading and writing, shared with all other processes.
    ///
    /// # Errors
    /// What the system says.
    fn map_write(&self, at: u64, bytes: usize) -> io::Result<Box<dyn Mapping>>;
}

/// A shared map of a part of a file. Whoever calls keeps below the end of the file: touching bytes beyond it kills the
/// process. Offsets count from the start of the map; one beyond the map reads as zeros and writes nothing.
pub trait Mapping: Send + Sync {
    /// Loads the little-endian word at `at`, a multiple of 8, with acquire ordering.
    fn load(&self, at: usize) -> u64;
    /// Stores a little-endian word at `at`, a multiple of 8, with release ordering.
    fn store(&self, at: usize, word: u64);
    /// Copies bytes out.
    fn read(&self, at: usize, into: &mut [u8]);
    /// Copies bytes in.
    fn write(&self, at: usize, bytes: &[u8]);
    /// Asks for the pages of a range to be writable without failing later; where the system cannot say, it says yes.
    ///
    /// # Errors
    /// There is no room for them.
    fn populate(&self, at: usize, bytes: usize) -> io::Result<()>;
}

/// How to open a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenMode {
    /// For reading.
    Read,
    /// For reading and writing.
    Write,
    /// For reading and writing; made, for the owner alone, if it is not there.
    Create,
    /// For reading and writing; made new and empty, over whatever has that name.
    Replace,
}

/// Room on a file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// Bytes that this user may still take.
    pub free: u64,
    /// Bytes in all.
    pub total: u64,
}

/// What a file system promises about locks and maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filesystem {
    /// One kernel, pages written in place.
    Local,
    /// One kernel, but a written page needs new room (btrfs, ZFS): a store to a map may fail on a full disk.
    CopyOnWrite(&'static str),
    /// More than one kernel, or a user program, may hold pages.
    Network(&'static str),
}
