//! Tests of the parser and of formatting, as tables.

use super::parse;

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
            "topk(3,count_over_time({a=\"b\"}[1h] offset 5m))",
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
            "sum_over_time({app=\"user\"}[5m])",
            "parse error : invalid aggregation sum_over_time without unwrap",
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
