//! Where the operator itself lives, and how movers find it.

use std::collections::BTreeMap;

use k8s_openapi::{ByteString, api::core::v1::Secret};
use kube::{
    Api, Client,
    api::{ObjectMeta, PostParams},
};
use reconcile::{Certificate, Error, Usage, authority, call};

/// Secret with the authority of the gateway's certificate. It stays, so that movers outlive the operator that started them.
const AUTHORITY: &str = "backup-operator-gateway";
/// Port of the gateway.
pub const PORT: u16 = 8443;

/// Where the operator itself lives.
#[derive(Clone, Debug)]
pub struct Home {
    /// Its namespace; Secrets that a `BackupStorage` names are here.
    pub namespace: String,
    /// Its service account, as the API server calls it.
    pub account: String,
    /// `https://host:port`, for movers.
    pub gateway: String,
    /// The gateway's authority: certificate, PEM.
    pub ca: String,
    /// The certificate that the gateway shows.
    pub certificate: Certificate,
    /// Image of the movers.
    pub image: String,
    /// File with a token of ours for the gateway.
    pub token: std::path::PathBuf,
    /// Where claims of the operator's namespace are mounted.
    pub claims: std::path::PathBuf,
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Image of the movers: this program beside `PostgreSQL`'s.
pub const MOVER: &str = "quay.io/theforeman/backup-operator:0.1.0";

impl Home {
    /// From the environment, which the chart sets; the authority is made if it is not there.
    pub async fn of(client: &Client) -> Result<Self, Error> {
        let namespace = variable("POD_NAMESPACE").unwrap_or_else(|| client.default_namespace().into());
        let account = variable("POD_SERVICE_ACCOUNT").unwrap_or_else(|| "default".into());
        let host = variable("GATEWAY_HOST").unwrap_or_else(|| format!("backup-operator.{namespace}.svc"));
        let (ca, key) = kept(client, &namespace).await?;
        let certificate = Certificate {
            authority: (ca.clone(), key),
            common_name: host.clone(),
            names: vec!["localhost".into()],
            usage: Usage::Server,
        };
        Ok(Self {
            account: format!("system:serviceaccount:{namespace}:{account}"),
            gateway: format!("https://{host}:{PORT}"),
            certificate,
            ca,
            image: variable("RELATED_IMAGE_MOVER").unwrap_or_else(|| MOVER.into()),
            token: variable("GATEWAY_TOKEN").unwrap_or_else(|| "/var/run/backup/token".into()).into(),
            claims: variable("STORAGE_CLAIMS").unwrap_or_else(|| "/storage".into()).into(),
            namespace,
        })
    }

    /// The words that say how a namespace is opened to us.
    pub fn permission(&self, namespace: &str, what: &str) -> String {
        let account = self.account.trim_start_matches("system:serviceaccount:");
        format!(
            "no permission to {what} in namespace {namespace}; whoever administers it grants it: kubectl create rolebinding backup-operator-namespace --namespace {namespace} --clusterrole backup-operator-namespace --serviceaccount {account}"
        )
    }
}

#[cfg(test)]
impl Home {
    /// One whose gateway nobody reaches by TLS.
    pub fn unreached() -> Self {
        Self {
            namespace: "backup-operator".into(),
            account: "system:serviceaccount:backup-operator:backup-operator".into(),
            gateway: "https://backup-operator.backup-operator.svc:8443".into(),
            ca: String::new(),
            certificate: Certificate {
                authority: (String::new(), String::new()),
                common_name: String::new(),
                names: vec![],
                usage: Usage::Server,
            },
            image: "mover".into(),
            token: "/t".into(),
            claims: "/c".into(),
        }
    }
}

/// The authority that is kept, or a new one.
async fn kept(client: &Client, namespace: &str) -> Result<(String, String), Error> {
    let api: Api<Secret> = Api::namespaced(client.clone(), namespace);
    let what = format!("Secret {AUTHORITY}");
    for _ in 0..2 {
        if let Some(secret) = call("get", &what, api.get_opt(AUTHORITY)).await? {
            let data = secret.data.unwrap_or_default();
            let text = |key: &str| data.get(key).map(|value| String::from_utf8_lossy(&value.0).into_owned());
            if let (Some(certificate), Some(key)) = (text("ca.crt"), text("ca.key")) {
                return Ok((certificate, key));
            }
            return Err(Error::Slow {
                what: format!("{what} has no ca.crt and ca.key; delete it, and it is made anew"),
            });
        }
        let (certificate, key) = authority("backup-operator gateway")?;
        let data: BTreeMap<_, _> = [("ca.crt", certificate), ("ca.key", key)]
            .map(|(key, text)| (key.to_owned(), ByteString(text.into_bytes())))
            .into();
        let metadata = ObjectMeta {
            name: Some(AUTHORITY.into()),
            labels: Some([("app.kubernetes.io/managed-by".to_owned(), "backup-operator".to_owned())].into()),
            ..Default::default()
        };
        let secret =
            Secret { metadata, data: Some(data), type_: Some("Opaque".into()), ..Default::default() };
        match call("create", &what, api.create(&PostParams::default(), &secret)).await {
            Ok(_) | Err(Error::Api { code: Some(409), .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Err(Error::Slow { what })
}
