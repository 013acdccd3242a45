//! Choosing a scenario before a drill.

use crossterm::event::{Event, EventStream, KeyCode, KeyEventKind, KeyModifiers};
use futures::StreamExt;
use model::Scenario;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, List, ListState, Paragraph, Wrap};

use crate::session::TuiError;
use crate::terminal::Screen;
use crate::theme::Theme;

/// Lets a person choose one of `scenarios`; `None` when they leave instead.
///
/// # Errors
/// [`TuiError`] when the terminal cannot be used.
pub async fn choose(scenarios: &[Scenario]) -> Result<Option<usize>, TuiError> {
    let theme = Theme::of_environment();
    let mut screen = Screen::take()?;
    let mut input = EventStream::new();
    let mut selected = 0;
    loop {
        screen
            .terminal
            .draw(|frame| draw(frame, scenarios, selected, theme))?;
        let Some(event) = input.next().await else {
            return Ok(None);
        };
        let Event::Key(key) = event? else {
            continue;
        };
        if key.kind == KeyEventKind::Release {
            continue;
        }
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('c') if control => return Ok(None),
            KeyCode::Char('q') | KeyCode::Esc => return Ok(None),
            KeyCode::Enter => return Ok(Some(selected)),
            KeyCode::Down | KeyCode::Char('j') => {
                selected = (selected + 1).min(scenarios.len().saturating_sub(1));
            }
            KeyCode::Up | KeyCode::Char('k') => selected = selected.saturating_sub(1),
            _ => {}
        }
    }
}

fn draw(frame: &mut Frame<'_>, scenarios: &[Scenario], selected: usize, theme: Theme) {
    let [list, about, foot] = Layout::vertical([
        Constraint::Min(6),
        Constraint::Length(8),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    let rows = scenarios.iter().map(|scenario| {
        let stars = "★".repeat(usize::from(scenario.level));
        Line::from(vec![
            Span::styled(format!("{stars:6}"), theme.warn()),
            Span::raw(scenario.title.clone()),
            // Its name would give the cause away.
            Span::styled(format!("  {}", scenario.shop), theme.faint()),
        ])
    });
    let rows = List::new(rows)
        .block(Block::bordered().title(" shoplab · choose an incident "))
        .highlight_symbol("▶ ")
        .highlight_style(theme.selected());
    let mut state = ListState::default().with_selected(Some(selected));
    frame.render_stateful_widget(rows, list, &mut state);
    let briefing = scenarios
        .get(selected)
        .map_or("", |scenario| scenario.briefing.as_str());
    let briefing = Paragraph::new(briefing)
        .wrap(Wrap { trim: true })
        .block(Block::bordered().title(" briefing "));
    frame.render_widget(briefing, about);
    frame.render_widget(
        Line::styled(" j k choose  Enter begin  q leave", theme.faint()),
        foot,
    );
}
