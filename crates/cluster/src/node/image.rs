//! Images are programs: the table that says which.

use std::path::PathBuf;

/// What stands for an image, or for all images of a form.
///
/// A pattern is an image name in which `{name}` stands for one or more letters other than `/` and `:`. The same
/// `{name}` may be used in the arguments and in the environment:
///
/// ```
/// # use cluster::node::ImageRule;
/// let rule = ImageRule {
///     pattern: "shoplab/{shop}/{service}:{release}".into(),
///     program: "/usr/bin/shoplab".into(),
///     args: vec!["shop".into(), "{shop}/{service}".into()],
///     env: vec![("SHOP_RELEASE".into(), "{release}".into())],
/// };
/// let image = rule.resolve("shoplab/sock-shop/carts:v1.0.0").unwrap();
/// assert_eq!(image.command, ["/usr/bin/shoplab", "shop", "sock-shop/carts"]);
/// assert_eq!(image.env, [("SHOP_RELEASE".to_owned(), "v1.0.0".to_owned())]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageRule {
    /// Which images it stands for.
    pub pattern: String,
    /// The program that is the image.
    pub program: PathBuf,
    /// The program's arguments.
    pub args: Vec<String>,
    /// The image's own environment, which a container's can override.
    pub env: Vec<(String, String)>,
}

/// An image that is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image {
    /// The entry point: the program and its arguments.
    pub command: Vec<String>,
    /// The image's own environment.
    pub env: Vec<(String, String)>,
}

impl ImageRule {
    /// The image, if this rule stands for it. `docker.io/` and `docker.io/library/` go without saying.
    pub fn resolve(&self, image: &str) -> Option<Image> {
        let short = image.strip_prefix("docker.io/").unwrap_or(image);
        let short = short.strip_prefix("library/").unwrap_or(short);
        let captures = capture(&self.pattern, short)?;
        let fill = |text: &String| {
            captures.iter().fold(text.clone(), |text, (name, value)| {
                text.replace(&format!("{{{name}}}"), value)
            })
        };
        let mut command = vec![self.program.to_string_lossy().into_owned()];
        command.extend(self.args.iter().map(fill));
        let env = self.env.iter();
        Some(Image {
            command,
            env: env
                .map(|(name, value)| (name.clone(), fill(value)))
                .collect(),
        })
    }
}

/// The first rule's image, or the error of a registry that does not have it.
pub(crate) fn find(rules: &[ImageRule], image: &str) -> Result<Image, String> {
    rules
        .iter()
        .find_map(|rule| rule.resolve(image))
        .ok_or_else(|| not_found(image))
}

/// What containerd answers for an image that no registry has.
fn not_found(image: &str) -> String {
    let full = full_name(image);
    format!(
        "rpc error: code = NotFound desc = failed to pull and unpack image \"{full}\": failed to resolve reference \
         \"{full}\": {full}: not found"
    )
}

/// `postgres` as `docker.io/library/postgres:latest`.
pub(crate) fn full_name(image: &str) -> String {
    let first = image.split('/').next().unwrap_or_default();
    let has_registry = image.contains('/') && first.contains(['.', ':']);
    let tagged = if has_tag(image) {
        image.to_owned()
    } else {
        format!("{image}:latest")
    };
    match (has_registry, image.contains('/')) {
        (true, _) => tagged,
        (false, true) => format!("docker.io/{tagged}"),
        (false, false) => format!("docker.io/library/{tagged}"),
    }
}

/// Whether an image without a pull policy is pulled at each start.
pub(crate) fn is_latest(image: &str) -> bool {
    !has_tag(image) || image.ends_with(":latest")
}

fn has_tag(image: &str) -> bool {
    image
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .contains([':', '@'])
}

/// What the braces of `pattern` stand for in `text`.
fn capture<'p>(pattern: &'p str, text: &str) -> Option<Vec<(&'p str, String)>> {
    let Some((literal, rest)) = pattern.split_once('{') else {
        return (pattern == text).then(Vec::new);
    };
    let (name, after) = rest.split_once('}')?;
    let tail = text.strip_prefix(literal)?;
    let longest = tail.find(['/', ':']).unwrap_or(tail.len());
    // The longest first; there is more to try only when a literal follows within the same part.
    (1..=longest)
        .rev()
        .filter(|end| tail.is_char_boundary(*end))
        .find_map(|end| {
            let mut captures = capture(after, &tail[end..])?;
            captures.insert(0, (name, tail[..end].to_owned()));
            Some(captures)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(pattern: &str) -> ImageRule {
        ImageRule {
            pattern: pattern.into(),
            program: "/bin/p".into(),
            args: vec!["{a}".into(), "x".into()],
            env: Vec::new(),
        }
    }

    #[test]
    fn a_pattern_stands_for_images_of_its_form_only() {
        for (pattern, image, first) in [
            ("postgres:16", "postgres:16", Some("{a}")),
            ("postgres:{a}", "docker.io/library/postgres:17", Some("17")),
            ("shoplab/{a}:{b}", "shoplab/load:v1", Some("load")),
            ("shoplab/{a}:{b}", "shoplab/sock-shop/carts:v1", None),
            ("shoplab/{a}-db:{b}", "shoplab/user-db:v1", Some("user")),
            ("postgres:16", "postgres:17", None),
            ("postgres:{a}", "postgres", None),
            ("postgres:{a}", "postgres:", None),
        ] {
            let image = rule(pattern).resolve(image);
            assert_eq!(
                image.as_ref().map(|image| image.command[1].as_str()),
                first,
                "{pattern}"
            );
        }
    }

    #[test]
    fn an_unknown_image_is_reported_by_its_full_name() {
        for (image, full) in [
            ("nginx", "docker.io/library/nginx:latest"),
            ("nginx:1", "docker.io/library/nginx:1"),
            ("a/b:1", "docker.io/a/b:1"),
            ("ghcr.io/a/b:1", "ghcr.io/a/b:1"),
            ("localhost:5000/b", "localhost:5000/b:latest"),
        ] {
            assert_eq!(full_name(image), full);
            assert!(find(&[], image).unwrap_err().ends_with(": not found"));
        }
        assert!(is_latest("a/b") && is_latest("b:latest") && !is_latest("b:1"));
    }
}
