//! Tests of the parser and of formatting, as tables.

use super::{parse, parse_matchers, pretty};

#[test]
fn a_query_is_written_as_format_query_writes_it() {
    for (query, shown) in [
        (
            "sum by(app)(rate({app=\"user\"}|logfmt|level=\"error\"[5m]))",
            "sum by (app)(rate({app=\"user\"} | logfmt | level=\"error\"[5m]))",
        ),
        ("{a=`b`}|=\"x\" or \"y\"", "{a=\"b\"} |= \"x\" or \"y\""),
        (
            "topk(3, count_over_time({a=\"b\"}[1h] offset 5m))",
            "topk(3,count_over_time({a=\"b\"}[1h] offset 5m0s))",
        ),
        (
            "SUM BY (x) (RATE({a=\"b\"}|logfmt --keep-empty --strict|s>=5KiB|n>1e3|t<90s[1m]))",
            "sum by (x)(rate({a=\"b\"} | logfmt --strict --keep-empty | s>=5.1kB | n>1000 | t<1m30s[1m]))",
        ),
        (
            "sum by () (rate({a=\"b\"}[1m])) / on (x, y) group_left (z) vector(1)",
            "(sum(rate({a=\"b\"}[1m])) / on (x,y) group_left (z) vector(1.000000))",
        ),
        (
            "vector(1) > bool ignoring(x) vector(2)",
            "(vector(1.000000) > bool ignoring (x)  vector(2.000000))",
        ),
        (
            "variants(rate({a=\"b\"}[1m]), count_over_time({a=\"b\"}[1m])) of ({a=\"b\"}[1m])",
            "variants(rate({a=\"b\"}[1m]), count_over_time({a=\"b\"}[1m])) of ({a=\"b\"}[1m])",
        ),
        (
            "{a=\"b\"} | json x=\"y.z\" | unpack | line_format `{{.x}}`",
            "{a=\"b\"} | json x=\"y.z\" | unpack | line_format \"{{.x}}\"",
        ),
        (
            "quantile_over_time(.9, {a=\"b\"} | unwrap duration(t) | t != \"\" [5m]) by (c)",
            "quantile_over_time(0.9,{a=\"b\"} | unwrap duration(t) | t!=\"\"[5m]) by (c)",
        ),
    ] {
        let expr = parse(query).expect(query);
        assert_eq!(expr.to_string(), shown, "{query}");
    }
}

#[test]
fn wrong_queries_are_refused_with_their_place() {
    for (query, message) in [
        ("", "parse error : syntax error: unexpected $end"),
        (
            "{app=\"user\"",
            "parse error at line 1, col 12: syntax error: unexpected $end, expecting } or ,",
        ),
        (
            "{app=user}",
            "parse error at line 1, col 6: syntax error: unexpected IDENTIFIER, expecting STRING",
        ),
        (
            "{app=\"user\"}\n| logfmt | unwrap took",
            "parse error at line 2, col 12: syntax error: unexpected unwrap",
        ),
        (
            "rate({app=\"user\"}[5])",
            "parse error at line 0, col 18: not a valid duration string: \"5\"",
        ),
        (
            "stddev({ foo = \"bar\" })",
            "parse error at line 1, col 23: syntax error: unexpected )",
        ),
        (
            "label_replace({a=\"b\"}, \"x\", \"\", \"a\", \"\")",
            "parse error at line 1, col 22: syntax error: unexpected ,",
        ),
        (
            "sum_over_time({app=\"user\"}[5m])",
            "parse error : invalid aggregation sum_over_time without unwrap",
        ),
        (
            "{json=\"x\"}",
            "parse error at line 1, col 2: syntax error: unexpected json, expecting IDENTIFIER or }",
        ),
        (
            "{a=\"b\"} |~ \"(\"",
            "parse error : stage '|~ \"(\"' : error parsing regexp: missing closing ): `(`",
        ),
        (
            "{a=\"b\"} |~ ip(\"10.0.0.1\")",
            "parse error : stage '|~ ip(\"10.0.0.1\")' : ip: invalid operation",
        ),
        (
            "{a=\"b\"} |= ip(\"10.0.0.9-10.0.0.1\")",
            "parse error : stage '|= ip(\"10.0.0.9-10.0.0.1\")' : ip: invalid pattern: \"10.0.0.9-10.0.0.1\"",
        ),
        (
            "{a=\"b\"} | label_format x=\"1\", x=y",
            "parse error : stage '| label_format x=\"1\",x=y' : multiple label name 'x' not allowed in a single format operation",
        ),
        (
            "topk(0, rate({a=\"b\"}[1m]))",
            "parse error : invalid parameter (must be greater than 0) topk(0",
        ),
        (
            "topk(1.5, rate({a=\"b\"}[1m]))",
            "parse error : invalid parameter topk(1.5,",
        ),
        (
            "topk(rate({a=\"b\"}[1m]))",
            "parse error : parameter required for operation topk",
        ),
        (
            "sum(2, rate({a=\"b\"}[1m]))",
            "parse error : unsupported parameter for operation sum(2,",
        ),
        (
            "approx_topk by (x) (2, rate({a=\"b\"}[1m]))",
            "parse error : grouping not allowed for approx_topk aggregation",
        ),
        (
            "rate({a=\"b\"}[1m]) by (x)",
            "parse error : grouping not allowed for rate aggregation",
        ),
        (
            "count_over_time({a=\"b\"} | unwrap x [1m])",
            "parse error : invalid aggregation count_over_time with unwrap",
        ),
        (
            "rate({a=\"b\"}[])",
            "parse error at line 0, col 13: empty duration string",
        ),
        (
            "{app=\"user\"} + 1",
            "parse error : unexpected type for left leg of binary operation (+): *syntax.MatchersExpr",
        ),
    ] {
        let error = parse(query).err().map(|e| e.to_string());
        assert_eq!(error.as_deref(), Some(message), "{query}");
    }
}

