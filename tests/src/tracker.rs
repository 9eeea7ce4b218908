//! A tracker that can misbehave in every way that servers and networks do, and remembers what it stored.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use error_sentinel_wire::{ClientReport, Event, UnixMs, codec, envelope};

/// How it treats a connection.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Conduct {
    /// Stores and says so, announcing that it takes batches.
    Well,
    /// Closes at once, as if nobody were there.
    Down,
    /// Accepts and never answers.
    BlackHole,
    /// Answers a byte a second.
    Drip,
    /// Breaks the connection in the middle of the body.
    Reset,
    /// Answers with what is no HTTP.
    Garbage,
    /// Redirects to itself, for ever.
    Redirect,
    /// Answers with this status and these headers, and stores nothing.
    Status(u16, &'static str),
    /// Passes everything on to another server.
    Forward(SocketAddr),
}

/// What it has seen.
#[derive(Debug, Default)]
struct Seen {
    /// When each request came.
    requests: Vec<Instant>,
    events: BTreeMap<String, u64>,
    received_count: u64,
    /// When each event says it happened.
    times: Vec<UnixMs>,
    most_events: usize,
    lost: BTreeMap<String, u64>,
    /// Bytes of all that was passed on to another server.
    forwarded_bytes: u64,
}

/// The body of a request as it came.
enum Body {
    Plain(Vec<u8>),
    Zipped(Vec<u8>),
}

