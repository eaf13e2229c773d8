//! What a connection still owes the broker.
//!
//! The MQTT library forgets what was published when a connection without a
//! kept session is replaced. So every message stays here until its PUBACK:
//! `push` → `next_to_send` (handed to the library) → `sent` (the library
//! names the packet id) → `acknowledged`. When a connection is lost, all that
//! was on its way goes back to the front, in the order it was pushed.

use std::collections::{HashMap, VecDeque};

use crate::message::Message;

#[derive(Debug, Clone)]
struct Entry {
    /// Counts pushes: the order to keep.
    order: u64,
    message: Message,
}

#[derive(Debug)]
pub(crate) struct Outbox {
    /// How many messages may be on their way at once.
    window: usize,
    n_pushed: u64,
    waiting: VecDeque<Entry>,
    handed: VecDeque<Entry>,
    in_flight: HashMap<u16, Entry>,
}

impl Outbox {
    pub(crate) fn new(window: u16) -> Outbox {
        Outbox {
            window: usize::from(window),
            n_pushed: 0,
            waiting: VecDeque::new(),
            handed: VecDeque::new(),
            in_flight: HashMap::new(),
        }
    }

    /// May another message be pushed? At most two windows are held.
    pub(crate) fn has_room(&self) -> bool {
        self.len() < 2 * self.window
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.len() + self.on_their_way()
    }

    fn on_their_way(&self) -> usize {
        self.handed.len() + self.in_flight.len()
    }

    pub(crate) fn push(&mut self, message: Message) {
        self.waiting.push_back(Entry { order: self.n_pushed, message });
        self.n_pushed += 1;
    }

    /// The next message to hand to the library, unless the window is full.
    pub(crate) fn next_to_send(&mut self) -> Option<Message> {
        if self.on_their_way() >= self.window {
            return None;
        }
        let entry = self.waiting.pop_front()?;
        let message = entry.message.clone();
        self.handed.push_back(entry);
        Some(message)
    }

    /// The library has sent the oldest message it was handed.
    pub(crate) fn sent(&mut self, packet_id: u16) {
        if let Some(entry) = self.handed.pop_front() {
            self.in_flight.insert(packet_id, entry);
        }
    }

    /// The answer to a packet: its message is done with.
    pub(crate) fn acknowledged(&mut self, packet_id: u16) -> Option<Message> {
        self.in_flight.remove(&packet_id).map(|entry| entry.message)
    }

    /// Puts everything on its way back to the front; returns how many of them
    /// the library had sent.
    pub(crate) fn connection_lost(&mut self) -> usize {
        let mut lost: Vec<Entry> = self.in_flight.drain().map(|(_, entry)| entry).collect();
        let n_sent = lost.len();
        lost.extend(self.handed.drain(..));
        lost.sort_by_key(|entry| std::cmp::Reverse(entry.order));
        for entry in lost {
            self.waiting.push_front(entry);
        }
        n_sent
    }
}

#[cfg(test)]
mod tests {
    use codec::Codec;
    use proptest::prelude::*;

    use super::*;

    fn message(n: u8) -> Message {
        Message { codec: Codec::Json, payload: vec![n].into(), n_readings: 1 }
    }

    fn number(message: &Message) -> u8 {
        message.payload[0]
    }

    fn filled(window: u16, n: u8) -> Outbox {
        let mut outbox = Outbox::new(window);
        (0..n).for_each(|n| outbox.push(message(n)));
        outbox
    }

    #[test]
    fn a_message_stays_until_its_acknowledgement() {
        let mut outbox = filled(2, 3);
        assert_eq!(outbox.next_to_send().as_ref().map(number), Some(0));
        assert_eq!(outbox.next_to_send().as_ref().map(number), Some(1));
        assert_eq!(outbox.next_to_send(), None, "the window is full");
        outbox.sent(10);
        outbox.sent(11);
        assert_eq!(outbox.acknowledged(12), None, "nobody sent that packet");
        assert_eq!(outbox.acknowledged(11).as_ref().map(number), Some(1));
        assert_eq!(outbox.acknowledged(11), None, "acknowledged once");
        assert_eq!(outbox.next_to_send().as_ref().map(number), Some(2));
        assert_eq!(outbox.len(), 2);
    }

    #[test]
    fn after_a_lost_connection_all_is_sent_again_in_order() {
        let mut outbox = filled(4, 5);
        for _ in 0..4 {
            outbox.next_to_send();
        }
        outbox.sent(7);
        outbox.sent(3);
        outbox.acknowledged(7);
        assert_eq!(outbox.connection_lost(), 1, "the library had sent one of the three");
        let again: Vec<u8> =
            std::iter::from_fn(|| outbox.next_to_send()).map(|m| number(&m)).collect();
        assert_eq!(again, [1, 2, 3, 4]);
    }

    #[test]
    fn it_holds_two_windows() {
        assert!(filled(2, 3).has_room());
        assert!(!filled(2, 4).has_room());
    }

    proptest! {
        /// Whatever happens to connections, nothing is lost.
        #[test]
        fn every_message_is_acknowledged_in_the_end(
            steps in proptest::collection::vec(0..4_u8, 0..200)
        ) {
            let mut outbox = filled(3, 20);
            let mut acknowledged = Vec::new();
            let (mut ids, mut handed, mut next_id) = (VecDeque::new(), 0, 1);
            let finish = std::iter::repeat_n([0, 1, 2], 60).flatten();
            for step in steps.into_iter().chain(std::iter::once(3)).chain(finish) {
                match step {
                    0 => handed += usize::from(outbox.next_to_send().is_some()),
                    1 if handed > 0 => {
                        outbox.sent(next_id);
                        ids.push_back(next_id);
                        (handed, next_id) = (handed - 1, next_id + 1);
                    }
                    2 => {
                        let done = ids.pop_back().and_then(|id| outbox.acknowledged(id));
                        acknowledged.extend(done.as_ref().map(number));
                    }
                    3 => {
                        outbox.connection_lost();
                        (ids, handed) = (VecDeque::new(), 0);
                    }
                    _ => {}
                }
            }
            acknowledged.sort_unstable();
            prop_assert_eq!(acknowledged, (0..20).collect::<Vec<u8>>());
        }
    }
}
