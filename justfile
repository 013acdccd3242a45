# Commands of this project; `just` lists them.

_default:
    @just --list

# Everything that has to be green at every commit.
check: fmt clippy test doc lint

# Formatting.
fmt:
    cargo fmt --all --check

# Lints, with warnings as errors.
clippy:
    cargo clippy --workspace --all-targets --locked -- -D warnings

# The whole test suite, with what it needs installed.
test *args:
    ./test.sh {{ args }}

# The API documentation.
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked

# The authored files, as an instructor checks them.
lint:
    cargo run --locked --quiet -- lint

# The JSON Schemas of the authored files, after faults, alerts, services, checks or rows changed.
schemas:
    UPDATE_DOCS=1 cargo test --locked --quiet -p shoplab --bin shoplab the_schemas

# Licences and advisories (needs cargo-deny).
deny:
    cargo deny check licenses bans sources

# Alerts against recorded series (needs promtool).
alerts:
    promtool check rules alerts/*.yaml
    promtool test rules alerts/tests/*.yaml

# Every parser and decoder, given what nobody would write: `just fuzz [SECONDS] [TARGET]`.
fuzz *args:
    fuzz/run.sh {{ args }}

# The figures of the README, measured now.
bench:
    cargo build --release --locked
    bench/run.sh
