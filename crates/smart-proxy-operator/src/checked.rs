//! A manifest as types that cannot be wrong: what plan and services are made from.

use http::Uri;
use reconcile::{Data, Part};

use crate::{crd::SmartProxySpec, oauth::Consumer, service::Module};

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

/// Where the certificates come from.
#[derive(Clone)]
pub enum Identity {
    /// Issued by this authority: certificate and key, PEM.
    Issued((String, String)),
    /// Secrets of the user's: for the server and, towards Foreman, for the client.
    Own {
        /// What the proxy shows.
        server: String,
        /// What it shows to Foreman.
        client: String,
        /// Common name of the client's, in lower case.
        common_name: String,
    },
}

/// An image for each part.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// The Smart Proxy.
    pub smart_proxy: String,
    /// The TFTP server beside it; `None` if there is none.
    pub dnsmasq: Option<String>,
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

    /// Its address inside the cluster.
    pub fn address(&self) -> String {
        format!("{}.{}.svc", self.name, self.namespace)
    }

    /// Secrets with what it shows as a server, and towards Foreman.
    pub fn certificates(&self) -> (String, String) {
        match &self.identity {
            Identity::Issued(_) => {
                (self.part(crate::names::SERVER).name(), self.part(crate::names::CLIENT).name())
            }
            Identity::Own { server, client, .. } => (server.clone(), client.clone()),
        }
    }

    /// Whether some module is for machines without certificates.
    pub fn listens_on_http(&self) -> bool {
        self.modules.iter().any(|module| module.http)
    }

    /// Common names of those who may use it: lower case, because what is compared with them is.
    pub fn trusted(&self) -> Vec<String> {
        // The operator asks with the proxy's own certificate what runs.
        let own = match &self.identity {
            Identity::Issued(_) => self.host.clone(),
            Identity::Own { common_name, .. } => common_name.clone(),
        };
        let more = self.spec.trusted_hosts.iter().map(|name| name.to_lowercase());
        let mut all = vec![self.foreman.common_name.clone(), own];
        for name in more {
            if !all.contains(&name) {
                all.push(name);
            }
        }
        all.dedup();
        all
    }
}
