//! From one release to another, and what is tried anew.

use super::*;

#[test]
fn an_upgrade_looks_first_and_stops_what_a_gate_does_not_let_pass() {
    let pulp = pulp(MANIFEST);
    let new = "images.example.com/pulp:1";
    let free = r#"{"versions": {"core": "2"}, "gates": []}"#;
    let gate = r#"{"versions": {}, "gates": [["core", "3.82.1"]]}"#;
    let seen = running(&pulp, &[("migrate", new, free)]);
    assert!(!plan(&pulp, &seen).partial, "nothing to do");
    assert!(stages(&plan(&pulp, &seen)).contains(&"Migrate".to_owned()));

    let looks = plan(&pulp, &running(&pulp, &[("migrate", "old", free)]));
    assert!(looks.partial);
    assert_eq!(
        stages(&looks)[5..],
        [
            "Preflight",
            "Admin held",
            "Checksums held",
            "Signing held",
            "Content held",
            "Api held",
            "Workers held",
            "Web held",
            "Exposure held",
            "Maintenance held",
            "Signing held",
            "Checksums held",
            "Metrics held"
        ]
    );

    let seen = running(&pulp, &[("migrate", "old", free), ("preflight", new, free)]);
    assert!(!plan(&pulp, &seen).partial, "it goes on beside the old release");

    let mut seen = running(&pulp, &[("migrate", "old", free), ("preflight", new, gate)]);
    let drains = plan(&pulp, &seen);
    assert_eq!(stages(&drains)[5..], ["Drain", "Drain", "Migrate", "Web held", "Exposure held"]);
    for part in ["api", "content", "worker"] {
        assert_eq!(object(&drains, "Deployment", &format!("mypulp-{part}")).body.data["spec"]["replicas"], 0);
    }
    for (silent, is) in [(vec![], (true, "Serving")), (vec!["api", "content"], (false, "Upgrading"))] {
        seen.silent = silent;
        let report = Pulp::report(&pulp.check(&seen).unwrap(), &seen, false);
        assert_eq!((report.conditions[0].status, report.conditions[0].reason), is);
        assert!(report.conditions[0].message.contains("needs core >= 3.82.1 everywhere"));
    }

    // What was found out for another image does not count.
    let seen = running(&pulp, &[("migrate", "old", free), ("preflight", "other", gate)]);
    assert!(stages(&plan(&pulp, &seen)).contains(&"Preflight".to_owned()));
}

#[test]
fn a_retry_is_another_job_for_the_same_release() {
    let job = |pulp: &Pulp| {
        let plan = plan(pulp, &seen(pulp));
        let job = object(&plan, "Job", "mypulp-migrate");
        let Write::Run { achieves, .. } = &job.write else { panic!("{:?}", job.write) };
        (achieves.clone(), job.body.data.to_string())
    };
    let first = job(&pulp(MANIFEST));
    let again = job(&pulp(&MANIFEST.replace("spec: {", "spec: {migration: {retry: again}, ")));
    assert_eq!(first.0, again.0);
    assert_ne!(first.1, again.1);
}

#[test]
fn a_bucket_is_tried_again_when_its_place_or_key_is_another_and_a_volume_never() {
    let tried = |manifest: &str, key: &str| {
        let pulp = of(manifest);
        let mut seen = seen(&pulp);
        seen.secrets.insert("s3".into(), secret(&[("accessKeyId", "id"), ("secretAccessKey", key)]));
        let plan = plan(&pulp, &seen);
        let job = plan.objects().find(|object| object.body.name_any() == "p-storage")?;
        let Write::Run { achieves, .. } = &job.write else { panic!("{:?}", job.write) };
        Some(achieves.clone())
    };
    let s3 = "{storage: {s3: {bucket: b, credentials: {name: s3}}}}";
    let first = tried(s3, "key").unwrap();
    assert_eq!(tried(&s3.replace("{storage", "{images: {pulp: new}, storage"), "key").unwrap(), first);
    assert_ne!(tried(s3, "another").unwrap(), first);
    assert_ne!(tried(&s3.replace("bucket: b", "bucket: c"), "key").unwrap(), first);
    assert_eq!(tried("{storage: {file: {size: 1Gi}}}", "key"), None);
}
