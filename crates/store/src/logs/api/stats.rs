//! What a query cost, in the shape of Loki's statistics.
//!
//! Source: <https://grafana.com/docs/loki/latest/reference/loki-http-api/#statistics>.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::logs::eval::Cost;

/// Everything that is read here is what Loki calls the head of an ingester's chunks: it lies
/// in memory. `returned` counts lines or points.
pub(super) fn of(cost: Cost, took: Duration, queued: Duration, returned: usize) -> Value {
    let seconds = took.as_secs_f64();
    let rate = |count: u64| match seconds {
        0.0 => 0,
        _ => (count as f64 / seconds) as u64,
    };
    json!({
        "summary": {
            "bytesProcessedPerSecond": rate(cost.bytes),
            "linesProcessedPerSecond": rate(cost.lines),
            "totalBytesProcessed": cost.bytes,
            "totalLinesProcessed": cost.lines,
            "execTime": seconds,
            "queueTime": queued.as_secs_f64(),
            "subqueries": 0,
            "totalEntriesReturned": returned,
            "splits": 0,
            "shards": 0,
            "totalPostFilterLines": cost.kept,
            "totalStructuredMetadataBytesProcessed": cost.metadata_bytes
        },
        "querier": {"store": store(Cost::default())},
        "ingester": {
            "totalReached": 1,
            "totalChunksMatched": cost.chunks,
            "totalBatches": u64::from(cost.kept > 0),
            "totalLinesSent": cost.kept,
            "store": store(cost)
        },
        "cache": caches(),
        "index": {
            "totalChunks": 0, "postFilterChunks": 0, "shardsDuration": 0,
            "usedBloomFilters": false
        }
    })
}

fn store(cost: Cost) -> Value {
    json!({
        "totalChunksRef": 0, "totalChunksDownloaded": 0, "chunksDownloadTime": 0,
        "queryReferencedStructuredMetadata": false,
        "chunk": {
            "headChunkBytes": cost.bytes, "headChunkLines": cost.lines,
            "decompressedBytes": 0, "decompressedLines": 0, "compressedBytes": 0,
            "totalDuplicates": 0, "postFilterLines": cost.kept,
            "headChunkStructuredMetadataBytes": cost.metadata_bytes,
            "decompressedStructuredMetadataBytes": 0
        },
        "chunkRefsFetchTime": 0, "congestionControlLatency": 0, "pipelineWrapperFilteredLines": 0
    })
}

/// Nothing is cached.
fn caches() -> Map<String, Value> {
    const NAMES: [&str; 8] = [
        "chunk",
        "index",
        "result",
        "statsResult",
        "volumeResult",
        "seriesResult",
        "labelResult",
        "instantMetricResult",
    ];
    let cache = json!({
        "entriesFound": 0, "entriesRequested": 0, "entriesStored": 0, "bytesReceived": 0,
        "bytesSent": 0, "requests": 0, "downloadTime": 0, "queryLengthServed": 0
    });
    NAMES
        .iter()
        .map(|name| ((*name).to_owned(), cache.clone()))
        .collect()
}
