#!/usr/bin/env bash
# Builds the fuzz targets and runs each for its share of SECONDS (60), two at a time: fuzz/run.sh [SECONDS] [TARGET]
#
# The corpus of each target is kept in the target folder, so that the next run goes on where this one ended. An input
# that breaks something is put into fuzz/crashes, and its run fails. To see it again: fuzz/run.sh --again FILE, where
# FILE is called as it was saved, by its target's name.
set -euo pipefail
cd "$(dirname "$0")/.."

export RUSTC_WORKSPACE_WRAPPER=$PWD/fuzz/rustc.sh
# With shoplab, so that dependencies have the features that they have in its release build, and are not built again.
cargo build --release --locked --package shoplab --package fuzz --bin fuzz --features fuzz/libfuzzer
fuzz=$(realpath "${CARGO_TARGET_DIR:-target}")/release/fuzz
crashes=$PWD/fuzz/crashes
work=$(dirname "$fuzz")/../fuzz
mkdir -p "$work" "$crashes"
export TMPDIR=$work/tmp
mkdir -p "$TMPDIR"
trap 'rm -rf "$TMPDIR"' EXIT
# Threads of servers have this much; what nests deeper than it has room must be refused.
ulimit -s 2048

if [ "${1:-}" = --again ]; then
  name=$(basename "$2")
  exec "$fuzz" "--target=${name%%.*}" "$2"
fi

seconds=${1:-60}
if [ $# -ge 2 ]; then
  targets=("$2")
else
  mapfile -t targets < <("$fuzz" --list)
fi
at_once=2
share=$((seconds * at_once / ${#targets[@]}))
[ "$share" -ge 1 ] || share=1
[ ${#targets[@]} -gt 1 ] || share=$seconds

one() { # TARGET: runs it, and says in a line how it went
  local name=$1 log=$work/$1.log corpus=$work/corpus/$1 state=ok
  # What sanitizers would add is missed by libFuzzer, and not by us.
  "$fuzz" "--target=$name" "--prepare=$corpus" 2> >(grep -v '^WARNING: Failed to find function' >&2) || return 1
  "$fuzz" "--target=$name" "$corpus" "-dict=$corpus.dict" "-artifact_prefix=$crashes/$name." \
    "-max_total_time=$share" -max_len=4096 -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 \
    -close_fd_mask=1 >"$log" 2>&1 || state=BROKEN
  local cov runs units
  cov=$(grep -o 'cov: [0-9]*' "$log" | tail -1 | grep -o '[0-9]*' || echo -)
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log" | tail -1)
  units=$(find "$corpus" -type f | wc -l)
  printf '%-20s %10s runs %7s edges %6s inputs  %s\n' "$name" "${runs:--}" "$cov" "$units" "$state"
  [ "$state" = ok ] || { tail -40 "$log" >&2; return 1; }
}
export -f one
export fuzz crashes work share
printf '%s\n' "${targets[@]}" | xargs -P "$at_once" -I{} bash -c 'one {}'
