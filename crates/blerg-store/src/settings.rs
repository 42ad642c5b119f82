//! What a [`Store`](crate::Store) is opened with: plain values, read from the environment by the programs.
//! Start at [`Settings`]. Nothing here looks at the machine.

use blerg_log::{Backend, Durability, Recovery};

use crate::account::Registration;
use crate::limit::Limits;
use crate::page::WikiSettings;
use crate::password::Argon2Cost;

/// How one data directory is opened and used.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What an acknowledged write survives; chosen when the directory is made. `None`: whatever the directory has.
    pub durability: Option<Durability>,
    /// Reading through a map (long-lived servers) or by pread (CGI).
    pub backend: Backend,
    /// Whether a long recovery runs inside this process or is refused (CGI).
    pub recovery: Recovery,
    /// The cost of one password hash.
    pub argon2: Argon2Cost,
    /// Shortest password in bytes.
    pub password_min: usize,
    /// Who may sign up.
    pub registration: Registration,
    /// Rate limits per address and account.
    pub limits: Limits,
    /// Takes a data directory on NFS and the like.
    pub allow_network_fs: bool,
    /// Longest wait for the one hashing place in all processes.
    pub hash_wait_ms: u64,
    /// The rules of the wiki.
    pub wiki: WikiSettings,
    /// Fills a buffer with random bytes that nobody can guess.
    pub random: fn(&mut [u8]),
}
