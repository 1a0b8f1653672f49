//! One file per running service: all of its objects, its configuration as text, its probes, and nothing else.

pub mod candlepin;
pub mod database;
pub mod dynflow;
pub mod migrate;
pub mod proxy;
pub mod queue;
pub mod rails;
pub mod recurring;
pub mod web;

use std::ops::Deref;

use crate::checked::{Checked, Keys};

/// A checked manifest whose keys have been drawn: all that a service needs to know.
#[derive(Clone, Copy, Debug)]
pub struct Instance<'a> {
    /// The manifest.
    pub checked: &'a Checked,
    /// Its keys.
    pub keys: &'a Keys,
}

impl Deref for Instance<'_> {
    type Target = Checked;

    fn deref(&self) -> &Checked {
        self.checked
    }
}
