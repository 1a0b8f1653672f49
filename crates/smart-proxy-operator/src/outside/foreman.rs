//! Foreman's API of smart proxies. At every save it calls the proxy back, before it answers.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{Method, StatusCode, Uri};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    checked::{Access, Foreman},
    http::{self as client, Ask, Tls},
    oauth::escape,
};

const LOOK: Duration = Duration::from_secs(20);
/// Foreman gives the proxy 60 s for its answer.
const SAVE: Duration = Duration::from_secs(75);

/// A proxy, as Foreman knows it.
#[derive(Deserialize, Clone, Debug, Default, PartialEq)]
pub struct Known {
    /// Its number.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Its URL.
    pub url: String,
    /// What Foreman can use of it.
    #[serde(default)]
    pub(super) features: Vec<Named>,
    /// What Foreman has no use for; older ones do not say.
    #[serde(default)]
    pub(super) unrecognized_features: Vec<Value>,
}

#[derive(Deserialize, Clone, Debug, Default, PartialEq)]
pub(super) struct Named {
    pub(super) name: String,
}

impl Known {
    /// Features that Foreman knows, for people.
    pub fn listed(&self) -> String {
        let mut names: Vec<_> = self.features.iter().map(|feature| feature.name.as_str()).collect();
        names.sort_unstable();
        names.join(", ")
    }

    /// Whether it has features that do not run. Names are compared as Foreman does: in lower case, without blanks.
    pub fn outdated(&self, running: &[String]) -> bool {
        let plain = |name: &str| name.to_lowercase().replace(' ', "");
        self.features.iter().any(|feature| !running.contains(&plain(&feature.name)))
    }

    /// Features that it does not, for people.
    pub fn unknown(&self) -> String {
        let names = self.unrecognized_features.iter().map(|name| name.as_str().unwrap_or_default());
        names.collect::<Vec<_>>().join(", ")
    }
}

/// Why Foreman does not do what we ask. The words are those of a condition.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Trouble {
    /// It cannot be reached, or is in trouble itself: goes by.
    #[error("Foreman is away: {0}")]
    Away(String),
    /// It does not believe us.
    #[error(
        "Foreman {0} does not let us in ({1}): check key and secret, or user and password, in spec.foreman; behind a load balancer, X-Forwarded-Proto must be https"
    )]
    Unauthorized(String, String),
    /// It has refused, in its own words.
    #[error("Foreman refuses: {0}")]
    Refused(String),
    /// Somebody else has the name.
    #[error(
        "Foreman has a proxy \"{0}\" already, with the URL {1} and not {2}; give spec.registration.name another name, or set spec.registration.takeOver to true"
    )]
    Stranger(String, String, String),
}

impl Trouble {
    /// For conditions.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Away(_) => "ForemanAway",
            Self::Unauthorized(..) => "Unauthorized",
            Self::Refused(_) => "Refused",
            Self::Stranger(..) => "NameTaken",
        }
    }
}

/// Foreman's API of smart proxies.
pub struct Api<'a> {
    foreman: &'a Foreman,
    access: &'a Access,
    tls: Tls,
}

impl<'a> Api<'a> {
    /// Of this Foreman.
    pub fn new(foreman: &'a Foreman, access: &'a Access) -> Result<Self, Trouble> {
        let tls = Tls::new(&foreman.authority, None).map_err(|error| Trouble::Refused(error.to_string()))?;
        Ok(Self { foreman, access, tls })
    }

    /// The proxy of this name.
    pub async fn named(&self, name: &str) -> Result<Option<Known>, Trouble> {
        #[derive(Deserialize)]
        struct List {
            results: Vec<Known>,
        }
        let search = escape(&format!("name=\"{name}\""));
        let found = self.ask(Method::GET, &format!("/smart_proxies?search={search}"), None, LOOK).await?;
        let list: List = read(found.unwrap_or(json!({ "results": [] })))?;
        Ok(list.results.into_iter().find(|known| known.name == name))
    }

    /// The proxy of this number.
    pub async fn numbered(&self, id: i64) -> Result<Option<Known>, Trouble> {
        let found = self.ask(Method::GET, &format!("/smart_proxies/{id}"), None, LOOK).await?;
        found.map(read).transpose()
    }

    /// Makes it known. Foreman calls the proxy back.
    pub async fn create(
        &self,
        name: &str,
        url: &str,
        organizations: &[i64],
        locations: &[i64],
    ) -> Result<Known, Trouble> {
        let mut proxy = json!({ "name": name, "url": url });
        for (key, numbers) in [("organization_ids", organizations), ("location_ids", locations)] {
            if !numbers.is_empty() {
                proxy[key] = json!(numbers);
            }
        }
        self.save(Method::POST, "/smart_proxies", Some(json!({ "smart_proxy": proxy }))).await
    }

