//! A manifest as types that cannot be wrong: what plan and services are made from.

use http::Uri;
use reconcile::{Data, Drawn, Part};

use crate::{
    crd::SmartProxySpec,
    names::{CRT, KEY},
    oauth::Consumer,
    service::{Module, jobs},
};

/// Where a Pulp answers as a Smart Proxy does.
pub const PULP_API: &str = "/pulp/api/v3/smart_proxy";

/// How we say to Foreman who we are.
#[derive(Clone, PartialEq, Eq)]
pub enum Access {
    /// Signed requests, which may do everything.
    OAuth(Consumer),
    /// A user with his password or token.
    Login(String, String),
}

/// The Foreman that a proxy works for.
#[derive(Clone)]
pub struct Foreman {
    /// Its URL, without a slash at the end.
    pub url: String,
    /// Authority of its certificate, PEM.
    pub authority: String,
    /// Common name of its client certificate, in lower case.
    pub common_name: String,
    /// How it is asked. `None`: nothing is registered.
    pub access: Option<Access>,
}

/// A certificate with its key, in a Secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The Secret.
    pub secret: String,
    /// Key of the certificate.
    pub certificate: String,
    /// Key of the private key.
    pub key: String,
}

impl Pair {
    /// As every TLS Secret has it.
    pub fn of(secret: String) -> Self {
        Self { secret, certificate: CRT.into(), key: KEY.into() }
    }
}

/// Where the certificates come from.
#[derive(Clone)]
pub enum Identity {
    /// Issued by this authority: certificate and key, PEM.
    Issued((String, String)),
    /// cert-manager has been asked, or is about to be, and has not issued it yet; name of the Secret.
    Awaited(String),
    /// Secrets of the user's or of cert-manager: for the server and, towards Foreman, for the client.
    Own {
        /// What the proxy shows.
        server: Pair,
        /// What it shows to Foreman.
        client: Pair,
        /// Common name of the client's, in lower case.
        common_name: String,
        /// Authorities of those who may use it, PEM.
        trust: String,
    },
}

/// A Pulp, as it says of itself where it is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// Its name.
    pub pulp: String,
    /// URL of its REST API.
    pub api: String,
    /// URL of its content server.
    pub content: String,
    /// The header in which it is told who the user is.
    pub header: String,
    /// Port on which it is reached from outside.
    pub port: i32,
}

impl Content {
    /// Port that is listened on: low ones are for the Service.
    pub fn inside(&self) -> i32 {
        if self.port < 1024 { self.port + 9000 } else { self.port }
    }
}

/// An image for each part.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// The Smart Proxy.
    pub smart_proxy: String,
    /// The TFTP server beside it; `None` if there is none.
    pub dnsmasq: Option<String>,
    /// The reverse proxy of content.
    pub httpd: String,
    /// The MQTT broker beside it; `None` if there is none.
    pub mosquitto: Option<String>,
}

/// A manifest as types that cannot be wrong.
#[derive(Clone)]
pub struct Checked {
    /// The manifest's own numbers and switches, which the API server has checked.
    pub spec: SmartProxySpec,
    /// Name of the custom resource.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Name by which clients reach it.
    pub host: String,
    /// Its URL.
    pub url: Uri,
    /// The Foreman that it works for.
    pub foreman: Foreman,
    /// Where its certificates come from.
    pub identity: Identity,
    /// What each part runs.
    pub images: Chosen,
    /// What it does.
    pub modules: Vec<Module>,
    /// Which data it is to have.
    pub data: Data,
    /// The Pulp whose content it gives out.
    pub content: Option<Content>,
    /// Whether volumes stay when the custom resource goes.
    pub keep: bool,
}

impl Checked {
    /// A part by name; empty for the instance as a whole.
    pub fn part(&self, component: &str) -> Part {
        Part { application: "smart-proxy", instance: self.name.clone(), component: component.into() }
    }

    /// Its name in Foreman.
    pub fn registered_name(&self) -> &str {
        self.spec.registration.name.as_deref().unwrap_or(&self.host)
    }

    /// Name in Foreman and URL of what gives out content. The host is the same: by it Katello finds the one by the other.
    pub fn content_side(&self) -> Option<(String, String)> {
        let content = self.content.as_ref()?;
        let origin = crate::check::origin(&self.host, content.port);
        Some((format!("{}-pulp", self.registered_name()), format!("{origin}{PULP_API}")))
    }

    /// The key pair that hosts let in, if the operator draws it.
    pub fn drawn(&self) -> Option<Drawn> {
        jobs::drawn(&self.spec, &self.name, &self.host, false)
    }

    /// Its address inside the cluster.
    pub fn address(&self) -> String {
        format!("{}.{}.svc", self.name, self.namespace)
    }

    /// What it shows as a server, and towards Foreman.
    pub fn certificates(&self) -> (Pair, Pair) {
        match &self.identity {
            Identity::Issued(_) => {
                let issued = |part| Pair::of(self.part(part).name());
                (issued(crate::names::SERVER), issued(crate::names::CLIENT))
            }
            Identity::Awaited(secret) => (Pair::of(secret.clone()), Pair::of(secret.clone())),
            Identity::Own { server, client, .. } => (server.clone(), client.clone()),
        }
    }

    /// Authorities of those who may use it, PEM.
    pub fn trust(&self) -> &str {
        match &self.identity {
            Identity::Issued((certificate, _)) => certificate,
            Identity::Awaited(_) => "",
            Identity::Own { trust, .. } => trust,
        }
    }

    /// Whether some module is for machines without certificates.
    pub fn listens_on_http(&self) -> bool {
        self.modules.iter().any(|module| module.http)
    }

    /// Common name of what it shows to others as a client, in lower case.
    pub fn common_name(&self) -> &str {
        match &self.identity {
            Identity::Issued(_) | Identity::Awaited(_) => &self.host,
            Identity::Own { common_name, .. } => common_name,
        }
    }

    /// Common names of those who may use it: lower case, because what is compared with them is.
    pub fn trusted(&self) -> Vec<String> {
        let more = self.spec.trusted_hosts.iter().map(|name| name.to_lowercase());
        // The operator asks with the proxy's own certificate what runs.
        let mut all = vec![self.foreman.common_name.clone(), self.common_name().to_owned()];
        for name in more {
            if !all.contains(&name) {
                all.push(name);
            }
        }
        all.dedup();
        all
    }
}
