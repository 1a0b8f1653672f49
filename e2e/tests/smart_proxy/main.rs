//! Smart Proxies and the Foreman that they work for: what it knows of them is what they are.

mod features;
mod register;
mod renewal;
