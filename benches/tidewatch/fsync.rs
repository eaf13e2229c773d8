//! What an fsync costs on this disk while the load runs: a probe beside it.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context;

const EVERY: Duration = Duration::from_millis(20);
const BLOCK: [u8; 4096] = [0x5a; 4096];

/// Appends a page and syncs it, again and again, until it is finished.
pub(crate) struct Probe {
    stop: Sender<()>,
    thread: JoinHandle<std::io::Result<Vec<f64>>>,
}

impl Probe {
    pub(crate) fn start(folder: &Path) -> anyhow::Result<Probe> {
        let mut file = File::create(folder.join("probe")).context("create the probe's file")?;
        let (stop, stopped) = channel();
        let thread = std::thread::spawn(move || {
            let mut latencies_ms = Vec::new();
            // A dropped sender is the signal to finish.
            while stopped.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                let begin = Instant::now();
                file.write_all(&BLOCK)?;
                file.sync_data()?;
                latencies_ms.push(begin.elapsed().as_secs_f64() * 1e3);
            }
            Ok(latencies_ms)
        });
        Ok(Probe { stop, thread })
    }

    /// The latencies in ms.
    pub(crate) fn finish(self) -> anyhow::Result<Vec<f64>> {
        drop(self.stop);
        let latencies = self.thread.join().map_err(|_| anyhow::anyhow!("the probe panicked"))?;
        latencies.context("sync the probe's file")
    }
}
