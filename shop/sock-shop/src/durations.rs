//! How long requests took, in the words of the shop's first languages: what `path` and
//! `route` say, and where the buckets end.

use shop_kit::instrument::MetricsError;
use shop_kit::{Context, Durations, ServedRequest};

/// The name of 2018; its `route` is the template, its `path` says it in the old way.
const NAME: &str = "http_request_duration_seconds";
/// The name of 2017, whose `route` is what `path` became.
const OLD_NAME: &str = "request_duration_seconds";
const HELP: &str = "Time to answer a request, in seconds.";
const OLD_HELP: &str = "Time to answer a request, in seconds; the name of 2017.";
const LABELS: &[&str] = &["service", "method", "route", "path", "status_code"];
const GO_LABELS: &[&str] = &["service", "method", "route", "path", "status_code", "isWS"];
const OLD_LABELS: &[&str] = &["service", "method", "route", "status_code"];
const BUCKETS: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];
const JAVA_BUCKETS: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];
/// Where the paths begin that front-end has always counted.
const COUNTED: [&str; 4] = ["cart", "catalogue", "orders", "user"];
/// Whether a request was for a WebSocket; none ever is.
const IS_WS: &str = "false";

/// As front-end counts: methods in lower case, `path` is the first segment. What it never
/// counted has no `path`, and does not stand under the old name.
pub(crate) fn node(ctx: &Context) -> Result<(), MetricsError> {
    let new = |request: &ServedRequest<'_>| {
        let path = counted(request.route).unwrap_or_default();
        Some(values(request, &method(request), &[request.route, path]))
    };
    let old = |request: &ServedRequest<'_>| {
        let path = counted(request.route)?;
        Some(values(request, &method(request), &[path]))
    };
    both(ctx, (LABELS, new), old, BUCKETS)
}

/// As the Go services count: `path` is the route's template in lower case, with `_` for what is
/// no letter or digit.
pub(crate) fn go(ctx: &Context) -> Result<(), MetricsError> {
    let new = |request: &ServedRequest<'_>| Some(go_values(request, &label(request.route)));
    let old = |request: &ServedRequest<'_>| {
        Some(values(request, request.method, &[&label(request.route)]))
    };
    both(ctx, (GO_LABELS, new), old, BUCKETS)
}

/// The same for user, whose routes are the first segments of paths.
pub(crate) fn go_by_first_segment(ctx: &Context) -> Result<(), MetricsError> {
    let new = |request: &ServedRequest<'_>| {
        Some(go_values(request, &label(first_segment(request.route))))
    };
    let old = |request: &ServedRequest<'_>| {
        let path = label(first_segment(request.route));
        Some(values(request, request.method, &[&path]))
    };
    both(ctx, (GO_LABELS, new), old, BUCKETS)
}

/// As the Java services count: `path` is the route's template, and there are more buckets.
pub(crate) fn java(ctx: &Context) -> Result<(), MetricsError> {
    let new = |request: &ServedRequest<'_>| {
        let route = request.route;
        Some(values(request, request.method, &[route, route]))
    };
    let old = |request: &ServedRequest<'_>| Some(values(request, request.method, &[request.route]));
    both(ctx, (LABELS, new), old, JAVA_BUCKETS)
}

type Values = fn(&ServedRequest<'_>) -> Option<Vec<String>>;

fn both(
    ctx: &Context,
    (labels, new): (&'static [&'static str], Values),
    old: Values,
    buckets: &'static [f64],
) -> Result<(), MetricsError> {
    ctx.families().time_requests(Durations {
        name: NAME,
        help: HELP,
        labels,
        buckets,
        values: new,
    })?;
    ctx.families().time_requests(Durations {
        name: OLD_NAME,
        help: OLD_HELP,
        labels: OLD_LABELS,
        buckets,
        values: old,
    })
}

fn values(request: &ServedRequest<'_>, method: &str, paths: &[&str]) -> Vec<String> {
    let status = request.status.to_string();
    let values = [request.service, method].into_iter();
    let values = values.chain(paths.iter().copied()).chain([status.as_str()]);
    values.map(str::to_owned).collect()
}

/// The values of the Go services' labels, which end with `isWS`.
fn go_values(request: &ServedRequest<'_>, path: &str) -> Vec<String> {
    let mut values = values(request, request.method, &[request.route, path]);
    values.push(IS_WS.to_owned());
    values
}

fn method(request: &ServedRequest<'_>) -> String {
    request.method.to_lowercase()
}

fn first_segment(route: &str) -> &str {
    let path = route.trim_start_matches('/');
    path.split('/').next().unwrap_or_default()
}

fn counted(route: &str) -> Option<&str> {
    let first = first_segment(route);
    COUNTED.contains(&first).then_some(first)
}

/// A route's template as a label's value: `catalogue_id` of `/catalogue/{id}`. The pictures'
/// route has ended before the file ever since.
fn label(route: &str) -> String {
    let route = route.trim_end_matches("/{file}");
    let words = route.split(|c: char| !c.is_ascii_alphanumeric());
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    match words.join("_").to_lowercase() {
        root if root.is_empty() => "root".to_owned(),
        label => label,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_become_labels() {
        for (route, whole, first) in [
            ("/customers", "customers", "customers"),
            ("/customers/{id}/cards", "customers_id_cards", "customers"),
            ("/login", "login", "login"),
            ("/", "root", "root"),
            ("/catalogue/{id}", "catalogue_id", "catalogue"),
            ("/catalogue/size", "catalogue_size", "catalogue"),
            ("/catalogue/images/{file}", "catalogue_images", "catalogue"),
            ("/paymentAuth", "paymentauth", "paymentauth"),
        ] {
            assert_eq!(label(route), whole);
            assert_eq!(label(first_segment(route)), first, "{route}");
        }
    }

    #[test]
    fn the_front_end_counts_what_it_always_counted() {
        for (route, expected) in [
            ("/cart/update", Some("cart")),
            ("/catalogue/{*rest}", Some("catalogue")),
            ("/orders", Some("orders")),
            ("/login", None),
            ("/cards/{id}", None),
            ("none", None),
            ("/", None),
        ] {
            assert_eq!(counted(route), expected, "{route}");
        }
    }
}
