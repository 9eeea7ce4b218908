//! A small HTTP/1.1 client on one kept-alive connection.
//!
//! It exists because a load generator must cost less than what it measures, and because tests want to send what
//! no proper client would. It speaks to this machine only and knows no TLS.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Longest silence of the collector that is still waited for.
const SILENCE: Duration = Duration::from_secs(60);

/// What is sent.
#[derive(Debug, Clone)]
pub struct Request {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    /// Any request.
    pub fn new(method: &str, path: &str) -> Request {
        Request { method: method.into(), path: path.into(), headers: Vec::new(), body: Vec::new() }
    }

    /// `GET path`.
    pub fn get(path: &str) -> Request {
        Request::new("GET", path)
    }

    /// `POST path` with a body.
    pub fn post(path: &str, body: impl Into<Vec<u8>>) -> Request {
        Request { body: body.into(), ..Request::new("POST", path) }
    }

    /// With one more header.
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Request {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The bytes on the wire.
    pub fn bytes(&self, host: &str) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(256 + self.body.len());
        let Request { method, path, headers, body } = self;
        bytes.extend_from_slice(format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n").as_bytes());
        for (name, value) in headers {
            bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        if method != "GET" {
            bytes.extend_from_slice(format!("Content-Length: {}\r\n", body.len()).as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(body);
        bytes
    }
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    headers: Vec<(String, String)>,
    /// The body, decoded from its transfer coding.
    pub body: Vec<u8>,
}

impl Reply {
    /// The first header of this name, whatever its case.
    pub fn header<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.headers(name).next()
    }

    /// All headers of this name.
    pub fn headers<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers
            .iter()
            .filter(move |(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is none.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("no JSON ({e}): {self:?}"))
    }
}

/// One kept-alive connection.
#[derive(Debug)]
pub struct Connection {
    stream: BufReader<TcpStream>,
    host: String,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// When nobody listens there.
    pub fn open(address: SocketAddr) -> io::Result<Connection> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(SILENCE))?;
        stream.set_write_timeout(Some(SILENCE))?;
        Ok(Connection { stream: BufReader::with_capacity(16 * 1024, stream), host: address.to_string() })
    }

    /// The other end, as `Host` names it.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Sends a request and reads the reply to its end.
    ///
    /// # Errors
    /// When the connection breaks first; whether the request was carried out is then unknown.
    pub fn send(&mut self, request: &Request) -> io::Result<Reply> {
        let bytes = request.bytes(&self.host);
        self.send_bytes(&bytes)
    }

    /// Sends bytes as they are and reads the reply.
    ///
    /// # Errors
    /// As [`Connection::send`].
    pub fn send_bytes(&mut self, bytes: &[u8]) -> io::Result<Reply> {
        self.stream.get_mut().write_all(bytes)?;
        self.read_reply(bytes.starts_with(b"HEAD "))
    }

    /// Sends a request and reads the head of the reply only; the rest is read line by line by
    /// [`Connection::read_line`], for streams that do not end.
    ///
    /// # Errors
    /// When the connection breaks.
    pub fn start_stream(&mut self, request: &Request) -> io::Result<Reply> {
        let bytes = request.bytes(&self.host);
        self.stream.get_mut().write_all(&bytes)?;
        self.read_head()
    }

    /// The next line of a stream, chunk marks included.
    ///
    /// # Errors
    /// When the connection breaks or ends.
    pub fn read_line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }

    fn read_head(&mut self) -> io::Result<Reply> {
        let status_line = self.read_line()?;
        let status = status_line
            .split(' ')
            .nth(1)
            .and_then(|code| code.parse().ok())
            .ok_or_else(|| io::Error::other(format!("no status line: {status_line}")))?;
        let mut headers = Vec::new();
        loop {
            let line = self.read_line()?;
            match line.split_once(':') {
                Some((name, value)) => headers.push((name.to_owned(), value.trim().to_owned())),
                None => return Ok(Reply { status, headers, body: Vec::new() }),
            }
        }
    }

    fn read_reply(&mut self, no_body: bool) -> io::Result<Reply> {
        let mut reply = self.read_head()?;
        if no_body || reply.status == 204 || reply.status == 304 {
            return Ok(reply);
        }
        if let Some(length) = reply.header("content-length").and_then(|text| text.parse().ok()) {
            reply.body = vec![0; length];
            self.stream.read_exact(&mut reply.body)?;
        } else if reply.header("transfer-encoding").is_some_and(|coding| coding == "chunked") {
            loop {
                let size = self.read_line()?;
                let size = usize::from_str_radix(&size, 16).map_err(io::Error::other)?;
                let start = reply.body.len();
                reply.body.resize(start + size, 0);
                self.stream.read_exact(&mut reply.body[start..])?;
                self.read_line()?;
                if size == 0 {
                    break;
                }
            }
        } else {
            self.stream.read_to_end(&mut reply.body)?;
        }
        Ok(reply)
    }
}
