//! The commands, one file each.

pub(crate) mod grade;
pub(crate) mod lint;
pub(crate) mod list;
pub(crate) mod run;
pub(crate) mod train;
pub(crate) mod up;
