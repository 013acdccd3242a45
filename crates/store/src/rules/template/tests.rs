//! Templates, filled in and refused, as Prometheus' documentation has them.

use std::sync::Arc;

use super::*;
use crate::Limits;
use crate::clock::Clock;
use crate::metrics::Metrics;

fn filled(text: &str) -> String {
    let labels = Labels::new([("job", "carts"), ("instance", "10.0.0.1:80")]);
    expand(
        text,
        &Template {
            labels: &labels,
            value: 0.1234567,
            context: None,
            t: 0,
        },
    )
}

#[test]
fn templates_are_filled_in_as_prometheus_does() {
    for (text, want) in [
        ("{{ $labels.job }} at {{$value}}", "carts at 0.1234567"),
        ("{{ .Labels.job | toUpper }}", "CARTS"),
        ("{{ $value | humanizePercentage }}", "12.35%"),
        ("{{ printf \"%.2f\" $value }}", "0.12"),
        ("{{ $value | printf \"%.1f s\" }}", "0.1 s"),
        ("{{ humanize 1234567.0 }}", "1.235M"),
        ("{{ humanizeDuration 3725 }}", "1h 2m 5s"),
        ("{{ humanizeDuration 0.05 }}", "50ms"),
        ("a {{- $labels.nosuch -}} b", "ab"),
        ("{{ printf \"%s:%d\" $labels.job 3 }}", "carts:3"),
        ("{{ if gt $value 0.1 }}high{{ else }}low{{ end }}", "high"),
        (
            "{{ if eq $labels.job \"a\" \"carts\" }}ours{{ end }}",
            "ours",
        ),
        (
            "{{ if lt $value 0.1 }}a{{ else if lt $value 0.2 }}b{{ else }}c{{ end }}",
            "b",
        ),
        ("{{ with $labels.job }}<{{ . }}>{{ end }}", "<carts>"),
        ("{{ with $labels.nosuch }}x{{ else }}none{{ end }}", "none"),
        (
            "{{ range $k, $v := $labels }}{{ $k }}={{ $v }};{{ end }}",
            "instance=10.0.0.1:80;job=carts;",
        ),
        (
            "{{ $x := $labels.job }}{{ $x = print $x \"!\" }}{{ $x }}",
            "carts!",
        ),
        (
            "{{ define \"d\" }}[{{ . }}]{{ end }}{{ template \"d\" 5 }}",
            "[5]",
        ),
        (
            "{{ define \"d\" }}[{{ . }}]{{ end }}{{ tmpl \"d\" 5 }}",
            "[5]",
        ),
        ("{{ /* nothing */ }}x{{- /* trimmed */ -}} y", "xy"),
        ("{{ (index $labels \"job\") | len }}", "5"),
        ("{{ $labels.instance | stripPort }}", "10.0.0.1"),
        ("{{ reReplaceAll \"(.)a\" \"$1-\" $labels.job }}", "c-rts"),
        ("{{ and $labels.job (not $labels.nosuch) }}", "true"),
        ("{{ if match \"^ca\" $labels.job }}y{{ end }}", "y"),
        ("{{ parseDuration \"1h30m\" }}", "5400"),
        ("{{ printf \"%d\" $value }}", "%!d(float64=0.1234567)"),
        (
            "{{ printf \"%05.1f|%-6s|%+d\" 3.14159 \"ab\" 4 }}",
            "003.1|ab    |+4",
        ),
        (
            "{{ tableLink \"up == 0\" }}",
            "/graph?g0.expr=up+%3D%3D+0&g0.tab=1",
        ),
        ("{{ `raw \"text\"` }}", "raw \"text\""),
        ("{{ print 1 2 \"a\" 3 }}", "1 2a3"),
        ("{{ $labels }}", "map[instance:10.0.0.1:80 job:carts]"),
        (
            "{{ if gt $value 1 }}x{{ end }}",
            "<error expanding template: error calling gt: incompatible types for comparison>",
        ),
    ] {
        assert_eq!(filled(text), want, "{text}");
    }
}

