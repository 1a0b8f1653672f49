//! What is drawn once and never again, and what becomes of an instance whose keys have vanished.

use crate::{field::Secrets, generated::Generate, object::Object, status::Fault};

/// A Secret that is drawn once.
#[derive(Clone, Debug)]
pub struct Drawn {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub values: Vec<(&'static str, Generate)>,
    /// There is data already that is worth nothing without it.
    pub lived: bool,
}

impl Drawn {
    /// As an object of a plan.
    pub fn object(self, keep: bool) -> Object {
        Object::generated(&self.name, keep, self.values)
    }
}

/// Whether some are still to be drawn, whole Secrets or keys that one lacks. A fault if there is data already and a key is gone: a new one
/// would make it unreadable.
pub fn missing<'a>(
    drawn: impl IntoIterator<Item = &'a Drawn>,
    seen: &Secrets,
    kind: &str,
) -> Result<bool, Vec<Fault>> {
    let mut missing = false;
    let mut faults = vec![];
    for Drawn { name, values: wanted, lived } in drawn {
        let values = seen.get(name);
        let there =
            |key: &str| values.and_then(|values| values.get(key)).is_some_and(|value| !value.is_empty());
        let mut keys = wanted.iter().flat_map(|(key, what)| what.keys(key));
        let Some(key) = keys.find(|key| !there(key)) else { continue };
        missing = true;
        // Nothing that is drawn fits the half of a pair.
        let torn = wanted.iter().any(|(key, what)| {
            let keys = what.keys(key);
            keys.iter().any(|key| there(key)) && !keys.iter().all(|key| there(key))
        });
        if torn || *lived {
            let lost =
                if values.is_some() { format!("has lost its key \"{key}\"") } else { "is gone".to_owned() };
            faults.push(Fault::new(
                "KeyLost",
                format!(
                    "Secret \"{name}\" {lost}, and this {kind}'s data depends on it; restore the Secret from a backup. \
                     Nothing is changed until then, and no new key is made"
                ),
            ));
        }
    }
    if faults.is_empty() { Ok(missing) } else { Err(faults) }
}
