//! Who may do what.

use std::collections::BTreeMap;

use async_trait::async_trait;

/// What the holder of a token may do with one repository.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    /// List and read.
    pub read: bool,
    /// Add what is not there yet.
    pub append: bool,
    /// Delete.
    pub delete: bool,
}

/// Why a request is refused; the text says what is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The token is none of ours: 401.
    Unknown(String),
    /// The holder of the token has nothing to do with this repository: 403.
    Forbidden(String),
    /// It cannot be found out now: 503, and the mover tries again.
    Unclear(String),
}

/// Finds out the rights of the holder of a token.
#[async_trait]
pub trait Access: Send + Sync + 'static {
    /// Called for every request; an implementation that asks somebody remembers the answer for a while.
    async fn of(&self, token: &str, storage: &str, repository: &str) -> Result<Rights, Refusal>;
}

/// Tokens in memory, for tests: (token, storage, repository) to rights.
#[derive(Clone, Debug, Default)]
pub struct Fixed(pub BTreeMap<(String, String, String), Rights>);

#[async_trait]
impl Access for Fixed {
    async fn of(&self, token: &str, storage: &str, repository: &str) -> Result<Rights, Refusal> {
        let key = (token.to_owned(), storage.to_owned(), repository.to_owned());
        if let Some(rights) = self.0.get(&key) {
            return Ok(*rights);
        }
        if self.0.keys().any(|(known, ..)| known == token) {
            return Err(Refusal::Forbidden(format!(
                "the token does not give access to repository {repository} of storage {storage}"
            )));
        }
        Err(Refusal::Unknown("the token is not known".to_owned()))
    }
}
