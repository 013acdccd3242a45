//! What is asked again by itself: the chart while its right edge is now, and the
//! dashboard while it is shown.

use model::Period;
use telemetry::{Matrix, TimeRange};

use crate::effect::Effect;
use crate::message::{Watch, Watched};
use crate::state::{MetricsView, Reply, RightEdge, Screen, State};

/// How often it is asked.
const EVERY: Period = Period::from_secs(5);

/// What is due, once a second.
pub(super) fn due(state: &mut State) -> Vec<Effect> {
    if state.screen != Screen::Metrics {
        return Vec::new();
    }
    let asked = match state.metrics.view {
        MetricsView::Query => state.metrics.live.asked,
        MetricsView::Dashboard => state.metrics.dashboard.asked,
    };
    if state.now.since(asked) < EVERY {
        return Vec::new();
    }
    match state.metrics.view {
        MetricsView::Query => chart(state),
        MetricsView::Dashboard => panels(state),
    }
}

/// Asks for the chart again, where that is of use.
///
/// The backend is asked itself, with the trainee's query as it stands: the desk
/// puts each question on record, and what nobody typed is no evidence.
fn chart(state: &mut State) -> Vec<Effect> {
    let metrics = &mut state.metrics;
    let wanted = metrics.edge == RightEdge::Now
        && metrics.asking.waiting == 0
        && metrics.live.waiting == 0
        && matches!(metrics.asking.reply, Reply::Data(_));
    if !wanted {
        return Vec::new();
    }
    metrics.live.asked = state.now;
    metrics.live.waiting += 1;
    vec![Effect::Watch(Watch {
        what: Watched::Chart,
        query: metrics.asking.query.clone(),
        range: metrics.range(state.now),
    })]
}

/// Asks for the panels of the dashboard. They are for looking around, and not on
/// record; a panel's query that is opened is.
pub(super) fn panels(state: &mut State) -> Vec<Effect> {
    let panels = state.panels();
    let range = TimeRange::last(state.metrics.span(), state.now);
    let queries = state.metrics.dashboard.begin(&panels, range);
    let watches = queries.into_iter().map(|query| {
        Effect::Watch(Watch {
            what: Watched::Panel,
            query,
            range,
        })
    });
    watches.collect()
}

/// Takes an answer. One to what is not shown any more is dropped.
pub(super) fn answered(state: &mut State, watch: Watch, answer: Result<Matrix, String>) {
    let metrics = &mut state.metrics;
    match watch.what {
        Watched::Panel => metrics.dashboard.end(watch.query, watch.range, answer),
        Watched::Chart => {
            metrics.live.waiting = metrics.live.waiting.saturating_sub(1);
            let shown = metrics.asking.waiting == 0
                && metrics.asking.query == watch.query
                && metrics.edge == RightEdge::Now
                && metrics.span() == watch.range.length();
            match answer {
                _ if !shown => {}
                Ok(matrix) => metrics.refreshed(watch.range, matrix),
                Err(why) => metrics.live.trouble = Some(why),
            }
        }
    }
}
