//! Hooks by which faults reach into a process: armed for a lease, free again by themselves.
//!
//! A [`Hook`] is armed with arguments and ends when it is told to or when its lease runs
//! out, whatever becomes of the one who armed it. Some hooks are looked at by those who
//! pass ([`Hook::armed`], [`Hook::released`]); others have an effect of their own, which
//! runs while they are armed. [`Hooks`] is what a process has of them, with the routes of
//! its control port. A hook that is not armed has no thread, no task and no timer.

mod arguments;
mod burn;
mod chatter;
mod clock;
mod hook;
mod leak;
mod router;
mod share;

pub use arguments::{Arguments, Burn, Clock, Delay, Errors, Leak, Nothing, OutOfBounds, Slow};
pub use burn::burn;
pub use chatter::chatter;
pub use clock::clock;
pub use hook::Hook;
pub use leak::leak;
pub use router::{Hooks, KEY_HEADER};
pub use share::Share;

/// `deadlock`: whoever waits for [`Hook::released`] hangs.
pub fn deadlock() -> Hook<Nothing> {
    Hook::new("deadlock")
}

/// `slow`: a share of the requests waits.
pub fn slow() -> Hook<Slow> {
    Hook::new("slow")
}

/// `errors`: a share of the requests fails.
pub fn errors() -> Hook<Errors> {
    Hook::new("errors")
}

/// `statements`: every statement (or command) of a store takes longer.
pub fn statements() -> Hook<Delay> {
    Hook::new("statements")
}
