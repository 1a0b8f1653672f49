//! What only stories of a Pulp need.

use pulp_operator::Pulp;

use crate::story::{Life, Served};

/// The smallest Pulp: all plugins of its image, artifacts on a volume.
pub const PULP: &str = "
apiVersion: app.theforeman.org/v1alpha1
kind: Pulp
metadata: {name: mypulp}
spec: {storage: {file: {size: 2Gi}}}
";

/// A namespace with a Pulp in it.
pub type PulpStory = Life<Pulp>;

impl Served for Pulp {
    const ADMIN: &'static str = "admin-password";
    const STAGES: &'static [&'static str] = &[
        "Secrets", "Database", "Cache", "Settings", "Migrate", "Admin", "Content", "Api", "Workers", "Web",
        "Exposure", "Ready",
    ];
}

impl PulpStory {
    /// [`PULP`], Ready, for all stories that leave it as they found it.
    pub async fn shared() -> Self {
        Self::shared_as(PULP).await
    }
}
