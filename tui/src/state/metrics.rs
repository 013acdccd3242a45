//! The metrics screen: PromQL with a chart, or a dashboard.

use std::ops::Range;

use engine::{AnswerData, QueryAnswer};
use model::{Period, Timestamp};
use telemetry::{Matrix, Series, TimeRange};

use super::dashboard::Dashboard;
use super::{Asking, Facts, Refusal, Reply};

/// The lengths of time that a chart can show, in seconds.
const SPANS: [u64; 6] = [60, 120, 300, 600, 1_800, 3_600];
/// How many series a chart shows at once.
pub(crate) const PAGE: usize = 8;

/// The metrics screen.
#[derive(Clone, Debug)]
pub(crate) struct MetricsPane {
    pub(crate) asking: Asking<QueryAnswer>,
    /// The query whose answer is shown; a newer one may wait or have failed.
    pub(crate) answered: String,
    pub(crate) view: MetricsView,
    pub(crate) dashboard: Dashboard,
    pub(crate) selected: usize,
    pub(crate) drawn: SeriesDrawn,
    pub(crate) cursor: Option<Timestamp>,
    pub(crate) edge: RightEdge,
    pub(crate) live: Live,
    span: usize,
}

/// What the screen shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MetricsView {
    /// One query.
    Query,
    /// What there is of one service.
    Dashboard,
}

/// Which series are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SeriesDrawn {
    /// All of the page.
    Page,
    /// The selected one alone.
    Selected,
}

/// Where the right edge of the chart is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RightEdge {
    /// Now; it goes on.
    Now,
    /// At a time; it stands still.
    At(Timestamp),
}

/// How what is shown is kept fresh.
#[derive(Clone, Debug, Default)]
pub(crate) struct Live {
    /// When it was last asked for, by the trainee or by itself.
    pub(crate) asked: Timestamp,
    /// How many refreshes are not answered yet.
    pub(crate) waiting: usize,
    /// Why the last refresh failed.
    pub(crate) trouble: Option<String>,
}

