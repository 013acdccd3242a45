//! The cluster: pods, deployments, events, and a page about one of them.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use super::part::{cut, framed, short, window};
use crate::state::{State, Tab};

/// The list of the present tab, or the page that is open.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let theme = state.theme;
    let height = usize::from(area.height.saturating_sub(2));
    let width = usize::from(area.width.saturating_sub(2));
    if let Some((page, from)) = &state.cluster.page {
        let first = (*from).min(page.lines.len().saturating_sub(height));
        let lines = page.lines.iter().skip(first).take(height);
        let lines = lines.map(|line| Line::raw(cut(line, width)));
        let title = format!("{} · Esc goes back", page.title);
        frame.render_widget(
            Paragraph::new(Vec::from_iter(lines)).block(framed(title, theme)),
            area,
        );
        return;
    }
    let (head, rows) = match state.cluster.tab {
        Tab::Pods => pods(state),
        Tab::Deployments => deployments(state),
        Tab::Events => events(state),
    };
    let mut lines = vec![Line::styled(
        cut(&format!("  {head}"), width),
        theme.faint(),
    )];
    if let Some(trouble) = &state.cluster.trouble {
        lines.push(Line::styled(
            cut(&format!("! {trouble}"), width),
            theme.bad(),
        ));
    }
    let room = height.saturating_sub(lines.len());
    let from = window(state.cluster.selected, rows.len(), room);
    for (index, (text, style)) in rows.iter().enumerate().skip(from).take(room) {
        let here = index == state.cluster.selected;
        let mark = if here { "▶ " } else { "  " };
        let style = if here {
            style.patch(theme.strong())
        } else {
            *style
        };
        lines.push(Line::styled(cut(&format!("{mark}{text}"), width), style));
    }
    let tabs = Tab::ALL.map(|tab| {
        if tab == state.cluster.tab {
            format!("[{}]", tab.title())
        } else {
            tab.title().to_owned()
        }
    });
    frame.render_widget(
        Paragraph::new(lines).block(framed(tabs.join(" "), theme)),
        area,
    );
}

type Rows = (String, Vec<(String, Style)>);

fn pods(state: &State) -> Rows {
    let head = format!(
        "{:36} {:>5} {:18} {:>8} {:>6}  {}",
        "NAME", "READY", "STATUS", "RESTARTS", "AGE", "IP"
    );
    let rows = state.cluster.snapshot.pods.iter().map(|pod| {
        let ready = format!("{}/{}", pod.ready, pod.containers);
        let text = format!(
            "{:36} {ready:>5} {:18} {:>8} {:>6}  {}",
            pod.name,
            pod.status,
            pod.restarts,
            short(pod.age),
            pod.address
        );
        let well = pod.ready == pod.containers && pod.status == "Running";
        (
            text,
            if well {
                Style::new()
            } else {
                state.theme.bad()
            },
        )
    });
    (head, rows.collect())
}

fn deployments(state: &State) -> Rows {
    let head = format!(
        "{:20} {:>5} {:>10} {:>9} {:>6}  {}",
        "NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE", "IMAGE"
    );
    let rows = state.cluster.snapshot.deployments.iter().map(|row| {
        let ready = format!("{}/{}", row.ready, row.wanted);
        let text = format!(
            "{:20} {ready:>5} {:>10} {:>9} {:>6}  {}",
            row.name,
            row.updated,
            row.available,
            short(row.age),
            row.image
        );
        let well = row.ready == row.wanted && row.wanted > 0;
        (
            text,
            if well {
                Style::new()
            } else {
                state.theme.bad()
            },
        )
    });
    (head, rows.collect())
}

fn events(state: &State) -> Rows {
    let head = format!(
        "{:>6} {:8} {:18} {:34} {}",
        "AGE", "TYPE", "REASON", "OBJECT", "MESSAGE"
    );
    let rows = state.cluster.snapshot.events.iter().map(|event| {
        let text = format!(
            "{:>6} {:8} {:18} {:34} {}",
            short(event.age),
            event.kind,
            event.reason,
            cut(&event.object, 34),
            event.message
        );
        let style = if event.kind == "Warning" {
            state.theme.warn()
        } else {
            Style::new()
        };
        (text, style)
    });
    (head, rows.collect())
}
