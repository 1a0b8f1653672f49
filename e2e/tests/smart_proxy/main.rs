//! Smart Proxies and the Foreman that they work for: what it knows of them is what they are.

mod away;
mod certificates;
mod content;
mod elsewhere;
mod end;
mod features;
mod jobs;
mod mirror;
mod network;
mod register;
mod renewal;
mod values;
