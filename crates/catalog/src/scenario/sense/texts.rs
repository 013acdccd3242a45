//! Whether texts for the responder keep the answer to themselves, and are finished.

use model::{FailureMode, Move};

use super::Look;
use crate::rule::Rule;

/// What authors write where something is still to be filled in.
const UNFINISHED: [&str; 6] = ["TODO", "FIXME", "XXX", "TBD", "lorem ipsum", "..."];

/// Notes texts that give the cause away or were left to be filled in.
pub(super) fn check(look: &mut Look<'_>) {
    let title = look.scenario.title.clone();
    let briefing = look.scenario.briefing.clone();
    for (path, text) in [("title", &title), ("briefing", &briefing)] {
        gives_away(look, path, text);
        finished(look, path, text);
    }
    for (index, hint) in look.scenario.hints.iter().enumerate() {
        finished(look, &format!("hints/{index}/text"), &hint.text);
    }
    for (name, moves) in &look.scenario.responders {
        for (index, made) in moves.iter().enumerate() {
            if let Move::Update(text) = made {
                finished(look, &format!("responders/{name}/{index}/update"), text);
            }
        }
    }
}

/// Naming the service and how it fails, or the failing part's own name for a
/// store, leaves nothing to find out.
fn gives_away(look: &mut Look<'_>, path: &str, text: &str) {
    let answer = &look.scenario.answer;
    let Some(cause) = &answer.cause else {
        return;
    };
    let words = words(text);
    let names_cause = has(&words, cause.as_str());
    let mode = signs(answer.mode).iter().find(|sign| has(&words, sign));
    let Some(mode) = mode.filter(|_| names_cause) else {
        return;
    };
    let message =
        format!("the {path} gives the answer away: it names `{cause}` and says \"{mode}\"");
    let help = "write what a customer or colleague notices, not what is wrong";
    look.note(Rule::GivesAway, path, message, help);
}

/// How people say each failure mode.
fn signs(mode: FailureMode) -> &'static [&'static str] {
    match mode {
        FailureMode::None => &[],
        FailureMode::Crash => &["crash", "crashes", "crashed", "died", "dies"],
        FailureMode::CrashLoop => &[
            "crash-loop",
            "crash loop",
            "crashloopbackoff",
            "crashes",
            "dies",
        ],
        FailureMode::OutOfMemory => &[
            "out-of-memory",
            "out of memory",
            "oom",
            "memory leak",
            "leaks",
        ],
        FailureMode::Hang => &["hang", "hangs", "hung", "deadlock", "deadlocked", "stuck"],
        FailureMode::Freeze => &["freeze", "freezes", "frozen", "froze"],
        FailureMode::Latency => &["latency", "is slow", "slow queries"],
        FailureMode::Errors => &["errors", "returns 500", "answers 500"],
        FailureMode::ScaledDown => &[
            "scaled-down",
            "scaled down",
            "scaled to zero",
            "no pods",
            "0 replicas",
        ],
        FailureMode::BadRelease => &["bad-release", "bad release", "broken release", "regression"],
        FailureMode::Misconfigured => &[
            "misconfigured",
            "misconfiguration",
            "wrong configuration",
            "wrong setting",
        ],
        FailureMode::Network => &["network", "packet loss", "connection reset"],
        FailureMode::Saturated => &[
            "saturated",
            "exhausted",
            "cpu limit",
            "throttled",
            "connection pool",
        ],
        FailureMode::Monitoring => &["monitoring", "scrape target", "scraped"],
    }
}

/// `text` in lower case, with one space between words and at both ends, and
/// without marks.
fn words(text: &str) -> String {
    let mut out = String::from(" ");
    for word in text.split(|c: char| !(c.is_alphanumeric() || c == '-')) {
        if !word.is_empty() {
            out.push_str(&word.to_lowercase());
            out.push(' ');
        }
    }
    out
}

fn has(words: &str, phrase: &str) -> bool {
    words.contains(&format!(" {phrase} "))
}

fn finished(look: &mut Look<'_>, path: &str, text: &str) {
    let left = UNFINISHED
        .into_iter()
        .find(|mark| *mark != "..." && text.contains(mark))
        .map(str::to_owned)
        .or_else(|| (text.trim() == "...").then(|| "...".to_owned()))
        .or_else(|| placeholder(text));
    if let Some(left) = left {
        let message = format!("`{left}` was left to be filled in");
        let help = "texts are shown as they stand: nothing is put in for placeholders";
        look.note(Rule::Placeholder, path, message, help);
    }
}

/// The first `{{ name }}`, `${name}`, `{name}` or `<name>` of `text`.
fn placeholder(text: &str) -> Option<String> {
    [("{{", "}}"), ("${", "}"), ("{", "}"), ("<", ">")]
        .into_iter()
        .find_map(|(open, close)| {
            let start = text.find(open)?;
            let inside = &text[start + open.len()..];
            let name = &inside[..inside.find(close)?];
            let named = |c: char| c.is_ascii_alphanumeric() || "-_. ".contains(c);
            let plain = !name.trim().is_empty() && name.len() <= 40 && name.chars().all(named);
            plain.then(|| format!("{open}{name}{close}"))
        })
}
