//! One connection on a pair of sockets: it takes no more than its turn.

use std::io;
use std::sync::Arc;

use super::*;
use crate::event_loop::EventLoop;
use crate::server::Shared;
use crate::{Application, Output, Request, encode};

struct Endless;

impl Application for Endless {
    fn respond(&self, _request: Request, out: &mut Output) -> io::Result<i32> {
        out.stream(std::iter::repeat_with(|| Ok(vec![b'x'; 1000])));
        Ok(0)
    }
}

/// Drives a connection that has been sent this, with input of 16 bytes a read, and tells what became of it.
fn drive(sent: &[u8], turns: usize) -> Next {
    let (_poll, mailbox) = EventLoop::queue().expect("a queue");
    let shared = Shared::new(Arc::new(Endless), Config::default(), false);
    let (server, mut client) = UnixStream::pair().expect("a pair");
    client.write_all(sent).expect("room");
    let now = Instant::now();
    let mut connection = Connection::new(Socket::Unix(server), now);
    let mut buffers = Buffers { input: vec![0; 16], spare: Vec::new() };
    let context = Context { shared: &shared, mailbox: &mailbox, token: 0, now };
    let mut next = Next::Again;
    for _ in 0..turns {
        next = connection.drive(&context, &mut buffers);
    }
    next
}

#[test]
fn one_turn_reads_only_so_much() {
    let ignored = |bytes: usize| {
        let mut record = vec![1, 5, 0, 9, 0, 0, 0, 0];
        record[4..6].copy_from_slice(&u16::try_from(bytes - 8).expect("short").to_be_bytes());
        record.resize(bytes, 0);
        record
    };
    assert_eq!(drive(&ignored(16 * READS_MAX - 1), 1), Next::Again, "the last read is a short one, but who knows");
    assert_eq!(drive(&ignored(16 * READS_MAX - 1), 2), Next::Wait);
    assert_eq!(drive(&ignored(16 * READS_MAX + 16), 1), Next::Again);
    assert_eq!(drive(&ignored(16 * READS_MAX + 15), 2), Next::Wait);
}

#[test]
fn one_turn_streams_only_so_much_and_then_waits_for_the_client() {
    let mut bytes = Vec::new();
    encode::begin_request(&mut bytes, 1, crate::Role::Responder, encode::Keep::Connection);
    encode::end_input(&mut bytes, 1, crate::Stream::Params);
    encode::end_input(&mut bytes, 1, crate::Stream::Stdin);
    assert_eq!(drive(&bytes, 1), Next::Again);
    assert_eq!(drive(&bytes, 1000), Next::Wait, "the socket is full");
}
