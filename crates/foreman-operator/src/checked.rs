//! A manifest as types that cannot be wrong: what plan and services are made from.

use reconcile::{Data, News, Part, field::Database};

use crate::{crd::ForemanSpec, pulp::Pulp};

/// An image for each part.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// Web, workers, migrations, recurring tasks. Also the release that the database is migrated to.
    pub foreman: String,
    /// Candlepin.
    pub candlepin: String,
    /// Embedded database.
    pub postgresql: String,
    /// Job queue and cache.
    pub valkey: String,
    /// Reverse proxy.
    pub httpd: String,
}

/// A manifest as types that cannot be wrong.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The manifest's own numbers and switches, which the API server has checked.
    pub spec: ForemanSpec,
    /// Name of the custom resource.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Name by which clients reach it.
    pub host: String,
    /// Gem names of the plugins that are on.
    pub gems: Vec<&'static str>,
    /// What each part runs.
    pub images: Chosen,
    /// Whether what holds data or keys stays when the custom resource goes.
    pub keep: bool,
    /// A database of somebody else's for Foreman and, with Katello, Candlepin.
    pub external: Option<(Database, Database)>,
    /// The Pulp that Katello keeps its content in, and what is to be said of it. `None` without Katello.
    pub content: Option<(Option<Pulp>, News)>,
    /// Which data it is to have.
    pub data: Data,
    /// What was drawn once; `None` before that.
    pub keys: Option<Keys>,
}

impl Checked {
    /// Whether Katello is on, and with it Candlepin.
    pub fn katello(&self) -> bool {
        self.gems.contains(&"katello")
    }

    /// The Pulp that the reverse proxy leads to.
    pub fn pulp(&self) -> Option<&Pulp> {
        self.content.as_ref()?.0.as_ref()
    }

    /// Whether there are background tasks, and with them orchestrator and workers.
    pub fn tasks(&self) -> bool {
        self.gems.contains(&"foreman-tasks")
    }

    /// A part by name; empty for the instance as a whole.
    pub fn part(&self, component: &str) -> Part {
        Part { application: "foreman", instance: self.name.clone(), component: component.into() }
    }

    /// Host name of a part's Service.
    pub fn address(&self, component: &str) -> String {
        format!("{}.{}.svc", self.part(component).name(), self.namespace)
    }

    /// The Job that migrates and seeds the database.
    pub fn migration(&self) -> String {
        self.part("migrate").name()
    }

    /// What the database is migrated to: the same image and plugins never twice.
    pub fn release(&self) -> String {
        format!("{} {}", self.images.foreman, self.gems.join(" "))
    }
}

/// What the configuration of the services is made with.
#[derive(Clone, Debug)]
pub struct Keys {
    /// Key and secret of OAuth requests.
    pub oauth: (String, String),
    /// Secret of requests to Candlepin; empty without Katello.
    pub candlepin: String,
    /// Password of the job queue.
    pub queue: String,
    /// Internal authority: certificate and private key, PEM.
    pub authority: (String, String),
    /// Key that signs session cookies.
    pub session: String,
    /// Foreman's database.
    pub database: Database,
    /// Candlepin's database; the same as Foreman's without Katello.
    pub candlepin_database: Database,
}
