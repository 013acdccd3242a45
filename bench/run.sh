#!/usr/bin/env bash
# The figures of the README, measured on this machine now. Each stands beside its bound or its baseline.
#
#   bench/run.sh            all of them: ready time, memory, six scenarios, the failure matrix, grading, the stores
#   bench/run.sh matrix     the failure matrix once: wall time, and each row's margin to its detection deadline
#   bench/run.sh matrix 20  twenty repeats of the matrix, with flakes counted
#   bench/run.sh grade      grading 1,000 journals
#   bench/run.sh alerts 10  the alerts of the six scenarios against the failure matrix, ten runs each
#   bench/run.sh metrics    the metrics store beside Prometheus; series, minutes and runs may follow (50000 60 5)
#   bench/run.sh logs       lines taken and searched, once, twice and four times as many
#   bench/run.sh traces     spans taken and searched; how many may follow (1000000)
set -euo pipefail
cd "$(dirname "$0")/.."
shoplab=${SHOPLAB:-${CARGO_TARGET_DIR:-target}/release/shoplab}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
six=scenarios/suites/first-six.yaml

row() { printf '%-52s %10s   %s\n' "$1" "$2" "$3"; }

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

seconds() { # runs a command; prints how long it took, in seconds with $1 decimals
  local decimals=$1 from=$EPOCHREALTIME
  shift
  "$@" >"$work/last.log" 2>"$work/last.err" || { cat "$work/last.log" "$work/last.err" >&2; }
  awk -v from="$from" -v to="$EPOCHREALTIME" -v decimals="$decimals" 'BEGIN { printf "%.*f", decimals, to - from }'
}

ready_and_memory() {
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
}

matrix() { # the thirteen rows, documented beside measured, $1 times
  local repeat=$1 took out="$work/matrix"
  took=$(seconds 0 "$shoplab" matrix verify --repeat "$repeat" --out "$out")
  if [ "$repeat" -gt 1 ]; then
    row "failure matrix, $repeat repeats of 13 rows (s)" "$took" "≤ $((180 * repeat))"
    row 'rows that held in some runs only' "$(grep -c '| FLAKE' "$out/report.md" || true)" '0'
    sed -n '/^## Several runs/,$ { /^|/p; /^## M/q }' "$out/report.md"
    return
  fi
  row 'failure matrix, 13 rows side by side (s)' "$took" '≤ 180'
  # The table of all rows: what was measured beside what is documented, and the margin.
  sed -n '1,/^## / { /^|/p }' "$out/report.md"
}

grade() { # a thousand journals, of real drills
  local drills="$work/drills" many="$work/many" journal count=0
  [ -d "$work/matrix/journals" ] || "$shoplab" run "$six" -j2 --out "$drills" >"$work/last.log" 2>&1 || true
  [ -d "$work/matrix/journals" ] && drills="$work/matrix"
  mkdir -p "$many"
  while [ "$count" -lt 1000 ]; do
    for journal in "$drills"/journals/*.jsonl; do
      [ "$count" -lt 1000 ] || break
      cp "$journal" "$many/$count.jsonl"
      count=$((count + 1))
    done
  done
  row "grading 1,000 journals, $(du -sm "$many" | cut -f1) MB (s)" "$(seconds 2 "$shoplab" grade "$many" --format json)" '≤ 1'
}

metrics() { # the store and Prometheus with the same samples and queries; each query has a line that is indented
  cargo build --release --locked --quiet -p store --example metrics_speed
  "${CARGO_TARGET_DIR:-target}/release/examples/metrics_speed" "$@"
}

speed() { # $1: logs or traces, whose example prints rows with tabs between their columns
  local of=$1
  shift
  cargo build --release --locked --quiet -p store --example "${of}_speed"
  "${CARGO_TARGET_DIR:-target}/release/examples/${of}_speed" "$@" | sed '/^name\t/d' |
    while IFS=$'\t' read -r name measured bound; do row "$name" "$measured" "$bound"; done
}

case ${1:-} in
  alerts) "$shoplab" run "$six" --repeat "${2:-10}" --jobs "${3:-2}" --out "$work/out" || true ;;
  matrix) row figure measured 'bound or baseline'; matrix "${2:-1}" ;;
  grade) row figure measured 'bound or baseline'; grade ;;
  metrics) row figure measured 'bound or baseline'; shift; metrics "$@" ;;
  logs) row figure measured 'bound or baseline'; speed logs ;;
  traces) row figure measured 'bound or baseline'; shift; speed traces "$@" ;;
  '')
    row figure measured 'bound or baseline'
    ready_and_memory
    row 'six scenarios in sequence (s)' "$(seconds 0 "$shoplab" run "$six" --out "$work/out")" '≤ 360'
    row 'six scenarios, four labs side by side (s)' "$(seconds 0 "$shoplab" run "$six" -j4 --out "$work/out")" '≤ 180'
    row 'the suite smoke (s)' "$(seconds 0 "$shoplab" suite smoke --out "$work/smoke")" '≤ 90'
    matrix 1
    grade
    metrics | grep -v '^ '
    speed logs | grep '^1x '
    speed traces
    ;;
  *) sed -n '2,11s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
