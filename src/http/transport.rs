//! A connection's socket, and the TLS session that may run over it. Whoever reads and writes a connection does it here,
//! and need not know which of the two it is.
//!
//! A session never waits: where the socket has no more to give or take, it says so as the socket itself would, and is asked
//! again. Where the socket waits, it waits once: whoever reads has his own limits to look at, and a record may come byte by
//! byte. What it holds of a connection is bounded: at most [`OWED`] bytes that were written and that the socket has not taken
//! (and the overhead of their records), a record that is not whole, and what of one is not read yet; before the handshake is
//! over, one handshake message of at most 64 KiB. Who does not read what he asked for is sent no more.
//!
//! *owed*: encrypted and not taken by the socket yet · *stray*: a client that speaks plainly where TLS is spoken. He is
//! heard without a session, so that he can be told.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::Shutdown;
use std::sync::Arc;
use std::time::Duration;

use mio::net::TcpStream;
use rustls::{ServerConfig, ServerConnection};

/// Bytes that a session holds for a socket that takes no more: four records of the largest size.
pub const OWED: usize = 64 * 1024;
/// What a stray is told.
pub const STRAY: &str = "this port speaks HTTPS; ask it with https:// instead of http://";

/// A connection that can be read and written.
pub struct Transport {
    /// What is watched.
    pub socket: TcpStream,
    session: Option<Box<Session>>,
    strayed: bool,
}

struct Session {
    tls: ServerConnection,
    /// The first byte was one of TLS.
    greeted: bool,
    /// The socket gave less than there was room for when it was read last, and all of it is handed on.
    drained: bool,
    /// The socket waits for what is asked of it.
    waits: bool,
    /// Bytes that the socket has given.
    came: u64,
}

impl Transport {
    /// Without TLS.
    pub fn plain(socket: TcpStream) -> Transport {
        Transport { socket, session: None, strayed: false }
    }

    /// With TLS, whose handshake is done by the first reads.
    ///
    /// # Errors
    /// When there are no random numbers.
    pub fn tls(socket: TcpStream, config: &Arc<ServerConfig>) -> Result<Transport, rustls::Error> {
        let mut tls = ServerConnection::new(config.clone())?;
        tls.set_buffer_limit(Some(OWED));
        let session = Session { tls, greeted: false, drained: false, waits: false, came: 0 };
        Ok(Transport { socket, session: Some(Box::new(session)), strayed: false })
    }

    /// Whether nobody on the way can read along.
    pub fn is_secure(&self) -> bool {
        self.session.is_some()
    }

    /// Whether its handshake is not over.
    pub fn is_shaking_hands(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.tls.is_handshaking())
    }

    /// Whether it is a stray's.
    pub fn is_stray(&self) -> bool {
        self.strayed
    }

    /// Whether a read that gave `n` bytes, with room for `room`, may be followed by another without news of the socket.
    pub fn may_have_more(&self, n: usize, room: usize) -> bool {
        n == room || self.session.as_ref().is_some_and(|session| !session.drained)
    }

    /// Whether something was written that the socket has not taken. Never so without TLS.
    pub fn owes(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.tls.wants_write())
    }

    /// Bytes that came of records, whole or not; nothing of what came without TLS, where every read tells it.
    pub fn came(&self) -> u64 {
        self.session.as_ref().map_or(0, |session| session.came)
    }

    /// Gives the socket what is owed, as far as it takes it: how many bytes that were.
    ///
    /// # Errors
    /// The connection is broken.
    pub fn settle(&mut self) -> io::Result<usize> {
        self.session.as_mut().map_or(Ok(0), |session| session.settle(&mut self.socket))
    }

    /// Nothing more will be written, and the client is told so. All that was written should have been taken: what the
    /// socket has no room for now is lost.
    pub fn finish(&mut self) {
        if let Some(session) = &mut self.session {
            session.say_goodbye(&mut self.socket);
        }
        let _ = self.socket.shutdown(Shutdown::Write);
    }

    /// From now on a read or write waits, but no longer than this.
    ///
    /// # Errors
    /// The socket does not let itself be set so.
    pub fn wait_at_most(&mut self, pause: Duration) -> io::Result<()> {
        use rustix::net::sockopt::{Timeout, set_socket_timeout};
        if let Some(session) = &mut self.session {
            session.waits = true;
        }
        rustix::io::ioctl_fionbio(&self.socket, false)?;
        set_socket_timeout(&self.socket, Timeout::Recv, Some(pause))?;
        Ok(set_socket_timeout(&self.socket, Timeout::Send, Some(pause))?)
    }
}

