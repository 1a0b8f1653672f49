//! What only stories of Smart Proxies need.

use k8s_openapi::api::core::v1::Secret;
use kube::api::DeleteParams;
use serde_json::Value;
use smart_proxy_operator::SmartProxy;

use crate::{
    LONG, SMALL, Story, Visitor,
    story::{Life, Served},
    wait,
};

/// A namespace with a Smart Proxy in it.
pub type ProxyStory = Life<SmartProxy>;

impl Served for SmartProxy {
    // There is none; whoever asks for his password is told so.
    const ADMIN: &'static str = "admin";
    const STAGES: &'static [&'static str] = &["Certificates", "Proxy", "Features", "Registration", "Ready"];
}

impl ProxyStory {
    /// A proxy beside a Foreman that is Ready and that all stories share.
    pub async fn shared(name: &str) -> (Story, Self) {
        let foreman = Story::shared_under("shared-proxies", SMALL).await;
        let proxy = Self::of(&foreman, name).await;
        (foreman, proxy)
    }

    /// A proxy that works for `myforeman`, with these modules and further fields of the spec.
    pub async fn with(&self, modules: &str, more: &str) {
        let spec = format!("{{foreman: {{name: myforeman}}, modules: {modules}{more}}}");
        let manifest = format!(
            "{{apiVersion: app.theforeman.org/v1alpha1, kind: SmartProxy, metadata: {{name: {}}}, spec: {spec}}}",
            self.name
        );
        self.create(&manifest).await.expect("the API server takes the manifest");
    }

    /// Its name in Foreman.
    pub fn registered_name(&self) -> String {
        format!("{}.{}.svc", self.name, self.namespace)
    }

    /// Has a certificate issued anew: its Secret goes. Another pod shows the new one when this returns.
    pub async fn reissued(&self, part: &str) {
        let (before, pods) = (self.secret(part, "tls.crt").await, self.settled().await);
        let secret = format!("{}-{part}", self.name);
        self.api::<Secret>().delete(&secret, &DeleteParams::default()).await.expect("it is deleted");
        wait(LONG, "the pod is another one", async || {
            let now = self.pods().await;
            if now.gone_or_restarted_since(&pods).is_empty() {
                Err("it is the old one".into())
            } else {
                Ok(())
            }
        })
        .await;
        self.ready().await;
        assert_ne!(self.secret(part, "tls.crt").await, before);
    }

    /// What Foreman knows of it; `None`: nothing.
    pub async fn known(&self, foreman: &Visitor) -> Option<Value> {
        let list =
            foreman.json(&format!("/api/v2/smart_proxies?search=name=\"{}\"", self.registered_name())).await;
        list["results"].get(0).cloned()
    }
}

/// Names of the features of a proxy, as Foreman knows them.
pub fn features(known: &Value) -> Vec<String> {
    let names = known["features"].as_array().into_iter().flatten();
    let mut names: Vec<_> = names.filter_map(|it| it["name"].as_str().map(str::to_owned)).collect();
    names.sort();
    names
}
