//! [`Config`]: every limit and time-out of the server, each with the reason for its default.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Limits and time-outs; the defaults suit a small machine behind a web server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Event loops (1: one loop is faster than the web server in front of it).
    pub threads: usize,
    /// Most threads of the pool; they start when they are needed and end when idle (16: they mostly wait). While requests
    /// wait for one, clients that keep one busy and take nothing for a second, or not everything for ten, are closed.
    pub pool_threads_max: usize,
    /// Most requests that wait for the pool; the next one is refused as overload (64).
    pub pool_queue_max: usize,
    /// Most requests that wait for their turn there; the next one is refused as overload (64).
    pub pool_turn_queue_max: usize,
    /// Most connections at once; `None`: what the file limit leaves (it is raised to the hard limit).
    pub connections_max: Option<usize>,
    /// Most requests at once on one connection; the next one is refused as overload (100).
    pub requests_per_connection_max: usize,
    /// Most bytes of encoded params of a request (256 KiB: above what any web server lets through).
    pub params_bytes_max: usize,
    /// Most params of a request (1,000).
    pub params_max: usize,
    /// Input longer than this goes to an unlinked file (64 KiB).
    pub body_memory_bytes_max: usize,
    /// Where those files are made (`/tmp`); a directory on a disk, not in memory.
    pub temp_dir: PathBuf,
    /// Bytes of one answer that wait for the client before a handler on the pool has to wait too, or a stream is not asked for more (256 KiB).
    pub window_bytes: usize,
    /// Most bytes that wait for all clients of one event loop; beyond it other connections wait, and of those whose
    /// clients take nothing for a second, or not everything for ten, the one with the most is closed (64 MiB).
    pub unsent_bytes_max: usize,
    /// How long a connection may stay without a request (5 minutes: longer than web servers keep them).
    pub idle_timeout: Duration,
    /// How long params may take in all, and input may pause (60 s).
    pub read_timeout: Duration,
    /// How long a client may take no byte of an answer (60 s).
    pub write_timeout: Duration,
    /// How long requests may take to finish after [`Handle::stop`](crate::Handle::stop) (30 s).
    pub stop_timeout: Duration,
    /// `FCGI_WEB_SERVER_ADDRS`: over TCP, only these may connect.
    pub web_server_addrs: Option<Vec<IpAddr>>,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            threads: 1,
            pool_threads_max: 16,
            pool_queue_max: 64,
            pool_turn_queue_max: 64,
            connections_max: None,
            requests_per_connection_max: 100,
            params_bytes_max: 256 << 10,
            params_max: 1_000,
            body_memory_bytes_max: 64 << 10,
            temp_dir: PathBuf::from("/tmp"),
            window_bytes: 256 << 10,
            unsent_bytes_max: 64 << 20,
            idle_timeout: Duration::from_secs(300),
            read_timeout: Duration::from_secs(60),
            write_timeout: Duration::from_secs(60),
            stop_timeout: Duration::from_secs(30),
            web_server_addrs: None,
        }
    }
}
