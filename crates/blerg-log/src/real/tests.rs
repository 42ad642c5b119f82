//! The real disk: modes, locks, new inodes, file systems by number.

use std::io;
use std::os::unix::fs::PermissionsExt;

use super::{RealDisk, ZEROS_BYTES, kind_of, parse_uuid, write_zeros};
use crate::{Disk, Filesystem, OpenMode};

#[test]
fn files_and_directories_are_for_the_owner_alone() {
    let dir = tempfile::tempdir().unwrap();
    let inner = dir.path().join("data/log");
    RealDisk.create_dir(&inner).unwrap();
    drop(RealDisk.open(&inner.join("file"), OpenMode::Create).unwrap());
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&inner), 0o700);
    assert_eq!(mode(&inner.join("file")), 0o600);
}

#[test]
fn replacing_gives_a_new_inode() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    let old = RealDisk.open(&path, OpenMode::Replace).unwrap();
    old.allocate(10).unwrap();
    let new = RealDisk.open(&path, OpenMode::Replace).unwrap();
    assert_ne!(old.inode().unwrap(), new.inode().unwrap());
    assert_eq!((old.size().unwrap(), new.size().unwrap()), (10, 0));
}

#[test]
fn locks_of_two_descriptors_exclude_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("lock");
    let one = RealDisk.open(&path, OpenMode::Create).unwrap();
    let two = RealDisk.open(&path, OpenMode::Create).unwrap();
    assert!(one.try_lock().unwrap());
    assert!(!two.try_lock().unwrap());
    one.unlock().unwrap();
    assert!(two.try_lock().unwrap());
    drop(two);
    assert!(one.try_lock().unwrap());
}

#[test]
fn network_file_systems_are_known_by_their_number() {
    for (number, kind) in [
        (0x6969, Filesystem::Network("NFS")),
        (0xFF53_4D42, Filesystem::Network("SMB")),
        (0xFFFF_FFFF_FF53_4D42, Filesystem::Network("SMB")),
        (0x0102_1997, Filesystem::Network("9p")),
        (0x6573_5546, Filesystem::Network("FUSE")),
        (0x9123_683E, Filesystem::CopyOnWrite("btrfs")),
        (0xEF53, Filesystem::Local),
        (0x0102_1994, Filesystem::Local),
    ] {
        assert_eq!(kind_of(number), kind, "{number:#x}");
    }
}

#[test]
fn boot_id_is_sixteen_bytes_or_unknown() {
    assert_eq!(parse_uuid("00010203-0405-0607-0809-0a0b0c0d0eff").unwrap()[15], 255);
    assert_eq!(parse_uuid("00010203"), None);
    assert_eq!(parse_uuid("00010203-0405-0607-0809-0a0b0c0d0eff00"), None);
    assert_eq!(parse_uuid("x0010203-0405-0607-0809-0a0b0c0d0eff"), None);
}

/// What becomes of 200,000 bytes of zeros, if the system answers so in turn and then writes all.
#[track_caller]
fn check_zeros(answers: Vec<io::Result<usize>>, want: Result<Vec<(u64, usize)>, io::ErrorKind>) {
    let (mut answers, mut calls) = (answers.into_iter(), Vec::new());
    let result = write_zeros(1_000, 201_000, |zeros, at| {
        assert!(zeros.iter().all(|byte| *byte == 0));
        calls.push((at, zeros.len()));
        answers.next().unwrap_or(Ok(zeros.len()))
    });
    assert_eq!(result.map(|()| calls).map_err(|e| e.kind()), want);
}

#[test]
fn zeros_are_written_whole_whatever_the_system_takes_at_once() {
    let all = |first: Vec<(u64, usize)>, mut at: u64| {
        let mut calls = first;
        while at < 201_000 {
            let part = (201_000 - at).min(ZEROS_BYTES as u64);
            calls.push((at, part as usize));
            at += part;
        }
        Ok(calls)
    };
    check_zeros(vec![], all(vec![], 1_000));
    check_zeros(vec![Ok(1)], all(vec![(1_000, ZEROS_BYTES)], 1_001));
    let interrupted = || Err(io::ErrorKind::Interrupted.into());
    check_zeros(vec![interrupted(), interrupted()], all(vec![(1_000, ZEROS_BYTES); 2], 1_000));
    check_zeros(vec![Ok(7), interrupted()], all(vec![(1_000, ZEROS_BYTES), (1_007, ZEROS_BYTES)], 1_007));
    check_zeros(vec![Ok(9), Ok(0)], Err(io::ErrorKind::StorageFull));
    check_zeros(vec![Err(io::ErrorKind::QuotaExceeded.into())], Err(io::ErrorKind::QuotaExceeded));
}
