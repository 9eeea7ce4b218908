//! Reads the head of a connection's first request into as little memory as it takes.
//!
//! The HTTP library keeps two buffers and a request's state for every connection from its first byte on. A client that
//! never ends its head should not cost that.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// Room for a usual head.
const USUAL_BYTES: usize = 1024;

/// A connection of which some bytes were read already; whoever reads it gets them first.
pub struct Begun {
    stream: TcpStream,
    read: Vec<u8>,
    given: usize,
}

/// Reads until a head is whole, `max_bytes` are there, or the client has no more to say.
///
/// # Errors
/// Those of the connection.
pub async fn read(stream: TcpStream, max_bytes: usize) -> io::Result<Begun> {
    let mut read = Vec::new();
    let mut looked_at = 0;
    loop {
        stream.readable().await?;
        if read.len() == read.capacity() {
            read.reserve(USUAL_BYTES);
        }
        match stream.try_read_buf(&mut read) {
            Ok(0) => break,
            Ok(_) if read.len() >= max_bytes || has_end(&read[looked_at..]) => break,
            // The end may lie across two reads.
            Ok(_) => looked_at = read.len().saturating_sub(3),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Begun { stream, read, given: 0 })
}

/// Whether an empty line is among them. Some clients end their lines with a line feed alone.
fn has_end(bytes: &[u8]) -> bool {
    memchr::memchr_iter(b'\n', bytes).any(|at| {
        let rest = &bytes[at + 1..];
        rest.starts_with(b"\n") || rest.starts_with(b"\r\n")
    })
}

impl AsyncRead for Begun {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.read.is_empty() {
            return Pin::new(&mut self.stream).poll_read(context, buffer);
        }
        let rest = &self.read[self.given..];
        let part = &rest[..rest.len().min(buffer.remaining())];
        buffer.put_slice(part);
        self.given += part.len();
        if self.given == self.read.len() {
            (self.read, self.given) = (Vec::new(), 0);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Begun {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// Sends the pieces one after the other, each once the one before was read, and returns what is read of them.
    async fn sent(pieces: &[&[u8]], max_bytes: usize) -> (Begun, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (server, _) = listener.accept().await.unwrap();
        let send = async {
            for piece in pieces {
                client.write_all(piece).await.unwrap();
                tokio::task::yield_now().await;
            }
            client
        };
        let (begun, client) = tokio::join!(read(server, max_bytes), send);
        (begun.unwrap(), client)
    }

    #[tokio::test]
    async fn nothing_is_lost_of_a_head_in_pieces_and_what_follows_it() {
        let (mut begun, mut client) =
            sent(&[b"GET / HTTP/1.1\r\nHost: x\r", b"\n\r", b"\nbody"], 1 << 14).await;
        client.write_all(b" and more").await.unwrap();
        drop(client);
        let mut all = String::new();
        begun.read_to_string(&mut all).await.unwrap();
        assert_eq!(all, "GET / HTTP/1.1\r\nHost: x\r\n\r\nbody and more");
    }

    #[tokio::test]
    async fn a_head_without_end_is_read_up_to_the_bound() {
        let endless = vec![b'x'; 100_000];
        let (begun, _client) = sent(&[&endless], 1 << 14).await;
        assert!((1 << 14..1 << 15).contains(&begun.read.len()), "{}", begun.read.len());
    }

    #[tokio::test]
    async fn a_head_that_stays_short_takes_little_memory() {
        let (begun, _client) = sent(&[b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"], 1 << 14).await;
        assert!(begun.read.capacity() <= USUAL_BYTES, "{}", begun.read.capacity());
    }

    #[tokio::test]
    async fn a_client_that_goes_in_the_middle_of_its_head_is_let_go() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (server, _) = listener.accept().await.unwrap();
        client.write_all(b"GET / HT").await.unwrap();
        drop(client);
        assert_eq!(read(server, 1 << 14).await.unwrap().read, b"GET / HT");
    }

    #[test]
    fn heads_end_with_an_empty_line() {
        for whole in ["a\r\n\r\n", "a\n\n", "a\n\r\nx"] {
            assert!(has_end(whole.as_bytes()), "{whole:?}");
        }
        for half in ["", "\n", "a\r\n\r", "a\nb\n"] {
            assert!(!has_end(half.as_bytes()), "{half:?}");
        }
    }
}
