//! Signing services: what each kind is called in the manifest and in Pulp, and which of them a manifest asks for.

use std::collections::BTreeMap;

use reconcile::News;
use serde::Deserialize;

use crate::{checked::Checked, crd, names, read::Observed};

/// A kind of signing service.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// Its field in `spec.signing`.
    pub field: &'static str,
    /// Its name in Pulp where the manifest gives none: that of the Go pulp-operator, so that repositories go on referring to it.
    pub name: &'static str,
    /// Label of the application and name of the class, as Pulp's own commands have it.
    pub class: &'static str,
    /// The script that it has where the manifest gives none.
    pub own: &'static str,
    /// The key of a user's script where the manifest gives none; that of the Go pulp-operator too.
    pub script: &'static str,
}

/// All kinds.
pub static KINDS: [Kind; 4] = [
    Kind {
        field: "rpm",
        name: "rpm-signing-service",
        class: "core:AsciiArmoredDetachedSigningService",
        own: "detached.sh",
        script: "rpm_script.sh",
    },
    Kind {
        field: "container",
        name: "container-signing-service",
        class: "container:ManifestSigningService",
        own: "container.sh",
        script: "container_script.sh",
    },
    Kind {
        field: "deb",
        name: "apt-signing-service",
        class: "deb:AptReleaseSigningService",
        own: "deb.sh",
        script: "apt_script.sh",
    },
    Kind {
        field: "collection",
        name: "collection-signing-service",
        class: "core:AsciiArmoredDetachedSigningService",
        own: "detached.sh",
        script: "collection_script.sh",
    },
];

impl crd::Signing {
    /// What is asked for, with its kind.
    pub fn services(&self) -> impl Iterator<Item = (&'static Kind, &crd::SigningService)> {
        let all = [&self.rpm, &self.container, &self.deb, &self.collection];
        KINDS.iter().zip(all).filter_map(|(kind, service)| Some((kind, service.as_ref()?)))
    }
}

/// What Pulp signs.
#[derive(Clone, Debug, Default)]
pub enum Signing {
    /// Nothing, and it never did.
    #[default]
    Never,
    /// Nothing any more: what was registered is to go.
    Over,
    /// Something, with a key.
    With(Signatory),
}

/// A key, and what is signed with it.
#[derive(Clone, Debug)]
pub struct Signatory {
    /// Secret and key of the `OpenPGP` key.
    pub key: (String, String),
    /// Secret and key of its passphrase.
    pub passphrase: Option<(String, String)>,
    /// Which key signs, where there are several.
    pub fingerprint: Option<String>,
    /// What is signed.
    pub services: Vec<Service>,
    /// Hash of key, passphrase and users' scripts: not to be shown as it is.
    pub content: String,
}

/// A signing service.
#[derive(Clone, Debug)]
pub struct Service {
    /// Its kind.
    pub kind: &'static Kind,
    /// Its name in Pulp.
    pub name: String,
    /// Kind, name and key of the object with a user's script.
    pub script: Option<(&'static str, String, String)>,
}

/// What the Job that registers services has said.
#[derive(Deserialize)]
struct Registered {
    /// The key that signs.
    fingerprint: Option<String>,
    /// What is signed, by name.
    services: Vec<String>,
    /// What the manifest no longer asks for, with the number of objects in Pulp that refer to it.
    kept: BTreeMap<String, u64>,
}

/// What is registered in Pulp; nothing where nothing was ever signed.
pub fn news(pulp: &Checked, seen: &Observed) -> Option<News> {
    let news = |status, reason, message| Some(News { type_: "SigningReady", status, reason, message });
    let job = pulp.part(names::SIGNING).name();
    let said = seen.status.achieved.iter().find(|done| done.job == job).and_then(|done| done.said.as_deref());
    let registered = said.and_then(|said| serde_json::from_str::<Registered>(said).ok());
    let Some(Registered { fingerprint, services, kept }) = registered else {
        let wanted = matches!(pulp.signing, Signing::With(_));
        return if wanted {
            news(false, "Registering", "the services of spec.signing are yet to be registered".into())
        } else {
            None
        };
    };
    let key = fingerprint.unwrap_or_default();
    let signs = (!services.is_empty()).then(|| format!("key {key} signs for {}", services.join(", ")));
    let left = kept.iter().map(|(name, count)| {
        format!(
            "{name} is no longer in spec.signing and can sign nothing, but when it was taken out {count} objects in Pulp referred to it, so it was left: let them refer to another one, then remove it with `pulpcore-manager remove-signing-service`"
        )
    });
    let message = signs.into_iter().chain(left).collect::<Vec<_>>().join("; ");
    match (services.is_empty(), kept.is_empty()) {
        (true, true) => None,
        (false, true) => news(true, "Registered", message),
        (some, false) => news(!some, "StillReferredTo", message),
    }
}
