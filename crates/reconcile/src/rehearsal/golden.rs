//! Plans as text, compared with what is committed: one reviewable difference per change of behaviour.
#![expect(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a test is the caller")]

use std::{fmt::Write as _, fs, path::Path};

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{object::Write, plan::Plan};

/// All stages and objects, Secrets as text: what a reviewer reads.
pub fn text(plan: &Plan) -> String {
    let mut text = String::new();
    for stage in &plan.stages {
        let held = if stage.held { ", begun by another plan" } else { "" };
        writeln!(text, "# stage {}, until {:?}{held}", stage.name, stage.gate).unwrap();
        for object in &stage.objects {
            let mut body = serde_json::to_value(&object.body).unwrap();
            for value in body["data"].as_object_mut().into_iter().flatten().map(|(_, value)| value) {
                if object.api.kind == "Secret" {
                    *value = decoded(value.as_str().unwrap()).into();
                }
            }
            let note = match &object.write {
                Write::Apply => String::new(),
                Write::Generate(values) => format!(
                    "# drawn once: {}\n",
                    values.iter().map(|(key, _)| *key).collect::<Vec<_>>().join(", ")
                ),
                Write::Issue(certificate) => format!(
                    "# issued for {:?}: {} {:?}\n",
                    certificate.usage, certificate.common_name, certificate.names
                ),
                Write::Run { achieves, volume, .. } => {
                    let memory = volume.as_ref().map(|claim| format!("PersistentVolumeClaim {claim}"));
                    let memory = memory.unwrap_or_else(|| "the status".into());
                    format!(
                        "# runs until it has achieved once: {achieves}\n# which is remembered by {memory}\n"
                    )
                }
            };
            let kept = if object.keep { "# kept when the custom resource is deleted\n" } else { "" };
            write!(text, "---\n{note}{kept}{}", serde_yaml_ng::to_string(&body).unwrap()).unwrap();
        }
    }
    text
}

fn decoded(value: &str) -> String {
    String::from_utf8(STANDARD.decode(value).unwrap()).unwrap()
}

/// A text is as it was committed; `GENERATE=1` commits it.
pub fn golden(directory: &str, name: &str, text: &str) {
    let path = Path::new(directory).join(name);
    if std::env::var_os("GENERATE").is_some() {
        fs::write(&path, text).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    let differs = text.lines().zip(committed.lines()).position(|(new, old)| new != old);
    assert!(
        text == committed,
        "{name} differs from line {}; look at the change with `make generate` and git diff",
        differs.map_or(text.lines().count().min(committed.lines().count()), |line| line) + 1
    );
}
