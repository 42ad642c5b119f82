//! The disk of this machine, by way of the system calls. Start at [`RealDisk`]. Files are made for their owner alone;
//! locks are flock and never POSIX locks, which any close of the file in the process would drop.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use memmap2::MmapOptions;
use rustix::fs::{FallocateFlags, FlockOperation, OFlags};
use rustix::io::{Errno, retry_on_intr};

use crate::map::SharedMap;
use crate::{Disk, DiskFile, Filesystem, Mapping, OpenMode, Space};

/// The disk of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

/// As the standard library wants flags.
const NO_LINK: i32 = OFlags::NOFOLLOW.bits() as i32;

/// How many zeros are written at once where the file system cannot allocate.
const ZEROS_BYTES: usize = 1 << 16;

impl Disk for RealDisk {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Box<dyn DiskFile>> {
        let mut options = OpenOptions::new();
        // A symbolic link in place of a file of ours would have us read or write somewhere else.
        options.read(true).mode(0o600).custom_flags(NO_LINK);
        match mode {
            OpenMode::Read => {}
            OpenMode::Write => {
                options.write(true);
            }
            OpenMode::Create => {
                options.write(true).create(true);
            }
            OpenMode::Replace => {
                // A file that someone maps is not to shrink: the new one gets an inode of its own.
                if let Err(e) = fs::remove_file(path)
                    && e.kind() != io::ErrorKind::NotFound
                {
                    return Err(e);
                }
                options.write(true).create_new(true);
            }
        }
        Ok(Box::new(RealFile { file: options.open(path)? }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_dir(&self, dir: &Path) -> io::Result<()> {
        fs::remove_dir(dir)
    }

    fn is_link(&self, path: &Path) -> io::Result<bool> {
        Ok(fs::symlink_metadata(path)?.is_symlink())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(dir)? {
            // A name that is not UTF-8 is none of ours.
            if let Ok(name) = entry?.file_name().into_string() {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(dir)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }

    fn space(&self, dir: &Path) -> io::Result<Space> {
        let stat = rustix::fs::statvfs(dir)?;
        Ok(Space {
            free: stat.f_bavail.saturating_mul(stat.f_frsize),
            total: stat.f_blocks.saturating_mul(stat.f_frsize),
        })
    }

    fn filesystem(&self, dir: &Path) -> io::Result<Filesystem> {
        Ok(kind_of(rustix::fs::statfs(dir)?.f_type as u64))
    }

    fn boot_id(&self) -> Option<[u8; 16]> {
        let mut text = [0; 64];
        let len = File::open("/proc/sys/kernel/random/boot_id").ok()?.read_at(&mut text, 0).ok()?;
        parse_uuid(std::str::from_utf8(text.get(..len)?).ok()?.trim())
    }

    fn inode(&self, path: &Path) -> io::Result<u64> {
        Ok(fs::metadata(path)?.ino())
    }
}

/// What the number that statfs gives means (linux/magic.h and the file systems' own headers).
fn kind_of(number: u64) -> Filesystem {
    match number & 0xFFFF_FFFF {
        0x6969 => Filesystem::Network("NFS"),
        0xFF53_4D42 | 0xFE53_4D42 | 0x517B => Filesystem::Network("SMB"),
        0x0102_1997 => Filesystem::Network("9p"),
        0x6573_5546 => Filesystem::Network("FUSE"),
        0x5346_414F | 0x6B41_4653 => Filesystem::Network("AFS"),
        0x00C3_6400 => Filesystem::Network("Ceph"),
        0x0BD0_0BD0 => Filesystem::Network("Lustre"),
        0x4750_4653 => Filesystem::Network("GPFS"),
        0x786F_4256 => Filesystem::Network("vboxsf"),
        0x9123_683E => Filesystem::CopyOnWrite("btrfs"),
        0x2FC1_2FC1 => Filesystem::CopyOnWrite("ZFS"),
        0xCA45_1A4E => Filesystem::CopyOnWrite("bcachefs"),
        _ => Filesystem::Local,
    }
}

/// The 16 bytes of a UUID in its usual spelling.
fn parse_uuid(text: &str) -> Option<[u8; 16]> {
    let mut digits = text.bytes().filter(|&b| b != b'-').map(|b| char::from(b).to_digit(16));
    let mut id = [0; 16];
    for byte in &mut id {
        let (high, low) = (digits.next()??, digits.next()??);
        *byte = u8::try_from(high << 4 | low).ok()?;
    }
    digits.next().is_none().then_some(id)
}

/// An open file of this machine.
#[derive(Debug)]
struct RealFile {
    file: File,
}

impl DiskFile for RealFile {
    fn size(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn inode(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.ino())
    }

    fn read_at(&self, into: &mut [u8], at: u64) -> io::Result<usize> {
        self.file.read_at(into, at)
    }

    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<usize> {
        self.file.write_at(bytes, at)
    }

    fn allocate(&self, bytes: u64) -> io::Result<()> {
        match retry_on_intr(|| rustix::fs::fallocate(&self.file, FallocateFlags::empty(), 0, bytes)) {
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => self.append_zeros(bytes),
            other => Ok(other?),
        }
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn try_lock(&self) -> io::Result<bool> {
        self.lock(FlockOperation::NonBlockingLockExclusive)
    }

    fn try_share(&self) -> io::Result<bool> {
        self.lock(FlockOperation::NonBlockingLockShared)
    }

    fn unlock(&self) -> io::Result<()> {
        Ok(retry_on_intr(|| rustix::fs::flock(&self.file, FlockOperation::Unlock))?)
    }

    fn map_read(&self, at: u64, bytes: usize) -> io::Result<Box<dyn Mapping>> {
        let raw = MmapOptions::new().offset(at).len(bytes).map_raw_read_only(&self.file)?;
        Ok(Box::new(SharedMap::for_reading(raw)))
    }

    fn map_write(&self, at: u64, bytes: usize) -> io::Result<Box<dyn Mapping>> {
        let raw = MmapOptions::new().offset(at).len(bytes).map_raw(&self.file)?;
        Ok(Box::new(SharedMap::for_writing(raw)))
    }
}

impl RealFile {
    fn lock(&self, how: FlockOperation) -> io::Result<bool> {
        match retry_on_intr(|| rustix::fs::flock(&self.file, how)) {
            Ok(()) => Ok(true),
            Err(Errno::WOULDBLOCK) => Ok(false),
            Err(e) => Err(e.into()),
        }
    }

    /// Makes the file `bytes` long by writing, where the file system cannot allocate.
    fn append_zeros(&self, bytes: u64) -> io::Result<()> {
        write_zeros(self.size()?, bytes, |zeros, at| self.file.write_at(zeros, at))
    }
}

/// Writes zeros from `at` to `end` by as many calls of `write` as it takes.
fn write_zeros(mut at: u64, end: u64, mut write: impl FnMut(&[u8], u64) -> io::Result<usize>) -> io::Result<()> {
    let zeros = vec![0; ZEROS_BYTES];
    while at < end {
        let part = usize::try_from(end - at).unwrap_or(ZEROS_BYTES).min(ZEROS_BYTES);
        match write(zeros.split_at(part).0, at) {
            Ok(0) => return Err(io::ErrorKind::StorageFull.into()),
            Ok(n) => at += n as u64,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
