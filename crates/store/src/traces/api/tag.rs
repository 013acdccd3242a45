//! Names and values of tags.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use super::params::{nanos, window};
use super::{Params, Refusal, Reply};
use crate::traces::Traces;
use crate::traces::column::Column;
use crate::traces::eval::EvalError;
use crate::traces::messages::{
    NoMetrics, TagScope, TagValue, TagValues, TagValuesV2, Tags, TagsV2,
};
use crate::traces::scan::{CHUNK, in_parts, threads};
use crate::traces::spans::Trace;
use crate::traces::tags::{self, Filter, INTRINSICS, Names, SCOPES, Values};
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
    Some(Box<Filter>),
    /// The filter has no meaning, which is no error but finds nothing.
    None,
}

impl Looks {
    fn at(params: &Params) -> Self {
        match params.get("q").map(parse_unfinished) {
            Some(Ok(Some(query))) => {
                Filter::of(&query).map_or(Self::All, |filter| Self::Some(Box::new(filter)))
            }
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

/// Reads traces on several threads, each into its own.
fn read<'a, T: Default + Send>(
    traces: &Traces,
    found: &'a [Arc<Trace>],
    add: impl Fn(&mut T, &'a Trace) + Sync,
) -> Vec<Result<T, EvalError>> {
    let deadline = Instant::now() + traces.query_timeout;
    let places: Vec<&'a Arc<Trace>> = found.iter().collect();
    in_parts(&places, threads(found.len()), |part| {
        let mut out = T::default();
        for chunk in part.chunks(CHUNK) {
            if Instant::now() > deadline {
                return Err(EvalError::Late);
            }
            chunk.iter().for_each(|trace| add(&mut out, trace));
        }
        Ok(out)
    })
}

/// The distinct values of an attribute: pairs of text and type.
fn values(
    traces: &Traces,
    attribute: &Attribute,
    filter: Option<&Filter>,
    found: &[Arc<Trace>],
) -> Result<BTreeSet<(String, &'static str)>, EvalError> {
    let column = Column::whole(attribute);
    let mut all = Values::default();
    for part in read(traces, found, |values: &mut Values<'_>, trace| {
        values.read(attribute, &column, filter, trace);
    }) {
        all.append(part?);
    }
    Ok(all.sorted())
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
    if matches!(looks, Looks::None) {
        return Ok((names, scope));
    }
    for part in read(traces, &found, |names: &mut Names, trace| {
        names.add(looks.filter(), scope.is_none(), trace);
        if looks.filter().is_some() {
            names.add_columns(trace);
        }
    }) {
        names.append(part?);
    }
    Ok((names, scope))
}

pub(super) fn names_v1(traces: &Traces, params: &Params) -> Result<Reply, Refusal> {
    let (names, scope) = names(traces, params)?;
    let wanted = |name: &str| scope.as_deref().is_none_or(|scope| scope == name);
    let scopes = names.0.iter().zip(SCOPES);
    let mut all: std::collections::BTreeSet<&str> = scopes
        .filter(|(_, name)| wanted(name))
        .flat_map(|(scope, _)| scope.names.iter().map(AsRef::as_ref))
        .collect();
    if scope.as_deref() == Some("intrinsic") {
        all.extend(INTRINSICS);
    }
    let all = all.into_iter().take(limit(params));
    Ok(Box::new(Tags {
        tag_names: all.map(str::to_owned).collect(),
        metrics: Some(NoMetrics {}),
    }))
}

fn scope_of(name: &str, tags: impl Iterator<Item = String>) -> TagScope {
    TagScope {
        name: name.to_owned(),
        tags: tags.collect(),
    }
}

pub(super) fn names_v2(traces: &Traces, params: &Params) -> Result<Reply, Refusal> {
    let (names, scope) = names(traces, params)?;
    let limit = limit(params);
    let wanted = |name: &str| scope.as_deref().is_none_or(|scope| scope == name);
    let mut scopes: Vec<TagScope> = names
        .0
        .iter()
        .zip(SCOPES)
        .filter(|(scope, name)| wanted(name) && !scope.names.is_empty())
        .map(|(scope, name)| {
            let tags = scope.names.iter().take(limit).map(ToString::to_string);
            scope_of(name, tags)
        })
        .collect();
    if wanted("intrinsic") {
        let tags = INTRINSICS.into_iter().chain(["traceDuration"]);
        scopes.push(scope_of("intrinsic", tags.map(str::to_owned)));
    }
    Ok(Box::new(TagsV2 {
        scopes,
        metrics: Some(NoMetrics {}),
    }))
}

pub(super) fn values_v1(traces: &Traces, tag: &str, params: &Params) -> Result<Reply, Refusal> {
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
    let tag_values: Vec<String> = match fixed {
        Some(words) => words.iter().map(|word| (*word).to_owned()).collect(),
        None => {
            let values = values(traces, &attribute, None, &found)?.into_iter();
            values.map(|(value, _)| value).take(limit(params)).collect()
        }
    };
    Ok(Box::new(TagValues {
        tag_values,
        metrics: Some(NoMetrics {}),
    }))
}

pub(super) fn values_v2(traces: &Traces, tag: &str, params: &Params) -> Result<Reply, Refusal> {
    let found = within(traces, params)?;
    let attribute = parse_attribute(tag).map_err(|error| {
        Refusal::bad(format!(
            "please provide a valid tagName: failed to parse identifier {tag}: {error}"
        ))
    })?;
    let value = |(value, kind): (String, &'static str)| TagValue {
        kind: kind.to_owned(),
        value,
    };
    let looks = match attribute {
        // Tags without a scope are not filtered.
        Attribute::Named(Scope::Any, _) => Looks::All,
        _ => Looks::at(params),
    };
    let fixed = looks.filter().and_then(|filter| filter.fixes(&attribute));
    let tag_values: Vec<TagValue> = if let Some(words) = tags::fixed_values(&attribute) {
        let word = |word: &&str| value(((*word).to_owned(), "keyword"));
        words.iter().map(word).collect()
    } else if let Some(only) = fixed {
        vec![value((only.show(), only.kind()))]
    } else if matches!(looks, Looks::None) {
        Vec::new()
    } else {
        let values = values(traces, &attribute, looks.filter(), &found)?;
        values.into_iter().take(limit(params)).map(value).collect()
    };
    Ok(Box::new(TagValuesV2 {
        tag_values,
        metrics: Some(NoMetrics {}),
    }))
}
