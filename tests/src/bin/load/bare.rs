//! The bare handler: reads a request, answers 202, keeps nothing.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use axum::Router;
use axum::body::Bytes;
use axum::http::StatusCode;
use error_sentinel_tests::Usage;
use tokio::net::TcpListener;

/// Serves until it is killed.
pub fn serve() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?);
        let answer = |_: Bytes| async { (StatusCode::ACCEPTED, "{\"id\":\"\"}") };
        let limit = axum::extract::DefaultBodyLimit::disable();
        axum::serve(listener, Router::new().fallback(answer).layer(limit)).await?;
        Ok(())
    })
}

/// A process of its own that serves it; killed when dropped.
pub struct Bare {
    process: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Bare {
    /// Starts it.
    pub fn start() -> Bare {
        let binary = std::env::current_exe().expect("we run");
        let mut process =
            Command::new(binary).arg("--bare").stdout(Stdio::piped()).spawn().expect("it starts");
        let mut line = String::new();
        let pipe = process.stdout.take().expect("piped");
        BufReader::new(pipe).read_line(&mut line).expect("it prints its address");
        Bare { process, address: line.trim().parse().expect("it prints its address") }
    }

    /// What it has used so far.
    pub fn usage(&self) -> Usage {
        Usage::of(self.process.id()).expect("/proc tells")
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
