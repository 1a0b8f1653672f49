//! Whatever a user or a cluster gets wrong has a clear answer, costs nothing and loses nothing. What can be wrong with a database
//! outside the cluster is told in `external_database`.

mod refused;
mod told;
mod volume;
