//! The program shoplab: train, run, grade.

fn main() {}
