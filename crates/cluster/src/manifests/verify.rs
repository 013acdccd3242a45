//! Checks one document against the shape of its kind; says everything that is wrong with it.

use super::problem::Problem;
use super::tree::{Node, Tree};
use crate::objects::Kind;
use crate::schema::{self, Shape};

/// Checks a document; its kind, when that is known.
pub(super) fn object(file: &str, tree: &Tree, problems: &mut Vec<Problem>) -> Option<Kind> {
    let Node::Map(_) = tree.node else {
        let message = format!("a manifest is a map, this is {}", tree.found());
        problems.push(Problem::new(
            file,
            tree.place(),
            message,
            "`apiVersion`, `kind`, `metadata` and so on",
        ));
        return None;
    };
    let before = problems.len();
    let said = |key: &str, problems: &mut Vec<Problem>| {
        let text = tree.get(key).and_then(Tree::text);
        if text.is_none() {
            let place = tree.get(key).map_or(tree.place(), Tree::place);
            problems.push(Problem::new(
                file,
                place,
                format!("`{key}` is missing"),
                format!("`{key}: ...` with a text"),
            ));
        }
        text
    };
    let (version, kind) = (said("apiVersion", problems), said("kind", problems));
    let (version, word) = (version?, kind?);
    let Some(kind) = Kind::of_manifest(version, word) else {
        let place = tree.get("kind").map_or(tree.place(), Tree::place);
        problems.push(unknown_kind(file, place, version, word));
        return None;
    };
    if version != kind.api_version() {
        let place = tree.get("apiVersion").map_or(tree.place(), Tree::place);
        let message = format!("{kind} is not served in `{version}`");
        problems.push(Problem::new(
            file,
            place,
            message,
            format!("`apiVersion: {}`", kind.api_version()),
        ));
    }
    walk(file, &schema::of(kind), tree, &mut String::new(), problems);
    if tree
        .get("metadata")
        .and_then(|meta| meta.get("name"))
        .and_then(Tree::text)
        .is_none()
    {
        let place = tree.get("metadata").map_or(tree.place(), Tree::place);
        problems.push(Problem::new(
            file,
            place,
            "`metadata.name` is missing",
            "a name such as `orders`",
        ));
    }
    (problems.len() == before).then_some(kind)
}

fn unknown_kind(file: &str, place: (usize, usize), version: &str, word: &str) -> Problem {
    let known = Kind::ALL.map(|kind| kind.info().kind);
    if let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.info().kind == word) {
        let message = format!("{word} is not served in `{version}`");
        return Problem::new(
            file,
            place,
            message,
            format!("`apiVersion: {}`", kind.api_version()),
        );
    }
    let near = known
        .into_iter()
        .map(|kind| (strsim::damerau_levenshtein(kind, word), kind))
        .filter(|(distance, kind)| *distance <= 1 + kind.len() / 4)
        .min();
    let hint = near.map_or_else(String::new, |(_, kind)| {
        format!(" (did you mean `{kind}`?)")
    });
    Problem::new(
        file,
        place,
        format!("unknown kind `{word}`{hint}"),
        format!("one of {}", known.join(", ")),
    )
}

fn walk(file: &str, shape: &Shape, tree: &Tree, path: &mut String, problems: &mut Vec<Problem>) {
    let wrong = |tree: &Tree, path: &str, problems: &mut Vec<Problem>| {
        let message = format!("`{path}` is {}", tree.found());
        problems.push(Problem::new(file, tree.place(), message, shape.expected()));
    };
    let length = path.len();
    match (shape, &tree.node) {
        (Shape::Any, _) => {}
        (Shape::Fields(fields, required), Node::Map(entries)) => {
            for (key, place, value) in entries {
                step(path, key);
                match fields.iter().find(|(field, _)| field == key) {
                    Some((_, shape)) => walk(file, shape, value, path, problems),
                    None => problems.push(unknown_field(file, *place, shape, key, path)),
                }
                path.truncate(length);
            }
            for missing in required.iter().filter(|field| tree.get(field).is_none()) {
                let within = if path.is_empty() {
                    "the manifest".to_owned()
                } else {
                    format!("`{path}`")
                };
                let message = format!("{within} has no `{missing}`");
                let shape = fields.iter().find(|(field, _)| field == missing);
                let expected = shape.map_or("a value", |(_, shape)| shape.expected());
                problems.push(Problem::new(
                    file,
                    tree.place(),
                    message,
                    format!("`{missing}`: {expected}"),
                ));
            }
        }
        (Shape::List(shape), Node::List(items)) => {
            for (at, item) in items.iter().enumerate() {
                path.push_str(&format!("[{at}]"));
                walk(file, shape, item, path, problems);
                path.truncate(length);
            }
        }
        (Shape::Texts | Shape::Amounts, Node::Map(entries)) => {
            let shape = if matches!(shape, Shape::Texts) {
                &Shape::Text
            } else {
                &Shape::Amount
            };
            for (key, _, value) in entries {
                step(path, key);
                walk(file, shape, value, path, problems);
                path.truncate(length);
            }
        }
        (shape, Node::Scalar(value)) if shape.fits_scalar(value) => {}
        _ => wrong(tree, path, problems),
    }
}

fn step(path: &mut String, key: &str) {
    if !path.is_empty() {
        path.push('.');
    }
    path.push_str(key);
}

fn unknown_field(
    file: &str,
    place: (usize, usize),
    shape: &Shape,
    key: &str,
    path: &str,
) -> Problem {
    let hint = shape
        .nearest(key)
        .map_or_else(String::new, |near| format!(" (did you mean `{near}`?)"));
    let names = match shape {
        Shape::Fields(fields, _) => fields
            .iter()
            .map(|(field, _)| *field)
            .collect::<Vec<_>>()
            .join(", "),
        _ => String::new(),
    };
    Problem::new(
        file,
        place,
        format!("unknown field `{path}`{hint}"),
        format!("one of {names}"),
    )
}
