#!/usr/bin/env bash
# Runs the named parts one after another and says how long each took: install, lint, unit, e2e.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

install() {
    bash scripts/install.sh
}

lint() {
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
}

unit() {
    cargo test --workspace
}

e2e() {
    cargo build --package keystead
    .venv/bin/python -m pytest tests
}

timings=()
summary() {
    printf '%s\n' "" "Timings:" "${timings[@]}"
}

run_part() {
    local started=$SECONDS
    echo "== $1"
    "$1"
    timings+=("$(printf '  %-8s %4d s' "$1" $((SECONDS - started)))")
}

for part in "$@"; do
    case $part in
        install | lint | unit | e2e) run_part "$part" ;;
        *) echo "test.sh: no part called $part; there are install, lint, unit, e2e" >&2 && exit 2 ;;
    esac
done
summary
