//! Tables: what `kubectl get` prints. Pure.

mod age;
mod autoscaler;
mod columns;
mod job;
mod pod;

use std::sync::Arc;

use serde_json::{Value, json};

use crate::objects::Kind;

/// How much of each object a table's row carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Include {
    Nothing,
    Metadata,
    Whole,
}

impl Include {
    /// The value of the query parameter `includeObject`.
    pub(crate) fn of_param(value: Option<&str>) -> Self {
        match value {
            Some("None") => Self::Nothing,
            Some("Object") => Self::Whole,
            _ => Self::Metadata,
        }
    }
}

/// The table of some objects.
pub(crate) fn table(kind: Kind, objects: &[Arc<Value>], include: Include, revision: u64) -> Value {
    let columns = columns::of(kind);
    let now = jiff::Timestamp::now();
    let definitions: Vec<_> = columns
        .iter()
        .map(|column| {
            json!({
                "name": column.name,
                "type": column.form,
                "format": if column.name == "Name" { "name" } else { "" },
                "description": "",
                "priority": column.priority,
            })
        })
        .collect();
    let rows: Vec<_> = objects
        .iter()
        .map(|object| {
            let cells: Vec<_> = columns
                .iter()
                .map(|column| (column.cell)(object, now))
                .collect();
            let mut row = json!({ "cells": cells });
            match include {
                Include::Nothing => {}
                Include::Metadata => row["object"] = metadata_only(object),
                Include::Whole => row["object"] = Value::clone(object),
            }
            row
        })
        .collect();
    json!({
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": { "resourceVersion": revision.to_string() },
        "columnDefinitions": definitions,
        "rows": rows,
    })
}

/// An object's metadata as an object of its own.
pub(crate) fn metadata_only(object: &Value) -> Value {
    json!({
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": object["metadata"],
    })
}

#[cfg(test)]
mod tests;
