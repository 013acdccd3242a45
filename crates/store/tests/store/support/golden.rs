//! Runs the cases of a golden corpus and compares the answers as its README says.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    unreachable_pub,
    reason = "helpers of a test fail it by panicking, and tell how many cases passed"
)]

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;

/// A corpus: its data set and its cases.
pub struct Corpus {
    /// Unix seconds that the data starts at.
    pub base: i64,
    /// What to load.
    pub loads: Vec<Value>,
    /// What to ask.
    pub cases: Vec<Value>,
}

impl Corpus {
    /// Reads `../shared/golden/<name>` beside the workspace; `None`, and a loud line, if it is
    /// not there.
    pub fn load(name: &str) -> Option<Self> {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("../../../shared/golden")
            .join(name);
        let Ok(dataset) = std::fs::read_to_string(folder.join("dataset.json")) else {
            println!("SKIPPED: no golden corpus at {}", folder.display());
            return None;
        };
        let dataset: Value = serde_json::from_str(&dataset).expect("dataset.json");
        let cases = std::fs::read_to_string(folder.join("cases.jsonl")).expect("cases.jsonl");
        Some(Self {
            base: dataset["base"].as_i64().expect("base"),
            loads: dataset["loads"].as_array().expect("loads").clone(),
            cases: cases
                .lines()
                .map(|line| serde_json::from_str(line).expect("case"))
                .collect(),
        })
    }

    /// Asks every case of `address` and checks that exactly `known` differ: a case that begins
    /// to pass must leave the list, and one that ceases to pass fails the test.
    pub async fn check(
        &self,
        address: &str,
        decode: impl Fn(&str, &[u8]) -> Value,
        known: &[(&str, &str)],
    ) {
        let client = reqwest::Client::new();
        let mut groups: BTreeMap<String, (usize, usize)> = BTreeMap::new();
        let mut failed: Vec<String> = Vec::new();
        for case in &self.cases {
            let id = case["id"].as_str().expect("id");
            let group = case["group"].as_str().expect("group");
            let count = groups.entry(group.to_owned()).or_default();
            count.1 += 1;
            match ask(&client, address, case, &decode).await {
                Ok(()) => count.0 += 1,
                Err(why) => {
                    if std::env::var_os("GOLDEN_SHOW").is_some() {
                        println!("{id} {}: {why}\n", case["params"]);
                    }
                    failed.push(id.to_owned());
                }
            }
        }
        let (passed, all) = groups
            .values()
            .fold((0, 0), |(p, a), (passed, all)| (p + passed, a + all));
        for (group, (passed, all)) in &groups {
            println!("{group:>22}: {passed}/{all}");
        }
        println!("{:>22}: {passed}/{all}", "all");
        let mut expected: Vec<&str> = known.iter().map(|(id, _)| *id).collect();
        expected.sort_unstable();
        failed.sort_unstable();
        assert_eq!(failed, expected, "cases that differ, and those known to");
    }
}

async fn ask(
    client: &reqwest::Client,
    address: &str,
    case: &Value,
    decode: &impl Fn(&str, &[u8]) -> Value,
) -> Result<(), String> {
    let method = case["method"].as_str().expect("method");
    let path = case["path"].as_str().expect("path");
    let mut url = url::Url::parse(&format!("http://{address}{path}")).expect("url");
    if let Some(params) = case["params"].as_array().filter(|p| !p.is_empty()) {
        let mut pairs = url.query_pairs_mut();
        for pair in params {
            pairs.append_pair(
                pair[0].as_str().expect("name"),
                pair[1].as_str().expect("value"),
            );
        }
    }
    let mut request = client.request(method.parse().expect("method"), url);
    if let Some(form) = case["form"].as_array() {
        let form: Vec<(&str, &str)> = form
            .iter()
            .map(|p| (p[0].as_str().expect("name"), p[1].as_str().expect("value")))
            .collect();
        request = request.form(&form);
    }
    if let Some(headers) = case["headers"].as_object() {
        for (name, value) in headers {
            request = request.header(name, value.as_str().expect("header"));
        }
    }
    if let Some(body) = case["request_body"].as_str() {
        request = request.body(body.to_owned());
    }
    let answer = request.send().await.map_err(|e| e.to_string())?;
    let status = answer.status().as_u16();
    let kind = answer
        .headers()
        .get("content-type")
        .and_then(|v| v.to_str().ok())
        .unwrap_or("")
        .to_owned();
    let body = answer.bytes().await.map_err(|e| e.to_string())?;
    let mut all = vec![case.clone()];
    all.extend(case["alt"].as_array().cloned().unwrap_or_default());
    let mut why = String::new();
    for wanted in all {
        match compare(case, &wanted, status, &kind, &body, decode) {
            Ok(()) => return Ok(()),
            Err(reason) => {
                if why.is_empty() {
                    why = reason;
                }
            }
        }
    }
    Err(why)
}

