//! Keys are drawn once.

use super::*;

#[test]
fn before_the_keys_are_drawn_there_is_nothing_else_to_plan() {
    let plan = plan(&pulp(MANIFEST), &Observed::default());
    assert!(plan.partial);
    assert_eq!(plan.stages.len(), 1);
    assert!(plan.objects().all(|object| matches!(object.write, Write::Generate(_))));
}

#[test]
fn a_lost_key_is_never_drawn_anew_but_that_of_the_cache_is() {
    let pulp = pulp(MANIFEST);
    let mut seen = seen(&pulp);
    seen.volumes.push("mypulp-file-storage".into());
    seen.secrets.remove("mypulp-cache");
    assert!(plan(&pulp, &seen).partial);
    seen.secrets.remove("mypulp-db-fields-encryption");
    let said = faults(&pulp, &seen);
    assert!(said[0].starts_with("KeyLost: Secret \"mypulp-db-fields-encryption\" is gone"), "{said:?}");
}

#[test]
fn an_authority_that_is_needed_later_is_drawn_but_one_that_has_issued_is_not_drawn_again() {
    let behind = of("{storage: {file: {size: 1Gi}}, ingress: {type: None}}");
    let mut seen = seen(&behind);
    seen.volumes.push("p-database".into());
    seen.secrets.remove("p-ca");
    assert!(!plan(&behind, &seen).partial);
    let own = of("{storage: {file: {size: 1Gi}}}");
    assert!(plan(&own, &seen).objects().any(|object| object.body.name_any() == "p-ca"));
    seen.secrets.insert("p-server-tls".into(), secret(&[("tls.crt", "c")]));
    assert!(faults(&own, &seen)[0].starts_with("KeyLost: Secret \"p-ca\" is gone"));
}
