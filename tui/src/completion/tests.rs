//! What is offered where: `‸` is the cursor, and what is replaced stands
//! between `⟨` and `⟩` in what is expected.

use std::collections::BTreeMap;

use super::*;

struct Shop(BTreeMap<Subject, Vec<String>>);

impl Known for Shop {
    fn of(&self, subject: &Subject) -> &[String] {
        self.0.get(subject).map_or(&[], Vec::as_slice)
    }
}

/// Backends that know a little of everything.
fn shop() -> Shop {
    let names = |language, names: &[&str]| (Subject::Names(language), owned(names));
    let values = |language, name: &str, values: &[&str]| {
        (Subject::Values(language, name.to_owned()), owned(values))
    };
    let prom = Language::PromQl;
    let logs = Language::LogQl;
    let traces = Language::TraceQl;
    Shop(BTreeMap::from([
        names(prom, &["__name__", "le", "peer", "route", "service"]),
        values(
            prom,
            "__name__",
            &["http_requests_total", "rabbitmq_queue_messages", "up"],
        ),
        values(prom, "service", &["orders", "orders-db", "payment"]),
        values(prom, "route", &["/orders/{id}", "a\"b"]),
        names(logs, &["app", "level", "namespace"]),
        values(logs, "app", &["front-end", "payment"]),
        values(logs, "level", &["error", "info"]),
        names(
            traces,
            &[
                "duration",
                "resource.service.name",
                "span.http.response.status_code",
                "span.http.route",
            ],
        ),
        values(traces, "resource.service.name", &["orders", "payment"]),
        values(traces, "span.http.response.status_code", &["200", "500"]),
    ]))
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Nobody knows anything yet.
fn nobody() -> Shop {
    Shop(BTreeMap::new())
}

fn at_cursor(language: Language, query: &str, known: &Shop) -> (String, Completion) {
    let (before, behind) = query.split_once('‸').expect("a cursor");
    let text = format!("{before}{behind}");
    let done = complete(language, &text, before.chars().count(), known);
    (text, done)
}

/// The query with the part that is replaced marked, and the first candidates.
fn offered(language: Language, query: &str) -> (String, Vec<String>) {
    let (text, done) = at_cursor(language, query, &shop());
    let letters: Vec<char> = text.chars().collect();
    let part = |range: Range<usize>| letters[range].iter().collect::<String>();
    let marked = format!(
        "{}⟨{}⟩{}",
        part(0..done.range.start),
        part(done.range.clone()),
        part(done.range.end..letters.len())
    );
    let texts = done.candidates.into_iter().map(|candidate| candidate.text);
    (marked, texts.collect())
}

/// A query, what is replaced in it, and what the candidates begin with.
type Case = (&'static str, &'static str, &'static [&'static str]);

fn check(language: Language, cases: &[Case]) {
    for (query, marked, first) in cases {
        let (found, candidates) = offered(language, query);
        assert_eq!(found, *marked, "{query}");
        let shown: Vec<&str> = candidates.iter().map(String::as_str).collect();
        let enough = shown.len().min(first.len().max(1));
        assert_eq!(shown[..enough], **first, "{query}");
    }
}