#[test]
fn what_cannot_be_read_is_refused() {
    for (bad, want) in [
        ("{{ $value", "unclosed action"),
        ("{{ nosuch 1 }}", "function \"nosuch\" not defined"),
        ("{{ $other }}", "undefined variable \"$other\""),
        ("{{ }}", "missing value for command"),
        ("{{ if $value }}x", "unexpected EOF"),
        ("{{ end }}", "unexpected {{end}}"),
        ("{{ \"a }}", "unterminated quoted string"),
        (
            "{{ if true }}{{ $x := 1 }}{{ end }}{{ (1 }}",
            "unclosed left paren",
        ),
    ] {
        assert_eq!(check(bad).unwrap_err(), want, "{bad}");
    }
}

#[tokio::test]
async fn queries_are_asked_at_the_time_of_the_evaluation() {
    let metrics = Arc::new(Metrics::new(&Limits::default(), Clock::at(0)));
    for (job, v) in [("b", 2.0), ("a", 1.0)] {
        let labels = Labels::new([("__name__", "up"), ("job", job)]);
        metrics.head().append(&labels, 1000, v).unwrap();
    }
    let labels = Labels::default();
    let data = Template {
        labels: &labels,
        value: 0.0,
        context: Some(Context {
            metrics: &metrics,
            external_url: "http://h/prometheus",
        }),
        t: 2000,
    };
    for (text, want) in [
        ("{{ query \"up\" | len }}", "2"),
        (
            "{{ with query \"up{job='b'}\" }}{{ . | first | value }}{{ end }}",
            "2",
        ),
        (
            "{{ range query \"up\" | sortByLabel \"job\" }}{{ .Labels.job }}={{ .Value }} {{ end }}",
            "a=1 b=2 ",
        ),
        (
            "{{ with query \"nosuch\" }}x{{ else }}nothing{{ end }}",
            "nothing",
        ),
        ("{{ (query \"sum(up)\" | first).Value | humanize }}", "3"),
        (
            "{{ externalURL }}{{ pathPrefix }}",
            "http://h/prometheus/prometheus",
        ),
        (
            "{{ query \"nosuch\" | first }}",
            "<error expanding template: error calling first: first() called on vector with no elements>",
        ),
    ] {
        assert_eq!(expand(text, &data), want, "{text}");
    }
}

#[test]
fn a_template_takes_neither_all_memory_nor_all_time_nor_all_of_the_stack() {
    let nested = |n: usize| format!("{{{{ {}1{} }}}}", "(".repeat(n), ")".repeat(n));
    let blocks = |n: usize| "{{ if $value }}".repeat(n) + &"{{ end }}".repeat(n);
    let chain =
        |n: usize| "{{ if false }}".to_owned() + &"{{ else if false }}".repeat(n) + "{{ end }}";
    let doubled =
        "{{ $x := \"ab\" }}".to_owned() + &"{{ $x = print $x $x $x $x }}".repeat(20) + "{{ $x }}";
    let ranges = "{{ range 999 }}".repeat(3) + &"{{ end }}".repeat(3);
    for (text, told) in [
        ("{{ range 9223372036854775807 }}{{ end }}".to_owned(), "template takes too many steps"),
        (ranges, "template takes too many steps"),
        (doubled, "the text is too long"),
        (
            "{{ $x := printf \"%999s\" \"a\" }}{{ $y := print $x $x $x }}{{ reReplaceAll \"\" $y $y }}".to_owned(),
            "the text is too long",
        ),
        ("{{ $x := 1 }}{{ range 9999 }}{{ $x = args $x }}{{ end }}".to_owned(), "the text is too long"),
        (nested(9_999), "max expression depth exceeded"),
        (blocks(9_999), "max expression depth exceeded"),
        (chain(9_999), "max expression depth exceeded"),
    ] {
        let shown = filled(&text);
        assert!(shown.contains(told), "{}: {}", &text[..40], &shown[..shown.len().min(200)]);
    }
    for text in [nested(90), blocks(90), chain(90)] {
        assert!(!filled(&text).contains("error"), "{text}");
    }
}