#[test]
fn a_long_query_is_too_long() {
    let query = format!("{{a=\"{}\"}}", "x".repeat(131_066));
    let error = parse(&query).expect_err("too long");
    let wanted = "parse error : input size too long (131072 > 131072)";
    assert_eq!(error.to_string(), wanted);
    let error = parse_matchers("{a=\"b\"} | json").expect_err("more than matchers");
    assert_eq!(error.to_string(), "only label matchers are supported");
}

#[test]
fn what_would_take_all_of_the_stack_is_refused() {
    let deep = |n: usize| format!("{}vector(1){}", "(".repeat(n), ")".repeat(n));
    let filters = |n: usize| format!("{{a=\"b\"}} | {}c=1{}", "(".repeat(n), ")".repeat(n));
    let long = |n: usize| vec!["vector(1)"; n].join("+");
    let tests = |n: usize| format!("{{a=\"b\"}} | {}", vec!["c=1"; n].join(" or "));
    let listed = |n: usize| format!("{{a=\"b\"}} | {}", vec!["c=1"; n].join(","));
    for (query, message) in [
        (deep(100), None),
        (deep(60_000), Some("query is too deeply nested")),
        (filters(100), None),
        (filters(60_000), Some("query is too deeply nested")),
        (long(500), None),
        (long(13_000), Some("query is too long")),
        (tests(500), None),
        (tests(18_000), Some("query is too long")),
        (listed(500), None),
        (listed(30_000), Some("query is too long")),
    ] {
        let error = parse(&query).map(|expr| expr.to_string()).err();
        let told = error.as_ref().map(|error| error.message.as_str());
        assert_eq!(told, message, "{} bytes", query.len());
    }
}

#[test]
fn a_long_query_is_put_on_several_lines() {
    let selector = "{namespace=\"a-rather-long-namespace\", app=\"a-rather-long-name-of-an-app\"}";
    for (query, wanted) in [
        (
            format!("{selector} |= \"error\" != \"timeout\" | logfmt | level=\"error\""),
            format!("{selector}\n  |= \"error\" != \"timeout\"\n  | logfmt\n  | level=\"error\""),
        ),
        (
            format!("sum by (a, b) (rate({selector} | json | unwrap bytes(size) [5m] offset 1h))"),
            format!(
                "sum by (a, b)(\n  rate(\n    {selector} | json\n      | unwrap bytes(size) [5m] offset 1h\n  )\n)"
            ),
        ),
        (
            format!(
                "topk(3, count_over_time({selector}[5m])) / on (a, b) sum(rate({selector}[5m]))"
            ),
            format!(
                "  topk(\n    3,\n    count_over_time({selector}[5m])\n  )\n/ on (a, b) \n  sum(rate({selector}[5m]))"
            ),
        ),
    ] {
        assert_eq!(pretty(&parse(&query).expect(&query)), wanted, "{query}");
    }
}