impl MetricsPane {
    pub(crate) fn new(facts: &Facts) -> Self {
        let shop = facts.scenario.shop.as_str();
        let ready = vec![
            ("failed requests by service", "sum by (service) (rate(http_request_errors_total[15s]))".to_owned()),
            ("requests by service", "sum by (service) (rate(http_requests_total[15s]))".to_owned()),
            ("95th percentile by service", "histogram_quantile(0.95, sum by (service, le) (rate(http_request_duration_seconds_bucket[15s])))".to_owned()),
            ("failed calls by peer", r#"sum by (service, peer) (rate(http_client_requests_total{outcome!="ok"}[15s]))"#.to_owned()),
            ("statements by store, 95th percentile", "histogram_quantile(0.95, sum by (peer, le) (rate(db_client_operation_duration_seconds_bucket[15s])))".to_owned()),
            ("who answers monitoring", format!(r#"up{{namespace="{shop}"}}"#)),
            ("ready pods by deployment", format!(r#"kube_deployment_status_replicas_available{{namespace="{shop}"}}"#)),
            ("restarts by container", format!(r#"kube_pod_container_status_restarts_total{{namespace="{shop}"}}"#)),
            ("memory by container", format!(r#"sum by (container) (container_memory_working_set_bytes{{namespace="{shop}"}})"#)),
            ("CPU by container", format!(r#"sum by (container) (rate(container_cpu_usage_seconds_total{{namespace="{shop}"}}[15s]))"#)),
            ("messages in queues", "rabbitmq_queue_messages".to_owned()),
            ("orders by status", "sum by (status) (rate(orders_total[15s]))".to_owned()),
        ];
        Self {
            asking: Asking::new(ready),
            answered: String::new(),
            view: MetricsView::Query,
            dashboard: Dashboard::default(),
            selected: 0,
            drawn: SeriesDrawn::Page,
            cursor: None,
            edge: RightEdge::Now,
            live: Live::default(),
            span: 1,
        }
    }

    /// How much time the chart shows.
    pub(crate) fn span(&self) -> Period {
        Period::from_secs(SPANS[self.span])
    }

    /// The time that the chart is to show.
    pub(crate) fn range(&self, now: Timestamp) -> TimeRange {
        let to = match self.edge {
            RightEdge::Now => now,
            RightEdge::At(at) => at,
        };
        TimeRange::last(self.span(), to)
    }

    /// A longer (or, where negative, shorter) time.
    pub(crate) fn widen(&mut self, step: isize) {
        let last = SPANS.len() as isize - 1;
        self.span = (self.span as isize + step).clamp(0, last) as usize;
    }

    /// The same around the cursor, where there is one.
    pub(crate) fn zoom(&mut self, step: isize, now: Timestamp) {
        self.widen(step);
        if let Some(cursor) = self.cursor {
            let half = Period::from_millis(self.span().as_millis() / 2);
            let to = cursor.plus(half);
            self.edge = if to < now {
                RightEdge::At(to)
            } else {
                RightEdge::Now
            };
        }
    }

    /// Shows what is now, without a cursor.
    pub(crate) fn back_to_now(&mut self) {
        self.edge = RightEdge::Now;
        self.cursor = None;
    }

    /// Opens a query: nothing of the last one's look is kept but its length.
    pub(crate) fn open(&mut self, query: String) {
        self.asking.query = query;
        self.view = MetricsView::Query;
        self.back_to_now();
    }

    /// The series that were answered.
    pub(crate) fn series(&self) -> &[Series] {
        match self.asking.reply.data() {
            Some(QueryAnswer {
                data: AnswerData::Series(matrix),
                ..
            }) => &matrix.series,
            _ => &[],
        }
    }

    /// Where in [`Self::series`] the page of the selected one is.
    pub(crate) fn page(&self) -> Range<usize> {
        let first = self.selected / PAGE * PAGE;
        first..(first + PAGE).min(self.series().len()).max(first)
    }

    /// Where in [`Self::series`] those are that are drawn.
    pub(crate) fn shown(&self) -> Range<usize> {
        match self.drawn {
            SeriesDrawn::Page => self.page(),
            SeriesDrawn::Selected => {
                let end = (self.selected + 1).min(self.series().len());
                self.selected.min(end)..end
            }
        }
    }

    /// Goes `step` pages on; the place within the page stays.
    pub(crate) fn turn_page(&mut self, step: isize) {
        let last = self.series().len().saturating_sub(1);
        let wanted = self.selected.saturating_add_signed(step * PAGE as isize);
        let pages = last / PAGE;
        if wanted / PAGE <= pages {
            self.selected = wanted.min(last);
        }
    }

    /// The selected series alone, or its whole page again.
    pub(crate) fn toggle_drawn(&mut self) {
        self.drawn = match self.drawn {
            SeriesDrawn::Page => SeriesDrawn::Selected,
            SeriesDrawn::Selected => SeriesDrawn::Page,
        };
    }

    /// Moves the cursor to the next point (or, where negative, the one before)
    /// of what is drawn; it begins at the newest.
    pub(crate) fn move_cursor(&mut self, step: isize) {
        let series = self.series().get(self.shown()).unwrap_or_default();
        let times = series
            .iter()
            .flat_map(|series| series.points.iter().map(|point| point.at));
        let moved = match self.cursor {
            None => times.max(),
            Some(at) if step < 0 => times.filter(|time| *time < at).max(),
            Some(at) => times.filter(|time| *time > at).min(),
        };
        self.cursor = moved.or(self.cursor);
    }

    /// Takes the answer to what the trainee asked.
    pub(crate) fn end(&mut self, answer: Result<QueryAnswer, Refusal>) {
        let selected = self.selected_labels();
        if answer.is_ok() {
            self.answered.clone_from(&self.asking.query);
        }
        self.asking.end(answer);
        self.live.trouble = None;
        self.select(selected);
    }

    /// Takes fresh data of the same query; the cursor, the selection and the
    /// history stay. What is older than what is shown is dropped.
    pub(crate) fn refreshed(&mut self, range: TimeRange, matrix: Matrix) {
        let selected = self.selected_labels();
        if let Reply::Data(answer) = &mut self.asking.reply
            && answer.range.to <= range.to
        {
            answer.range = range;
            answer.data = AnswerData::Series(matrix);
            self.live.trouble = None;
            self.select(selected);
        }
    }

    fn selected_labels(&self) -> Option<telemetry::Labels> {
        let series = self.series().get(self.selected)?;
        Some(series.labels.clone())
    }

    /// Finds the series that was selected among those that came.
    fn select(&mut self, labels: Option<telemetry::Labels>) {
        let found = labels.and_then(|labels| {
            let mut series = self.series().iter();
            series.position(|series| series.labels == labels)
        });
        self.selected = found.unwrap_or(0);
        if found.is_none() {
            self.drawn = SeriesDrawn::Page;
        }
    }
}

/// The point of `series` at `at`, or the nearest to it within one of its steps.
pub(crate) fn point_at(series: &Series, at: Timestamp) -> Option<f64> {
    let apart = |time: Timestamp| time.since(at).max(at.since(time));
    let step = series.points.windows(2).filter_map(|pair| match pair {
        [left, right] => Some(right.at.since(left.at)),
        _ => None,
    });
    let step = step.min().unwrap_or_default();
    let nearest = series.points.iter().min_by_key(|point| apart(point.at))?;
    (apart(nearest.at) <= step).then_some(nearest.value)
}
