//! Asks a pod of an instance itself: what it knows is in no object of the API.

use std::{net::IpAddr, time::Duration};

use axum::body::{Body, to_bytes};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use kube::ResourceExt;

use crate::world::World;

/// How long an answer may take: nobody's reconcile waits for a pod that does not answer.
const LIMIT: Duration = Duration::from_secs(2);
/// How long an answer may be (bytes).
const LENGTH: usize = 64 * 1024;

impl World {
    /// What a ready pod of a part answers to a GET over HTTP. An error says in words that do not change from try to try why there is
    /// no answer.
    pub async fn ask(&self, component: &str, port: u16, path: &str) -> Result<Vec<u8>, String> {
        let mut pods = self.serving(component);
        // One that is about to go may be ready still.
        pods.sort_by_key(|pod| (pod.metadata.deletion_timestamp.is_some(), pod.name_any()));
        let address = pods.iter().find_map(|pod| pod.status.as_ref()?.pod_ip.as_ref()?.parse().ok());
        let address = address.ok_or_else(|| format!("no pod of {component} is ready"))?;
        let (url, answer) = (url(address, port, path), format!("the pod of {component} gives no answer"));
        match tokio::time::timeout(LIMIT, get(&url)).await {
            Ok(Ok(body)) => Ok(body),
            Ok(Err(why)) => Err(format!("{answer}: {why}")),
            Err(_) => Err(format!("{answer} within {} s", LIMIT.as_secs())),
        }
    }
}

fn url(address: IpAddr, port: u16, path: &str) -> String {
    let host = if address.is_ipv6() { format!("[{address}]") } else { address.to_string() };
    format!("http://{host}:{port}{path}")
}

async fn get(url: &str) -> Result<Vec<u8>, String> {
    let url = url.parse().map_err(|_| "its address is none".to_owned())?;
    // A connection for each question: nothing is left over when the pod goes.
    let client = Client::builder(TokioExecutor::new()).build_http::<Body>();
    let answer = client.get(url).await.map_err(|_| "no connection".to_owned())?;
    let status = answer.status();
    let body = to_bytes(Body::new(answer.into_body()), LENGTH).await;
    let body = body.map_err(|_| "it broke off, or is too long".to_owned())?;
    if status.is_success() { Ok(body.into()) } else { Err(format!("{}: {}", status.as_u16(), line(&body))) }
}

/// The first words of a text.
fn line(text: &[u8]) -> String {
    String::from_utf8_lossy(text).lines().next().unwrap_or_default().chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use axum::{Router, http::StatusCode, routing::get as on_get};

    use super::*;

    async fn serving(app: Router) -> u16 {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move { axum::serve(listener, app).await });
        port
    }

    #[tokio::test]
    async fn an_answer_is_taken_and_trouble_is_told_in_words_that_do_not_change() {
        let app = Router::new()
            .route("/well", on_get(async || "42"))
            .route("/ill", on_get(async || (StatusCode::SERVICE_UNAVAILABLE, "the database\nis away")))
            .route("/long", on_get(async || "x".repeat(LENGTH + 1)));
        let port = serving(app).await;
        let ask = async |path: &str| get(&url([127, 0, 0, 1].into(), port, path)).await;
        assert_eq!(ask("/well").await, Ok(b"42".to_vec()));
        assert_eq!(ask("/ill").await, Err("503: the database".to_owned()));
        assert_eq!(ask("/long").await, Err("it broke off, or is too long".to_owned()));
        let nobody = url([127, 0, 0, 1].into(), 1, "/well");
        assert_eq!(get(&nobody).await, Err("no connection".to_owned()));
    }

    #[test]
    fn an_address_of_either_family_makes_a_url() {
        assert_eq!(url([10, 0, 0, 1].into(), 80, "/a"), "http://10.0.0.1:80/a");
        assert_eq!(url("fd00::1".parse().unwrap(), 80, "/a"), "http://[fd00::1]:80/a");
    }
}
