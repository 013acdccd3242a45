//! PromQL against the Prometheus project's own query tests, read from beside the workspace.
//!
//! Native histograms and flag-gated syntax are outside of what the store promises: such
//! cases are only checked to be refused, or left out when they need such data.

#![expect(clippy::unwrap_used, reason = "helpers of a test fail it by panicking")]

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use store::Limits;
use store::metrics::promql::{self, Answer, Request};
use store::metrics::{Head, Labels};

#[path = "promqltest/notation.rs"]
mod notation;
use notation::{Value, duration_ms, series_line};

#[derive(Default)]
struct Tally {
    passed: usize,
    refused: usize,
    native: usize,
    failed: Vec<String>,
}

#[derive(Debug, Default)]
struct Case {
    line: usize,
    query: String,
    start: i64,
    end: i64,
    step: Option<i64>,
    fails: bool,
    ordered: bool,
    warn: Option<bool>,
    info: Option<bool>,
    messages: Vec<String>,
    text: Option<String>,
    range: Option<(i64, i64)>,
    lines: Vec<String>,
}

fn data() -> Option<PathBuf> {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/promqltest");
    dir.is_dir().then_some(dir)
}

fn new_head() -> Head {
    Head::new(&Limits {
        out_of_order_window: Duration::from_secs(u64::from(u32::MAX)),
        ..Limits::default()
    })
}

#[test]
fn the_queries_of_prometheus_own_suite_give_what_they_should() {
    let Some(dir) = data() else {
        eprintln!("SKIPPED: ../shared/promqltest is not there, nothing was compared");
        return;
    };
    let mut total = Tally::default();
    let mut files: Vec<PathBuf> = std::fs::read_dir(dir)
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == "test"))
        .collect();
    files.sort();
    assert!(!files.is_empty());
    for file in files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let tally = run(&name, &std::fs::read_to_string(&file).unwrap());
        println!(
            "{name}: {} passed, {} failed, {} flag-gated refused, {} native histograms left out",
            tally.passed,
            tally.failed.len(),
            tally.refused,
            tally.native
        );
        total.passed += tally.passed;
        total.refused += tally.refused;
        total.native += tally.native;
        total.failed.extend(tally.failed);
    }
    println!(
        "promqltest: {} of {} stable float cases passed; {} flag-gated refused, {} native left out",
        total.passed,
        total.passed + total.failed.len(),
        total.refused,
        total.native
    );
    assert!(total.failed.is_empty(), "{}", total.failed.join("\n"));
    assert!(total.passed > 500, "the suite has shrunk");
}

#[test]
fn our_parser_and_promql_parser_take_the_same_queries() {
    let Some(dir) = data() else {
        eprintln!("SKIPPED: ../shared/promqltest is not there, nothing was compared");
        return;
    };
    let mut compared = 0;
    let mut differ = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        for line in text
            .lines()
            .map(str::trim)
            .filter(|l| l.starts_with("eval"))
        {
            let query = case(0, line, Vec::new()).query;
            let ours = promql::parse(&query);
            if ours.as_ref().is_err_and(promql::ParseError::is_gated) {
                continue;
            }
            compared += 1;
            if ours.is_ok() != promql_parser::parser::parse(&query).is_ok() {
                differ.push(query);
            }
        }
    }
    println!("{compared} queries parsed by both");
    assert!(differ.is_empty(), "{differ:#?}");
}

fn run(file: &str, text: &str) -> Tally {
    let mut tally = Tally::default();
    let mut head = new_head();
    let mut native: HashSet<String> = HashSet::new();
    let lines: Vec<&str> = text.lines().collect();
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at].trim();
        let number = at + 1;
        at += 1;
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let mut block = Vec::new();
        while at < lines.len() {
            let next = lines[at].trim();
            if next.is_empty() {
                break;
            }
            at += 1;
            if !next.starts_with('#') {
                block.push(next.to_owned());
            }
        }
        if line == "clear" {
            head = new_head();
            native.clear();
            at = number;
        } else if let Some(step) = line.strip_prefix("load ") {
            load(&head, &mut native, duration_ms(step), &block);
        } else if line.starts_with("eval") {
            let case = case(number, line, block);
            judge(file, &head, &native, &case, &mut tally);
        } else {
            panic!("{file}:{number}: what is this? {line}");
        }
    }
    tally
}

