//! The terminal, and how it is given back as it was.

use std::io::{self, Stdout, stdout};

use crossterm::ExecutableCommand;
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;

/// The terminal while the console has it; dropping it gives it back.
pub(crate) struct Screen {
    pub(crate) terminal: Terminal<CrosstermBackend<Stdout>>,
}

impl Screen {
    /// Takes the terminal. It is given back after a panic too.
    pub(crate) fn take() -> io::Result<Self> {
        let earlier = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            give_back();
            earlier(panic);
        }));
        enable_raw_mode()?;
        let taken = stdout()
            .execute(EnterAlternateScreen)
            .and_then(|out| out.execute(EnableBracketedPaste).map(|_| ()))
            .and_then(|()| Terminal::new(CrosstermBackend::new(stdout())));
        match taken {
            Ok(terminal) => Ok(Self { terminal }),
            Err(error) => {
                give_back();
                Err(error)
            }
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

fn give_back() {
    // There is nothing left to do where the terminal itself is gone.
    drop(stdout().execute(DisableBracketedPaste));
    drop(stdout().execute(LeaveAlternateScreen));
    drop(stdout().execute(crossterm::cursor::Show));
    drop(disable_raw_mode());
}
