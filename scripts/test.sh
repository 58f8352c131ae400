#!/usr/bin/env bash
# Runs the named parts one after another: install, lint, modules, unit, e2e. Ends with how long each took and how many tests ran.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# As many as the least machine for this has processors; each runs servers and proxies of its own.
E2E_PROCESSES=2

install() {
    bash scripts/install.sh
}

need_lint_tools() {
    cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1 && return
    command -v rustup >/dev/null 2>&1 || { echo "lint: rustfmt and clippy are missing; install them beside cargo" >&2 && return 1; }
    echo "lint: installing rustfmt and clippy"
    rustup component add rustfmt clippy
}

lint() {
    need_lint_tools
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
    # What is shipped is built without the features that tests and benches add to its dependencies.
    cargo check --package keystead
    cargo fmt --manifest-path modules/kryoptic/Cargo.toml --check
}

modules() {
    bash scripts/kryoptic.sh debug
}

unit() {
    cargo test --workspace 2>&1 | tee "$output/unit"
}

e2e() {
    # The programs with the features that the Rust tests have: otherwise a third of the dependencies would be built a second time.
    cargo build --workspace --bins --tests
    .venv/bin/python -m pytest tests --numprocesses "$E2E_PROCESSES" --dist worksteal | tee "$output/e2e"
}

# Each test binary ends with "test result: ok. 12 passed; 0 failed; 1 ignored; ...".
count_rust_tests() {
    awk '/^test result: / { passed += $4; failed += $6; ignored += $8 }
        END { printf "%d passed, %d failed, %d ignored", passed, failed, ignored }' "$output/unit"
}

# pytest ends with "12 passed, 1 skipped in 3.45s", with or without a frame.
count_e2e_tests() {
    grep -E ' in [0-9.]+s' "$output/e2e" | tail -n 1 | grep -oE '[0-9]+ (passed|failed|skipped|errors?)' | paste -sd, | sed 's/,/, /g'
}

print_summary() {
    local status=$?
    printf '%s\n' "" "Timings:" "${timings[@]}"
    [ ! -s "$output/unit" ] || echo "Rust tests: $(count_rust_tests)"
    [ ! -s "$output/e2e" ] || echo "End-to-end tests: $(count_e2e_tests)"
    rm -rf "$output"
    if [ "$status" -eq 0 ]; then
        echo "All of this passed: $*"
    else
        echo "FAILED in: $part"
    fi
}

run_part() {
    local started=$SECONDS
    echo "== $1"
    "$1"
    timings+=("$(printf '  %-8s %4d s' "$1" $((SECONDS - started)))")
}

for part in "$@"; do
    case $part in
        install | lint | modules | unit | e2e) ;;
        *) echo "test.sh: no part called $part; there are install, lint, modules, unit, e2e" >&2 && exit 2 ;;
    esac
done
timings=()
output=$(mktemp -d)
trap 'print_summary "$@"' EXIT
for part in "$@"; do
    run_part "$part"
done