    /// Changes name and URL. Foreman calls the proxy back.
    pub async fn change(&self, id: i64, name: &str, url: &str) -> Result<Known, Trouble> {
        let body = json!({ "smart_proxy": { "name": name, "url": url } });
        self.save(Method::PUT, &format!("/smart_proxies/{id}"), Some(body)).await
    }

    /// Has its features read again.
    pub async fn refresh(&self, id: i64) -> Result<Known, Trouble> {
        self.save(Method::PUT, &format!("/smart_proxies/{id}/refresh"), None).await
    }

    /// Takes it out; one that is not there is taken out.
    pub async fn destroy(&self, id: i64) -> Result<(), Trouble> {
        self.ask(Method::DELETE, &format!("/smart_proxies/{id}"), None, SAVE).await.map(drop)
    }

    /// Foreman's own version. `None`: we may not ask.
    pub async fn version(&self) -> Option<String> {
        let status = self.ask(Method::GET, "/status", None, LOOK).await.ok()??;
        status["version"].as_str().map(str::to_owned)
    }

    async fn save(&self, method: Method, path: &str, body: Option<Value>) -> Result<Known, Trouble> {
        let saved = self.ask(method, path, body, SAVE).await?;
        read(saved.ok_or_else(|| Trouble::Refused(format!("{path} is not there")))?)
    }

    /// `None`: there is no such thing.
    async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
        within: Duration,
    ) -> Result<Option<Value>, Trouble> {
        let url: Uri = format!("{}/api/v2{path}", self.foreman.url)
            .parse()
            .map_err(|error: http::uri::InvalidUri| Trouble::Refused(error.to_string()))?;
        let authorization = match self.access {
            Access::OAuth(consumer) => consumer.authorize(&method, &url),
            Access::Login(user, password) => {
                format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
            }
        };
        let question = Ask { method, url: &url, at: None, authorization: Some(authorization), body, within };
        let answer = client::ask(&self.tls, question).await;
        let (status, body) = answer.map_err(|error| Trouble::Away(error.to_string()))?;
        let said = || words(&body);
        match status {
            StatusCode::NOT_FOUND => Ok(None),
            status if status.is_success() => Ok(Some(serde_json::from_slice(&body).unwrap_or_default())),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                Err(Trouble::Unauthorized(self.foreman.url.clone(), format!("{status}: {}", said())))
            }
            status if status.is_client_error() => Err(Trouble::Refused(said())),
            status => Err(Trouble::Away(format!("{} answers {status}: {}", self.foreman.url, said()))),
        }
    }
}

fn read<T: for<'a> Deserialize<'a>>(answer: Value) -> Result<T, Trouble> {
    serde_json::from_value(answer)
        .map_err(|error| Trouble::Away(format!("cannot read Foreman's answer: {error}")))
}

/// What Foreman says, without what is around it.
fn words(body: &[u8]) -> String {
    let answer: Value = serde_json::from_slice(body).unwrap_or_default();
    let error = &answer["error"];
    // `full_messages` repeats the keys of errors in front of them; `base` is none that people know.
    let listed = error["errors"].as_object().into_iter().flatten().flat_map(|(key, messages)| {
        let messages = messages.as_array().cloned().unwrap_or_default();
        let plain = messages.into_iter().filter_map(|message| message.as_str().map(str::to_owned));
        plain
            .map(|message| if key == "base" { message } else { format!("{key} {message}") })
            .collect::<Vec<_>>()
    });
    let listed: Vec<_> = listed.collect();
    if !listed.is_empty() {
        return listed.join(" ");
    }
    let message = error["message"].as_str().map(str::to_owned);
    message.unwrap_or_else(|| plain(&String::from_utf8_lossy(body)))
}

/// A page of whatever stands in front of Foreman, without its tags.
fn plain(page: &str) -> String {
    let texts = page.split('<').enumerate();
    // Before the first tag all is text, behind each of them what follows its end.
    let texts = texts.map(
        |(place, part)| if place == 0 { part } else { part.split_once('>').map_or("", |(_, text)| text) },
    );
    let words: Vec<_> = texts.flat_map(str::split_whitespace).collect();
    words.join(" ").chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foremans_own_words_are_told() {
        let refused = json!({ "error": { "id": null, "errors": {
            "base": ["Unable to communicate with the proxy: ERF12-2530", "Please check the proxy."],
            "url": ["has already been taken"] }, "full_messages": ["x"] } });
        let text = refused.to_string();
        assert_eq!(
            words(text.as_bytes()),
            "Unable to communicate with the proxy: ERF12-2530 Please check the proxy. url has already been taken"
        );
        let unauthorized = json!({ "error": { "message": "Unable to authenticate user" } }).to_string();
        assert_eq!(words(unauthorized.as_bytes()), "Unable to authenticate user");
        let page = b"<html><head>\n<title>500 Proxy Error</title>\n</head><body><p>Reason: <b>DNS</b></body></html>\n";
        assert_eq!(words(page), "500 Proxy Error Reason: DNS");
    }
}
