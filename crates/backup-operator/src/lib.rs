//! Backs up and restores every Foreman, Pulp and Smart Proxy of a cluster together.

pub mod engine;
pub mod gateway;
