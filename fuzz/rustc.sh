#!/bin/sh
# Stands before rustc when the fuzz targets are built (RUSTC_WORKSPACE_WRAPPER): crates of this workspace are compiled
# with counters for libFuzzer and with all checks of a debug build, dependencies as they always are, so that those of
# the release build are used. Optimised a little, they are built in half the time and run fast enough. The flags are those of cargo-fuzz; none of them needs a nightly compiler.
set -eu
rustc=$1
shift
case " $* " in
  *" --crate-name fuzz "* | *" --crate-name model "* | *" --crate-name store "* | *" --crate-name catalog "* | \
    *" --crate-name cluster "* | *" --crate-name grader "* | *" --crate-name edge "* | *" --crate-name shop_stores "*)
    set -- "$@" -Cpasses=sancov-module \
      -Cllvm-args=-sanitizer-coverage-level=4 \
      -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
      -Cllvm-args=-sanitizer-coverage-pc-table \
      -Cllvm-args=-sanitizer-coverage-trace-compares \
      -Copt-level=1 -Cdebug-assertions=on -Coverflow-checks=on
    ;;
esac
exec "$rustc" "$@"
