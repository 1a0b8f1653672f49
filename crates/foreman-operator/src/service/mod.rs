//! One file per running service: all of its objects, its configuration as text, its probes, and nothing else.

pub mod candlepin;
pub mod dynflow;
pub mod migrate;
pub mod postgresql;
pub mod proxy;
pub mod rails;
pub mod recurring;
pub mod valkey;
pub mod web;

use std::ops::Deref;

use k8s_openapi::{api::core::v1::ResourceRequirements, apimachinery::pkg::util::intstr::IntOrString};

use crate::{
    checked::{Checked, Keys},
    crd::Amounts,
};

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

impl Instance<'_> {
    /// What the manifest asks for, or what the service is known to need: `cpu, memory` requested, and the limits.
    pub fn resources(
        &self,
        asked: Option<&Amounts>,
        requests: [&str; 2],
        limits: [&str; 2],
    ) -> ResourceRequirements {
        let amounts = |values: [&str; 2]| {
            ["cpu", "memory"]
                .into_iter()
                .zip(values)
                .map(|(k, v)| (k.into(), IntOrString::String(v.into())))
                .collect()
        };
        let default = || Amounts { requests: amounts(requests), limits: amounts(limits) };
        asked.cloned().unwrap_or_else(default).requirements()
    }
}

/// The memory limit in MiB; a gibibyte where there is none.
fn memory(resources: &ResourceRequirements) -> i64 {
    let limit = resources.limits.as_ref().and_then(|limits| limits.get("memory"));
    let bytes = limit.and_then(|limit| reconcile::amount(&limit.0.clone().into()));
    #[expect(clippy::cast_possible_truncation, reason = "an amount of memory fits")]
    bytes.map_or(1024, |bytes| (bytes / 1_048_576.0) as i64)
}
