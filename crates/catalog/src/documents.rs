//! The smaller documents: the failure matrix, a shop's SLOs, suites.

use model::{
    Backend, Bound, Check, FailureMatrix, MatrixRow, Proof, QueryCheck, Ratio, Recovery,
    ServiceName, ShopName, Suite,
};

use crate::decode::{Decoder, Fields, Reading, document};
use crate::keys;
use crate::node::{Node, NodeKind};
use crate::problem::{Problems, Source};
use crate::rule::Rule;

/// Reads `scenarios/failure-matrix.yaml`: `rows`, a list of maps with `id`,
/// `shop`, `failed`, `impact`, `experience`, `detect`, `recovery` (`itself`,
/// `{ itself: 30s }`, `manual-restart` or `manual-intervention`), and what is
/// measured: `journeys` that fail, and what the shop `shows` then.
///
/// # Errors
/// All [`Problems`] of the file.
pub fn matrix(source: &Source) -> Result<FailureMatrix, Problems> {
    matrix_reading(source).result()
}

pub(crate) fn matrix_reading(source: &Source) -> Reading<FailureMatrix> {
    document(source, |decoder, node| {
        let mut fields = decoder.fields(node, "a map with `rows`", keys::MATRIX)?;
        let rows = fields.need("rows");
        fields.finish(decoder);
        let rows = decoder.some(rows?, "a list of rows", row)?;
        repeated(decoder, node, "rows", "id", "row");
        Some(FailureMatrix { rows })
    })
}

/// Notes which names occur twice: the values behind `key` of the maps in the
/// list behind `list`.
fn repeated(decoder: &mut Decoder, node: &Node, list: &str, key: &str, what: &str) {
    let Some(NodeKind::List(items)) = node.get(list).map(|list| &list.kind) else {
        return;
    };
    let names = items.iter().filter_map(|item| item.get(key));
    let mut seen: Vec<String> = Vec::new();
    for node in names {
        let name = node.found();
        if seen.contains(&name) {
            let message = format!("there is already a {what} called {name}");
            let help = "give it a name of its own".to_owned();
            decoder.problem(Rule::RepeatedName, &node.place, message, Some(help));
        }
        seen.push(name);
    }
}

fn row(decoder: &mut Decoder, node: &Node) -> Option<MatrixRow> {
    let mut fields = decoder.fields(node, "a row: a map", keys::ROW)?;
    let mut text = |decoder: &mut Decoder, key| {
        let node = fields.need(key)?;
        decoder.text(node, "text")
    };
    let id = text(decoder, "id");
    let shop = text(decoder, "shop");
    let failed = text(decoder, "failed");
    let impact = text(decoder, "impact");
    let experience = text(decoder, "experience");
    let detect = fields
        .need("detect")
        .and_then(|node| decoder.positive(node));
    let recovery = fields
        .need("recovery")
        .and_then(|node| recovery(decoder, node));
    let journeys = texts(decoder, &mut fields, "journeys", "a list of journeys");
    let shows = texts(decoder, &mut fields, "shows", "a list of texts of the shop");
    fields.finish(decoder);
    Some(MatrixRow {
        id: id?.into(),
        shop: ShopName::from(shop?),
        failed: ServiceName::from(failed?),
        impact: impact?,
        experience: experience?,
        journeys: journeys?.into_iter().map(Into::into).collect(),
        shows: shows?,
        detect: detect?,
        recovery: recovery?,
    })
}

/// A list of texts that may be left out.
fn texts(
    decoder: &mut Decoder,
    fields: &mut Fields<'_>,
    key: &'static str,
    expected: &str,
) -> Option<Vec<String>> {
    let Some(node) = fields.take(key) else {
        return Some(Vec::new());
    };
    decoder.list(node, expected, |decoder, node| decoder.text(node, "text"))
}

