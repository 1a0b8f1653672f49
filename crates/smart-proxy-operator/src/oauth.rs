//! OAuth 1 with two legs and HMAC-SHA1 (RFC 5849), as Foreman checks it. The body is JSON, and so is not signed.

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{Method, Uri};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use rand::Rng;

/// RFC 3986: letters, digits and these stay.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Key and secret that Foreman knows us by.
#[derive(Clone, PartialEq, Eq)]
pub struct Consumer {
    /// The key.
    pub key: String,
    /// The secret.
    pub secret: String,
}

impl std::fmt::Debug for Consumer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(formatter, "Consumer({})", self.key)
    }
}

impl Consumer {
    /// Value of the header `Authorization` for a request; the URL must be what Foreman sees.
    pub fn authorize(&self, method: &Method, url: &Uri) -> String {
        let nonce: String =
            rand::rng().sample_iter(rand::distr::Alphanumeric).take(32).map(char::from).collect();
        self.header(method, url, &nonce, jiff::Timestamp::now().as_second())
    }

    fn header(&self, method: &Method, url: &Uri, nonce: &str, seconds: i64) -> String {
        let seconds = seconds.to_string();
        let fields = [
            ("oauth_consumer_key", self.key.as_str()),
            ("oauth_nonce", nonce),
            ("oauth_signature_method", "HMAC-SHA1"),
            ("oauth_timestamp", &seconds),
            ("oauth_version", "1.0"),
        ];
        let signature = self.sign(method, url, &fields);
        let signed = fields.iter().copied().chain([("oauth_signature", signature.as_str())]);
        let signed: Vec<_> = signed.map(|(name, value)| format!("{name}=\"{}\"", escape(value))).collect();
        format!("OAuth {}", signed.join(", "))
    }

    fn sign(&self, method: &Method, url: &Uri, fields: &[(&str, &str)]) -> String {
        let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let query = url.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
        let query = query.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let mut pairs: Vec<_> =
            query.map(|(name, value)| (escape(&decode(name)), escape(&decode(value)))).collect();
        pairs.extend(fields.iter().map(|(name, value)| (escape(name), escape(value))));
        pairs.sort();
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let host = url.host().unwrap_or_default().to_lowercase();
        // A port that the scheme has anyhow is not part of what is signed.
        let port = match (url.scheme_str(), url.port_u16()) {
            (_, None) | (Some("https"), Some(443)) | (Some("http"), Some(80)) => String::new(),
            (_, Some(port)) => format!(":{port}"),
        };
        let place = format!("{}://{host}{port}{}", url.scheme_str().unwrap_or("https"), url.path());
        let base = format!("{method}&{}&{}", escape(&place), escape(&pairs.join("&")));
        let key = hmac::Key::new(
            hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            format!("{}&", escape(&self.secret)).as_bytes(),
        );
        STANDARD.encode(hmac::sign(&key, base.as_bytes()))
    }
}

/// Percent-encoded as RFC 3986 has it.
pub fn escape(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checked against two other implementations, python-oauthlib and ruby-oauth.
    #[test]
    fn signatures_are_those_of_others() {
        let consumer = Consumer { key: "consumer-key".into(), secret: "consumer-secret".into() };
        let vectors = [
            (
                Method::POST,
                "https://foreman.example.com/api/v2/smart_proxies",
                "05zWnuDE0feKcIUadiLK8WMG70c=",
            ),
            (
                Method::GET,
                "https://foreman.example.com/api/v2/smart_proxies?search=name%3D%22proxy.example.com%22",
                "DF9D23L6L9OD2SH1u4k98h2u2vw=",
            ),
            (
                Method::PUT,
                "https://foreman.example.com:8443/api/v2/smart_proxies/7/refresh",
                "UvKI9+R1spmQhHK7oI/LAStHAWE=",
            ),
            (
                Method::DELETE,
                "https://foreman.example.com/api/v2/smart_proxies/7",
                "XdFn9JoWWaCy3rnvluh+ejP/C6I=",
            ),
        ];
        for (method, url, signature) in vectors {
            let header = consumer.header(&method, &url.parse().unwrap(), "abcdef0123456789", 1_700_000_000);
            let expected = format!("oauth_signature=\"{}\"", escape(signature));
            assert!(header.ends_with(&expected), "{method} {url}: {header}");
        }
    }

    #[test]
    fn a_port_that_goes_without_saying_is_not_signed() {
        let consumer = Consumer { key: "k".into(), secret: "s".into() };
        let sign = |url: &str| consumer.header(&Method::GET, &url.parse().unwrap(), "n", 1);
        assert_eq!(sign("https://f.example/api"), sign("https://F.example:443/api"));
        assert_ne!(sign("https://f.example/api"), sign("https://f.example:8443/api"));
    }
}
