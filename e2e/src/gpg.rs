//! Keys and signatures, by the gpg of the machine that the stories run on.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use rand::Rng;

/// A keyring of its own, which ends with it.
pub struct Keyring(PathBuf);

/// A key that signs.
pub struct Key {
    /// Its fingerprint.
    pub fingerprint: String,
    /// The secret key, armored.
    pub secret: String,
}

impl Keyring {
    /// An empty one.
    pub fn new() -> Self {
        // A short path: the agent listens on a socket in it.
        let home = std::env::temp_dir().join(format!("gpg-{:08x}", rand::rng().random::<u32>()));
        fs::create_dir(&home)
            .and_then(|()| fs::set_permissions(&home, fs::Permissions::from_mode(0o700)))
            .expect("a folder");
        Self(home)
    }

    /// Makes a key that signs, locked by this passphrase.
    pub fn key(&self, name: &str, passphrase: &str) -> Key {
        let locked = ["--pinentry-mode", "loopback", "--passphrase", passphrase];
        let make = ["--quick-generate-key", name, "ed25519", "sign", "never"];
        self.gpg(&[locked.as_slice(), &make].concat());
        let listed = self.gpg(&["--with-colons", "--list-keys", name]);
        let fingerprint = listed.lines().find_map(|line| line.strip_prefix("fpr:")).expect(&listed);
        let secret = self.gpg(&[locked.as_slice(), &["--armor", "--export-secret-keys", name]].concat());
        Key { fingerprint: fingerprint.trim_matches(':').into(), secret }
    }

    /// The fingerprint of the key that made a signature; it must be good. `signed`: what a detached one belongs to.
    pub fn signer(&self, signature: &[u8], signed: Option<&[u8]>) -> String {
        let file = |name: &str, bytes: &[u8]| {
            let path = self.0.join(name);
            fs::write(&path, bytes).expect("a file");
            path.display().to_string()
        };
        let mut files = vec![file("signature", signature)];
        files.extend(signed.map(|signed| file("signed", signed)));
        let files: Vec<_> = files.iter().map(String::as_str).collect();
        let said = self.gpg(&[&["--status-fd", "1", "--verify"], files.as_slice()].concat());
        let valid = said.lines().find_map(|line| line.strip_prefix("[GNUPG:] VALIDSIG ")).expect(&said);
        valid.split(' ').next().unwrap_or_default().to_owned()
    }

    fn gpg(&self, arguments: &[&str]) -> String {
        run("gpg", &self.0, &[&["--batch", "--quiet"], arguments].concat())
    }
}

fn run(program: &str, home: &Path, arguments: &[&str]) -> String {
    let done = Command::new(program).env("GNUPGHOME", home).args(arguments).output().expect(program);
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{program} {arguments:?}: {said}");
    String::from_utf8(done.stdout).expect("text")
}

impl Default for Keyring {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Keyring {
    fn drop(&mut self) {
        let _ = Command::new("gpgconf").env("GNUPGHOME", &self.0).args(["--kill", "all"]).status();
        let _ = fs::remove_dir_all(&self.0);
    }
}