fn load(head: &Head, native: &mut HashSet<String>, step: i64, block: &[String]) {
    let mut series: BTreeMap<Labels, Vec<Value>> = BTreeMap::new();
    for line in block {
        if line.contains("{{") {
            let end = line.find(['{', ' ', '\t']).unwrap();
            native.insert(line[..end].to_owned());
            continue;
        }
        // Of two lines for one series the later one counts.
        let (labels, values) = series_line(line);
        series.insert(labels, values);
    }
    for (labels, values) in series {
        for (n, value) in values.iter().enumerate() {
            if let Value::Sample(v) = value {
                // A later block may load a series again; the first values stay.
                let _ = head.append(&labels, step * n as i64, *v);
            }
        }
    }
}

fn case(line: usize, text: &str, block: Vec<String>) -> Case {
    let mut case = Case {
        line,
        fails: text.starts_with("eval_fail"),
        ..Case::default()
    };
    let rest = text.split_once(' ').unwrap().1;
    if let Some(rest) = rest.strip_prefix("instant at ") {
        let (t, query) = rest.split_once(' ').unwrap();
        case.start = duration_ms(t);
        case.end = case.start;
        case.query = query.trim().to_owned();
    } else {
        let words: Vec<&str> = rest.splitn(8, ' ').collect();
        case.start = duration_ms(words[2]);
        case.end = duration_ms(words[4]);
        case.step = Some(duration_ms(words[6]));
        case.query = words[7].trim().to_owned();
    }
    for line in block {
        let Some(expect) = line.strip_prefix("expect ") else {
            case.lines.push(line);
            continue;
        };
        let (word, rest) = expect.split_once(' ').unwrap_or((expect, ""));
        if let Some(message) = rest.trim().strip_prefix("msg:") {
            case.messages.push(message.trim().to_owned());
        }
        match word {
            "fail" => case.fails = true,
            "ordered" => case.ordered = true,
            "warn" => case.warn = Some(true),
            "no_warn" => case.warn = Some(false),
            "info" => case.info = Some(true),
            "no_info" => case.info = Some(false),
            "string" => case.text = Some(rest[1..rest.len() - 1].to_owned()),
            "range" => {
                let words: Vec<&str> = rest.split(' ').collect();
                case.range = Some((duration_ms(words[2]), duration_ms(words[6])));
            }
            other => panic!("unknown expectation {other}"),
        }
    }
    case
}

fn judge(file: &str, head: &Head, native: &HashSet<String>, case: &Case, tally: &mut Tally) {
    let uses_native = case.query.contains("{{")
        || case.lines.iter().any(|l| l.contains("{{"))
        || native.iter().any(|n| mentions(&case.query, n));
    if uses_native {
        tally.native += 1;
        return;
    }
    let mut fail = |why: String| {
        tally
            .failed
            .push(format!("{file}:{}: {}: {why}", case.line, case.query));
    };
    let expr = match promql::parse(&case.query) {
        Ok(expr) => expr,
        Err(e) => {
            let gated = ["is not enabled", "is experimental"];
            if gated.iter().any(|g| e.message.contains(g)) {
                tally.refused += 1;
            } else if case.fails {
                tally.passed += 1;
            } else {
                fail(format!("refused: {e}"));
            }
            return;
        }
    };
    let request = Request {
        query: &case.query,
        expr: &expr,
        start: case.start,
        end: case.end,
        step: case.step,
        lookback: promql::LOOKBACK,
        max_samples: 50_000_000,
        deadline: None,
    };
    let outcome = promql::evaluate(head, &request, &AtomicBool::new(false));
    let outcome = match (outcome, case.fails) {
        (Err(e), true) => {
            let said = e.to_string();
            match case.messages.iter().find(|m| !said.contains(m.as_str())) {
                Some(m) if !m.contains("\\x") => fail(format!("said {said:?}, not {m:?}")),
                _ => tally.passed += 1,
            }
            return;
        }
        (Ok(_), true) => return fail("should have failed".to_owned()),
        (Err(e), false) => return fail(format!("failed: {e}")),
        (Ok(outcome), false) => outcome,
    };
    if case.warn.is_some_and(|w| w == outcome.warnings.is_empty()) {
        return fail(format!("warnings: {:?}", outcome.warnings));
    }
    if case.info.is_some_and(|w| w == outcome.infos.is_empty()) {
        return fail(format!("infos: {:?}", outcome.infos));
    }
    let said = |m: &String| outcome.warnings.contains(m) || outcome.infos.contains(m);
    if let Some(m) = case.messages.iter().find(|m| !said(m)) {
        return fail(format!(
            "{m:?} is not among {:?} {:?}",
            outcome.warnings, outcome.infos
        ));
    }
    if let Err(why) = compare(case, &outcome.answer) {
        return fail(why);
    }
    // An instant query must give the same as that step of a range query.
    if case.step.is_none() && case.range.is_none() && case.text.is_none() && !case.ordered {
        let ranged = Request {
            start: case.start - 60_000,
            end: case.start + 60_000,
            step: Some(60_000),
            ..request
        };
        let start_or_end = case.query.contains("start()") || case.query.contains("end()");
        if !start_or_end && !case.query.contains("sort") && !case.query.contains("topk") {
            match promql::evaluate(head, &ranged, &AtomicBool::new(false)) {
                Ok(o) => {
                    if let Err(why) = compare(case, &middle(o.answer, case.start)) {
                        return fail(format!("as a range: {why}"));
                    }
                }
                Err(e) => return fail(format!("as a range: {e}")),
            }
        }
    }
    tally.passed += 1;
}

