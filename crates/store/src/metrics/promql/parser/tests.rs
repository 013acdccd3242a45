//! What is refused, and how: places and words are those of Prometheus 3.

use super::parse;

#[test]
fn what_is_no_query_is_refused_with_the_place_and_the_words_of_prometheus() {
    for (query, place, message) in [
        (
            "# just a comment\n\n",
            "1:1",
            "no expression found in input",
        ),
        ("*1", "1:1", "unexpected <op:*>"),
        ("@@", "1:1", "unexpected <op:@>"),
        ("-=", "1:2", "unexpected \"=\""),
        ("e-+=/(0)", "1:4", "unexpected \"=\""),
        ("++-++-+-+-<", "1:11", "unexpected <op:<>"),
        ("(1))", "1:5", "unexpected right parenthesis ')'"),
        ("sum(a, b))", "1:11", "unexpected right parenthesis ')'"),
        ("a ] b", "1:3", "unexpected right bracket ']'"),
        ("1 !~ 1", "1:3", "unexpected character after '!': '~'"),
        (
            "a{b!",
            "1:4",
            "unexpected character after '!' inside braces: '\u{fffd}'",
        ),
        (
            "-\"s\"",
            "1:1",
            "unary expression only allowed on expressions of type scalar or instant vector, got \"string\"",
        ),
        (
            "1 offset 1d",
            "1:1",
            "offset modifier must be preceded by an instant vector selector or range vector selector or a subquery",
        ),
        (
            "a offset 1s offset 2s",
            "1:1",
            "offset may not be set multiple times",
        ),
        (
            "a offset -",
            "1:11",
            "unexpected end of input in offset, expected number, duration, step(), or range()",
        ),
        (
            "a offset --1m",
            "1:11",
            "unexpected <op:-> in offset, expected number, duration, step(), or range()",
        ),
        (
            "a @ -",
            "1:6",
            "unexpected end of input in @, expected timestamp",
        ),
        ("a - on(b) ignoring(c) d", "1:11", "unexpected <ignoring>"),
        ("a > bool bool b", "1:10", "unexpected <bool>"),
        ("group_left", "1:1", "unexpected <group_left>"),
        ("on(a)", "1:1", "unexpected <on>"),
        (
            "a + on (b) group_left= c",
            "1:22",
            "unexpected \"=\" in grouping opts, expected \"(\"",
        ),
        ("a start()", "1:3", "unexpected \"start\""),
        (
            "topk(a,)",
            "1:7",
            "trailing commas not allowed in function call args",
        ),
        (
            "clamp(a, , 2)",
            "1:8",
            "trailing commas not allowed in function call args",
        ),
        (
            "topk(2,<a)",
            "1:7",
            "trailing commas not allowed in function call args",
        ),
        ("clamp(a, ', 2)", "1:10", "unterminated quoted string"),
        (
            "sum without(==)(a)",
            "1:13",
            "unexpected <op:==> in grouping opts, expected label",
        ),
        (
            "sum without(a,,)(b)",
            "1:15",
            "unexpected \",\" in grouping opts, expected label",
        ),
        (
            "sum (a) by test",
            "1:12",
            "unexpected identifier \"test\" in grouping opts, expected \"(\"",
        ),
        (
            "sum () by (test)",
            "1:1",
            "no arguments for aggregate expression provided",
        ),
        ("sum without (a) (b) by (c)", "1:21", "unexpected <by>"),
        (
            "topk(a)",
            "1:1",
            "wrong number of arguments for aggregate expression provided, expected 2, got 1",
        ),
        (
            "rate(a[5m]) @ 1234",
            "1:1",
            "@ modifier must be preceded by an instant vector selector or range vector selector or a subquery",
        ),
        (
            "hour(a, a, a)",
            "1:1",
            "expected at most 1 argument(s) in call to \"hour\", got 3",
        ),
        (
            "floor(1)",
            "1:7",
            "expected type instant vector in call to function \"floor\", got scalar",
        ),
        ("a > b()", "1:5", "unknown function with name \"b\""),
        ("2.5.", "1:1", "bad number or duration syntax: \"2.5.\""),
        ("0deadbeef", "1:1", "bad number or duration syntax: \"0de\""),
        (
            ".5e-)",
            "1:1",
            "error parsing number: strconv.ParseFloat: parsing \".5e-\": invalid syntax",
        ),
        (
            "1e999",
            "1:1",
            "error parsing number: strconv.ParseFloat: parsing \"1e999\": value out of range",
        ),
    ] {
        let error = parse(query).err().map(|e| (e.place, e.message));
        assert_eq!(
            error,
            Some((place.to_owned(), message.to_owned())),
            "{query}"
        );
    }
}