impl Read for Transport {
    #[inline]
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let Some(session) = &mut self.session else { return self.socket.read(room) };
        if session.greeted || session.is_greeted(&self.socket)? {
            return session.read(&mut self.socket, room);
        }
        (self.session, self.strayed) = (None, true);
        self.socket.read(room)
    }
}

impl Write for Transport {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.session {
            None => self.socket.write(bytes),
            Some(session) => session.write(&mut self.socket, &[IoSlice::new(bytes)]),
        }
    }

    #[inline]
    fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        match &mut self.session {
            None => self.socket.write_vectored(pieces),
            Some(session) => session.write(&mut self.socket, pieces),
        }
    }

    /// All that is owed goes out.
    fn flush(&mut self) -> io::Result<()> {
        self.settle()?;
        if self.owes() { Err(ErrorKind::WouldBlock.into()) } else { Ok(()) }
    }
}

/// A session says when it ends, so that a client can tell an end from a connection that was cut.
impl Drop for Transport {
    fn drop(&mut self) {
        if let Some(session) = &mut self.session {
            session.say_goodbye(&mut self.socket);
        }
    }
}

/// A socket that remembers whether it gave less than was asked for.
struct Noting<'a> {
    socket: &'a mut TcpStream,
    gave_less: bool,
}

impl Read for Noting<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let n = self.socket.read(room)?;
        self.gave_less = n < room.len();
        Ok(n)
    }
}

impl Session {
    /// Whether the first byte is one of TLS (RFC 8446, 5.1: 22, a handshake). A method of HTTP begins with a letter; what
    /// is neither is left to TLS, which refuses it.
    fn is_greeted(&mut self, socket: &TcpStream) -> io::Result<bool> {
        let mut first = [0];
        self.greeted = socket.peek(&mut first)? == 0 || !first[0].is_ascii_alphabetic();
        Ok(self.greeted)
    }

    fn read(&mut self, socket: &mut TcpStream, room: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.tls.reader().read(room) {
                // Nothing of what came is left.
                Err(why) if why.kind() == ErrorKind::WouldBlock => {}
                done => return done,
            }
            let mut noting = Noting { socket, gave_less: false };
            let given = self.tls.read_tls(&mut noting)?;
            let gave_less = noting.gave_less;
            self.came += given as u64;
            let state = self.tls.process_new_packets();
            // The next part of the handshake, or the alert that says what is wrong with this one. A socket that does not
            // take it now is told about when it does.
            let settled = self.settle(socket);
            let state = state.map_err(|why| io::Error::new(ErrorKind::InvalidData, why))?;
            settled?;
            self.drained = gave_less && state.plaintext_bytes_to_read() <= room.len();
            if self.waits && given > 0 && state.plaintext_bytes_to_read() == 0 {
                return Err(ErrorKind::WouldBlock.into());
            }
        }
    }

    fn write(&mut self, socket: &mut TcpStream, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        self.settle(socket)?;
        let taken = self.tls.writer().write_vectored(pieces)?;
        if taken == 0 && pieces.iter().any(|piece| !piece.is_empty()) {
            return Err(ErrorKind::WouldBlock.into());
        }
        self.settle(socket)?;
        Ok(taken)
    }

    fn settle(&mut self, socket: &mut TcpStream) -> io::Result<usize> {
        let mut moved = 0;
        while self.tls.wants_write() {
            match self.tls.write_tls(socket) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(n) => moved += n,
                Err(why) if why.kind() == ErrorKind::Interrupted => {}
                Err(why) if why.kind() == ErrorKind::WouldBlock => break,
                Err(why) => return Err(why),
            }
        }
        Ok(moved)
    }

    /// Once: a second time nothing is sent.
    fn say_goodbye(&mut self, socket: &mut TcpStream) {
        if !self.tls.is_handshaking() {
            self.tls.send_close_notify();
            // A socket that is gone or full does not take it, and whoever is behind it will not miss it.
            let _ = self.settle(socket);
        }
    }
}