/// A running tracker. It ends with the test's process.
#[derive(Debug, Clone)]
pub struct Tracker {
    address: SocketAddr,
    conduct: Arc<Mutex<Conduct>>,
    seen: Arc<Mutex<Seen>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Tracker {
    /// Starts one.
    ///
    /// # Panics
    /// When there is no port.
    #[track_caller]
    pub fn start(conduct: Conduct) -> Tracker {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let tracker = Tracker {
            address: listener.local_addr().expect("an address"),
            conduct: Arc::new(Mutex::new(conduct)),
            seen: Arc::default(),
        };
        let itself = tracker.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let itself = itself.clone();
                // A client that breaks off is what many of the tests are about.
                thread::spawn(move || _ = itself.serve(stream));
            }
        });
        tracker
    }

    /// Behaves differently from the next connection or request on.
    pub fn set(&self, conduct: Conduct) {
        *lock(&self.conduct) = conduct;
    }

    /// A DSN of it with this key.
    pub fn dsn(&self, key: &str) -> String {
        format!("http://{key}@{}/1", self.address)
    }

    /// Requests and connections that were not answered, so far.
    pub fn request_count(&self) -> usize {
        lock(&self.seen).requests.len()
    }

    /// When those came, in their order.
    pub fn requests(&self) -> Vec<Instant> {
        lock(&self.seen).requests.clone()
    }

    /// When the errors that it stored happened, by what they say themselves.
    pub fn event_times(&self) -> Vec<UnixMs> {
        lock(&self.seen).times.clone()
    }

    /// Most events in one envelope.
    pub fn most_events(&self) -> usize {
        lock(&self.seen).most_events
    }

    /// Ids of what it stored.
    pub fn event_ids(&self) -> Vec<String> {
        lock(&self.seen).events.keys().cloned().collect()
    }

    /// Errors stored, each event counted once.
    pub fn stored_count(&self) -> u64 {
        lock(&self.seen).events.values().sum()
    }

    /// Events received, however often each.
    pub fn received_count(&self) -> u64 {
        lock(&self.seen).received_count
    }

    /// Errors that its clients said they lost.
    pub fn lost_count(&self) -> u64 {
        lock(&self.seen).lost.values().sum()
    }

    /// The same by reason.
    pub fn lost(&self) -> BTreeMap<String, u64> {
        lock(&self.seen).lost.clone()
    }

    /// Bytes that connections which are over have had passed on to another server, headers included.
    pub fn forwarded_bytes(&self) -> u64 {
        lock(&self.seen).forwarded_bytes
    }

    fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        loop {
            let conduct = *lock(&self.conduct);
            match conduct {
                Conduct::Down => {
                    lock(&self.seen).requests.push(Instant::now());
                    return stream.shutdown(Shutdown::Both);
                }
                Conduct::Forward(to) => return self.forward(&stream, to),
                _ => {}
            }
            let Some(request) = self.read(&mut stream)? else { return Ok(()) };
            // What it does is decided when the request is there: the connection can be older.
            let conduct = *lock(&self.conduct);
            if conduct != Conduct::Well {
                lock(&self.seen).requests.push(Instant::now());
            }
            match conduct {
                Conduct::Well => {
                    self.store(request);
                    let answer = "HTTP/1.1 200 OK\r\nx-error-sentinel: batch\r\ncontent-length: 2\r\n\r\n{}";
                    stream.write_all(answer.as_bytes())?;
                }
                Conduct::Down | Conduct::Forward(_) | Conduct::Reset => {
                    return stream.shutdown(Shutdown::Both);
                }
                Conduct::BlackHole => loop {
                    thread::park();
                },
                Conduct::Drip => {
                    for byte in b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}" {
                        stream.write_all(&[*byte])?;
                        thread::sleep(Duration::from_secs(1));
                    }
                }
                Conduct::Garbage => {
                    stream.write_all(b"\x16\x03\x01 this is no answer\r\n\r\n")?;
                    return Ok(());
                }
                Conduct::Redirect => {
                    let address = self.address;
                    write!(
                        stream,
                        "HTTP/1.1 302 Found\r\nlocation: http://{address}/\r\ncontent-length: 0\r\n\r\n"
                    )?;
                }
                Conduct::Status(status, headers) => {
                    write!(stream, "HTTP/1.1 {status} No\r\n{headers}content-length: 0\r\n\r\n")?;
                }
            }
        }
    }

    /// The body of the next request; `None` when there is none.
    fn read(&self, stream: &mut TcpStream) -> io::Result<Option<Body>> {
        let mut reader = BufReader::new(stream);
        let (mut length, mut is_zipped) = (0, false);
        let mut line = String::new();
        loop {
            line.clear();
            if reader.read_line(&mut line)? == 0 {
                return Ok(None);
            }
            let header = line.trim().to_ascii_lowercase();
            if header.is_empty() {
                break;
            }
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse().map_err(io::Error::other)?;
            }
            is_zipped |= header.starts_with("content-encoding:") && header.contains("gzip");
        }
        if *lock(&self.conduct) == Conduct::Reset {
            length /= 2;
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        Ok(Some(if is_zipped { Body::Zipped(body) } else { Body::Plain(body) }))
    }

    fn store(&self, body: Body) {
        let body = match body {
            Body::Plain(body) => body,
            Body::Zipped(zipped) => {
                let mut plain = Vec::new();
                let mut decoder = flate2::read::GzDecoder::new(zipped.as_slice());
                decoder.read_to_end(&mut plain).expect("the SDK writes whole gzip");
                plain
            }
        };
        let (_, items) = envelope::open(&body).expect("the SDK writes whole envelopes");
        let mut seen = lock(&self.seen);
        seen.requests.push(Instant::now());
        let mut events = 0;
        for item in items {
            let item = item.expect("the SDK writes whole items");
            let value = codec::decode_value(item.payload).expect("the SDK writes whole JSON");
            match item.header.kind.as_str() {
                "event" => {
                    let event = Event::from_value(value);
                    let id = event.event_id.expect("every event has its id").to_string();
                    events += 1;
                    seen.times.push(event.timestamp.expect("every event has its time"));
                    seen.received_count += 1;
                    seen.events.insert(id, event.occurrence_count());
                }
                "client_report" => {
                    for lost in ClientReport::from_value(value).discarded {
                        *seen.lost.entry(lost.reason).or_default() += lost.quantity;
                    }
                }
                other => panic!("the SDK sends no {other}"),
            }
        }
        seen.most_events = seen.most_events.max(events);
    }

    fn forward(&self, client: &TcpStream, to: SocketAddr) -> io::Result<()> {
        let server = TcpStream::connect(to)?;
        let (mut from_client, mut to_server) = (client.try_clone()?, server.try_clone()?);
        let itself = self.clone();
        thread::spawn(move || {
            // One side ends when the other does, for whatever reason.
            let passed_on = io::copy(&mut from_client, &mut to_server);
            lock(&itself.seen).forwarded_bytes += passed_on.unwrap_or_default();
            to_server.shutdown(Shutdown::Both)
        });
        let (mut from_server, mut to_client) = (server, client);
        let _ = io::copy(&mut from_server, &mut to_client);
        client.shutdown(Shutdown::Both)
    }
}