#[test]
fn promql_is_completed() {
    check(
        Language::PromQl,
        &[
            (
                "‸",
                "⟨⟩",
                &[
                    "http_requests_total",
                    "rabbitmq_queue_messages",
                    "up",
                    "sum",
                ],
            ),
            ("http‸", "⟨http⟩", &["http_requests_total"]),
            // A part of a name is enough; what begins with it comes first.
            ("requests‸", "⟨requests⟩", &["http_requests_total"]),
            ("ra‸", "⟨ra⟩", &["rabbitmq_queue_messages", "rate(", "rad("]),
            (
                "sum(ra‸te(up[1m]))",
                "sum(⟨rate⟩(up[1m]))",
                &["rabbitmq_queue_messages", "rad"],
            ),
            ("sum ‸", "sum ⟨⟩", &["by (", "without ("]),
            ("sum b‸", "sum ⟨b⟩", &["by ("]),
            (
                "sum(up) ‸",
                "sum(up) ⟨⟩",
                &["by (", "without (", "and ", "or ", "unless "],
            ),
            ("sum(up)‸", "sum(up)⟨⟩", &[]),
            (
                "sum by (‸",
                "sum by (⟨⟩",
                &["le", "peer", "route", "service"],
            ),
            ("sum by (le, se‸)", "sum by (le, ⟨se⟩)", &["service"]),
            ("sum without (p‸", "sum without (⟨p⟩", &["peer"]),
            ("sum by (le) (up‸", "sum by (le) (⟨up⟩", &[]),
            (
                "sum by (le) (ht‸",
                "sum by (le) (⟨ht⟩",
                &["http_requests_total"],
            ),
            ("up and ‸", "up and ⟨⟩", &["http_requests_total"]),
            ("up and on (se‸", "up and on (⟨se⟩", &["service"]),
            ("up * ign‸", "up * ⟨ign⟩", &["ignoring ("]),
            (
                "up * on (le) gr‸",
                "up * on (le) ⟨gr⟩",
                &["group", "group_left ", "group_right "],
            ),
            ("up > bo‸", "up > ⟨bo⟩", &["bottomk", "bool "]),
            ("up ‸", "up ⟨⟩", &["and ", "or ", "unless ", "offset "]),
            ("up{‸}", "up{⟨⟩}", &["le", "peer", "route", "service"]),
            ("up{se‸", "up{⟨se⟩", &["service"]),
            (
                "up{service‸",
                "up{⟨service⟩",
                &["service=\"", "service!=\"", "service=~\"", "service!~\""],
            ),
            ("up{service‸=\"a\"}", "up{⟨service⟩=\"a\"}", &[]),
            (
                "up{service=‸",
                "up{service=⟨⟩",
                &["\"orders\"", "\"orders-db\"", "\"payment\""],
            ),
            (
                "up{service=\"‸",
                "up{service=\"⟨⟩",
                &["orders\"", "orders-db\"", "payment\""],
            ),
            (
                "up{service=\"pay‸\"}",
                "up{service=\"⟨pay\"⟩}",
                &["payment\""],
            ),
            // The next quote opens another text.
            (
                "up{service=\"pay‸, le=\"1\"}",
                "up{service=\"⟨pay⟩, le=\"1\"}",
                &["payment\""],
            ),
            (
                "up{service=~\"orders|pa‸",
                "up{service=~\"orders|⟨pa⟩",
                &["payment\""],
            ),
            (
                "up{route=~\"‸",
                "up{route=~\"⟨⟩",
                &["/orders/\\\\{id\\\\}\"", "a\\\"b\""],
            ),
            ("up{route=`‸", "up{route=`⟨⟩", &["/orders/{id}`", "a\"b`"]),
            (
                "up{service=\"ü\", le‸",
                "up{service=\"ü\", ⟨le⟩",
                &["le=\""],
            ),
            ("rate(up[‸", "rate(up[⟨⟩", &["15s]", "30s]", "1m]"]),
            ("rate(up[1‸])", "rate(up[⟨1⟩])", &["15s", "1m", "15m", "1h"]),
            ("label_replace(up, \"‸", "label_replace(up, ⟨\"⟩", &[]),
            ("up # se‸", "up ⟨# se⟩", &[]),
            ("}) x‸", "}) ⟨x⟩", &[]),
        ],
    );
}

#[test]
fn logql_is_completed() {
    check(
        Language::LogQl,
        &[
            ("‸", "⟨⟩", &["{", "sum", "avg"]),
            ("{‸", "{⟨⟩", &["app", "level", "namespace"]),
            ("{app=\"‸\"}", "{app=\"⟨\"⟩}", &["front-end\"", "payment\""]),
            ("{app=\"a\"}‸", "{app=\"a\"}⟨⟩", &[]),
            (
                "{app=\"a\"} ‸",
                "{app=\"a\"} ⟨⟩",
                &["| json", "| logfmt", "|= \""],
            ),
            (
                "{app=\"a\"} |‸",
                "{app=\"a\"} ⟨|⟩",
                &["| json", "| logfmt", "|= \"", "|~ \""],
            ),
            ("{app=\"a\"} | js‸", "{app=\"a\"} ⟨| js⟩", &["| json"]),
            (
                "{app=\"a\"} | json | le‸",
                "{app=\"a\"} | json ⟨| le⟩",
                &["| level"],
            ),
            (
                "{app=\"a\"} | level‸",
                "{app=\"a\"} ⟨| level⟩",
                &["| level=\"", "| level!=\""],
            ),
            (
                "{app=\"a\"} | level=\"e‸",
                "{app=\"a\"} | level=\"⟨e⟩",
                &["error\""],
            ),
            (
                "{app=\"a\"} | level=\"e\" or a‸",
                "{app=\"a\"} | level=\"e\" or ⟨a⟩",
                &["app"],
            ),
            ("{app=\"a\"} |= \"pay‸", "{app=\"a\"} |= ⟨\"pay⟩", &[]),
            (
                "{app=\"a\"} |= \"pay\" | unwrap ‸",
                "{app=\"a\"} |= \"pay\" | unwrap ⟨⟩",
                &["app"],
            ),
            (
                "{app=\"a\"} | json | status >= 500 | l‸",
                "{app=\"a\"} | json | status >= 500 ⟨| l⟩",
                &["| logfmt", "| line_format \""],
            ),
            (
                "rate({app=\"a\"} | json [‸",
                "rate({app=\"a\"} | json [⟨⟩",
                &["15s]"],
            ),
            (
                "sum by (app) (cou‸",
                "sum by (app) (⟨cou⟩",
                &["count", "count_over_time("],
            ),
            (
                "sum(rate({app=\"a\"}[1m])) by (le‸",
                "sum(rate({app=\"a\"}[1m])) by (⟨le⟩",
                &["level"],
            ),
            (
                "rate({app=\"a\"} | json [1m]) ‸",
                "rate({app=\"a\"} | json [1m]) ⟨⟩",
                &["and ", "or "],
            ),
        ],
    );
}

