//! Kubeconfig files: how `kubectl` and the engine find the cluster and who they are.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// What a kubeconfig says.
pub(crate) struct Kubeconfig<'a> {
    /// The API server's URL.
    pub(crate) server: &'a str,
    /// The authority's certificate, PEM.
    pub(crate) ca_pem: &'a str,
    /// The user's name.
    pub(crate) user: &'a str,
    /// The user's bearer token.
    pub(crate) token: &'a str,
}

impl Kubeconfig<'_> {
    /// The file's text, in JSON, which is YAML too.
    pub(crate) fn render(&self) -> String {
        let config = serde_json::json!({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "shoplab",
            "clusters": [{ "name": "shoplab", "cluster": {
                "server": self.server,
                "certificate-authority-data": STANDARD.encode(self.ca_pem),
            } }],
            "users": [{ "name": self.user, "user": { "token": self.token } }],
            "contexts": [{ "name": "shoplab", "context": { "cluster": "shoplab", "user": self.user } }],
        });
        format!("{config:#}\n")
    }

    /// Writes the file so that only its owner can read it.
    pub(crate) fn write(&self, path: &Path) -> std::io::Result<()> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        file.write_all(self.render().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn only_the_owner_can_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config");
        let config = Kubeconfig {
            server: "https://127.0.0.1:1",
            ca_pem: "x",
            user: "lab",
            token: "secret",
        };
        config.write(&path).unwrap();
        config.write(&path).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(
            fs::read_to_string(&path)
                .unwrap()
                .contains("\"token\": \"secret\"")
        );
    }
}
