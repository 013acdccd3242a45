//! Tests of the parser, as tables.

use super::parse;

#[test]
fn queries_of_every_form_are_read() {
    for query in [
        "{ }",
        "{ name = \"a\" && (span.x > 1 || .y = nil) }",
        "{ nil != .y }",
        "{ span.\"a b\".c =~ \"x.*\" }",
        "{ !span.flag && -duration < -1ms }",
        "{ span.a + 1 = 3 * 2 ^ 2 }",
        "{ .a = minInt || .a = maxInt }",
        "{ } >> { } && { kind = server } !~ { status != error }",
        "({ } &> { }) || { trace:id = \"12\" }",
        "{ } | by(resource.service.name) | count() > 2 | avg(duration) <= -1s",
        "by(name) | count() > 2",
        "{ } | select(span.a, name) | coalesce()",
        "{ } | { name = \"x\" }",
        "{ } | ({ name = \"x\" } || { name = \"y\" })",
        "{ } | (count()) > 2",
        "{ } | quantile_over_time(duration, .5, 0.9) by (span.a, kind) | topk(3)",
        "{ } | rate() with (exemplars=true, sample=0.1)",
        "{ } | rate() by (name) > 2.5 | bottomk(2) < -3ms",
        "{ } | compare({ status = error }, 5, 1, 2)",
        "{ } | min_over_time(span:duration)",
        "({ } | count() > 1) && ({ } | count() < 5) || ({ name = \"a\" })",
        "(({ } | count() > 1) >> ({ } | count() < 5))",
        "{ event:name = \"x\" && link.kind = \"y\" && instrumentation:version = \"1\" }",
        "{ span:childCount > 2 && event:timeSinceStart >= 2ms && link:spanID != \"\" }",
        "{ name = `x` } // a comment",
        "{ /* nothing\n of it */ }",
    ] {
        assert!(parse(query).is_ok(), "{query}: {:?}", parse(query).err());
    }
}

#[test]
fn operators_bind_as_documented() {
    for (query, read) in [
        // && and || are equal.
        ("{ .a || .b && .c }", "{ (.a || .b) && .c }"),
        ("{ .a = 1 && .b = 2 }", "{ (.a = 1) && (.b = 2) }"),
        ("{ .a + .b * .c > 1 }", "{ (.a + (.b * .c)) > 1 }"),
        ("{ .a ^ .b ^ .c = 1 }", "{ (.a ^ (.b ^ .c)) = 1 }"),
        ("{ -.a + .b = 1 }", "{ ((-.a) + .b) = 1 }"),
        ("{ -.a * .b = 1 }", "{ (-(.a * .b)) = 1 }"),
        ("{ !.a = .b }", "{ (!.a) = .b }"),
        ("{ .a = nil && .b != nil }", "{ (.a = nil) && (.b != nil) }"),
        ("{ 1 + 2 * 3 = .a }", "{ 7 = .a }"),
        (
            "{ span:duration > 1s + 1 }",
            "{ duration > 1.000000001e+09 }",
        ),
        ("{ trace:id = \"0012\" }", "{ trace:id = `12` }"),
        (
            "{ .a } > { .b } || { .c }",
            "(({ .a }) > ({ .b })) || ({ .c })",
        ),
        (
            "{ .a } && { .b } >> { .c }",
            "({ .a }) && (({ .b }) >> ({ .c }))",
        ),
        ("{ parent.span.a = 1 }", "parent not yet supported"),
    ] {
        let shown = parse(query).map_or_else(|e| e.to_string(), |q| q.pipeline[0].to_string());
        assert_eq!(shown, read, "{query}");
    }
}

#[test]
fn wrong_queries_are_refused_with_their_place() {
    let unexpected = "syntax error: unexpected";
    for (query, place, message) in [
        ("{ bad", (1, 3), "unknown identifier: bad"),
        ("{ name = }", (1, 10), &format!("{unexpected} }}")),
        ("{\n name = \"x\"", (2, 12), &format!("{unexpected} $end")),
        ("", (1, 1), &format!("{unexpected} $end")),
        (
            "{ } foo",
            (1, 5),
            &format!("{unexpected} IDENTIFIER, expecting with"),
        ),
        ("{ } }", (1, 5), &format!("{unexpected} }}, expecting with")),
        (
            "({ } ",
            (1, 6),
            &format!("{unexpected} $end, expecting ) or |"),
        ),
        (
            "{ } >",
            (1, 6),
            &format!("{unexpected} $end, expecting {{ or ("),
        ),
        (
            "{ span. }",
            (0, 3),
            &format!("{unexpected} END_ATTRIBUTE, expecting IDENTIFIER"),
        ),
        (
            "{ . }",
            (1, 3),
            &format!("{unexpected} END_ATTRIBUTE, expecting IDENTIFIER"),
        ),
        ("{ name = >= 1 }", (0, 10), &format!("{unexpected} >=")),
        (
            "{ link:x }",
            (1, 8),
            &format!("{unexpected} IDENTIFIER, expecting traceID or spanID"),
        ),
        (
            "{ nil }",
            (1, 7),
            &format!("{unexpected} }}, expecting = or !="),
        ),
        (
            "{ .a > nil }",
            (1, 12),
            &format!("{unexpected} }}, expecting = or !="),
        ),
        (
            "{ childCount = 1 }",
            (1, 3),
            &format!("{unexpected} childCount"),
        ),
        ("{ name = 'foo' }", (1, 10), "invalid char literal"),
        ("{ name = \"foo }", (1, 10), "literal not terminated"),
        ("{ name =~ \"\\d\" }", (1, 11), "invalid char escape"),
        ("{ span.\"a = 1 }", (0, 3), "unexpected EOF, expecting \""),
        ("{ } | count() > ", (1, 17), &format!("{unexpected} $end")),
        (
            "{ } | select(span.a + 1)",
            (1, 21),
            &format!("{unexpected} +, expecting ) or ,"),
        ),
        (
            "{ } | rate() by (name",
            (1, 22),
            &format!("{unexpected} $end, expecting ) or ,"),
        ),
        (
            "{ } | rate() > x",
            (1, 16),
            &format!("{unexpected} IDENTIFIER, expecting INTEGER or FLOAT or DURATION or -"),
        ),
        ("{ } | topk(3)", (1, 7), &format!("{unexpected} topk")),
        (
            "{ } with (a)",
            (1, 12),
            &format!("{unexpected} ), expecting ="),
        ),
        (
            "{ } && ({ } | count() > 1)",
            (1, 13),
            &format!("{unexpected} |"),
        ),
        (
            "({ } | count() > 1) | rate()",
            (1, 21),
            &format!("{unexpected} |, expecting with"),
        ),
    ] {
        let error = parse(query).err().map(|e| e.to_string());
        let (line, col) = place;
        let wanted = format!("parse error at line {line}, col {col}: {message}");
        assert_eq!(error.as_deref(), Some(wanted.as_str()), "{query}");
    }
}

