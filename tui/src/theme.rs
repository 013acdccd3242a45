//! Colours, for who wants them. State is never told by colour alone.

use model::Severity;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Span;

/// How the console is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Theme {
    /// No colours at all (`NO_COLOR`): weight and glyphs alone.
    Plain,
    /// The terminal's own sixteen.
    Sixteen,
}

impl Theme {
    /// By the environment: `NO_COLOR` (no-color.org) set to anything, or a
    /// terminal called `dumb`, means no colours.
    pub(crate) fn of_environment() -> Self {
        let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        if set("NO_COLOR") || dumb {
            Self::Plain
        } else {
            Self::Sixteen
        }
    }

    fn colour(self, colour: Color) -> Style {
        match self {
            Self::Plain => Style::new(),
            Self::Sixteen => Style::new().fg(colour),
        }
    }

    /// Something is right.
    pub(crate) fn good(self) -> Style {
        self.colour(Color::Green)
    }

    /// Something is wrong.
    pub(crate) fn bad(self) -> Style {
        self.colour(Color::Red).add_modifier(Modifier::BOLD)
    }

    /// Something wants attention.
    pub(crate) fn warn(self) -> Style {
        self.colour(Color::Yellow)
    }

    /// Less important.
    pub(crate) fn faint(self) -> Style {
        match self {
            Self::Plain => Style::new(),
            Self::Sixteen => Style::new().fg(Color::DarkGray),
        }
    }

    /// Titles and borders of what is in use.
    pub(crate) fn accent(self) -> Style {
        self.colour(Color::Cyan)
    }

    /// The row or field that is selected; a glyph marks it as well.
    pub(crate) fn selected(self) -> Style {
        match self {
            Self::Plain => Style::new().add_modifier(Modifier::BOLD),
            Self::Sixteen => Style::new().add_modifier(Modifier::REVERSED),
        }
    }

    /// A part of a text that was sought.
    pub(crate) fn sought(self, text: &str) -> Span<'static> {
        match self {
            Self::Plain => Span::styled(format!("[{text}]"), self.strong()),
            Self::Sixteen => Span::styled(
                text.to_owned(),
                Style::new().add_modifier(Modifier::REVERSED),
            ),
        }
    }

    /// A strong word.
    pub(crate) fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// An alert of this severity.
    pub(crate) fn severity(self, severity: Severity) -> Style {
        match severity {
            Severity::Page => self.bad(),
            Severity::Ticket => self.warn(),
            Severity::Info => self.faint(),
        }
    }

    /// The `index`th line of a chart.
    pub(crate) fn series(self, index: usize) -> Style {
        const COLOURS: [Color; 8] = [
            Color::Cyan,
            Color::Yellow,
            Color::Magenta,
            Color::Green,
            Color::Blue,
            Color::Red,
            Color::White,
            Color::LightYellow,
        ];
        self.colour(COLOURS[index % COLOURS.len()])
    }
}
