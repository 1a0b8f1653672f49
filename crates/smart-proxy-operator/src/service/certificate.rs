//! The certificate that cert-manager is asked for: one for both uses, with the name by which clients reach the proxy.

use reconcile::Object;
use serde_json::{Value, json};

use crate::{
    checked::Checked,
    crd::{CertManager, Issuer},
    names::TLS,
};

/// Group, version and name of the kind, which not every cluster has.
pub const KIND: (&str, &str, &str) = ("cert-manager.io", "v1", "Certificate");

/// What is asked for.
pub fn spec(wanted: &CertManager, name: &str, host: &str) -> Value {
    let Issuer { name: issuer, kind, group } = &wanted.issuer;
    json!({
        "secretName": format!("{name}-{TLS}"),
        "commonName": host,
        "dnsNames": [host],
        "usages": ["server auth", "client auth", "digital signature", "key encipherment"],
        // The Smart Proxy speaks no cipher of another kind.
        "privateKey": { "algorithm": "RSA", "size": 2048, "rotationPolicy": "Always" },
        "issuerRef": { "name": issuer, "kind": kind, "group": group },
    })
}

/// Nothing if the certificate comes from somebody else.
pub fn object(proxy: &Checked) -> Option<Object> {
    let wanted = proxy.spec.certificates.as_ref()?.cert_manager.as_ref()?;
    let part = proxy.part(TLS);
    Some(Object::foreign(KIND, part.metadata(part.name()), spec(wanted, &proxy.name, &proxy.host)))
}

/// Whether cert-manager says that it has issued what is asked for now, and not what was before.
pub fn issued(live: &Value, wanted: &Value) -> bool {
    let mut fields = wanted.as_object().into_iter().flatten();
    let mut conditions = live["status"]["conditions"].as_array().into_iter().flatten();
    fields.all(|(field, value)| live["spec"][field] == *value)
        && conditions.any(|it| {
            it["type"] == "Ready"
                && it["status"] == "True"
                && it["observedGeneration"] == live["metadata"]["generation"]
        })
}
