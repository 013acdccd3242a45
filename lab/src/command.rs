//! The commands, one file each.

pub(crate) mod grade;
pub(crate) mod lint;
pub(crate) mod list;
pub(crate) mod matrix;
pub(crate) mod run;
pub(crate) mod scenario;
pub(crate) mod scenario_test;
pub(crate) mod suite;
pub(crate) mod train;
pub(crate) mod up;
