//! Tests of pipelines, as a table of queries over single lines.

use super::{Hints, Pipeline, Work};
use crate::logs::labels::Labels;
use crate::logs::logql::{Expr, parse};

fn through(query: &str, line: &str) -> Option<(String, String)> {
    let Expr::Log(log) = parse(query).expect(query) else {
        panic!("{query} is no log query");
    };
    let stream = Labels::from([("app", "a")]);
    let metadata = [("trace_id", "t1")];
    let mut work = Work::new(&stream, metadata.into_iter(), 0, line);
    let pipeline = Pipeline::new(&log.stages);
    (pipeline.leads(line) && pipeline.run(&mut work, &Hints::default()))
        .then(|| (work.result().to_string(), work.line.into_owned()))
}

#[test]
fn stages_take_labels_and_change_lines() {
    for (stages, line, labels, out) in [
        (
            "| json",
            r#"{"a":{"b":1},"app":"x","l":[1]}"#,
            r#"{a_b="1", app="a", app_extracted="x", trace_id="t1"}"#,
            "",
        ),
        (
            "| json x=\"l[1]\"",
            r#"{"l":[1,2]}"#,
            r#"{app="a", trace_id="t1", x="2"}"#,
            "",
        ),
        (
            "| logfmt",
            r#"k=v q="a b" bare"#,
            r#"{app="a", k="v", q="a b", trace_id="t1"}"#,
            "",
        ),
        (
            "| logfmt --keep-empty",
            "bare",
            r#"{app="a", bare="", trace_id="t1"}"#,
            "",
        ),
        (
            "| pattern `<m> <_>`",
            "GET /x",
            r#"{app="a", m="GET", trace_id="t1"}"#,
            "",
        ),
        (
            "| regexp `(?P<m>\\w+)`",
            "GET /x",
            r#"{app="a", m="GET", trace_id="t1"}"#,
            "",
        ),
        (
            "| unpack",
            r#"{"k":"v","_entry":"x"}"#,
            r#"{app="a", k="v", trace_id="t1"}"#,
            "x",
        ),
        ("| label_format b=app", "x", r#"{b="a", trace_id="t1"}"#, ""),
        ("| drop trace_id", "x", r#"{app="a"}"#, ""),
        ("| keep app", "x", r#"{app="a"}"#, ""),
        (
            "| line_format \"{{.app}}!\"",
            "x",
            r#"{app="a", trace_id="t1"}"#,
            "a!",
        ),
        (
            "| json | json",
            r#"{"a":"1","a":"2"}"#,
            r#"{a="1", app="a", trace_id="t1"}"#,
            "",
        ),
        (
            "| drop app | json",
            r#"{"app":"x"}"#,
            r#"{app_extracted="x", trace_id="t1"}"#,
            "",
        ),
        (
            "| json trace_id, x=\"no.path\"",
            r#"{"trace_id":"t2", "cut off"#,
            r#"{app="a", trace_id="t1", trace_id_extracted="t2", x=""}"#,
            "",
        ),
        (
            "| logfmt y=\"k\", z=\"none\"",
            "k=1 k=2",
            r#"{app="a", trace_id="t1", y="2", z=""}"#,
            "",
        ),
        (
            "| json",
            r#"{"t":"tab\tü\u00fc\ud83d\ude00","bad":"\q"}"#,
            "{app=\"a\", bad=\"\", t=\"tab\\tüü😀\", trace_id=\"t1\"}",
            "",
        ),
        (
            "| json | logfmt --strict",
            "a=b =",
            r#"{__error__="LogfmtParserErr", __error_details__="logfmt syntax error at pos 5 on line 1: unexpected '='", a="b", app="a", trace_id="t1"}"#,
            "",
        ),
        (
            "| logfmt | n > 5",
            "n=x",
            r#"{__error__="LabelFilterErr", __error_details__="strconv.ParseFloat: parsing \"x\": invalid syntax", app="a", n="x", trace_id="t1"}"#,
            "",
        ),
        (
            "| logfmt | d > 5s",
            "d=5x",
            r#"{__error__="LabelFilterErr", __error_details__="time: unknown unit \"x\" in duration \"5x\"", app="a", d="5x", trace_id="t1"}"#,
            "",
        ),
        (
            "| logfmt | label_format n=\"{{.m}}\", m=n",
            "n=1 m=2",
            r#"{app="a", m="2", trace_id="t1"}"#,
            "",
        ),
        (
            "| unpack",
            "plain",
            r#"{__error__="JSONParserErr", __error_details__="expecting json object(6), but it is not", app="a", trace_id="t1"}"#,
            "",
        ),
        (
            "| decolorize",
            "\u{1b}[31mred\u{1b}[0m",
            r#"{app="a", trace_id="t1"}"#,
            "red",
        ),
    ] {
        let query = format!("{{app=\"a\"}} {stages}");
        let out = if out.is_empty() { line } else { out };
        assert_eq!(
            through(&query, line),
            Some((labels.to_owned(), out.to_owned())),
            "{query}"
        );
    }
}

#[test]
fn filters_keep_or_drop_a_line() {
    for (stages, line, kept) in [
        ("|= \"a\" or \"b\"", "xb", true),
        ("!= \"a\" or \"b\"", "xb", false),
        ("|~ `^\\d+$`", "123", true),
        ("| logfmt | took > 1s", "took=1500ms", true),
        ("| logfmt | took > 1s", "took=500ms", false),
        ("| logfmt | size >= 5KiB or app=\"a\"", "size=1KB", true),
        ("| logfmt | nope > 1", "a=b", false),
        ("| logfmt | x=\"1\", y=\"2\"", "x=1 y=3", false),
        ("|= ip(\"10.0.0.0/8\")", "from 10.2.3.4", true),
        // A line filter is done before a parser, but not before a format.
        ("| json | __error__=\"\" |= \"x\"", "{\"a\":\"x\"}", true),
        ("| line_format \"y\" |= \"x\"", "x", false),
        ("| decolorize |= \"red\"", "\u{1b}[31mr\u{1b}[0med", false),
        ("| logfmt | a=~\"x.*\", b!=\"\"", "a=xy b=1", true),
        ("|> \"<_>took <_>ms<_>\"", "it took 5ms, well", true),
        ("!> \"<_>took <_>ms<_>\"", "it took 5ms, well", false),
    ] {
        let query = format!("{{app=\"a\"}} {stages}");
        assert_eq!(through(&query, line).is_some(), kept, "{query} {line}");
    }
}
