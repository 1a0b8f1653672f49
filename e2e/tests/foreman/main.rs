//! A Foreman from its manifest to its end, on a real cluster.

mod install;
mod kill;
mod plugin;
mod scale;
