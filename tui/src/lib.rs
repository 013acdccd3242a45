//! The trainee's console.
//!
//! A message changes the [`state`](crate) and asks for effects; a view draws the
//! state. Nothing in between: `update` does no I/O, `view` changes nothing, and
//! `effect` alone talks to the drill, the cluster and the backends.
//!
//! ```text
//! terminal ──► message ──► update ──► state ──► view ──► terminal
//!                 ▲            └► effect ─┐
//!                 └───────────────────────┘
//! ```
//!
//! `plain` has lines in the terminal's place: the same state, update and effects without
//! the view.

mod chooser;
mod completion;
mod effect;
mod key;
mod message;
mod plain;
mod session;
mod state;
mod story;
mod terminal;
mod theme;
mod update;
mod view;
mod words;

pub use chooser::choose;
pub use plain::{Mode, run_plain};
pub use session::{Leave, Session, TuiError, check_terminal, run};
