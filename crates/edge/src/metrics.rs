//! Bytes through a proxy, counted as Toxiproxy counts them.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::toxic::Stream;

/// Bytes of one proxy by direction, since it was made.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    received: [AtomicU64; 2],
    sent: [AtomicU64; 2],
}

const fn index(stream: Stream) -> usize {
    match stream {
        Stream::Upstream => 0,
        Stream::Downstream => 1,
    }
}

impl Traffic {
    pub(crate) fn received(&self, stream: Stream, count: usize) {
        self.received[index(stream)].fetch_add(count as u64, Ordering::Relaxed);
    }

    pub(crate) fn sent(&self, stream: Stream, count: usize) {
        self.sent[index(stream)].fetch_add(count as u64, Ordering::Relaxed);
    }
}

/// One proxy's line in the exposition.
pub(crate) struct Line<'a> {
    pub(crate) proxy: &'a str,
    pub(crate) listener: &'a str,
    pub(crate) upstream: &'a str,
    pub(crate) traffic: &'a Traffic,
}

/// The Prometheus text of `GET /metrics`, with Toxiproxy's metric names.
pub(crate) fn exposition(lines: &[Line<'_>]) -> String {
    let mut text = String::new();
    for (what, help) in [
        (
            "received",
            "The total number of bytes received on a given proxy link in a given direction",
        ),
        (
            "sent",
            "The total number of bytes sent on a given proxy link in a given direction",
        ),
    ] {
        let name = format!("toxiproxy_proxy_{what}_bytes_total");
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} counter");
        for line in lines {
            for stream in [Stream::Upstream, Stream::Downstream] {
                let counts = match what {
                    "sent" => &line.traffic.sent,
                    _ => &line.traffic.received,
                };
                let count = counts[index(stream)].load(Ordering::Relaxed);
                let _ = writeln!(
                    text,
                    "{name}{{direction=\"{}\",listener=\"{}\",proxy=\"{}\",upstream=\"{}\"}} {count}",
                    stream.as_str(),
                    escape(line.listener),
                    escape(line.proxy),
                    escape(line.upstream),
                );
            }
        }
    }
    text
}

fn escape(label: &str) -> String {
    label
        .replace('\\', r"\\")
        .replace('"', "\\\"")
        .replace('\n', r"\n")
}
