//! Objects as the group and version of a path show them. Pure.

use serde_json::Value;

use super::target::Target;
use super::{autoscaler_view, event_view};
use crate::objects::Kind;

/// The object as the target's group and version show it.
pub(super) fn out(target: &Target, object: &Value) -> Value {
    match target.kind {
        Kind::Event => event_view::out(target, object),
        Kind::HorizontalPodAutoscaler => autoscaler_view::out(target, object),
        _ => object.clone(),
    }
}

/// The object as it is stored.
pub(super) fn stored(target: &Target, object: Value) -> Value {
    match target.kind {
        Kind::Event => event_view::stored(target, object),
        Kind::HorizontalPodAutoscaler => autoscaler_view::stored(target, object),
        _ => object,
    }
}
