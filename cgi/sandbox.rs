//! What a program that stays gives up before it reads what others wrote: [`enter`]. Afterwards the kernel refuses it new
//! privileges, files outside its data (Landlock), connections that it has no use for, other programs, and every system call
//! that is not in [`calls`] (seccomp). Where the kernel lacks one of these the others hold, and the log says so once.
//! A program that serves a single request has only [`keep_private`]: the rest would cost it a part of its start.

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64"))]
mod calls;

use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use blerg_config::Key;
use blerg_http::BaseUrl;
use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, NetPort, Ruleset, RulesetAttr as _, RulesetCreated,
    RulesetCreatedAttr as _, RulesetError, RulesetStatus, Scope, path_beneath_rules,
};
use rustix::fs::Mode;
use rustix::process::{Resource, Rlimit};

use crate::error::chain;
use crate::listen::Address;
use crate::setup::Setup;
use crate::site::log;

/// The newest kernel interface whose rights were looked at; an older kernel enforces those that it knows.
const NEWEST: ABI = ABI::V9;

/// What the store and SQLite read outside the data directory, and where a static program finds its random bytes.
const READ_ALWAYS: [&str; 3] = ["/proc/sys/kernel/random/boot_id", "/dev/urandom", "/dev/random"];

/// What finding a hub's address reads. Directories, because systems put new files in place of these.
const READ_FOR_NAMES: [&str; 7] =
    ["/etc", "/run/systemd/resolve", "/run/resolvconf", "/run/NetworkManager", "/lib", "/lib64", "/usr/lib"];

/// DNS over TCP, for answers that are too long for UDP.
const DNS_PORT: u16 = 53;

/// Files that this process makes are its owner's alone whatever mask it was started with, and none of its memory is written
/// to disk when it dies: there are passwords in it.
pub(crate) fn keep_private() {
    rustix::process::umask(Mode::from_raw_mode(0o077));
    leave_no_core();
}

/// None of this process's memory is written to disk when it dies.
pub(crate) fn leave_no_core() {
    // Lowering a limit is always allowed; where the system can't, it writes no core either.
    let _ = rustix::process::setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
}

/// Gives up what is not needed; before the first thread is started, because only this one and those after it are held.
/// `reads` may be read besides the data. Whatever fails is told and does not keep the site from being served.
pub(crate) fn enter(setup: &Setup, reads: &[&Path]) {
    if setup.config.text(Key::Sandbox) == "off" {
        return;
    }
    // A right belongs to a directory that is there. Where it can't be made, opening the store says why in a moment.
    if !setup.data.is_dir() {
        let _ = DirBuilder::new().recursive(true).mode(0o700).create(&setup.data);
        // The store makes its own name durable, too, but can't open the directory above it any more.
        let _ = setup.data.parent().map(|above| File::open(above).and_then(|above| above.sync_all()));
    }
    if !setup.data.is_dir() {
        return;
    }
    let needs = Needs::new(setup, reads);
    if let Err(errno) = rustix::thread::set_no_new_privs(true) {
        log(&format!("sandbox: no_new_privs: {errno}"));
    }
    match needs.restrict() {
        Ok(RulesetStatus::NotEnforced) => {
            log("sandbox: this kernel has no Landlock; files outside the data directory are not kept from this program")
        }
        Ok(_) => {}
        Err(error) => log(&format!("sandbox: Landlock: {}", chain(&error))),
    }
    if let Err(error) = filter(needs.hub_port.is_some()) {
        log(&format!("sandbox: seccomp: {error}; this program may use every system call"));
    }
}

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64"))]
fn filter(connects: bool) -> io::Result<()> {
    let program = calls::program(connects).map_err(io::Error::other)?;
    seccompiler::apply_filter_all_threads(&program).map_err(io::Error::other)
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")))]
fn filter(_connects: bool) -> io::Result<()> {
    Err(io::Error::other("there is no list of system calls for this processor"))
}

/// What a program still has to do.
#[derive(Debug)]
struct Needs {
    data: PathBuf,
    reads: Vec<PathBuf>,
    /// Where the socket lies that is removed at the end.
    socket: Option<PathBuf>,
    hub_port: Option<u16>,
}

impl Needs {
    fn new(setup: &Setup, reads: &[&Path]) -> Needs {
        let mut reads: Vec<PathBuf> = reads.iter().map(|path| path.to_path_buf()).collect();
        reads.extend(READ_ALWAYS.map(PathBuf::from));
        let hub_port = setup.hub().map(|hub| port(&hub));
        if hub_port.is_some() {
            reads.extend(READ_FOR_NAMES.map(PathBuf::from));
        }
        let socket = match Address::parse(setup.config.text(Key::Listen)) {
            Address::Unix(path) => path.parent().map(Path::to_owned),
            Address::Tcp(_) => None,
        };
        Needs { data: setup.data.clone(), reads, socket, hub_port }
    }

    /// Has Landlock refuse everything else.
    fn restrict(&self) -> Result<RulesetStatus, RulesetError> {
        let rules = Ruleset::default()
            .handle_access(AccessFs::from_all(NEWEST))?
            .handle_access(AccessNet::from_all(NEWEST))?
            .scope(Scope::from_all(NEWEST))?
            .create()?;
        let rules = below(rules, [&self.data], read() | change())?;
        let rules = below(rules, &self.reads, read())?;
        let rules = below(rules, &self.socket, AccessFs::RemoveFile.into())?;
        let ports = self.hub_port.iter().flat_map(|port| [*port, DNS_PORT]);
        let rules =
            rules.add_rules(ports.map(|port| Ok::<_, RulesetError>(NetPort::new(port, AccessNet::ConnectTcp))))?;
        Ok(rules.restrict_self()?.ruleset)
    }
}

/// What is not there can't be read, and needs no right.
fn below<P: AsRef<Path>>(
    rules: RulesetCreated,
    paths: impl IntoIterator<Item = P>,
    rights: BitFlags<AccessFs>,
) -> Result<RulesetCreated, RulesetError> {
    rules.add_rules(path_beneath_rules(paths, rights))
}

fn read() -> BitFlags<AccessFs> {
    AccessFs::ReadFile | AccessFs::ReadDir
}

/// Plain files and directories; no links, sockets or devices.
fn change() -> BitFlags<AccessFs> {
    AccessFs::WriteFile
        | AccessFs::Truncate
        | AccessFs::MakeReg
        | AccessFs::MakeDir
        | AccessFs::RemoveFile
        | AccessFs::RemoveDir
        | AccessFs::Refer
}

/// The port of a URL.
fn port(url: &str) -> u16 {
    let parsed = BaseUrl::parse(url);
    let named = parsed.as_ref().and_then(|url| url.authority().rsplit_once(':')?.1.parse().ok());
    named.unwrap_or(if parsed.is_some_and(|url| !url.is_https()) { 80 } else { 443 })
}

#[cfg(test)]
mod tests;