fn middle(answer: Answer, t: i64) -> Answer {
    let Answer::Matrix(all) = answer else {
        return answer;
    };
    Answer::Vector(
        all.into_iter()
            .filter_map(|s| {
                let sample = s.samples.iter().find(|x| x.t == t)?;
                Some((s.labels, *sample))
            })
            .collect(),
    )
}

fn mentions(query: &str, name: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    query
        .match_indices(name)
        .any(|(at, _)| !query[..at].ends_with(word) && !query[at + name.len()..].starts_with(word))
        || promql::parse(query).is_ok_and(|expr| expr.selectors().iter().any(|s| s.name.is_empty()))
}

fn compare(case: &Case, answer: &Answer) -> Result<(), String> {
    match answer {
        Answer::Text(t) => match &case.text {
            Some(want) if want == t => Ok(()),
            want => Err(format!("got {t:?}, want {want:?}")),
        },
        Answer::Scalar(s) => {
            let want: f64 = notation::number(case.lines.first().ok_or("nothing expected")?);
            same(s.v, want)
                .then_some(())
                .ok_or(format!("got {}, want {want}", s.v))
        }
        Answer::Vector(got) => vector(case, got),
        Answer::Matrix(got) => {
            let (start, step) = match (case.step, case.range) {
                (Some(step), _) => (case.start, step),
                (None, Some(range)) => range,
                (None, None) => return Err("a range vector was not expected".to_owned()),
            };
            let mut want: BTreeMap<Labels, Vec<(i64, f64)>> = BTreeMap::new();
            for line in &case.lines {
                let (labels, values) = series_line(line);
                let samples = values.iter().enumerate().filter_map(|(n, v)| match v {
                    Value::Sample(v) => Some((start + step * n as i64, *v)),
                    Value::Gap => None,
                });
                let samples: Vec<(i64, f64)> = samples.collect();
                if !samples.is_empty() {
                    want.insert(labels, samples);
                }
            }
            let got: BTreeMap<Labels, Vec<(i64, f64)>> = got
                .iter()
                .map(|s| {
                    (
                        s.labels.clone(),
                        s.samples.iter().map(|x| (x.t, x.v)).collect(),
                    )
                })
                .collect();
            let equal = got.len() == want.len()
                && got.iter().zip(&want).all(|(g, w)| {
                    g.0 == w.0
                        && g.1.len() == w.1.len()
                        && g.1
                            .iter()
                            .zip(w.1)
                            .all(|(a, b)| a.0 == b.0 && same(a.1, b.1))
                });
            equal
                .then_some(())
                .ok_or(format!("\n   got {got:?}\n  want {want:?}"))
        }
    }
}

fn vector(case: &Case, got: &[(Labels, store::metrics::Sample)]) -> Result<(), String> {
    let got: Vec<(Labels, f64)> = got.iter().map(|(l, s)| (l.clone(), s.v)).collect();
    let mut want: Vec<(Labels, f64)> = Vec::new();
    for line in &case.lines {
        if let Some(v) = line
            .split_whitespace()
            .nth(1)
            .is_none()
            .then(|| notation::number(line))
        {
            want.push((Labels::default(), v));
            continue;
        }
        let (labels, values) = series_line(line);
        let [Value::Sample(v)] = values.as_slice() else {
            return Err(format!("cannot read {line}"));
        };
        want.push((labels, *v));
    }
    let mut sorted = got.clone();
    if !case.ordered {
        sorted.sort_by(|a, b| a.0.cmp(&b.0));
        want.sort_by(|a, b| a.0.cmp(&b.0));
    }
    let equal = sorted.len() == want.len()
        && sorted
            .iter()
            .zip(&want)
            .all(|(a, b)| a.0 == b.0 && same(a.1, b.1));
    equal
        .then_some(())
        .ok_or(format!("\n   got {got:?}\n  want {want:?}"))
}

fn same(a: f64, b: f64) -> bool {
    a == b || a.is_nan() && b.is_nan() || (a - b).abs() <= 1e-6 * a.abs().max(b.abs())
}
