//! Users of a Keycloak.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Users of a Keycloak.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Keycloak {
    /// URL by which browsers reach it, with whatever stands before `/realms`.
    #[schemars(length(max = 512), regex(pattern = "^https?://[^/?# ]+(/[^?# ]*)?$"))]
    pub url: String,
    /// URL by which Pulp reaches it, where that is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512), regex(pattern = "^https?://[^/?# ]+(/[^?# ]*)?$"))]
    pub internal_url: Option<String>,
    /// Name of the realm.
    #[schemars(length(min = 1, max = 255))]
    pub realm: String,
    /// Name of the client that Pulp is in that realm.
    #[schemars(length(min = 1, max = 255))]
    pub client_id: String,
    /// Where the client's secret is.
    pub client_secret: ClientSecretKey,
    /// The realm's public key: what Keycloak shows under "Realm settings", "Keys". PEM, or only what is between its first and last line.
    #[schemars(length(min = 1, max = 8192))]
    pub public_key: String,
    /// What tokens are signed with.
    #[serde(default)]
    pub algorithm: TokenAlgorithm,
    /// Further scopes to ask for.
    #[serde(default)]
    #[schemars(length(max = 50), inner(length(min = 1, max = 128)))]
    pub scopes: Vec<String>,
    /// Claim by which a user is known again, such as `sub`, `username` or `email`; what social-auth has for Keycloak if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    pub id_claim: Option<String>,
    /// Whether somebody with the address of a user that Pulp has already is that user. Only where nobody can give himself an address that
    /// is not his.
    #[serde(default)]
    pub associate_by_email: bool,
    /// Role whose holders may do everything in Pulp, and that others lose; roles mean nothing if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub admin_role: Option<String>,
    /// Claim that lists a user's roles, dots leading inwards: `resource_access.pulp.roles` are those of a client named `pulp`.
    #[serde(default = "roles")]
    #[schemars(length(min = 1, max = 255))]
    pub role_claim: String,
    /// Claim that lists a user's groups: at each log in Pulp's groups become those. They mean nothing if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub group_claim: Option<String>,
}

/// A client's secret in a Secret of the same namespace.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ClientSecretKey {
    /// Name of the Secret.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Key in it.
    #[serde(default = "client_secret")]
    #[schemars(length(min = 1, max = 253))]
    pub key: String,
}

/// What tokens are signed with.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "they have no other names")]
pub enum TokenAlgorithm {
    #[default]
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
    ES256,
    ES384,
    ES512,
}

fn roles() -> String {
    "realm_access.roles".into()
}

fn client_secret() -> String {
    "clientSecret".into()
}
