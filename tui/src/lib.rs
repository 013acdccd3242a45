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

mod chooser;
mod completion;
mod effect;
mod key;
mod message;
mod session;
mod state;
mod terminal;
mod theme;
mod update;
mod view;

pub use chooser::choose;
pub use session::{Leave, Session, TuiError, run};
