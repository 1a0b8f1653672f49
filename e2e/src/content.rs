//! Content of each kind that Pulp has, new each time, on its way from the one who makes it to the one who downloads it.

use std::io::{Cursor, Write};

use rand::Rng;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use crate::{Visitor, http::sent};

/// Something that can be downloaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// Path or URL.
    pub path: String,
    /// What its bytes must hash to.
    pub sha256: String,
}

impl Artifact {
    fn of(path: impl Into<String>, bytes: &[u8]) -> Self {
        Self { path: path.into(), sha256: sha256(bytes) }
    }
}

/// SHA-256 in hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

/// Downloads all of them; every byte must be as it was.
pub async fn arrive(client: &Visitor, artifacts: &[Artifact]) {
    for artifact in artifacts {
        let bytes = client.download(&artifact.path).await;
        assert_eq!(sha256(&bytes), artifact.sha256, "{}: {} bytes", artifact.path, bytes.len());
    }
}

/// The same artifacts at whatever host asks for them.
pub fn anywhere(artifacts: &[Artifact]) -> Vec<Artifact> {
    let path = |url: &str| url.find("/pulp/").map_or(url, |at| &url[at..]).to_owned();
    artifacts.iter().map(|one| Artifact { path: path(&one.path), ..one.clone() }).collect()
}

/// A file in a repository of files.
pub async fn file(admin: &Visitor) -> Vec<Artifact> {
    let (name, bytes) = (name(), noise(300_000));
    let repository = repository(admin, "file/file", &name).await;
    let fields = [("relative_path", "folder/data.bin"), ("repository", &repository)];
    admin.upload("/pulp/api/v3/content/file/files/", "data.bin", bytes.clone(), &fields).await;
    let base = published(admin, "file/file", &name, &repository).await;
    let manifest = admin.download(&format!("{base}PULP_MANIFEST")).await;
    let line = format!("folder/data.bin,{},{}", sha256(&bytes), bytes.len());
    assert_eq!(String::from_utf8_lossy(&manifest).trim(), line);
    vec![Artifact::of(format!("{base}folder/data.bin"), &bytes)]
}

/// A package in a repository that dnf can use, and the metadata that tell dnf of it.
pub async fn rpm(admin: &Visitor) -> Vec<Artifact> {
    let name = name();
    let package = rpm::PackageBuilder::new(&name, "1.2.3", "Apache-2.0", "noarch", "A package of a story")
        .with_file_contents(noise(20_000), rpm::FileOptions::new(format!("/usr/share/{name}")))
        .and_then(rpm::PackageBuilder::build)
        .expect("a package");
    let mut bytes = vec![];
    package.write(&mut bytes).expect("a package");
    let (repository, file) =
        (repository(admin, "rpm/rpm", &name).await, format!("{name}-1.2.3-1.noarch.rpm"));
    let fields = [("repository", repository.as_str())];
    admin.upload("/pulp/api/v3/content/rpm/packages/", &file, bytes.clone(), &fields).await;
    let base = published(admin, "rpm/rpm", &name, &repository).await;
    let mut artifacts = vec![Artifact::of(format!("{base}Packages/{}/{file}", &name[..1]), &bytes)];
    let index = admin.download(&format!("{base}repodata/repomd.xml")).await;
    let index = String::from_utf8(index).expect("text");
    for data in index.split("<data ").skip(1) {
        let between = |begin: &str, end| data.split_once(begin).and_then(|(_, rest)| rest.split_once(end));
        let (sha256, _) = between("<checksum type=\"sha256\">", '<').expect("a checksum");
        let (path, _) = between("<location href=\"", '"').expect("a place");
        artifacts.push(Artifact { path: format!("{base}{path}"), sha256: sha256.into() });
    }
    assert!(artifacts.len() >= 4, "package, primary, filelists and other: {artifacts:?}");
    artifacts
}

/// A wheel in an index that pip can use; the index must link to it with its hash.
pub async fn python(admin: &Visitor) -> Vec<Artifact> {
    let name = name();
    let (file, bytes) = (format!("{name}-1.2.3-py3-none-any.whl"), wheel(&name));
    let repository = repository(admin, "python/python", &name).await;
    let fields = [("relative_path", file.as_str()), ("repository", &repository)];
    admin.upload("/pulp/api/v3/content/python/packages/", &file, bytes.clone(), &fields).await;
    let body = json!({ "name": name, "base_path": name, "repository": repository });
    admin.make("/pulp/api/v3/distributions/python/pypi/", &body).await;
    let (status, page) = admin.get(&format!("/pypi/{name}/simple/{name}/")).await;
    assert_eq!(status, StatusCode::OK, "{page}");
    let hash = format!("#sha256={}", sha256(&bytes));
    let mut links =
        page.split("href=\"").skip(1).filter_map(|rest| rest.split_once('"')).map(|(link, _)| link);
    let link = links.find_map(|link| link.split_once(&hash));
    let (link, _) = link.unwrap_or_else(|| panic!("no link to {file}{hash}: {page}"));
    vec![Artifact::of(link, &bytes)]
}

