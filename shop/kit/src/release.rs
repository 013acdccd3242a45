//! Releases, and the defects that some of them carry.

/// A bug that a release carries; the name is the shop's own and is never shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Defect(pub &'static str);

/// One release of a service: its image tag, and what is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Release {
    /// The image tag, such as `v1.4.2`.
    pub tag: &'static str,
    /// The defects that it carries; none for a good release.
    pub defects: &'static [Defect],
}

impl Release {
    /// A release without defects.
    pub const fn good(tag: &'static str) -> Self {
        Self { tag, defects: &[] }
    }

    /// A release with defects.
    pub const fn with(tag: &'static str, defects: &'static [Defect]) -> Self {
        Self { tag, defects }
    }

    /// The release that `tag` names; without a tag, the first of the table.
    ///
    /// # Errors
    /// When the table has no such release.
    pub fn find(table: &[Self], tag: Option<&str>) -> Result<Self, UnknownRelease> {
        let found = match tag {
            Some(tag) => table.iter().find(|release| release.tag == tag),
            None => table.first(),
        };
        found
            .copied()
            .ok_or_else(|| UnknownRelease(tag.unwrap_or_default().to_owned()))
    }
}

/// A release that does not exist.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "release `{0}` does not exist; set SHOP_RELEASE, which is the image's tag, to one that was published, such as `v1.0.0`"
)]
pub struct UnknownRelease(pub String);

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: [Release; 2] = [
        Release::good("v1.0.0"),
        Release::with("v1.4.2", &[Defect("slow")]),
    ];

    #[test]
    fn a_tag_finds_its_release_and_an_unknown_tag_is_named() {
        for (tag, expected) in [
            (None, Some("v1.0.0")),
            (Some("v1.4.2"), Some("v1.4.2")),
            (Some("v9"), None),
        ] {
            let found = Release::find(&TABLE, tag);
            assert_eq!(
                found.as_ref().ok().map(|release| release.tag),
                expected,
                "{tag:?}"
            );
        }
        let error = Release::find(&TABLE, Some("v9")).expect_err("unknown");
        assert!(error.to_string().starts_with("release `v9` does not exist"));
    }
}
