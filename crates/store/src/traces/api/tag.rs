//! Names and values of tags.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::params::{nanos, window};
use super::{Answer, Params, Refusal, json_answer};
use crate::traces::Traces;
use crate::traces::spans::Trace;
use crate::traces::tags::{self, Filter, INTRINSICS, Names, SCOPES};
use crate::traces::traceql::{
    Attribute, Intrinsic, ParseError, Scope, parse_attribute, parse_unfinished,
};

fn within(traces: &Traces, params: &Params) -> Result<Vec<Arc<Trace>>, Refusal> {
    let (start, end) = nanos(window(params)?);
    Ok(traces.within(start, end))
}

/// Which spans a request looks at.
enum Looks {
    All,
    Some(Filter),
    /// The filter has no meaning, which is no error but finds nothing.
    None,
}

impl Looks {
    fn at(params: &Params) -> Self {
        match params.get("q").map(parse_unfinished) {
            Some(Ok(Some(query))) => Filter::of(&query).map_or(Self::All, Self::Some),
            Some(Err(ParseError::Meaning(_))) => Self::None,
            _ => Self::All,
        }
    }

    const fn filter(&self) -> Option<&Filter> {
        match self {
            Self::Some(filter) => Some(filter),
            Self::All | Self::None => None,
        }
    }
}

fn scoped(params: &Params) -> Result<Option<&str>, Refusal> {
    match params.get("scope") {
        None | Some("none") => Ok(None),
        Some(scope) if scope == "intrinsic" || SCOPES.contains(&scope) => Ok(Some(scope)),
        Some(other) => Err(Refusal::bad(format!("invalid scope: {other}"))),
    }
}

/// How many names of a scope, or values, are wanted at most.
fn limit(params: &Params) -> usize {
    let given = params.get("limit").and_then(|n| n.parse().ok());
    given.filter(|n| *n > 0).unwrap_or(usize::MAX)
}

fn names(traces: &Traces, params: &Params) -> Result<(Names, Option<String>), Refusal> {
    let scope = scoped(params)?.map(str::to_owned);
    let found = within(traces, params)?;
    let looks = Looks::at(params);
    let mut names = Names::default();
    if !matches!(looks, Looks::None) {
        for trace in &found {
            names.add(looks.filter(), scope.is_none(), trace);
        }
        if looks.filter().is_some() {
            names.add_columns(&found);
        }
    }
    Ok((names, scope))
}

pub(super) fn names_v1(traces: &Traces, params: &Params) -> Answer {
    let (names, scope) = names(traces, params)?;
    let wanted = |name: &str| scope.as_deref().is_none_or(|scope| scope == name);
    let scopes = names.0.iter().zip(SCOPES);
    let mut all: std::collections::BTreeSet<&str> = scopes
        .filter(|(_, name)| wanted(name))
        .flat_map(|(set, _)| set.iter().map(AsRef::as_ref))
        .collect();
    if scope.as_deref() == Some("intrinsic") {
        all.extend(INTRINSICS);
    }
    let all: Vec<&str> = all.into_iter().take(limit(params)).collect();
    Ok(json_answer(&json!({"tagNames": all, "metrics": {}})))
}

pub(super) fn names_v2(traces: &Traces, params: &Params) -> Answer {
    let (names, scope) = names(traces, params)?;
    let limit = limit(params);
    let wanted = |name: &str| scope.as_deref().is_none_or(|scope| scope == name);
    let mut scopes: Vec<Json> = names
        .0
        .iter()
        .zip(SCOPES)
        .filter(|(set, name)| wanted(name) && !set.is_empty())
        .map(|(set, name)| {
            let tags: Vec<&str> = set.iter().take(limit).map(AsRef::as_ref).collect();
            json!({"name": name, "tags": tags})
        })
        .collect();
    if wanted("intrinsic") {
        let tags: Vec<&str> = INTRINSICS.into_iter().chain(["traceDuration"]).collect();
        scopes.push(json!({"name": "intrinsic", "tags": tags}));
    }
    Ok(json_answer(&json!({"scopes": scopes, "metrics": {}})))
}

pub(super) fn values_v1(traces: &Traces, tag: &str, params: &Params) -> Answer {
    let found = within(traces, params)?;
    let attribute = match Intrinsic::of(tag) {
        Some(intrinsic) => Attribute::Intrinsic(intrinsic),
        None => Attribute::Named(Scope::Any, tag.to_owned()),
    };
    let fixed = match tag {
        "status.code" => Some(["unset", "ok", "error"].as_slice()),
        "error" => Some(["true"].as_slice()),
        _ => tags::fixed_values(&attribute),
    };
    let values: Vec<String> = match fixed {
        Some(words) => words.iter().map(|word| (*word).to_owned()).collect(),
        None => {
            let values = tags::values(&attribute, None, &found).into_iter();
            values.map(|(value, _)| value).take(limit(params)).collect()
        }
    };
    Ok(json_answer(&json!({"tagValues": values, "metrics": {}})))
}

pub(super) fn values_v2(traces: &Traces, tag: &str, params: &Params) -> Answer {
    let found = within(traces, params)?;
    let attribute = parse_attribute(tag).map_err(|error| {
        Refusal::bad(format!(
            "please provide a valid tagName: failed to parse identifier {tag}: {error}"
        ))
    })?;
    let value = |(value, kind): (String, &'static str)| {
        if value.is_empty() {
            json!({"type": kind})
        } else {
            json!({"type": kind, "value": value})
        }
    };
    let looks = match attribute {
        // Tags without a scope are not filtered.
        Attribute::Named(Scope::Any, _) => Looks::All,
        _ => Looks::at(params),
    };
    let fixed = looks.filter().and_then(|filter| filter.fixes(&attribute));
    let values: Vec<Json> = if let Some(words) = tags::fixed_values(&attribute) {
        let word = |word: &&str| value(((*word).to_owned(), "keyword"));
        words.iter().map(word).collect()
    } else if let Some(only) = fixed {
        vec![value((only.show(), only.kind()))]
    } else if matches!(looks, Looks::None) {
        Vec::new()
    } else {
        let values = tags::values(&attribute, looks.filter(), &found);
        values.into_iter().take(limit(params)).map(value).collect()
    };
    Ok(json_answer(&json!({"tagValues": values, "metrics": {}})))
}
