//! Bounded queues between threads, each with an eventfd that wakes the receiver's epoll. A sender that finds
//! the queue full is told so at once; what then happens is its business (drop and count, refuse, or wait).

use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use crate::sys::epoll::EventFd;

struct Bell {
    fd: EventFd,
    rung: AtomicBool,
    waiting: AtomicUsize,
    capacity: usize,
}

impl Bell {
    fn ring(&self) {
        // Only the first sender since the receiver last looked pays for the system call.
        if !self.rung.swap(true, Ordering::AcqRel) {
            self.fd.notify();
        }
    }
}

/// The sending side; clones share the queue.
pub struct Outbox<T> {
    sender: SyncSender<T>,
    bell: Arc<Bell>,
}

impl<T> Clone for Outbox<T> {
    fn clone(&self) -> Self {
        Self { sender: self.sender.clone(), bell: Arc::clone(&self.bell) }
    }
}

/// The receiving side; add it to an epoll for reading.
pub struct Inbox<T> {
    receiver: Receiver<T>,
    bell: Arc<Bell>,
}

/// A queue for at most `capacity` messages.
///
/// # Errors
/// When the process is out of descriptors.
pub fn mailbox<T>(capacity: usize) -> io::Result<(Outbox<T>, Inbox<T>)> {
    let (sender, receiver) = sync_channel(capacity);
    let bell = Arc::new(Bell {
        fd: EventFd::new()?,
        rung: AtomicBool::new(false),
        waiting: AtomicUsize::new(0),
        capacity,
    });
    Ok((Outbox { sender, bell: Arc::clone(&bell) }, Inbox { receiver, bell }))
}

impl<T> Outbox<T> {
    /// Sends unless the queue is full or its receiver is gone; gives the message back then.
    ///
    /// # Errors
    /// The message, unsent.
    pub fn try_send(&self, message: T) -> Result<(), T> {
        self.bell.waiting.fetch_add(1, Ordering::Relaxed);
        match self.sender.try_send(message) {
            Ok(()) => {
                self.bell.ring();
                Ok(())
            }
            Err(TrySendError::Full(message) | TrySendError::Disconnected(message)) => {
                self.bell.waiting.fetch_sub(1, Ordering::Relaxed);
                Err(message)
            }
        }
    }

    /// Sends, waiting while the queue is full. Only for a receiver that never waits for this sender. A
    /// receiver that is gone takes nothing any more.
    pub fn send(&self, message: T) {
        self.bell.waiting.fetch_add(1, Ordering::Relaxed);
        // Rung first too: a receiver asleep behind a full queue would never make room.
        self.bell.ring();
        if self.sender.send(message).is_err() {
            self.bell.waiting.fetch_sub(1, Ordering::Relaxed);
        }
        self.bell.ring();
    }

    /// Whether `count` more messages fit, as far as can be known without stopping other senders.
    pub fn has_room(&self, count: usize) -> bool {
        self.bell.waiting.load(Ordering::Relaxed) + count <= self.bell.capacity
    }
}

impl<T> Inbox<T> {
    /// Call when the epoll reports it readable, before [`Self::take`].
    pub fn acknowledge(&self) {
        self.bell.fd.clear();
        self.bell.rung.store(false, Ordering::Release);
    }

    /// The next message, if one waits.
    pub fn take(&self) -> Option<T> {
        let message = self.receiver.try_recv().ok()?;
        self.bell.waiting.fetch_sub(1, Ordering::Relaxed);
        Some(message)
    }

    /// Makes the epoll report it again, for a receiver that stopped before the queue was empty.
    pub fn remind(&self) {
        self.bell.ring();
    }
}

impl<T> AsRawFd for Inbox<T> {
    fn as_raw_fd(&self) -> RawFd {
        self.bell.fd.as_raw_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::epoll::{Epoll, Interest};
    use std::time::Duration;

    #[test]
    fn a_full_queue_gives_the_message_back() {
        let (outbox, inbox) = mailbox(2).unwrap();
        assert!(outbox.has_room(2) && !outbox.has_room(3));
        outbox.try_send(1).unwrap();
        outbox.try_send(2).unwrap();
        assert_eq!(outbox.try_send(3), Err(3));
        assert_eq!(inbox.take(), Some(1));
        assert!(outbox.has_room(1));
        outbox.try_send(4).unwrap();
        assert_eq!((inbox.take(), inbox.take(), inbox.take()), (Some(2), Some(4), None));
    }

    #[test]
    fn every_message_of_many_threads_arrives() {
        let (outbox, inbox) = mailbox(16).unwrap();
        let mut epoll = Epoll::new().unwrap();
        epoll.add(&inbox, 1, Interest::Read).unwrap();
        let senders: Vec<_> = (0..4)
            .map(|_| {
                let outbox = outbox.clone();
                std::thread::spawn(move || (0..5_000u64).for_each(|n| outbox.send(n)))
            })
            .collect();
        let (mut sum, mut count, mut ready) = (0, 0, Vec::new());
        while count < 20_000 {
            epoll.wait(Some(Duration::from_secs(5)), &mut ready).unwrap();
            assert!(!ready.is_empty(), "a wake-up was lost after {count}");
            inbox.acknowledge();
            while let Some(n) = inbox.take() {
                sum += n;
                count += 1;
            }
        }
        senders.into_iter().for_each(|sender| sender.join().unwrap());
        assert_eq!(sum, 4 * 4_999 * 5_000 / 2);
    }
}
