//! The name of an image: its repository and its tag.

use std::fmt;

/// An image's name in its parts. A digest counts as no tag and is dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Image {
    repository: String,
    tag: Option<String>,
}

impl Image {
    pub(crate) fn parse(name: &str) -> Self {
        let name = name.split('@').next().unwrap_or_default();
        match name.rsplit_once(':') {
            // A colon before a slash is that of a registry's port.
            Some((repository, tag)) if !tag.contains('/') => Self {
                repository: repository.to_owned(),
                tag: Some(tag.to_owned()),
            },
            _ => Self {
                repository: name.to_owned(),
                tag: None,
            },
        }
    }

    pub(crate) fn with_tag(&self, tag: &str) -> Self {
        Self {
            repository: self.repository.clone(),
            tag: Some(tag.to_owned()),
        }
    }

    /// A hyphen for the last slash, or the last letter left out where the
    /// slash stands behind a registry or is not there.
    pub(crate) fn misspelt(&self) -> Self {
        let repository = match self.repository.rsplit_once('/') {
            Some((path, last)) if path.contains('/') || !path.contains(['.', ':']) => {
                format!("{path}-{last}")
            }
            _ => {
                let mut name = self.repository.clone();
                name.pop();
                name
            }
        };
        Self {
            repository,
            tag: self.tag.clone(),
        }
    }
}

impl fmt::Display for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.repository)?;
        match &self.tag {
            Some(tag) => write!(f, ":{tag}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_and_its_tag_are_told_apart_and_changed_one_by_one() {
        for (name, retagged, misspelt) in [
            (
                "shoplab/sock-shop/carts:v1.0.0",
                "shoplab/sock-shop/carts:v2",
                "shoplab/sock-shop-carts:v1.0.0",
            ),
            ("postgres:16", "postgres:v2", "postgre:16"),
            ("redis", "redis:v2", "redi"),
            ("ghcr.io/a/b:1", "ghcr.io/a/b:v2", "ghcr.io/a-b:1"),
            ("host:5000/ab:1", "host:5000/ab:v2", "host:5000/a:1"),
            ("a/b:1@sha256:0f", "a/b:v2", "a-b:1"),
        ] {
            let image = Image::parse(name);
            assert_eq!(image.with_tag("v2").to_string(), retagged);
            assert_eq!(image.misspelt().to_string(), misspelt);
        }
    }
}
