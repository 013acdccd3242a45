//! Tests of the parser, as tables.

use super::parse;

#[test]
fn queries_of_every_form_are_read() {
    for query in [
        "{ }",
        "{ name = \"a\" && (span.x > 1 || .y = nil) }",
        "{ span.\"a b\".c =~ \"x.*\" }",
        "{ !span.flag && -duration < -1ms }",
        "{ span.a + 1 = 3 * 2 ^ 2 }",
        "{ } >> { } && { kind = server } !~ { status != error }",
        "({ } &> { }) || { trace:id = \"12\" }",
        "{ } | by(resource.service.name) | count() > 2 | avg(duration) + 1s <= max(duration)",
        "{ } | select(span.a, name) | coalesce()",
        "{ } | { name = \"x\" }",
        "{ } | quantile_over_time(duration, .5, 0.9) by (span.a, kind) | topk(3)",
        "{ } | rate() with (exemplars=true)",
        "({ } | count() > 1) && ({ } | count() < 5)",
        "{ event:name = \"x\" && link.kind = \"y\" && instrumentation:version = \"1\" }",
        "{ name = \"x\" } // a comment",
    ] {
        assert!(parse(query).is_ok(), "{query}: {:?}", parse(query).err());
    }
}

#[test]
fn wrong_queries_are_refused_with_their_place() {
    for (query, message) in [
        (
            "{ bad",
            "parse error at line 1, col 3: unknown identifier: bad",
        ),
        (
            "{ name = }",
            "parse error at line 1, col 10: syntax error: unexpected }",
        ),
        (
            "{\n name = \"x\"",
            "parse error at line 2, col 12: syntax error: unexpected $end",
        ),
        (
            "{ kind = 3 }",
            "binary operations must operate on the same type: kind = 3",
        ),
        ("{ name =~ \"(\" }", "invalid regex: `(`"),
        (
            "{ 1 + 1 }",
            "span filter field expressions must resolve to a boolean: { 2 }",
        ),
        ("{ parent.a = 1 }", "parent not yet supported"),
    ] {
        let error = parse(query).err().map(|e| e.to_string());
        assert_eq!(error.as_deref(), Some(message), "{query}");
    }
}
