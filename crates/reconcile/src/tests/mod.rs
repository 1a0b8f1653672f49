//! What only a whole process shows, rehearsed with the smallest service there can be.

mod note;
mod terms;
