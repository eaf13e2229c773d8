//! How much may be between a door and its commit: deliveries, and their bytes.

use tokio::sync::Semaphore;

/// What a delivery costs beside its payload: its place in the queues, its
/// topic, its rows.
const OVERHEAD_BYTES: usize = 256;

/// One delivery's share; given back by [`Slots::release`] after its commit.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cost {
    pub(crate) n_deliveries: usize,
    pub(crate) bytes: usize,
}

impl Cost {
    pub(crate) fn add(&mut self, other: Cost) {
        self.n_deliveries += other.n_deliveries;
        self.bytes += other.bytes;
    }
}

#[derive(Debug)]
pub(crate) struct Slots {
    deliveries: Semaphore,
    bytes: Semaphore,
    deliveries_max: usize,
    bytes_max: usize,
}

impl Slots {
    pub(crate) fn new(deliveries_max: usize, bytes_max: usize) -> Slots {
        let deliveries_max = deliveries_max.clamp(1, Semaphore::MAX_PERMITS);
        let bytes_max = bytes_max.clamp(OVERHEAD_BYTES, u32::MAX as usize);
        Slots {
            deliveries: Semaphore::new(deliveries_max),
            bytes: Semaphore::new(bytes_max),
            deliveries_max,
            bytes_max,
        }
    }

    /// Waits for room. A payload larger than all of it gets all of it.
    pub(crate) async fn take(&self, payload_bytes: usize) -> Cost {
        let bytes = payload_bytes.saturating_add(OVERHEAD_BYTES).min(self.bytes_max);
        let n_permits = u32::try_from(bytes).expect("clamped to u32 when built");
        let delivery = self.deliveries.acquire().await.expect("slots are never closed");
        let room = self.bytes.acquire_many(n_permits).await.expect("slots are never closed");
        delivery.forget();
        room.forget();
        Cost { n_deliveries: 1, bytes }
    }

    pub(crate) fn release(&self, cost: Cost) {
        self.deliveries.add_permits(cost.n_deliveries);
        self.bytes.add_permits(cost.bytes);
    }

    pub(crate) fn n_taken(&self) -> usize {
        self.deliveries_max.saturating_sub(self.deliveries.available_permits())
    }

    pub(crate) fn bytes_taken(&self) -> usize {
        self.bytes_max.saturating_sub(self.bytes.available_permits())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn deliveries_and_bytes_both_bound() {
        let by_bytes = Slots::new(100, 3_000);
        let first = by_bytes.take(2_000).await;
        assert!(timeout(Duration::from_secs(1), by_bytes.take(1_000)).await.is_err());
        assert_eq!(by_bytes.n_taken(), 1, "a wait that was given up holds nothing");
        by_bytes.release(first);
        let huge = by_bytes.take(1_000_000).await;
        assert_eq!(by_bytes.bytes_taken(), 3_000);
        by_bytes.release(huge);

        let by_number = Slots::new(1, 1 << 20);
        let only = by_number.take(0).await;
        assert!(timeout(Duration::from_secs(1), by_number.take(0)).await.is_err());
        by_number.release(only);
        assert_eq!((by_number.n_taken(), by_number.bytes_taken()), (0, 0));
    }
}
