//! Free ports, below those that the kernel hands to outgoing connections: a
//! server that is killed and started again finds its port still free.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

use anyhow::Context;

const FIRST: u16 = 20_000;
const COUNT: u16 = 10_000;

static NEXT: AtomicU16 = AtomicU16::new(0);

pub(crate) fn free_port() -> anyhow::Result<u16> {
    // Test binaries that run at the same time begin at different places.
    let offset = (std::process::id() % 97) as u16 * 101;
    (0..COUNT)
        .map(|_| FIRST + (offset + NEXT.fetch_add(1, Ordering::Relaxed)) % COUNT)
        .find(|&port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok())
        .context("no free port between 20000 and 30000")
}
