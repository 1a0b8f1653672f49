//! Services that several kinds stand on.

mod postgresql;
mod valkey;

pub use postgresql::Postgresql;
pub use valkey::Valkey;