/// Queries that hold most of the language, to be mangled.
const SEEDS: [&str; 6] = [
    "{app=\"a\", b!=`c`, d=~\"e.*\", f!~\"g|h\"} |= \"x\" or \"y\" != ip(\"10.0.0.0/8\") |> \"<_> a <_>\" | json a=\"b.c[0]\", d | e > 5 and f <= 1.5KiB or (g = 10ms, h =~ \"i\")",
    "{a=\"b\"} | logfmt --strict --keep-empty x, y=\"z\" | regexp \"(?P<n>\\\\d+)\" | pattern \"<m> <_>\" | unpack | decolorize | keep a, b=\"c\" | drop d, e!~\"f\" | label_format g=h, i=\"{{ .j | upper }}\" | line_format `{{ if eq .k \"l\" }}{{ printf \"%05.2f\" (float64 .m) }}{{ else }}{{ range $i, $v := fromJson .n }}{{ $i }}{{ end }}{{ end }}`",
    "sum by (a, b) (rate({c=\"d\"} | json | unwrap duration_seconds(e) | __error__=\"\" [5m] offset 1h)) / ignoring (f) group_left (g) avg without (h) (quantile_over_time(0.99, {i=\"j\"} | unwrap k [1h]) by (l)) > bool 1e3",
    "topk(3, sum(count_over_time({a=\"b\"}[1d2h]))) or vector(-1) unless label_replace(rate({c=\"d\"}[1m]), \"e\", \"$1\", \"f\", \"(.*)\") ^ 2 % 3",
    "variants(rate({a=\"b\"}[1m]), bytes_rate({a=\"b\"}[1m])) of ({a=\"b\"} |~ \"(?i)error\" [1m]) # comment",
    "{\"level\":\"info\",\"a\":{\"b\":[1,\"x\\u00fc\\n\",null]},\"c\":true} k=v q=\"w \\\" x\" \u{1b}[31mred\u{1b}[0m 10.0.0.1 ::1 ü🧦",
];

fn mangled(rng: &mut rand::rngs::StdRng) -> String {
    use rand::RngExt as _;
    let mut text: Vec<char> = SEEDS[rng.random_range(0..SEEDS.len())].chars().collect();
    let other: Vec<char> = SEEDS[rng.random_range(0..SEEDS.len())].chars().collect();
    for _ in 0..rng.random_range(0..4) {
        let at = rng.random_range(0..=text.len());
        let to = (at + rng.random_range(0..6)).min(text.len());
        let from = rng.random_range(0..other.len());
        let end = (from + rng.random_range(0..12)).min(other.len());
        text.splice(at..to, other[from..end].iter().copied());
    }
    text.truncate(rng.random_range(0..=text.len()).max(text.len() / 2));
    text.into_iter().collect()
}

#[test]
fn a_mangled_query_over_mangled_lines_is_refused_or_read_but_never_ends_in_a_panic() {
    use crate::logs::labels::Labels;
    use crate::logs::pipeline::{Hints, Pipeline, Work};
    use rand::SeedableRng as _;
    let mut rng = rand::rngs::StdRng::seed_from_u64(7);
    let stream = Labels::from([("app", "a")]);
    let mut read = 0;
    for _ in 0..5000 {
        let (query, line) = (mangled(&mut rng), mangled(&mut rng));
        let Ok(expr) = parse(&query) else { continue };
        read += 1;
        let shown = expr.to_string();
        let again = parse(&shown).map(|e| e.to_string());
        assert_eq!(again.as_deref(), Ok(shown.as_str()), "{query}");
        let _ = pretty(&expr);
        for log in expr.selectors() {
            let pipeline = Pipeline::new(&log.stages);
            let mut work = Work::new(&stream, std::iter::empty(), 0, &line);
            let _ = pipeline.leads(&line) && pipeline.run(&mut work, &Hints::default());
        }
    }
    assert!(read > 50, "{read}");
}
