//! Traces in bounded memory: the oldest go first.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use foldhash::HashMap;
use opentelemetry_proto::tonic::trace::v1::ResourceSpans;
use prost::Message;

use super::gate::Gate;
use super::ingest;
use super::limits::{Bucket, PushError, Rejected, TraceLimits};
use super::pool::Pool;
use super::spans::{Library, Resource, Span, SpanId, Trace};
use crate::Limits;
use crate::clock::Clock;

/// Bytes that a trace needs beside its spans.
const TRACE_OVERHEAD: usize = size_of::<Trace>() + 128;

/// Bytes for what a span has in the tree and in the set of known ones.
const SPAN_OVERHEAD: usize = 40;

/// All traces that are kept.
#[derive(Debug)]
pub struct Traces {
    max_bytes: usize,
    pub(super) query_timeout: Duration,
    pub(super) gate: Gate,
    limits: TraceLimits,
    bucket: Bucket,
    clock: Clock,
    pool: Mutex<Pool>,
    inner: RwLock<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    traces: HashMap<[u8; 16], Arc<Trace>>,
    /// In the order in which they began to come, to drop the oldest.
    order: VecDeque<[u8; 16]>,
    bytes: usize,
    dropped: u64,
    /// Bytes that went since shared texts were looked through.
    gone: usize,
}

/// The spans of one trace in one request.
#[derive(Default)]
struct Fresh {
    spans: Vec<Span>,
    groups: Vec<(Arc<Resource>, Arc<Library>)>,
    /// The group of the whole request that was added last, and its place here.
    last: Option<(usize, u32)>,
    size: usize,
}

impl Traces {
    /// An empty store with these bounds.
    #[must_use]
    pub fn new(limits: &Limits, clock: Clock) -> Self {
        Self {
            max_bytes: limits.traces_bytes,
            query_timeout: limits.query_timeout,
            gate: Gate::new(
                limits.max_concurrent_queries,
                limits.max_outstanding_queries,
            ),
            limits: limits.traces,
            bucket: Bucket::new(&limits.traces),
            clock,
            pool: Mutex::default(),
            inner: RwLock::default(),
        }
    }

    /// The time of day that this store goes by.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Takes spans; a span that is there already is left out. What was left out for a limit of
    /// its trace is told.
    ///
    /// # Errors
    /// [`PushError`]; nothing of the request is taken then.
    pub fn push(&self, resources: Vec<ResourceSpans>) -> Result<Rejected, PushError> {
        check_ids(&resources)?;
        if self.limits.bytes_per_second > 0 {
            let bytes = resources.iter().map(Message::encoded_len).sum();
            self.bucket.take(bytes, self.clock.now_ns())?;
        }
        let fresh = self.convert(resources);
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        let mut rejected = Rejected::default();
        for (id, fresh) in fresh {
            inner.add(id, fresh, &self.limits, &mut rejected);
        }
        while inner.bytes > self.max_bytes && inner.drop_oldest() {}
        let sweep = inner.gone > self.max_bytes / 4;
        if sweep {
            inner.gone = 0;
        }
        drop(inner);
        if sweep {
            self.pool().sweep();
        }
        Ok(rejected)
    }

    fn pool(&self) -> std::sync::MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The spans of a request by trace, as they are kept.
    fn convert(&self, resources: Vec<ResourceSpans>) -> HashMap<[u8; 16], Fresh> {
        let mut pool = self.pool();
        let mut fresh: HashMap<[u8; 16], Fresh> = HashMap::default();
        let mut groups = 0;
        for resource_spans in resources {
            let resource = resource_spans.resource.unwrap_or_default();
            let resource = Arc::new(ingest::resource(&mut pool, resource));
            for scope_spans in resource_spans.scope_spans {
                let scope = scope_spans.scope.unwrap_or_default();
                let library = Arc::new(ingest::library(&mut pool, scope));
                groups += 1;
                for span in scope_spans.spans {
                    let mut id = [0; 16];
                    id.copy_from_slice(&span.trace_id);
                    let mut span_id = SpanId::default();
                    span_id.copy_from_slice(&span.span_id);
                    let trace = fresh.entry(id).or_default();
                    let group = match trace.last {
                        Some((last, at)) if last == groups => at,
                        _ => {
                            let at = trace.groups.len() as u32;
                            let group = (Arc::clone(&resource), Arc::clone(&library));
                            trace.groups.push(group);
                            trace.last = Some((groups, at));
                            at
                        }
                    };
                    trace.size += span.encoded_len();
                    let span = ingest::span(&mut pool, span_id, group, span);
                    trace.spans.push(span);
                }
            }
        }
        fresh
    }

