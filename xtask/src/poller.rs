//! Waiting for many sockets with one thread and one system call.
//!
//! The load generator and the echo share two cores with the server that is measured, so they do without
//! an async runtime: epoll on Linux, poll elsewhere (where it is only as good as it needs to be).

pub(crate) use platform::Poller;

#[cfg(target_os = "linux")]
mod platform {
    use rustix::event::{PollFd, PollFlags, Timespec, epoll, poll};
    use std::io;
    use std::mem::MaybeUninit;
    use std::os::fd::{AsFd, OwnedFd};
    use std::time::Duration;

    /// Waits shorter than this are timed in nanoseconds.
    const SHORT_NS: i64 = 10_000_000;
    /// How many sockets one wait can report.
    const BATCH: usize = 256;

    /// Sockets by token, level-triggered, watched for something to read.
    pub(crate) struct Poller {
        epoll: OwnedFd,
    }

    impl Poller {
        pub(crate) fn new() -> io::Result<Self> {
            Ok(Self { epoll: epoll::create(epoll::CreateFlags::CLOEXEC)? })
        }

        /// Watches a socket until it is closed.
        pub(crate) fn add(&mut self, socket: impl AsFd, token: u64) -> io::Result<()> {
            epoll::add(&self.epoll, socket, epoll::EventData::new_u64(token), epoll::EventFlags::IN)?;
            Ok(())
        }

        /// Stops watching a socket.
        pub(crate) fn remove(&mut self, socket: impl AsFd) -> io::Result<()> {
            epoll::delete(&self.epoll, socket)?;
            Ok(())
        }

        /// Fills `ready` with the tokens of sockets that can be read; empty after `timeout`.
        pub(crate) fn wait(&mut self, timeout: Option<Duration>, ready: &mut Vec<u64>) -> io::Result<()> {
            ready.clear();
            let timeout = timeout.map(|timeout| Timespec {
                tv_sec: timeout.as_secs().cast_signed(),
                tv_nsec: timeout.subsec_nanos().into(),
            });
            // epoll counts its timeout in whole milliseconds, too coarse for requests that are due at a rate.
            let short = timeout.filter(|timeout| timeout.tv_sec == 0 && timeout.tv_nsec < SHORT_NS);
            let timeout = if let Some(short) = short {
                let mut whole = [PollFd::new(&self.epoll, PollFlags::IN)];
                match poll(&mut whole, Some(&short)) {
                    Ok(0) | Err(rustix::io::Errno::INTR) => return Ok(()),
                    Ok(_) => Some(Timespec { tv_sec: 0, tv_nsec: 0 }),
                    Err(error) => return Err(error.into()),
                }
            } else {
                timeout
            };
            let mut events = [MaybeUninit::<epoll::Event>::uninit(); BATCH];
            match epoll::wait(&self.epoll, &mut events, timeout.as_ref()) {
                Ok((events, _)) => ready.extend(events.iter().map(|event| event.data.u64())),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            Ok(())
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod platform {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use std::io;
    use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
    use std::time::Duration;

    /// Sockets by token, watched for something to read.
    #[derive(Default)]
    pub(crate) struct Poller {
        /// A duplicate of each socket keeps its number from being given to another meanwhile.
        sockets: Vec<(RawFd, OwnedFd, u64)>,
    }

    impl Poller {
        pub(crate) fn new() -> io::Result<Self> {
            Ok(Self::default())
        }

        pub(crate) fn add(&mut self, socket: impl AsFd, token: u64) -> io::Result<()> {
            let socket = socket.as_fd();
            self.sockets.push((socket.as_raw_fd(), socket.try_clone_to_owned()?, token));
            Ok(())
        }

        pub(crate) fn remove(&mut self, socket: impl AsFd) -> io::Result<()> {
            let number = socket.as_fd().as_raw_fd();
            self.sockets.retain(|(candidate, _, _)| *candidate != number);
            Ok(())
        }

        pub(crate) fn wait(&mut self, timeout: Option<Duration>, ready: &mut Vec<u64>) -> io::Result<()> {
            ready.clear();
            let timeout = timeout.map(|timeout| Timespec {
                tv_sec: timeout.as_secs() as i64,
                tv_nsec: timeout.subsec_nanos().into(),
            });
            let mut watched: Vec<PollFd<'_>> =
                self.sockets.iter().map(|(_, socket, _)| PollFd::new(socket, PollFlags::IN)).collect();
            match poll(&mut watched, timeout.as_ref()) {
                Ok(_) => {}
                Err(rustix::io::Errno::INTR) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
            let hits = watched.iter().zip(&self.sockets).filter(|(poll, _)| !poll.revents().is_empty());
            ready.extend(hits.map(|(_, (_, _, token))| *token));
            Ok(())
        }
    }
}