fn recovery(decoder: &mut Decoder, node: &Node) -> Option<Recovery> {
    if let NodeKind::Map(_) = node.kind {
        let (key, place, value) = decoder.one_key(node, "how it recovers")?;
        if key != "itself" {
            decoder.unknown(place, key, "recovery with a time", &["itself"]);
            return None;
        }
        return Some(Recovery::Itself(Some(decoder.positive(value)?)));
    }
    match *decoder.one_of(node, "recovery", &keys::names(keys::RECOVERIES))? {
        "itself" => Some(Recovery::Itself(None)),
        "manual-restart" => Some(Recovery::ManualRestart),
        _ => Some(Recovery::ManualIntervention),
    }
}

/// Reads a shop's `slos.yaml`: `checks`, a list of maps with `name`, `title`,
/// `query` (PromQL, checked by `query`) and `bound` (`{ at-least: 99% }`, `{ within: 500ms }` or
/// `{ at-most: 3 }`).
///
/// # Errors
/// All [`Problems`] of the file.
pub fn checks(source: &Source, query: Option<QueryCheck>) -> Result<Vec<Check>, Problems> {
    checks_reading(source, query).result()
}

pub(crate) fn checks_reading(source: &Source, query: Option<QueryCheck>) -> Reading<Vec<Check>> {
    document(source, |decoder, node| {
        let mut fields = decoder.fields(node, "a map with `checks`", keys::SLOS)?;
        let checks = fields.need("checks");
        fields.finish(decoder);
        let checks = decoder.some(checks?, "a list of checks", |decoder, node| {
            check(decoder, node, query)
        });
        repeated(decoder, node, "checks", "name", "check");
        checks
    })
}

fn check(decoder: &mut Decoder, node: &Node, valid: Option<QueryCheck>) -> Option<Check> {
    let mut fields = decoder.fields(node, "a check: a map", keys::CHECK)?;
    let mut text = |decoder: &mut Decoder, key| {
        let node = fields.need(key)?;
        decoder.text(node, "text")
    };
    let name = text(decoder, "name");
    let title = text(decoder, "title");
    let query = fields
        .need("query")
        .and_then(|node| decoder.query(node, Backend::Metrics, valid));
    let bound = fields.need("bound").and_then(|node| bound(decoder, node));
    fields.finish(decoder);
    Some(Check {
        name: name?.into(),
        title: title?,
        query: query?,
        bound: bound?,
    })
}

fn bound(decoder: &mut Decoder, node: &Node) -> Option<Bound> {
    let (key, place, value) = decoder.one_key(node, "a bound")?;
    match key {
        "at-least" => Some(Bound::AtLeast(decoder.scalar::<Ratio>(value)?)),
        "within" => Some(Bound::Within(decoder.scalar(value)?)),
        "at-most" => {
            let text = decoder.text(value, "a number")?;
            match text.parse() {
                Ok(number) => Some(Bound::AtMost(number)),
                Err(_) => decoder.wrong(value, "a number"),
            }
        }
        _ => {
            decoder.unknown_key(place, key, "bound", keys::BOUNDS);
            None
        }
    }
}

/// Reads a suite: `name`, `title`, `scenarios`, a list of paths, and `with`, a
/// list of what is proven besides (`baselines`, `wrong-fixes`, `leaks`).
///
/// # Errors
/// All [`Problems`] of the file.
pub fn suite(source: &Source) -> Result<Suite, Problems> {
    suite_reading(source).result()
}

pub(crate) fn suite_reading(source: &Source) -> Reading<Suite> {
    document(source, |decoder, node| {
        let mut fields = decoder.fields(node, "a suite: a map", keys::SUITE)?;
        let mut text = |decoder: &mut Decoder, key| {
            let node = fields.need(key)?;
            decoder.text(node, "text")
        };
        let name = text(decoder, "name");
        let title = text(decoder, "title");
        let scenarios = fields.need("scenarios").and_then(|node| {
            decoder.some(node, "a list of paths", |decoder, node| {
                decoder.text(node, "the path of a scenario")
            })
        });
        let with = fields.take("with").map_or(Some(Vec::new()), |node| {
            decoder.list(node, "a list of proofs", |decoder, node| {
                decoder.one_of(node, "proof", &Proof::ALL).copied()
            })
        });
        fields.finish(decoder);
        Some(Suite {
            name: name?,
            title: title?,
            scenarios: scenarios?,
            with: with?,
        })
    })
}
