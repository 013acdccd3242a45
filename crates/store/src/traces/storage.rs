//! Traces in bounded memory: the oldest go first.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use opentelemetry_proto::tonic::trace::v1::ResourceSpans;
use prost::Message;

use super::spans::{Stored, Trace};
use crate::Limits;
use crate::clock::Clock;

/// Bytes that a span needs beside its message.
const SPAN_OVERHEAD: usize = 400;

/// All traces that are kept.
#[derive(Debug)]
pub struct Traces {
    max_bytes: usize,
    pub(super) query_timeout: Duration,
    clock: Clock,
    inner: RwLock<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    traces: HashMap<Vec<u8>, Arc<Trace>>,
    /// When each trace began to come, to drop the oldest.
    order: BTreeMap<u64, Vec<u8>>,
    next: u64,
    bytes: usize,
    dropped: u64,
}

impl Traces {
    /// An empty store with these bounds.
    #[must_use]
    pub fn new(limits: &Limits, clock: Clock) -> Self {
        Self {
            max_bytes: limits.traces_bytes,
            query_timeout: limits.query_timeout,
            clock,
            inner: RwLock::default(),
        }
    }

    /// The time of day that this store goes by.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Takes spans; a span that is there already is left out.
    pub fn push(&self, resources: Vec<ResourceSpans>) {
        let mut fresh: HashMap<Vec<u8>, Vec<Stored>> = HashMap::new();
        for resource_spans in resources {
            let resource = Arc::new(resource_spans.resource.unwrap_or_default());
            for scope_spans in resource_spans.scope_spans {
                let scope = Arc::new(scope_spans.scope.unwrap_or_default());
                for span in scope_spans.spans {
                    let mut id = vec![0; 16_usize.saturating_sub(span.trace_id.len())];
                    id.extend_from_slice(&span.trace_id);
                    fresh.entry(id).or_default().push(Stored {
                        span,
                        resource: Arc::clone(&resource),
                        scope: Arc::clone(&scope),
                    });
                }
            }
        }
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        for (id, spans) in fresh {
            inner.add(id, spans);
        }
        while inner.bytes > self.max_bytes && inner.drop_oldest() {}
    }

    /// The trace of this id of 16 bytes.
    pub fn get(&self, id: &[u8]) -> Option<Arc<Trace>> {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        inner.traces.get(id).cloned()
    }

    /// All traces, those that began last first.
    pub fn all(&self) -> Vec<Arc<Trace>> {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        let mut out: Vec<Arc<Trace>> = inner.traces.values().cloned().collect();
        drop(inner);
        out.sort_by(|a, b| b.start.cmp(&a.start).then_with(|| a.id.cmp(&b.id)));
        out
    }

    /// How many traces were dropped because memory was full.
    pub fn dropped(&self) -> u64 {
        self.inner
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .dropped
    }

    /// Bytes held now, about.
    pub fn bytes(&self) -> usize {
        self.inner
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .bytes
    }
}

impl Inner {
    fn add(&mut self, id: Vec<u8>, spans: Vec<Stored>) {
        if !self.traces.contains_key(&id) {
            self.order.insert(self.next, id.clone());
            self.next += 1;
        }
        let trace = Arc::make_mut(self.traces.entry(id.clone()).or_insert_with(|| {
            Arc::new(Trace {
                id,
                ..Trace::default()
            })
        }));
        let mut known: HashSet<(Vec<u8>, i32)> = trace
            .spans
            .iter()
            .map(|s| (s.span.span_id.clone(), s.span.kind))
            .collect();
        for stored in spans {
            if known.insert((stored.span.span_id.clone(), stored.span.kind)) {
                let size = stored.span.encoded_len() * 2 + SPAN_OVERHEAD;
                trace.bytes += size;
                self.bytes += size;
                trace.spans.push(stored);
            }
        }
        trace.settle();
    }

    fn drop_oldest(&mut self) -> bool {
        let Some((_, id)) = self.order.pop_first() else {
            return false;
        };
        if let Some(trace) = self.traces.remove(&id) {
            self.bytes -= trace.bytes;
            self.dropped += 1;
        }
        true
    }
}
