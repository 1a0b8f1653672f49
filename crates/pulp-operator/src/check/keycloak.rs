//! Users of a Keycloak, as the settings of social-auth.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reconcile::{
    Fault,
    field::{self, Secrets},
};
use serde_json::{Value, json};

use crate::crd::{Keycloak, Settings};

/// The settings.
pub fn settings(keycloak: &Keycloak, origin: &str, seen: &Secrets, faults: &mut Vec<Fault>) -> Settings {
    let mut settings = Settings::new();
    let mut set = |name: &str, value: Value| {
        settings.insert(name.to_owned(), value);
    };
    let realm = utf8_percent_encode(&keycloak.realm, NON_ALPHANUMERIC);
    let at = |url: &str, what: &str| {
        Value::from(format!("{}/realms/{realm}/protocol/openid-connect/{what}", url.trim_end_matches('/')))
    };
    let secret = &keycloak.client_secret;
    let field = "spec.authentication.keycloak";
    let value = field::value(&format!("{field}.clientSecret"), &secret.name, &secret.key, seen, faults);
    set("SOCIAL_AUTH_KEYCLOAK_KEY", keycloak.client_id.clone().into());
    set("SOCIAL_AUTH_KEYCLOAK_SECRET", value.into());
    set(
        "SOCIAL_AUTH_KEYCLOAK_PUBLIC_KEY",
        field::public_key(&format!("{field}.publicKey"), &keycloak.public_key, faults).into(),
    );
    set("SOCIAL_AUTH_KEYCLOAK_ALGORITHM", json!(keycloak.algorithm));
    set("SOCIAL_AUTH_KEYCLOAK_AUTHORIZATION_URL", at(&keycloak.url, "auth"));
    let internal = keycloak.internal_url.as_ref().unwrap_or(&keycloak.url);
    set("SOCIAL_AUTH_KEYCLOAK_ACCESS_TOKEN_URL", at(internal, "token"));
    if !keycloak.scopes.is_empty() {
        set("SOCIAL_AUTH_KEYCLOAK_SCOPE", json!(keycloak.scopes));
    }
    if let Some(claim) = &keycloak.id_claim {
        set("SOCIAL_AUTH_KEYCLOAK_ID_KEY", claim.clone().into());
    }
    // Pulp does not see by itself that what stands in front of it speaks TLS.
    set("SOCIAL_AUTH_REDIRECT_IS_HTTPS", origin.starts_with("https://").into());
    set("SOCIAL_AUTH_LOGIN_REDIRECT_URL", "/pulp/api/v3/".into());
    set("SOCIAL_AUTH_LOGIN_ERROR_URL", "/auth/login/".into());
    set("SOCIAL_AUTH_PIPELINE", pipeline(keycloak));
    set("SOCIAL_AUTH_KEYCLOAK_ADMIN_ROLE", json!(keycloak.admin_role));
    set("SOCIAL_AUTH_KEYCLOAK_ROLE_CLAIM", keycloak.role_claim.clone().into());
    set("SOCIAL_AUTH_KEYCLOAK_GROUP_CLAIM", json!(keycloak.group_claim));
    // Pulp has lists of its own, to which these are added.
    set("INSTALLED_APPS", json!(["social_django", "dynaconf_merge"]));
    // Who turns back at Keycloak gets the page to log in again, not an error.
    let turned_back = "social_django.middleware.SocialAuthExceptionMiddleware";
    set("MIDDLEWARE", json!([turned_back, "keycloak_login.Begin", "dynaconf_merge"]));
    settings
}

/// The steps from a token to a user of Pulp's.
fn pipeline(keycloak: &Keycloak) -> Value {
    let own = keycloak.admin_role.is_some() || keycloak.group_claim.is_some();
    let steps = [
        (true, "social_core.pipeline.social_auth.social_details"),
        (true, "social_core.pipeline.social_auth.social_uid"),
        (true, "social_core.pipeline.social_auth.auth_allowed"),
        (true, "social_core.pipeline.social_auth.social_user"),
        (true, "social_core.pipeline.user.get_username"),
        (keycloak.associate_by_email, "social_core.pipeline.social_auth.associate_by_email"),
        (true, "social_core.pipeline.user.create_user"),
        (true, "social_core.pipeline.social_auth.associate_user"),
        (true, "social_core.pipeline.social_auth.load_extra_data"),
        (true, "social_core.pipeline.user.user_details"),
        (own, "keycloak_login.take"),
    ];
    steps.into_iter().filter(|(wanted, _)| *wanted).map(|(_, step)| Value::from(step)).collect()
}
