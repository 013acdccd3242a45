//! Rule files, and the templates in them.

use std::time::Duration;

use serde_json::json;
use store::RuleFile;
use store::rules::{Ruler, RulesFilter};

use crate::metrics::{END, data};
use crate::{Target, seeds};

/// A file of rules: what it is refused for, or what its rules say.
pub(crate) const FILE: Target = Target {
    name: "rule-file",
    run: |bytes| {
        if let Ok(text) = std::str::from_utf8(bytes) {
            evaluated(text);
        }
    },
    seeds: || {
        let mut texts = seeds::files("alerts", ".yaml");
        let path = "crates/store/src/rules/tests.rs";
        texts.extend(seeds::literals(path, |text| text.contains("groups:")));
        texts.push(
            "groups:\n- name: a\n  interval: 15s\n  limit: 2\n  labels: {team: x}\n  rules:\n  - record: b:c\n    expr: sum(depth)\n    labels: {d: e}\n  - alert: F\n    expr: depth > 1\n    for: 1m\n    keep_firing_for: 2m\n    annotations: {g: \"{{ $labels.queue }} {{ $value | humanize }}\"}\n"
                .to_owned(),
        );
        seeds::bytes(texts)
    },
    words: &[
        "groups:",
        "- name:",
        "rules:",
        "- alert:",
        "- record:",
        "expr:",
        "for:",
        "keep_firing_for:",
        "labels:",
        "annotations:",
        "interval:",
        "query_offset:",
        "limit:",
        "{{ $value }}",
        "&a ",
        "*a",
        "<<: *a",
        "|\n",
        "depth > 0",
        "1m",
        "!!str ",
        "---\n",
    ],
};

/// The text of an annotation and of a label of an alert that fires.
pub(crate) const TEMPLATE: Target = Target {
    name: "rule-template",
    run: |bytes| {
        let Ok(text) = std::str::from_utf8(bytes) else {
            return;
        };
        let rule = json!({
            "alert": "A",
            "expr": "http_requests_total",
            "labels": {"said": text},
            "annotations": {"says": text},
        });
        evaluated(&json!({"groups": [{"name": "g", "rules": [rule]}]}).to_string());
    },
    seeds: || {
        let path = "crates/store/src/rules/template/tests.rs";
        seeds::bytes(seeds::literals(path, |text| text.contains("{{")))
    },
    words: &[
        "{{",
        "}}",
        "{{-",
        "-}}",
        "{{ $labels.code }}",
        "{{ $value }}",
        "{{ if ",
        "{{ else }}",
        "{{ end }}",
        "{{ range ",
        "query \"depth\"",
        "| first",
        "| value",
        "| label \"queue\"",
        "| sortByLabel \"queue\"",
        "{{ with ",
        "{{ define \"a\" }}",
        "{{ template \"a\" . }}",
        "{{ break }}",
        "{{ continue }}",
        "humanize",
        "humanize1024",
        "humanizeDuration",
        "humanizePercentage",
        "humanizeTimestamp",
        "printf \"%.2f\"",
        "printf \"%99999d\"",
        "reReplaceAll ",
        "toTime",
        "parseDuration",
        "args ",
        "tmpl ",
        "safeHtml",
        "externalURL",
        "pathPrefix",
        "tableLink",
        "graphLink",
        "stripPort",
        "stripDomain",
        "match ",
        "title",
        "toUpper",
        "index ",
        "slice ",
        "len ",
        "eq ",
        "and ",
        "or ",
        "not ",
        "1e308",
        "9223372036854775807",
        "$x := ",
        "$externalLabels",
        ".Labels",
        ".Value",
    ],
};

fn evaluated(text: &str) {
    let file = RuleFile {
        name: "rules.yaml".to_owned(),
        text: text.to_owned(),
    };
    match Ruler::new(&[file], Duration::from_secs(60), data()) {
        // What rules record goes into metrics that are bounded.
        Ok(ruler) => {
            ruler.evaluate_all(END);
            drop((ruler.alerts(), ruler.rules_json(&RulesFilter::default())));
        }
        Err(errors) => assert!(errors.iter().all(|error| !error.to_string().is_empty())),
    }
}
