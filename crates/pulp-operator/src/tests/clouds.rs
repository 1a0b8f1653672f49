//! What clouds give: containers that open in more than one way, and addresses that are told.

use reconcile::bucket::{self, Bucket};

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

#[test]
fn whoever_backs_a_bucket_up_is_told_which_and_how_to_reach_it() {
    let told = |spec: &str| {
        let pulp = of(spec);
        let mut seen = seen(&pulp);
        seen.secrets.extend([
            ("s3".into(), secret(&[("accessKeyId", "id"), ("secretAccessKey", "key")])),
            ("gcs".into(), secret(&[("key.json", "{}")])),
        ]);
        seen.config_maps.insert("own".into(), secret(&[("ca.crt", super::authentication::CERTIFICATE)]));
        let checked = pulp.check(&seen).unwrap();
        let content = Pulp::report(&checked, &seen, true).backup.unwrap().content.remove(0);
        let plan = plan(&pulp, &seen);
        let written = object(&plan, "Secret", &content.bucket_secret.unwrap());
        let data = written.body.data["data"].as_object().unwrap().clone();
        let text = |value: &serde_json::Value| {
            let bytes: k8s_openapi::ByteString = serde_json::from_value(value.clone()).unwrap();
            String::from_utf8(bytes.0).unwrap()
        };
        let values = data.iter().map(|(key, value)| (key.clone(), text(value))).collect();
        (Bucket::of(values).unwrap(), content.service_account_name)
    };
    let (bucket, account) = told(
        "{serviceAccountName: opener, trustedCertificates: [{configMap: own}], \
         storage: {s3: {bucket: b, endpoint: 'https://s3.example.com/', region: r, credentials: {name: s3}}}}",
    );
    let s3 = bucket::S3 {
        bucket: "b".into(),
        endpoint: Some("https://s3.example.com".into()),
        region: Some("r".into()),
        access_key_id: Some("id".into()),
        secret_access_key: Some("key".into()),
        ca: Some(super::authentication::CERTIFICATE.trim_end().into()),
        ..bucket::S3::default()
    };
    assert_eq!((bucket, account), (Bucket::S3(s3), None), "a key needs no identity");

    let (bucket, account) =
        told("{serviceAccountName: opener, storage: {s3: {bucket: b, addressingStyle: auto}}}");
    let addressing_style = bucket::AddressingStyle::Virtual;
    let amazon = bucket::S3 { bucket: "b".into(), addressing_style, ..bucket::S3::default() };
    assert_eq!((bucket, account.as_deref()), (Bucket::S3(amazon), Some("opener")));

    let (bucket, account) = told("{storage: {azure: {account: acc, container: con, path: x}}}");
    let azure = bucket::Azure {
        account: "acc".into(),
        container: "con".into(),
        prefix: "x".into(),
        ..bucket::Azure::default()
    };
    assert_eq!((bucket, account), (Bucket::Azure(azure), None));

    let (bucket, _) = told("{storage: {gcs: {bucket: buck, credentials: {name: gcs}}}}");
    let gcs = bucket::Gcs { bucket: "buck".into(), key_file: Some("{}".into()), ..bucket::Gcs::default() };
    assert_eq!(bucket, Bucket::Gcs(gcs));
}
