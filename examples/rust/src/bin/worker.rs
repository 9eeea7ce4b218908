//! Threads that fail now and then, and one that panics; the others go on.
//!
//! `ERROR_SENTINEL_DSN=… cargo run -p error-sentinel-example --bin worker`

use std::thread;

fn work(job: u32) -> Result<(), std::io::Error> {
    error_sentinel::add_breadcrumb(format!("job {job} begun"));
    if job.is_multiple_of(3) {
        return Err(std::io::Error::other("no space left for the result"));
    }
    Ok(())
}

fn main() {
    let _guard = error_sentinel::init(error_sentinel::Options::new("").app("worker").release("worker@2.0.0"));
    let threads: Vec<_> = (0..4)
        .map(|number| {
            thread::spawn(move || {
                for job in number * 3..number * 3 + 3 {
                    if let Err(error) = work(job) {
                        error_sentinel::send_alert_with(&error, |alert| {
                            alert.extra("job", job);
                        });
                    }
                }
                assert!(number != 3, "worker 3 met what it did not expect");
            })
        })
        .collect();
    let panicked = threads.into_iter().filter_map(|thread| thread.join().err()).count();
    eprintln!("{panicked} of 4 workers panicked");
}
