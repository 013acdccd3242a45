//! The cluster: pods, Deployments, Services, Events, and a page about one of them.

use engine::{DeploymentRow, EventRow, PodRow, ServiceRow};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use super::page;
use super::part::{cut, framed, short, window};
use crate::state::{ClusterPane, Listed, RowStanding, State, Tab};

/// From this width on there is room for what is looked at less.
const WIDE: usize = 100;

/// The list of the present tab, or the page that is open.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let cluster = &state.cluster;
    if let Some(open) = &cluster.page {
        page::draw(frame, area, open, state);
        return;
    }
    let theme = state.theme;
    let height = usize::from(area.height.saturating_sub(2));
    let width = usize::from(area.width.saturating_sub(2));
    let head = format!("  {}", head(cluster.tab, width));
    let mut lines = vec![Line::styled(cut(&head, width), theme.faint())];
    if let Some(trouble) = &cluster.trouble {
        lines.push(Line::styled(
            cut(&format!("! {trouble}"), width),
            theme.bad(),
        ));
    }
    let (rows, selected) = rows(state, width);
    let room = height.saturating_sub(lines.len());
    let from = window(selected, rows.len(), room);
    lines.extend(rows.into_iter().skip(from).take(room));
    let shell = cluster.kubectl(state.facts.scenario.shop.as_str());
    let block = framed(cut(&title(cluster), width.saturating_sub(2)), theme)
        .title_bottom(cut(&format!(" {shell} "), width));
    frame.render_widget(Paragraph::new(lines).block(block), area);
}

/// The tabs, whose pods, what is filtered, the order.
fn title(cluster: &ClusterPane) -> String {
    let tabs = Tab::ALL.map(|tab| {
        if tab == cluster.tab {
            format!("[{}]", tab.title())
        } else {
            tab.title().to_owned()
        }
    });
    let mut title = tabs.join(" ");
    if let Some(owner) = &cluster.owner {
        title.push_str(&format!(" · of {}", owner.name));
    }
    title.push_str(&format!(" · by {}", cluster.sort().title()));
    if !cluster.filter.is_empty() {
        title.push_str(&format!(" · with {:?}", cluster.filter));
    }
    title
}

/// The rows under their headings, and which of these lines is the selected one.
fn rows(state: &State, width: usize) -> (Vec<Line<'static>>, usize) {
    let theme = state.theme;
    let listed = state.cluster.listed();
    let count = |standing| {
        listed
            .iter()
            .filter(|row| row.standing() == standing)
            .count()
    };
    let (bad, well) = (count(RowStanding::Trouble), count(RowStanding::Well));
    let mut lines = Vec::new();
    let mut selected = 0;
    for (index, row) in listed.iter().enumerate() {
        let standing = row.standing();
        if bad > 0 && index == 0 {
            lines.push(Line::styled(format!("in trouble: {bad}"), theme.bad()));
        }
        if bad > 0 && index == bad {
            lines.push(Line::styled(format!("well: {well}"), theme.faint()));
        }
        let style = match (row, standing) {
            (_, RowStanding::Trouble) => theme.bad(),
            (Listed::Event(event), _) if event.kind == "Warning" => theme.warn(),
            (_, RowStanding::Well) => Style::new(),
        };
        let here = index == state.cluster.selected;
        let (mark, style) = if here {
            selected = lines.len();
            ("▶ ", style.patch(theme.strong()))
        } else {
            ("  ", style)
        };
        let text = format!("{mark}{}", text(row, width));
        lines.push(Line::styled(cut(text.trim_end(), width), style));
    }
    if lines.is_empty() {
        let why = if state.cluster.filter.is_empty() {
            "  nothing is there".to_owned()
        } else {
            format!(
                "  nothing has {:?} in it · Esc shows all",
                state.cluster.filter
            )
        };
        lines.push(Line::styled(cut(&why, width), theme.faint()));
    }
    (lines, selected)
}

fn head(tab: Tab, width: usize) -> String {
    let wide = width >= WIDE;
    match tab {
        Tab::Pods => pod_line(
            [
                "NAME", "READY", "STATUS", "RESTARTS", "AGE", "CPU", "MEM", "IP",
            ],
            width,
        ),
        Tab::Deployments => format!(
            "{:20} {:>5} {:>10} {:>9} {:>6}  IMAGE",
            "NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE"
        ),
        Tab::Services if wide => format!(
            "{:18} {:10} {:15} {:17} {:>6} {:>5}  ENDPOINTS",
            "NAME", "TYPE", "CLUSTER-IP", "PORT(S)", "AGE", "READY"
        ),
        Tab::Services => format!(
            "{:16} {:13} {:9} {:>6} {:>5}  ENDPOINTS",
            "NAME", "CLUSTER-IP", "PORT(S)", "AGE", "READY"
        ),
        Tab::Events => event_line(["AGE", "TYPE", "REASON", "OBJECT", "MESSAGE"], width),
    }
}