#[test]
fn no_text_makes_the_parser_fail() {
    let deep = |open: &str, close: &str| format!("{}{}", open.repeat(20_000), close.repeat(20_000));
    for text in [
        deep("(", ")"),
        format!("{{ {} }}", deep("(", ")")),
        format!("{{ {}.a }}", "!".repeat(20_000)),
        format!("{{ .a {} }}", "|| .a ".repeat(20_000)),
        format!("{{ }} {}", "&& { } ".repeat(20_000)),
        format!("{{ }} | {}", deep("(", ")")),
        format!("{{ }} | count() {}", "+ 1 ".repeat(20_000)),
    ] {
        let message = parse(&text).map_or_else(|e| e.to_string(), |_| String::new());
        assert!(message.contains("query is too"), "{message}");
    }
    let words = [
        "{", "}", "(", ")", "span.", ".", "a", "\"x\"", "'", "`", "&&", "||", "=", "!~", ">>", "|",
        "count", "by", "rate", "with", "nil", "1", "1s", "-", "!", ",", "trace:", "id", "\\", "é",
    ];
    // A sequence that is always the same: <https://en.wikipedia.org/wiki/Linear_congruential_generator>.
    let mut seed = 1_u64;
    for _ in 0..20_000 {
        let mut text = String::new();
        for _ in 0..12 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            text.push_str(words[(seed >> 33) as usize % words.len()]);
            text.push_str(if seed >> 63 == 0 { " " } else { "" });
        }
        if let Err(error) = parse(&text) {
            assert!(!error.to_string().is_empty());
        }
    }
}

#[test]
fn queries_without_a_meaning_are_refused() {
    for (query, message) in [
        (
            "{ kind = 3 }",
            "binary operations must operate on the same type: kind = 3",
        ),
        (
            "{ span:status > 1s }",
            "binary operations must operate on the same type: status > 1s",
        ),
        (
            "{ status > error }",
            "illegal operation for the given types: status > error",
        ),
        (
            "{ duration =~ 5 }",
            "illegal operation for the given types: duration =~ 5",
        ),
        ("{ name =~ \"(\" }", "invalid regex: `(`"),
        ("{ .a =~ .b }", "invalid type for =~ or !~: .b"),
        (
            "{ -name = 1 }",
            "illegal operation for the given type: -name",
        ),
        (
            "{ !duration }",
            "illegal operation for the given type: !duration",
        ),
        (
            "{ name = nil }",
            "name=nil is not valid because intrinsics cannot be nil",
        ),
        (
            "{ resource.service.name = nil }",
            "resource.service.name=nil is not valid because resource.service.name cannot be nil",
        ),
        ("{ parent = 1 }", "intrinsic (parent) not yet supported"),
        (
            "{ 1 + 1 }",
            "span filter field expressions must resolve to a boolean: { 2 }",
        ),
        (
            "{ duration }",
            "span filter field expressions must resolve to a boolean: { duration }",
        ),
        (
            "{ } | by(1)",
            "grouping field expressions must reference the span: by(1)",
        ),
        (
            "{ } | sum(1) > 1",
            "aggregate field expressions must reference the span: sum(1)",
        ),
        (
            "{ } | avg(name) > 2",
            "aggregate field expressions must resolve to a number type: avg(name)",
        ),
        (
            "{ } | 1 < count()",
            "scalar filter lhs of type (%v) not yet supported",
        ),
        (
            "{ } | count() + 1 > 1",
            "scalar filter lhs of type (%v) not yet supported",
        ),
        (
            "{ } | count() = count()",
            "scalar filter rhs of type (%v) not yet supported",
        ),
        (
            "({ } | count()) > 1",
            "scalar filter lhs of type (%v) not yet supported",
        ),
        (
            "{ } | quantile_over_time(duration, 2)",
            "quantile must be between 0 and 1: 2",
        ),
        ("{ } | rate() | topk(0)", "limit must be greater than 0"),
        (
            "{ } | rate() by (.a, .b, .c, .d, .e, .f)",
            "metrics group by 6 values not yet supported",
        ),
        (
            "{ } | compare({ name = \"a\" }) | topk(1)",
            "`compare()` cannot be used with second stage functions",
        ),
        (
            "{ } | compare({ name = \"a\" }, 0)",
            "compare() top number of values must be integer greater than 0",
        ),
    ] {
        let error = parse(query).err().map(|e| e.to_string());
        assert_eq!(error.as_deref(), Some(message), "{query}");
    }
}