#[test]
fn traceql_is_completed() {
    check(
        Language::TraceQl,
        &[
            ("‸", "⟨⟩", &["{ "]),
            ("{ ‸", "{ ⟨⟩", &["resource.", "span."]),
            ("{ sta‸ }", "{ ⟨sta⟩ }", &["status", "statusMessage"]),
            (
                "{ span.ht‸",
                "{ ⟨span.ht⟩",
                &["span.http.response.status_code", "span.http.route"],
            ),
            ("{ route‸", "{ ⟨route⟩", &["span.http.route"]),
            ("{ status ‸", "{ status ⟨⟩", &["= ", "!= "]),
            (
                "{ status = ‸ }",
                "{ status = ⟨⟩ }",
                &["error", "ok", "unset"],
            ),
            ("{ kind=c‸", "{ kind=⟨c⟩", &["client", "consumer"]),
            ("{ duration > ‸", "{ duration > ⟨⟩", &["100ms"]),
            (
                "{ resource.service.name = ‸",
                "{ resource.service.name = ⟨⟩",
                &["\"orders\"", "\"payment\""],
            ),
            (
                "{ resource.service.name = \"p‸\" }",
                "{ resource.service.name = \"⟨p\"⟩ }",
                &["payment\""],
            ),
            (
                "{ span.http.response.status_code >= ‸",
                "{ span.http.response.status_code >= ⟨⟩",
                &["200", "500"],
            ),
            (
                "{ status = error ‸",
                "{ status = error ⟨⟩",
                &["&& ", "|| ", "}"],
            ),
            (
                "{ status = error && na‸",
                "{ status = error && ⟨na⟩",
                &["name"],
            ),
            ("{ } ‸", "{ } ⟨⟩", &["&& { ", "|| { "]),
            ("{ } | co‸", "{ } ⟨| co⟩", &["| count() > ", "| coalesce()"]),
            (
                "{ } | select(span.http.r‸",
                "{ } | select(⟨span.http.r⟩",
                &["span.http.response.status_code"],
            ),
        ],
    );
}

#[test]
fn what_is_missing_is_wanted_and_the_language_is_offered_meanwhile() {
    use Language::{LogQl, PromQl, TraceQl};
    let values = |language, name: &str| Subject::Values(language, name.to_owned());
    for (language, query, wanted, first) in [
        (PromQl, "ra‸", values(PromQl, "__name__"), Some("rate(")),
        (PromQl, "up{‸", Subject::Names(PromQl), None),
        (PromQl, "up{job=\"‸", values(PromQl, "job"), None),
        (LogQl, "{app=\"‸", values(LogQl, "app"), None),
        (
            LogQl,
            "{app=\"a\"} | j‸",
            Subject::Names(LogQl),
            Some("| json"),
        ),
        (TraceQl, "{ n‸", Subject::Names(TraceQl), Some("name")),
        (TraceQl, "{ name = \"‸", values(TraceQl, "name"), None),
    ] {
        let (_, done) = at_cursor(language, query, &nobody());
        assert_eq!(done.wants, [wanted], "{query}");
        let found = done.candidates.first();
        assert_eq!(found.map(|c| c.text.as_str()), first, "{query}");
    }
}

#[test]
fn no_query_however_broken_breaks_completion() {
    let pieces = [
        "{", "}", "(", ")", "[", "]", "|", "\"", "by", "up", "=", "=~", ",", "ü ", "!",
    ];
    for first in pieces {
        for second in pieces {
            for third in pieces {
                let text = format!("{first}{second}{third}");
                for cursor in 0..=text.chars().count() + 1 {
                    for language in [Language::PromQl, Language::LogQl, Language::TraceQl] {
                        let done = complete(language, &text, cursor, &shop());
                        assert!(done.range.end <= text.chars().count(), "{text}");
                    }
                }
            }
        }
    }
}
