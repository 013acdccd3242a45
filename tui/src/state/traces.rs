//! The traces screen: search, map, and one trace as a waterfall.

use engine::{AnswerData, QueryAnswer};
use telemetry::TraceSummary;

use super::Asking;
use super::map::{Row, ServiceMap};
use super::open::OpenTrace;

/// The traces screen.
#[derive(Clone, Debug)]
pub(crate) struct TracesPane {
    pub(crate) asking: Asking<QueryAnswer>,
    pub(crate) selected: usize,
    /// The trace that is open.
    pub(crate) open: Option<OpenTrace>,
    pub(crate) trouble: Option<String>,
    pub(crate) side: Side,
    pub(crate) map: MapPane,
}

/// What the screen shows while no trace is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// The traces that were found.
    Found,
    /// The map of the shop.
    Map,
}

/// The map of the shop, and how far its answer is.
#[derive(Clone, Debug, Default)]
pub(crate) struct MapPane {
    /// None before the first answer.
    pub(crate) map: Option<ServiceMap>,
    pub(crate) selected: usize,
    pub(crate) waiting: usize,
    /// Why there is no newer one.
    pub(crate) trouble: Option<String>,
}

impl MapPane {
    /// Takes an answer. The selection stays on what it was on, wherever that is drawn now.
    pub(crate) fn take(&mut self, answer: Result<ServiceMap, String>) {
        self.waiting = self.waiting.saturating_sub(1);
        let map = match answer {
            Ok(map) => map,
            Err(why) => {
                self.trouble = Some(why);
                return;
            }
        };
        let known = self.row().zip(self.map.as_ref());
        let place = known.and_then(|(row, old)| map.place_of(old, row));
        let last = map.rows.len().saturating_sub(1);
        self.selected = place.unwrap_or(self.selected.min(last));
        self.map = Some(map);
        self.trouble = None;
    }

    /// The row that is selected.
    pub(crate) fn row(&self) -> Option<&Row> {
        self.map.as_ref()?.rows.get(self.selected)
    }
}

impl TracesPane {
    pub(crate) fn new() -> Self {
        let ready = vec![
            ("failed", "{ status = error }".to_owned()),
            ("slow", "{ duration > 1s }".to_owned()),
            ("checkouts", r#"{ name = "POST /orders" }"#.to_owned()),
            ("all", "{ }".to_owned()),
        ];
        Self {
            asking: Asking::new(ready),
            selected: 0,
            open: None,
            trouble: None,
            side: Side::Found,
            map: MapPane::default(),
        }
    }

    /// The traces that were found, newest first.
    pub(crate) fn found(&self) -> &[TraceSummary] {
        match self.asking.reply.data() {
            Some(QueryAnswer {
                data: AnswerData::Traces(traces),
                ..
            }) => traces,
            _ => &[],
        }
    }
}
