//! A Foreman from its manifest to its end, on a real cluster.

mod install;
mod scale;
