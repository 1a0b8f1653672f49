//! What only a whole process shows, rehearsed with the smallest service there can be.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod note;
mod terms;
mod traces;
