//! A Pulp from its manifest to what its users do with it, on a real cluster.

mod content;
mod hold;
mod install;
mod settings;
