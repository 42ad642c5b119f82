//! The system calls that a program that stays makes, as a seccomp filter: [`program`]. Everything else fails with ENOSYS, as
//! on a kernel that never had it, so that libraries take the older way that they know; another processor's calls kill.
//! The programs are static: no other C library than the one of the build comes in between.

use std::collections::BTreeMap;

use libc::c_long;
use seccompiler::SeccompCmpArgLen::{Dword, Qword};
use seccompiler::SeccompCmpOp::{Eq, MaskedEq};
use seccompiler::{BackendError, BpfProgram, SeccompAction, SeccompCondition, SeccompFilter, SeccompRule};

/// Files: the log, SQLite, the files of `www/`. No links and no devices.
const FILES: &[c_long] = &[
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_readv,
    libc::SYS_writev,
    libc::SYS_pread64,
    libc::SYS_pwrite64,
    libc::SYS_preadv,
    libc::SYS_pwritev,
    libc::SYS_openat,
    libc::SYS_close,
    libc::SYS_fstat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_statfs,
    libc::SYS_fstatfs,
    libc::SYS_lseek,
    libc::SYS_fcntl,
    libc::SYS_flock,
    libc::SYS_fsync,
    libc::SYS_fdatasync,
    libc::SYS_ftruncate,
    libc::SYS_fallocate,
    libc::SYS_fadvise64,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_renameat2,
    libc::SYS_unlinkat,
    libc::SYS_mkdirat,
    libc::SYS_readlinkat,
    libc::SYS_getdents64,
    libc::SYS_getcwd,
    libc::SYS_fchmod,
    // SQLite gives its files to the owner of the database where it runs as root.
    libc::SYS_fchown,
    libc::SYS_dup,
    libc::SYS_dup3,
];

/// Memory; what can be executed is asked for below.
const MEMORY: &[c_long] =
    &[libc::SYS_brk, libc::SYS_munmap, libc::SYS_mremap, libc::SYS_madvise, libc::SYS_msync, libc::SYS_mincore];

/// Threads, signals, time, random numbers, and who this process is.
const PROCESS: &[c_long] = &[
    libc::SYS_futex,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_set_tid_address,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_sigaltstack,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_restart_syscall,
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_gettimeofday,
    libc::SYS_getrandom,
    libc::SYS_getuid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getegid,
    libc::SYS_getrusage,
    libc::SYS_uname,
    libc::SYS_sysinfo,
    libc::SYS_umask,
];

/// Connections that came to us, and waiting for them.
const EVENTS: &[c_long] = &[
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_listen,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_sendto,
    libc::SYS_sendmsg,
    libc::SYS_shutdown,
    libc::SYS_getsockname,
    libc::SYS_getpeername,
    libc::SYS_getsockopt,
    libc::SYS_setsockopt,
    libc::SYS_socketpair,
    libc::SYS_pipe2,
    libc::SYS_eventfd2,
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_epoll_pwait2,
    libc::SYS_ppoll,
];

/// Spellings of the calls above that newer processors don't have.
#[cfg(target_arch = "x86_64")]
const OLDER: &[c_long] = &[
    libc::SYS_open,
    libc::SYS_stat,
    libc::SYS_lstat,
    libc::SYS_access,
    libc::SYS_rename,
    libc::SYS_renameat,
    libc::SYS_unlink,
    libc::SYS_rmdir,
    libc::SYS_mkdir,
    libc::SYS_readlink,
    libc::SYS_dup2,
    libc::SYS_poll,
    libc::SYS_epoll_wait,
    libc::SYS_time,
];
#[cfg(target_arch = "aarch64")]
const OLDER: &[c_long] = &[libc::SYS_renameat];
#[cfg(target_arch = "riscv64")]
const OLDER: &[c_long] = &[];

/// Telling a hub: finding its address, and talking to it.
const CONNECTING: &[c_long] =
    &[libc::SYS_connect, libc::SYS_bind, libc::SYS_sendmmsg, libc::SYS_recvmmsg, libc::SYS_mmap, libc::SYS_mprotect];

/// Families of sockets for that: addresses are asked of local services and of the kernel, too.
const FAMILIES: [i32; 4] = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];

/// `PR_SET_VMA`: the C library names the memory that it takes.
const PR_SET_VMA: i32 = 0x5356_4d41;

/// The filter; only a program that tells a hub `connects`.
pub(crate) fn program(connects: bool) -> Result<BpfProgram, BackendError> {
    let rules = rules(connects)?;
    let (refused, allowed) = (SeccompAction::Errno(libc::ENOSYS.unsigned_abs()), SeccompAction::Allow);
    SeccompFilter::new(rules, refused, allowed, std::env::consts::ARCH.try_into()?)?.try_into()
}

/// A call that stands alone is allowed whatever its arguments; of the others one rule must hold.
fn rules(connects: bool) -> Result<BTreeMap<c_long, Vec<SeccompRule>>, BackendError> {
    let mut rules: BTreeMap<c_long, Vec<SeccompRule>> = BTreeMap::new();
    // The library may come with a helper for finding addresses that it loads as it goes, so memory may be executable then.
    let executable = u64::from(libc::PROT_EXEC.unsigned_abs());
    for call in [libc::SYS_mmap, libc::SYS_mprotect] {
        rules.insert(call, vec![one(2, MaskedEq(executable), 0)?]);
    }
    // Threads, never processes; of clone3 the flags can't be seen, and without it the library takes this one.
    let thread = u64::from(libc::CLONE_THREAD.unsigned_abs());
    rules.insert(libc::SYS_clone, vec![one(0, MaskedEq(thread), thread)?]);
    // Signals to this process's own threads only.
    rules.insert(libc::SYS_tgkill, vec![one(0, Eq, u64::from(std::process::id()))?]);
    rules.insert(libc::SYS_prlimit64, vec![one(0, Eq, 0)?]);
    rules.insert(libc::SYS_prctl, any_of(0, &[libc::PR_SET_NAME, PR_SET_VMA])?);
    let requests = [libc::FIONBIO, libc::FIONREAD, libc::FIOCLEX, libc::TCGETS];
    let requests = requests.map(|request| request as i32);
    rules.insert(libc::SYS_ioctl, any_of(1, &requests)?);
    if connects {
        rules.insert(libc::SYS_socket, any_of(0, &FAMILIES)?);
    }
    let others = if connects { CONNECTING } else { &[] };
    for call in [FILES, MEMORY, PROCESS, EVENTS, OLDER, others].concat() {
        rules.insert(call, Vec::new());
    }
    Ok(rules)
}

fn any_of(argument: u8, values: &[i32]) -> Result<Vec<SeccompRule>, BackendError> {
    values.iter().map(|value| one(argument, Eq, u64::from(value.unsigned_abs()))).collect()
}

fn one(argument: u8, operator: seccompiler::SeccompCmpOp, value: u64) -> Result<SeccompRule, BackendError> {
    // The kernel looks at 64 bits of flags and at 32 of numbers.
    let length = if matches!(operator, MaskedEq(_)) { Qword } else { Dword };
    SeccompRule::new(vec![SeccompCondition::new(argument, length, operator, value)?])
}

#[cfg(test)]
mod tests;
