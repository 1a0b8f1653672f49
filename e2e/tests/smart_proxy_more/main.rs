//! The rest of a Smart Proxy's life: content, jobs, a Foreman elsewhere or away, certificates and other input, the end.

mod away;
mod certificates;
mod content;
mod elsewhere;
mod end;
mod gateway;
mod issuer;
mod jobs;
mod mirror;
mod modules;
mod network;
mod values;
