//! What `shoplab` answers to the shell (docs/exit-codes.md).

use std::process::ExitCode;

/// Why `shoplab` ends; the worst of several wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    /// All passed.
    Passed,
    /// A scenario failed, or graded below its pass mark.
    Failed,
    /// A drill was INVALID: no steady state, or the fault did not bite.
    Invalid,
    /// The command line or an authored file is wrong.
    Usage,
    /// The platform could not be set up.
    Platform,
    /// A fault could not be undone.
    NotUndone,
    /// Interrupted; all was undone.
    Interrupted,
}

impl Exit {
    /// In one word.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "FAILED",
            Self::Usage => "USAGE",
            Self::Invalid => "INVALID",
            Self::Platform => "BROKEN",
            Self::NotUndone => "NOT UNDONE",
            Self::Interrupted => "interrupted",
        }
    }

    /// The number.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Passed => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Invalid => 3,
            Self::Platform => 4,
            Self::NotUndone => 5,
            Self::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