fn compare(
    case: &Value,
    wanted: &Value,
    status: u16,
    kind: &str,
    body: &[u8],
    decode: &impl Fn(&str, &[u8]) -> Value,
) -> Result<(), String> {
    let text = String::from_utf8_lossy(body).into_owned();
    if wanted["status"].as_u64() != Some(u64::from(status)) {
        return Err(format!(
            "status {status}, wanted {}: {text} WANTED {}",
            wanted["status"], wanted["body"]
        ));
    }
    let wanted_kind = wanted["content_type"].as_str().unwrap_or("");
    if kind != wanted_kind {
        return Err(format!("content type {kind:?}, wanted {wanted_kind:?}"));
    }
    let ignore = pointers(&case["ignore"]);
    if ignore.iter().any(Vec::is_empty) {
        return Ok(());
    }
    match wanted["body_type"].as_str().unwrap_or("") {
        "empty" if body.is_empty() => Ok(()),
        "empty" => Err(format!("a body, wanted none: {text}")),
        "text" => {
            let good = match case["text_prefix"].as_str() {
                Some(prefix) => text.starts_with(prefix),
                None => Some(text.as_str()) == wanted["body"].as_str(),
            };
            if good {
                Ok(())
            } else {
                Err(format!("text {text:?}, wanted {}", wanted["body"]))
            }
        }
        kind => {
            let mut found = if kind == "otlp" {
                decode(case["decode"].as_str().unwrap_or(""), body)
            } else {
                serde_json::from_slice(body).map_err(|e| format!("{e}: {text}"))?
            };
            let mut want = wanted["body"].clone();
            for pointer in &ignore {
                remove(&mut found, pointer);
                remove(&mut want, pointer);
            }
            let unordered = pointers(&case["unordered"]);
            same(&found, &want, &mut Vec::new(), &unordered)
        }
    }
}

fn pointers(value: &Value) -> Vec<Vec<String>> {
    value
        .as_array()
        .map(|list| {
            list.iter()
                .filter_map(Value::as_str)
                .map(|p| p.split('/').skip(1).map(str::to_owned).collect())
                .collect()
        })
        .unwrap_or_default()
}

fn remove(value: &mut Value, pointer: &[String]) {
    let Some((first, rest)) = pointer.split_first() else {
        return;
    };
    match value {
        Value::Object(map) => {
            let keys: Vec<String> = map
                .keys()
                .filter(|key| first == "*" || *key == first)
                .cloned()
                .collect();
            for key in keys {
                if rest.is_empty() {
                    map.remove(&key);
                } else if let Some(inner) = map.get_mut(&key) {
                    remove(inner, rest);
                }
            }
        }
        Value::Array(list) => {
            for (at, item) in list.iter_mut().enumerate() {
                if first == "*" || *first == at.to_string() {
                    if rest.is_empty() {
                        *item = Value::Null;
                    } else {
                        remove(item, rest);
                    }
                }
            }
        }
        _ => {}
    }
}

fn same(
    found: &Value,
    wanted: &Value,
    path: &mut Vec<String>,
    unordered: &[Vec<String>],
) -> Result<(), String> {
    let differ = |path: &[String]| {
        Err(format!(
            "at /{}: found {}, wanted {}",
            path.join("/"),
            short(found),
            short(wanted)
        ))
    };
    match (found, wanted) {
        (Value::Object(a), Value::Object(b)) => {
            if a.keys().any(|k| !b.contains_key(k)) || b.keys().any(|k| !a.contains_key(k)) {
                return differ(path);
            }
            for (key, value) in a {
                path.push(key.clone());
                same(value, &b[key], path, unordered)?;
                path.pop();
            }
            Ok(())
        }
        (Value::Array(a), Value::Array(b)) => {
            if a.len() != b.len() {
                return Err(format!(
                    "at /{}: {} items, wanted {}: found {}, wanted {}",
                    path.join("/"),
                    a.len(),
                    b.len(),
                    short(found),
                    short(wanted)
                ));
            }
            let free = unordered.iter().any(|pointer| {
                pointer.len() == path.len()
                    && pointer
                        .iter()
                        .zip(path.iter())
                        .all(|(p, q)| p == "*" || p == q)
            });
            if !free {
                for (at, (x, y)) in a.iter().zip(b).enumerate() {
                    path.push(at.to_string());
                    same(x, y, path, unordered)?;
                    path.pop();
                }
                return Ok(());
            }
            let mut left: Vec<&Value> = b.iter().collect();
            for item in a {
                let mut reason = String::new();
                let hit = left.iter().position(|other| {
                    let mut inner = path.clone();
                    inner.push("0".to_owned());
                    match same(item, other, &mut inner, unordered) {
                        Ok(()) => true,
                        Err(why) => {
                            if why.len() > reason.len() {
                                reason = why;
                            }
                            false
                        }
                    }
                });
                match hit {
                    Some(at) => {
                        left.remove(at);
                    }
                    None => {
                        return Err(format!(
                            "at /{}: nothing is like {} among {}",
                            path.join("/"),
                            short(item),
                            left.iter()
                                .map(|l| short(l))
                                .collect::<Vec<_>>()
                                .join(" | ")
                        ));
                    }
                }
            }
            Ok(())
        }
        (Value::Number(a), Value::Number(b)) => {
            let (a, b) = (a.as_f64().unwrap_or(0.0), b.as_f64().unwrap_or(0.0));
            let bound = (1e-9 * a.abs().max(b.abs())).min(5e-4);
            if (a - b).abs() <= bound {
                Ok(())
            } else {
                differ(path)
            }
        }
        (Value::String(a), Value::String(b)) if a != b => {
            let float = |text: &str| text.contains(['.', 'e']);
            match (a.parse::<f64>(), b.parse::<f64>()) {
                (Ok(x), Ok(y)) if float(a) || float(b) => {
                    if (x - y).abs() <= 1e-9 * x.abs().max(y.abs()) || x == y {
                        Ok(())
                    } else {
                        differ(path)
                    }
                }
                _ => differ(path),
            }
        }
        _ if found == wanted => Ok(()),
        _ => differ(path),
    }
}

fn short(value: &Value) -> String {
    value.to_string().chars().take(700).collect()
}