fn text(row: &Listed<'_>, width: usize) -> String {
    match row {
        Listed::Pod(row) => pod(row, width),
        Listed::Deployment(row) => deployment(row),
        Listed::Service(row) => service(row, width),
        Listed::Event(row) => event(row, width),
    }
}

fn pod(row: &PodRow, width: usize) -> String {
    let restarts = match row.restarted {
        Some(ago) if width >= WIDE => format!("{} ({} ago)", row.restarts, short(ago)),
        Some(ago) => format!("{} ({})", row.restarts, short(ago)),
        None => row.restarts.to_string(),
    };
    let ready = format!("{}/{}", row.ready, row.containers);
    let usage = row.usage.map_or_else(Default::default, |usage| {
        let memory = format!("{}Mi", usage.bytes / 1_048_576);
        (format!("{}m", usage.millicores), memory)
    });
    let cells = [
        &row.name,
        &ready,
        &row.status,
        &restarts,
        &short(row.age),
        &usage.0,
        &usage.1,
        &row.address,
    ];
    pod_line(cells.map(String::as_str), width)
}

/// The cells of a pod in their columns. Where there is little room the middle of a
/// name is left out: its start tells the service, its end the pod.
fn pod_line(cells: [&str; 8], width: usize) -> String {
    let [name, ready, status, restarts, age, cpu, memory, address] = cells;
    if width >= WIDE {
        let name = middle(name, 36);
        let status = cut(status, 18);
        return format!(
            "{name:36} {ready:>5} {status:18} {restarts:14} {age:>6} {cpu:>6} {memory:>6}  {address}"
        );
    }
    let name = middle(name, 22);
    let status = cut(status, 16);
    format!("{name:22} {ready:>5} {status:16} {restarts:10} {age:>6} {cpu:>5} {memory:>5}")
}

/// `text` with its middle left out where it is longer than `width`.
fn middle(text: &str, width: usize) -> String {
    let letters: Vec<char> = text.chars().collect();
    if letters.len() <= width {
        return text.to_owned();
    }
    let end = width / 3;
    let start = width.saturating_sub(end + 1);
    let (start, end) = (&letters[..start], &letters[letters.len() - end..]);
    format!("{}…{}", String::from_iter(start), String::from_iter(end))
}

fn deployment(row: &DeploymentRow) -> String {
    let ready = format!("{}/{}", row.ready, row.wanted);
    format!(
        "{:20} {ready:>5} {:>10} {:>9} {:>6}  {}",
        row.name,
        row.updated,
        row.available,
        short(row.age),
        row.image
    )
}

fn service(row: &ServiceRow, width: usize) -> String {
    let behind = row.ready.len() + row.unready as usize;
    let ready = format!("{}/{behind}", row.ready.len());
    let endpoints = match row.ready.as_slice() {
        [] => "none is ready".to_owned(),
        ready => ready.join(","),
    };
    let age = short(row.age);
    let (name, kind, address) = (&row.name, &row.kind, &row.address);
    if width >= WIDE {
        let ports = cut(&row.ports, 17);
        return format!(
            "{name:18} {kind:10} {address:15} {ports:17} {age:>6} {ready:>5}  {endpoints}"
        );
    }
    let ports = cut(&row.ports, 9);
    format!("{name:16} {address:13} {ports:9} {age:>6} {ready:>5}  {endpoints}")
}

fn event(row: &EventRow, width: usize) -> String {
    let age = short(row.age);
    let cells = [&age, &row.kind, &row.reason, &row.object, &row.message];
    event_line(cells.map(String::as_str), width)
}

/// The cells of an Event in their columns.
fn event_line(cells: [&str; 5], width: usize) -> String {
    let [age, kind, reason, object, message] = cells;
    if width >= WIDE {
        let object = middle(object, 34);
        return format!("{age:>6} {kind:8} {reason:18} {object:34} {message}");
    }
    let (reason, object) = (cut(reason, 12), middle(object, 20));
    format!("{age:>6} {kind:7} {reason:12} {object:20} {message}")
}
