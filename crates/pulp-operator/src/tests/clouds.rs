//! What clouds give: containers that open in more than one way, and addresses that are told.

use super::*;

#[test]
fn a_container_is_found_by_its_endpoint_and_opened_by_key_or_identity() {
    let options = |azure: &str| {
        let pulp = of(&format!("{{storage: {{azure: {{account: acc, container: con, {azure}}}}}}}"));
        let mut seen = seen(&pulp);
        seen.secrets.insert("azure".into(), secret(&[("accountKey", "key+/=")]));
        settings(&plan(&pulp, &seen))
    };
    let text = options("credentials: {name: azure}");
    assert!(text.contains(r#""account_key": "key+/=""#) && !text.contains("token_credential"), "{text}");
    let suffix = r#""azure_ssl": True, "endpoint_suffix": "core.usgovcloudapi.net""#;
    let text = options("endpoint: 'https://acc.blob.core.usgovcloudapi.net/', credentials: {name: azure}");
    assert!(
        text.contains(suffix.split_once(", ").unwrap().0) && text.contains("core.usgovcloudapi.net"),
        "{text}"
    );
    assert!(!text.contains("connection_string"), "{text}");
    let text = options("endpoint: 'https://acc.blob.core.usgovcloudapi.net'");
    assert!(text.contains(r#"STORAGES["default"]["OPTIONS"]["token_credential"]"#), "{text}");
    let text = options("endpoint: 'http://emulator:10000/acc/', credentials: {name: azure}");
    let whole = "AccountName=acc;AccountKey=key+/=;BlobEndpoint=http://emulator:10000/acc";
    assert!(text.contains(&format!(r#""connection_string": "{whole}""#)), "{text}");
}

#[test]
fn what_is_no_key_of_azures_does_not_get_into_a_connection_string() {
    let pulp = of("{storage: {azure: {account: acc, container: con, credentials: {name: azure}}}}");
    let mut seen = seen(&pulp);
    seen.secrets.insert("azure".into(), secret(&[("accountKey", "key;BlobEndpoint=http://elsewhere")]));
    let said = faults(&pulp, &seen);
    assert!(
        said[0].starts_with("Invalid: spec.storage.azure.credentials: the key \"accountKey\""),
        "{said:?}"
    );
}

#[test]
fn an_ingress_without_an_address_is_told_and_waited_for_by_nobody() {
    let pulp = of("{storage: {file: {size: 1Gi}}, ingress: {type: Ingress, host: a.b, className: c}}");
    let mut seen = seen(&pulp);
    let told = |seen: &Observed| {
        let report = Pulp::report(&pulp.check(seen).unwrap(), seen, true);
        let news = report.conditions.into_iter().find(|news| news.type_ == "Addressed").unwrap();
        (news.status, news.message)
    };
    let (status, said) = told(&seen);
    assert!(!status && said.contains("see that one serves class \"c\""), "{said}");
    seen.addresses = vec!["192.0.2.1".into()];
    assert_eq!(told(&seen), (true, "clients are served at 192.0.2.1".into()));
}
