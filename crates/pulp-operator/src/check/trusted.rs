//! Certificate authorities that Pulp is to trust besides those of its image: what is wrong with them is known before a pod is replaced.

use reconcile::{Fault, field};

use crate::{crd::TrustedCertificates, read::Observed};

/// Finds what is wrong; gives back all of them as PEM.
pub fn check(all: &[TrustedCertificates], seen: &Observed, faults: &mut Vec<Fault>) -> Option<String> {
    let mut found = Vec::new();
    for source in all {
        let (field, key) = ("spec.trustedCertificates", &source.key);
        let (kind, name) = source.from.object();
        let text = match kind {
            "Secret" => field::value(field, name, key, &seen.secrets, faults),
            _ => field::config_value(field, name, key, &seen.config_maps, faults),
        };
        field::certificates(&format!("{field}: the key \"{key}\" of {kind} \"{name}\""), &text, faults);
        found.push(text);
    }
    (!found.is_empty()).then(|| found.join("\n"))
}
