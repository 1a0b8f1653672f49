//! Signing services and checksums: what is tried, what is changed, and what counts when.

use super::*;

const SIGNING: &str = "{storage: {file: {size: 1Gi}}, signing: {key: {name: keys}, passphrase: {name: keys}, rpm: {}, \
    container: {name: images}, deb: {script: {secret: scripts}}, collection: {script: {configMap: more, key: sign}}}, \
    allowedContentChecksums: [sha256, md5]}";
const CHECKSUMS: &str = "{storage: {file: {size: 1Gi}}, allowedContentChecksums: [sha512, sha256]}";
const PLAIN: &str = "{storage: {file: {size: 1Gi}}}";

/// Seen with all that [`SIGNING`] refers to.
fn given(mut seen: Observed) -> Observed {
    let keys = secret(&[("signing_service.gpg", "key"), ("passphrase", "drawn")]);
    seen.secrets.insert("keys".into(), keys);
    seen.secrets.insert("scripts".into(), secret(&[("apt_script.sh", "#!/bin/sh")]));
    seen.config_maps.insert("more".into(), secret(&[("sign", "#!/bin/sh")]));
    seen
}

/// What success of a Job means; nothing if there is no such Job.
fn achieves(plan: &Plan, job: &str) -> Option<String> {
    let job = plan.objects().find(|object| object.api.kind == "Job" && object.body.name_any() == job)?;
    let Write::Run { achieves, .. } = &job.write else { panic!("{:?}", job.write) };
    Some(achieves.clone())
}

/// Of a Pulp that runs, in the release that is wanted, and with these Jobs done.
fn at_work(pulp: &Pulp, jobs: &[(&str, &str, &str)]) -> Observed {
    let migrated = ("migrate", "images.example.com/pulp:1", "{\"versions\": {}}");
    given(running(pulp, &[&[migrated], jobs].concat()))
}

fn jobs(plan: &Plan) -> Vec<String> {
    let mut names = names(plan, "Job");
    names.retain(|name| name.contains("signing") || name.contains("checksums"));
    names
}

#[test]
fn every_service_with_own_and_given_scripts() {
    let pulp = of(SIGNING);
    golden(DIRECTORY, "signing.yaml", &text(&plan(&pulp, &given(seen(&pulp)))));
}

#[test]
fn a_change_is_tried_before_it_reaches_anybody_and_counts_when_it_has_reached_all() {
    let pulp = of(SIGNING);
    // Nobody is there who could suffer from it.
    let first = plan(&pulp, &given(seen(&pulp)));
    assert_eq!(jobs(&first), ["p-signing", "p-checksums"]);
    let wanted = |job| achieves(&first, job).unwrap();
    let order = plan(&pulp, &at_work(&pulp, &[("signing", "key old", "{}"), ("checksums", "sha256", "")]));
    let found: Vec<_> = order.stages.iter().filter(|stage| !stage.objects.is_empty()).collect();
    let of_job = |job: &str| {
        found.iter().position(|stage| {
            stage.gate == reconcile::Gate::Succeeded
                && stage.objects.iter().any(|it| it.body.name_any() == job)
        })
    };
    let workers = found.iter().position(|stage| stage.name == "Workers");
    assert!(of_job("p-checksums-added") < of_job("p-signing-trial") && of_job("p-signing-trial") < workers);
    assert!(workers < of_job("p-signing") && of_job("p-signing") < of_job("p-checksums"));
    assert_eq!(achieves(&order, "p-signing-trial"), achieves(&order, "p-signing"));

    let done = [("signing", wanted("p-signing"), "{}"), ("checksums", wanted("p-checksums"), "")];
    let done: Vec<_> = done.iter().map(|(job, what, said)| (*job, what.as_str(), *said)).collect();
    let rest = plan(&pulp, &at_work(&pulp, &done));
    assert_eq!(jobs(&rest), ["p-signing", "p-checksums"], "what is done is not tried again");
}

#[test]
fn another_key_or_script_is_registered_anew_and_another_image_is_not() {
    let registered = |manifest: &str, other: Option<(&str, &str)>| {
        let pulp = of(manifest);
        let mut seen = given(seen(&pulp));
        if let Some((name, key)) = other {
            seen.secrets.get_mut(name).unwrap().insert(key.into(), b"\xff other".into());
        }
        achieves(&plan(&pulp, &seen), "p-signing").unwrap()
    };
    let first = registered(SIGNING, None);
    assert_eq!(registered(&SIGNING.replace("{storage", "{images: {pulp: new}, storage"), None), first);
    for other in [("keys", "signing_service.gpg"), ("keys", "passphrase"), ("scripts", "apt_script.sh")] {
        assert_ne!(registered(SIGNING, Some(other)), first, "{other:?}");
    }
    assert_ne!(registered(&SIGNING.replace("name: images", "name: other"), None), first);
    assert!(!first.contains("drawn"));
}

