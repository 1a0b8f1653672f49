//! A manifest as types that cannot be wrong: what plan and services are made from.

use reconcile::{Data, Part, bucket::Bucket, field::Database};

use crate::{
    crd::{Checksum, IngressType, PulpSpec, Settings},
    names,
    signing::Signing,
};

/// An image for each part.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// API, content, workers, migrations. Also the release that the database is migrated to.
    pub pulp: String,
    /// Web server.
    pub nginx: String,
    /// Embedded database.
    pub postgresql: String,
    /// Cache.
    pub valkey: String,
}

/// The cache of the content server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cache {
    /// None.
    Off,
    /// A Valkey of ours.
    Own,
    /// Somebody else's.
    External {
        /// Its URL, with everything that a client needs.
        url: String,
        /// Secret and key of its authority.
        ca: Option<(String, String)>,
    },
}

/// Where artifacts are kept.
#[derive(Clone, Debug, PartialEq)]
pub enum Artifacts {
    /// On a volume, by the name of its claim.
    Volume(String),
    /// In object storage.
    Bucket {
        /// Django's storage: class and options.
        storage: serde_json::Value,
        /// Whether clients are sent there.
        redirect: bool,
        /// Secret and key of a file that its client reads.
        key_file: Option<(String, String)>,
        /// The same for whoever backs it up.
        place: Box<Bucket>,
    },
}

/// Who may log in besides Pulp's own users.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Authentication {
    /// Settings of what they log in with.
    pub settings: Settings,
    /// What they log in with, as Django has it.
    pub backends: Vec<&'static str>,
    /// Secret and key of the directory's authority.
    pub ldap_ca: Option<(String, String)>,
}

/// A manifest as types that cannot be wrong.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The manifest's own numbers and switches, which the API server has checked.
    pub spec: PulpSpec,
    /// Name of the custom resource.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// URL by which clients reach it.
    pub origin: String,
    /// A reverse proxy of somebody else's stands in front and says who its users are.
    pub fronted: bool,
    /// What each part runs.
    pub images: Chosen,
    /// Whether what holds data or keys stays when the custom resource goes.
    pub keep: bool,
    /// A database of somebody else's.
    pub external: Option<Database>,
    /// The cache.
    pub cache: Cache,
    /// Where artifacts are.
    pub artifacts: Artifacts,
    /// Who may log in besides Pulp's own users.
    pub authentication: Authentication,
    /// The user's own settings, from all sources.
    pub settings: Settings,
    /// What artifacts are hashed with; `None`: what Pulp itself thinks right, and always so.
    pub checksums: Option<Vec<Checksum>>,
    /// What is signed.
    pub signing: Signing,
    /// Which data it is to have.
    pub data: Data,
    /// What was drawn once; `None` before that.
    pub keys: Option<Keys>,
}

/// What the configuration of the services is made with.
#[derive(Clone, Debug)]
pub struct Keys {
    /// Django's key.
    pub secret_key: String,
    /// The administrator's password.
    pub admin: String,
    /// The database.
    pub database: Database,
    /// Password of the cache.
    pub cache: String,
    /// The header in which a trusted reverse proxy says who the user is: nobody else knows its name.
    pub remote_user: String,
    /// Internal authority: certificate and private key, PEM.
    pub authority: (String, String),
}

impl Checked {
    /// A part by name; empty for the instance as a whole.
    pub fn part(&self, component: &str) -> Part {
        Part { application: "pulp", instance: self.name.clone(), component: component.into() }
    }

    /// Host name of a part's Service.
    pub fn address(&self, component: &str) -> String {
        format!("{}.{}.svc", self.part(component).name(), self.namespace)
    }

    /// Whether a web server of ours stands in front.
    pub fn web(&self) -> bool {
        use IngressType::{ClusterIP, LoadBalancer, NodePort};
        matches!(self.spec.ingress.type_, ClusterIP | NodePort | LoadBalancer)
    }

    /// Secret with the certificate of our web server, if it speaks TLS.
    pub fn certificate(&self) -> Option<String> {
        let tls = &self.spec.ingress.tls;
        let own = || self.part(names::CERTIFICATE).name();
        (self.web() && tls.enabled).then(|| tls.secret_name.clone().unwrap_or_else(own))
    }

    /// What the database is migrated to: the same image, plugins and kind of storage never twice. Pulp keeps the kind of storage, and
    /// what is to be done with it, in its database, and writes it there when it migrates. Keycloak's users have tables; a directory's
    /// have none, but here too the new image is asked whether it can at all, before anything that serves is replaced.
    pub fn release(&self) -> String {
        let mut parts = vec![self.images.pulp.clone()];
        let mut plugins = self.spec.plugins.clone();
        plugins.sort();
        parts.extend(plugins);
        if let Artifacts::Bucket { storage, redirect, .. } = &self.artifacts {
            parts.push(storage["BACKEND"].as_str().unwrap_or_default().to_owned());
            parts.extend(redirect.then(|| "redirect".to_owned()));
        }
        let hides = self.settings.get("HIDE_GUARDED_DISTRIBUTIONS").is_some_and(|hides| hides == true);
        parts.extend(hides.then(|| "hide".to_owned()));
        parts.extend(self.spec.authentication.ldap.as_ref().map(|_| "ldap".to_owned()));
        parts.extend(self.spec.authentication.keycloak.as_ref().map(|_| "keycloak".to_owned()));
        parts.join(" ")
    }
}
