//! A Foreman from its manifest to its end, on a real cluster.

mod drift;
mod end;
mod install;
mod kill;
mod plugin;
mod scale;
