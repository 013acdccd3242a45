//! The multi-call program that is every service and every store of every shop.

fn main() {}
