//! Whatever is wrong with a Pulp has a clear answer, costs nothing and loses nothing.

mod refused;
mod storage;
mod told;
