#!/usr/bin/env bash
# Installs what Keystead's commands need and this machine lacks: Debian packages, a Python virtual environment in .venv, and the
# tests' Node.js packages in tests/javascript/node_modules.
# Quick when nothing is missing. Rust itself must be there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

VENV=.venv
STAMP=$VENV/installed
REQUIREMENTS=scripts/requirements.txt
PYTHON_NEEDED='import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))'
JAVASCRIPT=tests/javascript
NODE_STAMP=$JAVASCRIPT/node_modules/installed
NODE_NEEDED='process.exit(Number(parseInt(process.versions.node) < 18))'

fail() {
    echo "install: $*" >&2
    exit 1
}

have() {
    command -v "$1" >/dev/null 2>&1
}

# The first Python that is new enough and can make virtual environments.
usable_python() {
    local candidate
    for candidate in python3 /usr/bin/python3; do
        if have "$candidate" && "$candidate" -c "$PYTHON_NEEDED" >/dev/null 2>&1; then
            echo "$candidate"
            return
        fi
    done
    return 1
}

# What kryoptic's PKCS#11 module is built with, and what the tests drive and look at tokens with.
missing_module_packages() {
    have pkg-config || echo pkg-config
    [ -e /usr/include/openssl/evp.h ] || echo libssl-dev
    [ -e /usr/include/sqlite3.h ] || echo libsqlite3-dev
    compgen -G '/usr/lib/llvm-*/lib/libclang.so*' >/dev/null || echo libclang-dev
    [ -e /usr/lib/softhsm/libsofthsm2.so ] || echo softhsm2
    have pkcs11-tool || echo opensc
}

# What the tests in JavaScript run on.
missing_node_packages() {
    { have node && node --eval "$NODE_NEEDED"; } || echo nodejs
    have npm || echo npm
}

missing_packages() {
    { have cc && have make && [ -e /usr/include/stdio.h ]; } || echo build-essential
    [ -e /etc/ssl/certs/ca-certificates.crt ] || echo ca-certificates
    usable_python >/dev/null || echo python3 python3-venv
    have gpgv || echo gpgv
    missing_module_packages
    missing_node_packages
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif have sudo; then
        sudo "$@"
    else
        fail "run this once as root, or install sudo: $*"
    fi
}

install_packages() {
    local packages
    mapfile -t packages < <(missing_packages | tr ' ' '\n')
    [ "${#packages[@]}" -gt 0 ] || return 0
    have apt-get || fail "install these by hand, as this is no Debian system: ${packages[*]}"
    echo "install: Debian packages ${packages[*]}"
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}"
}

check_rust() {
    have cargo || fail "cargo is missing; install Rust (see rust-version in Cargo.toml for the least version)"
}

# A virtual environment knows its own place, so the place is part of what makes it current.
wanted_stamp() {
    echo "$PWD"
    cat "$REQUIREMENTS"
}

install_python_packages() {
    if [ -x "$VENV/bin/aws" ] && [ -e "$STAMP" ] && [ "$(wanted_stamp)" = "$(cat "$STAMP")" ]; then
        return
    fi
    echo "install: Python packages into $VENV"
    rm -rf "$VENV"
    "$(usable_python)" -m venv "$VENV"
    "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$REQUIREMENTS"
    wanted_stamp >"$STAMP"
}

# The lock file says all that is installed, and the stamp is a copy of it that is made last.
install_node_packages() {
    ! cmp --quiet "$JAVASCRIPT/package-lock.json" "$NODE_STAMP" || return 0
    echo "install: Node.js packages into $JAVASCRIPT/node_modules"
    npm ci --prefix "$JAVASCRIPT" --no-progress --loglevel=error >/dev/null
    cp "$JAVASCRIPT/package-lock.json" "$NODE_STAMP"
}

install_packages
check_rust
install_python_packages
install_node_packages
