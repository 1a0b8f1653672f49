//! What YAML could mangle arrives unchanged in the process.

use e2e::{LONG, ProxyStory, wait};
use k8s_openapi::api::core::v1::Pod;
use kube::api::LogParams;
use serde_json::{Value, json};

#[tokio::test]
async fn every_value_arrives_unchanged_in_the_process() {
    let (_foreman, proxy) = ProxyStory::shared("values").await;
    // Each with what Ruby's `inspect` writes of it; the process logs its settings so at its most verbose.
    let values: Vec<(Value, &str)> = vec![
        (json!("on"), r#""on""#),
        (json!("no"), r#""no""#),
        (json!("yes"), r#""yes""#),
        (json!("~"), r#""~""#),
        (json!("null"), r#""null""#),
        (json!("08"), r#""08""#),
        (json!("010"), r#""010""#),
        (json!("0x1f"), r#""0x1f""#),
        (json!("1_000"), r#""1_000""#),
        (json!("12:30:45"), r#""12:30:45""#),
        (json!("2024-01-01"), r#""2024-01-01""#),
        (json!(":x"), r#"":x""#),
        (json!("a: b # c"), r#""a: b # c""#),
        (json!("it's \"quoted\""), r#""it's \"quoted\"""#),
        (json!("back\\slash"), r#""back\\slash""#),
        (json!("two\nlines\t"), r#""two\nlines\t""#),
        (json!("<%= 1 %>"), r#""<%= 1 %>""#),
        (json!("&a *a !b %c @d `e"), r#""&a *a !b %c @d `e""#),
        (json!(" blanks "), r#"" blanks ""#),
        // Without a language in its environment Ruby writes them by number.
        (json!("ä€"), r#""\u00E4\u20AC""#),
        (json!(""), r#""""#),
        (json!(8), "8"),
        (json!(-1), "-1"),
        (json!(1.5), "1.5"),
        (json!(true), "true"),
        (json!(false), "false"),
        (json!(["no", 1]), r#"["no", 1]"#),
        (json!({ "on": "off" }), r#"{:on=>"off"}"#),
        (json!({ "a": { "b": ["08", {}] }, "c": null }), r#"{:a=>{:b=>["08", {}]}, :c=>nil}"#),
        (
            json!([{ "a": 1, "b": ":x" }, [[], [{ "no": "no" }]]]),
            r#"[{:a=>1, :b=>":x"}, [[], [{:no=>"no"}]]]"#,
        ),
    ];
    let named = values.iter().enumerate().map(|(place, (value, _))| (format!("k{place}"), value.clone()));
    let settings = Value::Object(named.collect());
    proxy
        .with(
            "{tftp: {serverName: 'on'}, bmc: {}}",
            &format!(", logLevel: Debug, extraSettings: {{bmc: {settings}}}"),
        )
        .await;
    proxy.ready().await;
    let pod = proxy.settled().await.of("proxy")[0].name.clone();
    let log = wait(LONG, "the process has logged its settings", async || {
        let logs = LogParams { container: Some("smart-proxy".into()), ..LogParams::default() };
        let log = proxy.api::<Pod>().logs(&pod, &logs).await.map_err(|error| error.to_string())?;
        if log.contains("'bmc' settings: ") { Ok(log) } else { Err(log) }
    })
    .await;
    let of = |module: &str| {
        let line = log.lines().find(|line| line.contains(&format!("'{module}' settings: ")));
        line.unwrap_or_else(|| panic!("nothing of {module}: {log}")).to_owned() + ","
    };
    for (place, (_, wanted)) in values.iter().enumerate() {
        assert!(of("bmc").contains(&format!("'k{place}': {wanted},")), "{wanted}: {}", of("bmc"));
    }
    // And so at Foreman, of what a field says.
    assert!(of("tftp").contains("'tftp_servername': \"on\","), "{}", of("tftp"));
    proxy.delete().await;
}
