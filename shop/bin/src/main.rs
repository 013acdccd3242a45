//! The multi-call program that is every service and every store of every shop.

use std::process::ExitCode;

fn main() -> ExitCode {
    shop::run(std::env::args_os().skip(1))
}
