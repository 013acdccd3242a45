#!/usr/bin/env bash
# The figures of the README, measured on this machine now. Each stands beside its bound or its baseline.
#
#   bench/run.sh            ready time, memory, the six scenarios in sequence and side by side
#   bench/run.sh alerts 10  the alerts of the six scenarios against the failure matrix, ten runs each
set -euo pipefail
cd "$(dirname "$0")/.."
shoplab=${SHOPLAB:-${CARGO_TARGET_DIR:-target}/release/shoplab}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
suite=scenarios/suites/first-six.yaml

row() { printf '%-46s %10s   %s\n' "$1" "$2" "$3"; }

# Proportional set size in MB of a process and all of its descendants: shared pages count once.
pss_of_tree() {
  local pids=$1 all=$1
  while [ -n "$pids" ]; do
    pids=$(for pid in $pids; do pgrep -P "$pid" || true; done | tr '\n' ' ' | xargs)
    all="$all $pids"
  done
  for pid in $all; do cat "/proc/$pid/smaps_rollup" 2>/dev/null || true; done |
    awk '/^Pss:/ { sum += $2 } END { printf "%.0f", sum / 1024 }'
}

up() { # starts a lab; sets $lab and $ready
  "$shoplab" up --state "$work/state" >"$work/up.log" 2>&1 &
  lab=$!
  until grep -q '^Ctrl-C' "$work/up.log"; do
    kill -0 "$lab" 2>/dev/null || { cat "$work/up.log"; exit 1; }
    read -rt 0.05 <> <(:) || true
  done
  ready=$(sed -n 's/.*ready after \([0-9.]*\) s.*/\1/p' "$work/up.log")
}

down() { kill -INT "$lab"; wait "$lab" 2>/dev/null || true; }

seconds() { # runs a command; prints how long it took
  local from=$EPOCHREALTIME
  "$@" >"$work/last.log" 2>&1 || { cat "$work/last.log" >&2; }
  awk -v from="$from" -v to="$EPOCHREALTIME" 'BEGIN { printf "%.0f", to - from }'
}

if [ "${1:-}" = alerts ]; then
  "$shoplab" run "$suite" --repeat "${2:-10}" --jobs "${3:-2}" --out "$work/out" || true
  exit 0
fi

row figure measured 'bound or baseline'
for _ in 1 2 3 4 5; do
  up
  echo "$ready" >>"$work/ready"
  [ -s "$work/pss" ] || { idle=$(pss_of_tree "$lab"); read -rt 60 <> <(:) || true; echo "$idle $(pss_of_tree "$lab")" >"$work/pss"; }
  down
done
row 'from start to the shop ready, median of 5 (s)' "$(sort -n "$work/ready" | sed -n 3p)" '≤ 5'
read -r at_start after_minute <"$work/pss"
row 'memory of everything, when ready (MB)' "$at_start" '≤ 500'
row 'memory of everything, after a minute of load' "$after_minute" '≤ 500'
row 'size of the one binary (MB)' "$(($(stat -Lc %s "$shoplab") / 1000000))" 'all services, stores, load, console'
row 'six scenarios in sequence (s)' "$(seconds "$shoplab" run "$suite" --out "$work/out")" '≤ 360'
row 'six scenarios, three labs side by side (s)' "$(seconds "$shoplab" run "$suite" -j3 --out "$work/out")" '≤ 180'
