//! Tests of pipelines, as a table of queries over single lines.

use super::{Hints, Work, run};
use crate::logs::labels::Labels;
use crate::logs::logql::{Expr, parse};

fn through(query: &str, line: &str) -> Option<(String, String)> {
    let Expr::Log(log) = parse(query).expect(query) else {
        panic!("{query} is no log query");
    };
    let stream = Labels::from([("app", "a")]);
    let metadata = vec![("trace_id".to_owned(), "t1".to_owned())];
    let mut work = Work::new(&stream, &metadata, 0, line);
    run(&log.stages, &mut work, &Hints::default())
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
    ] {
        let query = format!("{{app=\"a\"}} {stages}");
        assert_eq!(through(&query, line).is_some(), kept, "{query} {line}");
    }
}
