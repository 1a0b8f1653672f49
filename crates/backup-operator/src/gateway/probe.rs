//! What is wrong with a storage, in words.

use std::{error::Error as _, fmt, time::Duration};

use object_store::{Error, ObjectStore, ObjectStoreExt, PutPayload, path::Path as Key};
use tokio::time::timeout;

/// A probe ends within 30 s.
const LONGEST: Duration = Duration::from_secs(28);
/// What a probe writes; not a name of a repository.
const OBJECT: &str = ".probe";

/// What is wrong with a storage; the text of each says it and the mend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Nobody listens, or the name is unknown.
    Refused(String),
    /// No answer in time.
    Hung(String),
    /// The certificate is not trusted.
    Tls(String),
    /// The credentials are wrong.
    WrongKey(String),
    /// The credentials are right and may not do this.
    Forbidden(String),
    /// The bucket, container or folder does not exist.
    NoBucket(String),
    /// The clocks differ too much.
    Skew(String),
    /// No space, or the quota is used up.
    Full(String),
    /// It says something else.
    Other(String),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(text)
            | Self::Hung(text)
            | Self::Tls(text)
            | Self::WrongKey(text)
            | Self::Forbidden(text)
            | Self::NoBucket(text)
            | Self::Skew(text)
            | Self::Full(text)
            | Self::Other(text) => f.write_str(text),
        }
    }
}

/// Writes, reads, lists and deletes a small object. Ends within 30 s.
pub async fn probe(store: &dyn ObjectStore) -> Result<(), Trouble> {
    timeout(LONGEST, round(store))
        .await
        .unwrap_or_else(|_| Err(hung(&format!("no answer within {} s", LONGEST.as_secs()))))
}

async fn round(store: &dyn ObjectStore) -> Result<(), Trouble> {
    let key = Key::from(OBJECT);
    let said = |error: &Error| {
        trouble(error).unwrap_or_else(|| Trouble::Other("what was just written is not there".to_owned()))
    };
    let content = rand::random::<[u8; 32]>();
    store.put(&key, PutPayload::from(content.to_vec())).await.map_err(|error| said(&error))?;
    let found = store.get(&key).await.map_err(|error| said(&error))?;
    let found = found.bytes().await.map_err(|error| said(&error))?;
    if found[..] != content[..] {
        return Err(Trouble::Other("the storage does not give back what was just written".to_owned()));
    }
    store.list_with_delimiter(None).await.map_err(|error| said(&error))?;
    // Credentials that may only append, or an object lock, are fine.
    let _ = store.delete(&key).await;
    Ok(())
}

fn hung(why: &str) -> Trouble {
    Trouble::Hung(format!(
        "the storage does not answer ({why}); look whether it runs and whether a firewall drops the packets"
    ))
}

/// What an error of a storage means; None if an object is not there and nothing is wrong.
pub fn trouble(error: &Error) -> Option<Trouble> {
    // The limits of its own that a client tells with every error are no word of the storage's.
    let all = chain(error).replace("retry_timeout", "");
    let has = |words: &[&str]| words.iter().any(|word| all.contains(word));
    let short = all.lines().next().unwrap_or_default().chars().take(400).collect::<String>();
    Some(if has(&["NoSuchBucket", "ContainerNotFound", "The specified bucket does not exist"]) {
        Trouble::NoBucket(format!("the bucket does not exist; create it or mend its name ({short})"))
    } else if has(&["RequestTimeTooSkewed", "RequestExpired", "too large", "too far"]) {
        Trouble::Skew(format!(
            "the clocks of the storage and of this cluster differ too much; mend the time of one of them ({short})"
        ))
    } else if has(&[
        "No space left",
        "StorageFull",
        "QuotaExceeded",
        "quota",
        "507 ",
        "EntityTooLarge",
        "InsufficientStorage",
    ]) {
        Trouble::Full(format!("the storage is full; make it bigger, or delete backups and prune ({short})"))
    } else if has(&[
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "AuthenticationFailed",
        "InvalidToken",
        "401 Unauthorized",
    ]) || matches!(error, Error::Unauthenticated { .. })
    {
        Trouble::WrongKey(format!(
            "the storage does not know the credentials; mend them in the Secret ({short})"
        ))
    } else if has(&["AccessDenied", "403 Forbidden", "Permission denied", "Read-only file system"])
        || matches!(error, Error::PermissionDenied { .. })
    {
        Trouble::Forbidden(format!(
            "the credentials may not do this; grant reading, writing and listing ({short})"
        ))
    } else if matches!(error, Error::NotFound { .. }) {
        return None;
    } else if has(&["status code: 5"]) {
        Trouble::Other(format!("the storage answers with an error of its own; look at its log ({short})"))
    } else if has(&["certificate", "UnknownIssuer", "CaUsedAsEndEntity", "InvalidCertificate"]) {
        Trouble::Tls(format!(
            "the certificate of the storage is not trusted; give its authority as `ca` ({short})"
        ))
    } else if has(&[
        "Connection refused",
        "dns error",
        "failed to lookup",
        "Name or service not known",
        "No route to host",
        "Network is unreachable",
    ]) {
        Trouble::Refused(format!(
            "the storage cannot be reached; look at its address and whether it runs ({short})"
        ))
    } else if has(&["timed out", "timeout", "deadline"]) {
        hung(&short)
    } else {
        Trouble::Other(short)
    })
}

/// An error with everything behind it: what matters is said far down.
fn chain(error: &Error) -> String {
    let mut all = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let words = cause.to_string();
        if !all.contains(&words) {
            all.push_str(": ");
            all.push_str(&words);
        }
        next = cause.source();
    }
    all.replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_says_5xx_has_answered() {
        let said = "Error performing PUT http://s3.test/b/.probe in 1.2s, after 4 retries, max_retries: 4, retry_timeout: 12s  - \
            Server returned non-2xx status code: 503 Service Unavailable: ";
        let error = Error::Generic { store: "S3", source: said.into() };
        let Some(Trouble::Other(words)) = trouble(&error) else { panic!("{:?}", trouble(&error)) };
        assert!(
            words.starts_with("the storage answers with an error of its own") && words.contains("503"),
            "{words}"
        );
        let error = Error::Generic { store: "S3", source: "operation timed out".into() };
        assert!(matches!(trouble(&error), Some(Trouble::Hung(_))));
    }
}