    /// The trace of this id.
    pub(crate) fn get(&self, id: &[u8; 16]) -> Option<Arc<Trace>> {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        inner.traces.get(id).cloned()
    }

    /// The traces that have a part between two times in nanoseconds, the last begun first.
    pub(crate) fn within(&self, start: u64, end: u64) -> Vec<Arc<Trace>> {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        let mut found: Vec<(u64, Arc<Trace>)> = inner
            .traces
            .values()
            .filter(|trace| trace.end >= start && trace.start <= end)
            .map(|trace| (trace.start, Arc::clone(trace)))
            .collect();
        drop(inner);
        found.sort_unstable_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.id.cmp(&b.1.id)));
        found.into_iter().map(|(_, trace)| trace).collect()
    }

    /// How many traces were dropped because memory was full.
    pub fn dropped(&self) -> u64 {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        inner.dropped
    }

    /// Bytes held now, about.
    pub fn bytes(&self) -> usize {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        inner.bytes
    }
}

/// Ids must have the lengths that OTLP demands.
fn check_ids(resources: &[ResourceSpans]) -> Result<(), PushError> {
    let scopes = resources.iter().flat_map(|resource| &resource.scope_spans);
    for span in scopes.flat_map(|scope| &scope.spans) {
        if span.trace_id.len() != 16 {
            return Err(PushError::TraceId(span.trace_id.len() * 8));
        }
        if span.span_id.len() != 8 || span.span_id.iter().all(|byte| *byte == 0) {
            return Err(PushError::SpanId(span.span_id.len() * 8));
        }
    }
    Ok(())
}

impl Inner {
    fn add(&mut self, id: [u8; 16], fresh: Fresh, limits: &TraceLimits, rejected: &mut Rejected) {
        let known = self.traces.get(&id);
        let size = known.map_or(0, |trace| trace.size) + fresh.size;
        if limits.bytes_per_trace > 0 && size > limits.bytes_per_trace {
            rejected.too_large(fresh.spans.len(), limits.bytes_per_trace, fresh.size, &id);
            return;
        }
        let is_new = known.is_none();
        if is_new && limits.live_traces > 0 && self.traces.len() >= limits.live_traces {
            rejected.too_many(fresh.spans.len(), limits.live_traces);
            return;
        }
        let entry = self.traces.entry(id).or_default();
        let trace = Arc::make_mut(entry);
        let mut bytes = 0;
        if is_new {
            trace.id = id;
            bytes += TRACE_OVERHEAD;
            self.order.push_back(id);
        }
        let first = trace.groups.len() as u32;
        for (resource, library) in fresh.groups {
            bytes += size_of::<Resource>() + resource.attrs.len() * 40 + size_of::<Library>();
            trace.add_group(resource, library);
        }
        trace.size = size;
        for mut span in fresh.spans {
            span.group += first;
            let weight = ingest::weight(&span) + SPAN_OVERHEAD;
            if trace.add(span) {
                bytes += weight;
            }
        }
        bytes += trace.fit_summary();
        trace.bytes += bytes;
        self.bytes += bytes;
    }

    fn drop_oldest(&mut self) -> bool {
        let Some(id) = self.order.pop_front() else {
            return false;
        };
        if let Some(trace) = self.traces.remove(&id) {
            self.bytes -= trace.bytes;
            self.gone += trace.bytes;
            self.dropped += 1;
        }
        true
    }
}
