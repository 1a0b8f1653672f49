//! The library panics where it should not (a pack that does not decompress, for one). That must end an operation, not the process.

use std::{any::Any, thread};

use super::Error;

/// Runs work on a thread of its own; a panic becomes an error.
pub fn contain<T: Send>(work: impl FnOnce() -> Result<T, Error> + Send) -> Result<T, Error> {
    thread::scope(|scope| {
        let worker = thread::Builder::new().name("engine".to_owned()).spawn_scoped(scope, work);
        let worker = worker.map_err(|error| Error::Library(format!("no thread for the engine: {error}")))?;
        worker
            .join()
            .unwrap_or_else(|panic| Err(Error::Library(format!("the library panicked: {}", words(&*panic)))))
    })
}

fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a message")
}
