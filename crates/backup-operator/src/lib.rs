//! Backs up and restores every Foreman, Pulp and Smart Proxy of a cluster together: one instant over all databases, and no backup that nobody
//! has ever restored.
//!
//! | idea | where |
//! |---|---|
//! | what can be written | [`crd`] |
//! | one instant over several databases | [`cut`] |
//! | the Job that copies or fills one instance | [`mover`] |
//! | the data path, in restic's format | [`engine`] |
//! | what stands between movers and a storage | [`gateway`] |
//! | controllers, and what they share | [`operator`] |
//! | when something is due, and what stays | [`cron`], [`retention`] |

pub mod crd;
pub mod cron;
pub mod cut;
pub mod engine;
pub mod gateway;
pub mod mover;
pub mod operator;
pub mod retention;
