//! `lose-scrape-target`: the metrics are looked for at a port where there are none.
//!
//! Two digits of the annotation `prometheus.io/port` change places (`8080` ->
//! `8008`). The pods are rolled once and serve as before; only nobody sees it.

use model::{FaultSpec, ServiceName};

use crate::ChaosError;
use crate::args::{OneService, service};
use crate::place::Place;
use crate::template::{Change, Template, TemplateFault};

pub(crate) struct LoseScrapeTarget;

impl TemplateFault for LoseScrapeTarget {
    const SPEC: FaultSpec = FaultSpec {
        kind: "lose-scrape-target",
        summary: "The metrics of a service are scraped at a wrong port: it works, and its metrics end.",
        recovery: "Roll the Deployment back, or apply its manifest again.",
        args: &[service(
            "the service or store whose metrics are lost; its pods are replaced once",
        )],
    };
    type Args = OneService;

    fn service(args: &OneService) -> &ServiceName {
        &args.service
    }

    fn changes(template: &Template, _args: OneService) -> Result<Vec<Change>, ChaosError> {
        let at = Place::of(&["metadata", "annotations", "prometheus.io/port"]);
        let port = template.text(&at).ok_or_else(|| {
            template.refuse("has no annotation `prometheus.io/port`, so it is not scraped by it")
        })?;
        let after = transposed(port);
        Ok(vec![Change(vec![template.spot(at, after)?])])
    }
}

/// The last two digits that differ change places; without such, a digit comes in twice.
fn transposed(port: &str) -> String {
    let mut digits: Vec<char> = port.chars().collect();
    // A port does not begin with a zero.
    let differ = |at: &usize| digits[*at] != digits[at + 1] && (*at > 0 || digits[1] != '0');
    match (0..digits.len().saturating_sub(1)).rev().find(differ) {
        Some(at) => digits.swap(at, at + 1),
        None => digits.extend(digits.last().copied()),
    }
    digits.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_digits_change_places() {
        for (port, after) in [
            ("8080", "8008"),
            ("9187", "9178"),
            ("80", "800"),
            ("88", "888"),
            ("23", "32"),
        ] {
            assert_eq!(transposed(port), after);
        }
    }
}
