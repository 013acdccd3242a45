#!/usr/bin/env bash
# Installs what the tests use, then runs all of them.
#
# The embedded cluster, store and stores are compared with the real programs where those are installed: kubectl,
# promtool, PostgreSQL, Redis, RabbitMQ. On Debian and its like they are installed here; elsewhere, or with
# SHOPLAB_NO_INSTALL=1, tests that want them skip themselves and say so.
set -euo pipefail
cd "$(dirname "$0")"

packages=()
want() { # PROGRAM PACKAGE: the package is wanted where the program is not there
  local found
  found=$(compgen -G "$1" || command -v "$1" || true)
  [ -n "$found" ] || packages+=("$2")
}
want cc gcc
want c++ g++
want cmake cmake
want kubectl kubernetes-client
want promtool prometheus
want amtool prometheus-alertmanager
want '/usr/lib/postgresql/*/bin/postgres' postgresql
want redis-server redis-server
want rabbitmq-server rabbitmq-server

if [ ${#packages[@]} -gt 0 ] && [ -z "${SHOPLAB_NO_INSTALL:-}" ] && command -v apt-get >/dev/null; then
  sudo=""
  [ "$(id -u)" = 0 ] || sudo="sudo"
  echo "installing: ${packages[*]}"
  # RUNLEVEL=1 keeps Debian from starting the servers: tests start their own.
  {
    $sudo apt-get update -qq
    $sudo env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive \
      apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
  } || echo "not installed; tests that want them skip themselves: ${packages[*]}"
fi

exec cargo test --workspace --locked "$@"