#[test]
fn only_those_who_sign_have_the_key() {
    let pulp = of(SIGNING);
    let plan = plan(&pulp, &at_work(&pulp, &[("signing", "key old", "{}")]));
    let mut holding: Vec<_> =
        plan.objects().filter(|it| it.configuration().iter().any(|(_, name)| name == "keys")).collect();
    holding.sort_by_key(|object| object.body.name_any());
    let titles: Vec<_> = holding.iter().map(|object| object.title()).collect();
    assert_eq!(titles, ["Job p-signing", "Job p-signing-trial", "Deployment p-worker"]);
}

#[test]
fn what_signing_lacks_is_said_with_the_field() {
    let pulp = of(SIGNING);
    let said = faults(&pulp, &seen(&pulp));
    for (place, words) in [
        "SecretMissing: spec.signing.key: Secret \"keys\" does not exist; create it with the key \"signing_service.gpg\"",
        "SecretMissing: spec.signing.passphrase: Secret \"keys\" does not exist; create it with the key \"passphrase\"",
        "SecretMissing: spec.signing.deb.script: Secret \"scripts\" does not exist; create it with the key \"apt_script.sh\"",
        "ConfigMapMissing: spec.signing.collection.script: ConfigMap \"more\" does not exist; create it with the key \"sign\"",
    ]
    .iter()
    .enumerate()
    {
        assert_eq!(said[place], *words);
    }
    let same = of(&SIGNING.replace("name: images", "name: rpm-signing-service"));
    let said = faults(&same, &given(seen(&same)));
    assert_eq!(
        said,
        [
            "Invalid: spec.signing.container.name: \"rpm-signing-service\" is the name of spec.signing.rpm too; choose another"
        ]
    );
}

#[test]
fn services_that_are_no_longer_wanted_go_or_it_is_said_why_not() {
    let pulp = of(PLAIN);
    assert_eq!(jobs(&plan(&pulp, &at_work(&pulp, &[]))), [""; 0]);
    let was = at_work(&pulp, &[("signing", "key old", "{}")]);
    let over = plan(&pulp, &was);
    assert_eq!(jobs(&over), ["p-signing-trial", "p-signing"]);
    assert!(!text(&over).contains("name: GNUPGHOME"), "without a key");
    // While the Job runs, only what was tried tells of it.
    let between = at_work(&pulp, &[("signing-trial", "nothing", "")]);
    assert_eq!(jobs(&plan(&pulp, &between)), ["p-signing-trial", "p-signing"]);

    let news = |seen: &Observed| {
        let report = Pulp::report(&pulp.check(seen).unwrap(), seen, true);
        report.conditions.into_iter().find(|news| news.type_ == "SigningReady")
    };
    let gone = r#"{"fingerprint": null, "services": [], "kept": {}}"#;
    assert_eq!(news(&at_work(&pulp, &[("signing", "nothing", gone)])), None);
    let kept = r#"{"fingerprint": null, "services": [], "kept": {"apt-signing-service": 2}}"#;
    let told = news(&at_work(&pulp, &[("signing", "nothing", kept)])).unwrap();
    assert_eq!((told.status, told.reason), (false, "StillReferredTo"));
    assert!(told.message.contains("apt-signing-service") && told.message.contains("2 objects"), "{told:?}");
    let signs = r#"{"fingerprint": "ABC", "services": ["rpm-signing-service"], "kept": {}}"#;
    let told = news(&at_work(&pulp, &[("signing", "key", signs)])).unwrap();
    assert_eq!((told.status, told.message.as_str()), (true, "key ABC signs for rpm-signing-service"));
}

#[test]
fn checksums_are_added_before_and_removed_after_and_never_by_a_setting() {
    let pulp = of(CHECKSUMS);
    let fresh = plan(&pulp, &seen(&pulp));
    assert_eq!(jobs(&fresh), ["p-checksums"]);
    assert!(settings(&fresh).contains("ALLOWED_CONTENT_CHECKSUMS = [\"sha256\", \"sha512\"]"));
    let changed = plan(&pulp, &at_work(&pulp, &[]));
    assert_eq!(jobs(&changed), ["p-checksums-added", "p-checksums"]);
    assert_eq!(jobs(&plan(&pulp, &at_work(&pulp, &[("checksums", "sha256 sha512", "")]))), ["p-checksums"]);

    // Without the field: nothing, unless there was one; then what Pulp itself allows is made so again.
    let plain = of(PLAIN);
    let back = plan(&plain, &at_work(&plain, &[("checksums", "sha256 sha512", "")]));
    assert_eq!(achieves(&back, "p-checksums").as_deref(), Some("sha224 sha256 sha384 sha512"));
    assert!(!settings(&back).contains("CHECKSUMS"));

    let setting = of("{storage: {file: {size: 1Gi}}, settings: {ALLOWED_CONTENT_CHECKSUMS: [sha256]}}");
    let said = faults(&setting, &seen(&setting));
    assert!(said[0].contains("ALLOWED_CONTENT_CHECKSUMS is spec.allowedContentChecksums"), "{said:?}");
}
