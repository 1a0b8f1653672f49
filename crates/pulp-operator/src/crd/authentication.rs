//! Who may log in besides the users that Pulp keeps itself.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::{Keycloak, Ldap};

/// Who may log in besides the users that Pulp keeps itself.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Authentication {
    /// Users of a directory log in with their name and password there. The image must have `django-auth-ldap`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ldap: Option<Ldap>,
    /// Users of a Keycloak log in at `/login/keycloak/`. The image must have `social-auth-app-django`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keycloak: Option<Keycloak>,
}
