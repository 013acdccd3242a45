//! The smaller documents: the failure matrix, a shop's SLOs, suites.

use model::{
    Backend, Bound, Check, FailureMatrix, MatrixRow, Period, QueryCheck, Ratio, Recovery,
    ServiceName, ShopName, Suite,
};

use crate::decode::{Decoder, Fields, document};
use crate::node::{Node, NodeKind};
use crate::problem::{Problems, Source};

/// Reads `scenarios/failure-matrix.yaml`: `rows`, a list of maps with `id`,
/// `shop`, `failed`, `impact`, `experience`, `detect`, `recovery` (`itself`,
/// `{ itself: 30s }`, `manual-restart` or `manual-intervention`), and what is
/// measured: `journeys` that fail, and what the shop `shows` then.
///
/// # Errors
/// All [`Problems`] of the file.
pub fn matrix(source: &Source) -> Result<FailureMatrix, Problems> {
    document(source, |decoder, node| {
        let mut fields = decoder.fields(node, "a map with `rows`")?;
        let rows = fields.need(decoder, "rows");
        fields.finish(decoder);
        let rows = decoder.list(rows?, "a list of rows", row)?;
        Some(FailureMatrix { rows })
    })
}

fn row(decoder: &mut Decoder, node: &Node) -> Option<MatrixRow> {
    let mut fields = decoder.fields(node, "a row: a map")?;
    let mut text = |decoder: &mut Decoder, key| {
        let node = fields.need(decoder, key)?;
        decoder.text(node, "text")
    };
    let id = text(decoder, "id");
    let shop = text(decoder, "shop");
    let failed = text(decoder, "failed");
    let impact = text(decoder, "impact");
    let experience = text(decoder, "experience");
    let detect = fields
        .need(decoder, "detect")
        .and_then(|node| decoder.scalar::<Period>(node));
    let recovery = fields
        .need(decoder, "recovery")
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
    const NAMES: [&str; 3] = ["itself", "manual-restart", "manual-intervention"];
    if let NodeKind::Map(_) = node.kind {
        let (key, place, value) = decoder.one_key(node, "how it recovers")?;
        if key != "itself" {
            decoder.unknown(place, key, "recovery with a time", &["itself"]);
            return None;
        }
        return Some(Recovery::Itself(Some(decoder.scalar(value)?)));
    }
    match *decoder.one_of(node, "recovery", &NAMES)? {
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
    document(source, |decoder, node| {
        let mut fields = decoder.fields(node, "a map with `checks`")?;
        let checks = fields.need(decoder, "checks");
        fields.finish(decoder);
        decoder.list(checks?, "a list of checks", |decoder, node| {
            check(decoder, node, query)
        })
    })
}

fn check(decoder: &mut Decoder, node: &Node, valid: Option<QueryCheck>) -> Option<Check> {
    let mut fields = decoder.fields(node, "a check: a map")?;
    let mut text = |decoder: &mut Decoder, key| {
        let node = fields.need(decoder, key)?;
        decoder.text(node, "text")
    };
    let name = text(decoder, "name");
    let title = text(decoder, "title");
    let query = fields
        .need(decoder, "query")
        .and_then(|node| decoder.query(node, Backend::Metrics, valid));
    let bound = fields
        .need(decoder, "bound")
        .and_then(|node| bound(decoder, node));
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
                Err(_) => decoder.expected(value, "a number"),
            }
        }
        _ => {
            decoder.unknown(place, key, "bound", &["at-least", "within", "at-most"]);
            None
        }
    }
}

/// Reads a suite: `name`, `title` and `scenarios`, a list of paths.
///
/// # Errors
/// All [`Problems`] of the file.
pub fn suite(source: &Source) -> Result<Suite, Problems> {
    document(source, |decoder, node| {
        let mut fields = decoder.fields(node, "a suite: a map")?;
        let mut text = |decoder: &mut Decoder, key| {
            let node = fields.need(decoder, key)?;
            decoder.text(node, "text")
        };
        let name = text(decoder, "name");
        let title = text(decoder, "title");
        let scenarios = fields.need(decoder, "scenarios").and_then(|node| {
            decoder.list(node, "a list of paths", |decoder, node| {
                decoder.text(node, "the path of a scenario")
            })
        });
        fields.finish(decoder);
        Some(Suite {
            name: name?,
            title: title?,
            scenarios: scenarios?,
        })
    })
}