/// An image, pushed as podman does it: a layer, a configuration, the manifest with a tag. Nobody may push without a token.
pub async fn image(admin: &Visitor) -> Vec<Artifact> {
    let (client, name) = (admin.clone().without_password(), format!("stories/{}", name()));
    let uploads = format!("/v2/{name}/blobs/uploads/");
    let refused = sent(client.request(Method::POST, &uploads)).await;
    let ours = admin.token(&refused).await;
    let push = |method, path: &str| client.request(method, path).bearer_auth(&ours);

    // No registry looks into a layer.
    let layer = noise(200_000);
    let config = json!({ "architecture": "amd64", "os": "linux", "config": { "Labels": { "story": name } },
        "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{}", sha256(&layer))] } });
    let config = config.to_string().into_bytes();
    let mut artifacts = vec![];
    for blob in [&layer, &config] {
        let begun = sent(push(Method::POST, &uploads)).await;
        assert_eq!(begun.status(), StatusCode::ACCEPTED);
        let location = begun.headers().get("location").and_then(|at| at.to_str().ok()).expect("where to");
        let to = format!("{location}?digest=sha256:{}", sha256(blob));
        let taken = sent(push(Method::PUT, &to).body(blob.clone())).await;
        assert_eq!(taken.status(), StatusCode::CREATED, "{to}");
        artifacts.push(Artifact::of(format!("/v2/{name}/blobs/sha256:{}", sha256(blob)), blob));
    }
    let described = |kind: &str, bytes: &[u8]| {
        json!({ "mediaType": format!("application/vnd.oci.image.{kind}"), "size": bytes.len(),
            "digest": format!("sha256:{}", sha256(bytes)) })
    };
    let manifest = json!({ "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": described("config.v1+json", &config), "layers": [described("layer.v1.tar", &layer)] });
    let manifest = manifest.to_string().into_bytes();
    let path = format!("/v2/{name}/manifests/latest");
    let put = push(Method::PUT, &path).header("content-type", "application/vnd.oci.image.manifest.v1+json");
    let taken = sent(put.body(manifest.clone())).await;
    let (status, text) = (taken.status(), taken.text().await.unwrap_or_default());
    assert_eq!(status, StatusCode::CREATED, "{path}: {text}");
    artifacts.push(Artifact::of(path, &manifest));
    artifacts
}

/// A repository of a plugin; its address.
async fn repository(admin: &Visitor, plugin: &str, name: &str) -> String {
    admin.make(&format!("/pulp/api/v3/repositories/{plugin}/"), &json!({ "name": name })).await
}

/// Publishes a repository and hands it out; URL of its root.
async fn published(admin: &Visitor, plugin: &str, name: &str, repository: &str) -> String {
    let of = |what: &str| format!("/pulp/api/v3/{what}/{plugin}/");
    let publication = admin.make(&of("publications"), &json!({ "repository": repository })).await;
    let body = json!({ "name": name, "base_path": name, "publication": publication });
    let distribution: Value = admin.json(&admin.make(&of("distributions"), &body).await).await;
    distribution["base_url"].as_str().expect("a URL").to_owned()
}

/// A wheel with one module.
fn wheel(name: &str) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(vec![]));
    let info = format!("{name}-1.2.3.dist-info");
    let files = [
        (format!("{name}/__init__.py"), format!("story = {:?}\n", sha256(&noise(64)))),
        (format!("{info}/METADATA"), format!("Metadata-Version: 2.1\nName: {name}\nVersion: 1.2.3\n")),
        (
            format!("{info}/WHEEL"),
            "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n".to_owned(),
        ),
    ];
    let mut record: Vec<_> = files.iter().map(|(file, _)| format!("{file},,\n")).collect();
    record.push(format!("{info}/RECORD,,\n"));
    let record = record.concat();
    for (file, text) in files.into_iter().chain([(format!("{info}/RECORD"), record)]) {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        archive
            .start_file(file, options)
            .and_then(|()| Ok(archive.write_all(text.as_bytes())?))
            .expect("a file");
    }
    archive.finish().expect("an archive").into_inner()
}

/// Nobody else's name.
fn name() -> String {
    format!("story{:08x}", rand::rng().random::<u32>())
}

/// Bytes that no Pulp has yet.
/// Bytes that nobody has had before.
pub fn noise(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    rand::rng().fill(&mut bytes[..]);
    bytes
}
