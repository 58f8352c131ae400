#!/usr/bin/env bash
# Builds the PKCS#11 module of kryoptic and puts it beside the binaries of the named profiles: kryoptic.sh debug release
# Quick when nothing has changed. It is always an optimised build: cryptography is slow without.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

MODULE=libkryoptic_pkcs11.so
BUILT=target/modules/release/$MODULE

cargo build --quiet --release --locked --manifest-path modules/kryoptic/Cargo.toml --target-dir target/modules
for profile in "$@"; do
    placed=target/$profile/$MODULE
    [ "$BUILT" -nt "$placed" ] || continue
    mkdir -p "target/$profile"
    # Renamed into its place: processes that have the old one loaded keep it.
    cp "$BUILT" "$placed.new"
    mv "$placed.new" "$placed"
done
