//! Series as Tempo's answers have them.

use serde_json::{Map, Value as Json, json};

use super::super::value::{Value, json_float};
use super::exemplars::Exemplar;
use super::{Range, Series};

/// Labels as one text, to order series by.
pub(super) fn key(labels: &[(String, Value<'static>)]) -> String {
    let one = |(name, value): &(String, Value<'static>)| match value {
        Value::Float(n) => format!("{name}={n:024.9}"),
        value => format!("{name}={}", value.show()),
    };
    labels.iter().map(one).collect::<Vec<_>>().join(",")
}

fn labels(pairs: &[(String, Value<'static>)]) -> Json {
    let pair =
        |(key, value): &(String, Value<'static>)| json!({"key": key, "value": value.to_json()});
    pairs.iter().map(pair).collect()
}

fn put(map: &mut Map<String, Json>, value: f64) {
    if value != 0.0 {
        map.insert("value".to_owned(), json_float(value));
    }
}

fn exemplar(exemplar: &Exemplar) -> Json {
    let mut map = Map::new();
    map.insert("labels".to_owned(), labels(&exemplar.labels));
    put(&mut map, exemplar.value);
    let millis = exemplar.millis.to_string();
    map.insert("timestampMs".to_owned(), Json::from(millis));
    Json::Object(map)
}

/// The answer of a range query.
pub(crate) fn range_json(series: &[Series], range: Range) -> Json {
    let one = |one: &Series| {
        let points = one.points.iter().enumerate();
        let samples: Vec<Json> = points
            .filter(|(_, value)| !value.is_nan())
            .map(|(at, value)| {
                let mut map = Map::new();
                let millis = range.millis(at).to_string();
                map.insert("timestampMs".to_owned(), Json::from(millis));
                put(&mut map, *value);
                Json::Object(map)
            })
            .collect();
        // What has no sample is no series.
        if samples.is_empty() {
            return None;
        }
        let mut map = Map::new();
        map.insert("labels".to_owned(), labels(&one.labels));
        map.insert("samples".to_owned(), Json::Array(samples));
        if !one.exemplars.is_empty() {
            let list = one.exemplars.iter().map(exemplar).collect();
            map.insert("exemplars".to_owned(), list);
        }
        Some(Json::Object(map))
    };
    let list: Vec<Json> = series.iter().filter_map(one).collect();
    json!({"series": list, "metrics": {}})
}

/// The answer of an instant query: the last point alone.
pub(crate) fn instant_json(series: &[Series]) -> Json {
    let one = |one: &Series| {
        let value = one.points.last().copied().filter(|value| !value.is_nan())?;
        let mut map = Map::new();
        map.insert("labels".to_owned(), labels(&one.labels));
        put(&mut map, value);
        Some(Json::Object(map))
    };
    let list: Vec<Json> = series.iter().filter_map(one).collect();
    if list.is_empty() {
        return json!({"metrics": {}});
    }
    json!({"series": list, "metrics": {}})
}
