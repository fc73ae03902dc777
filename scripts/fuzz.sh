#!/usr/bin/env bash
# Fuzzes every target, or those named, for FUZZ_SECONDS each (60). What breaks one is kept in fuzz/artifacts.
# Usage: scripts/fuzz.sh [TARGET…]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

missing=()
cargo +nightly --version >/dev/null 2>&1 || missing+=("a nightly toolchain: rustup toolchain install nightly")
cargo fuzz --version >/dev/null 2>&1 || missing+=("cargo-fuzz: cargo install --locked cargo-fuzz")
if ((${#missing[@]} > 0)); then
    echo "Fuzzing needs" >&2
    printf '  - %s\n' "${missing[@]}" >&2
    echo "Without them, a short run over the same targets: cargo test -p dialects --test fuzz" >&2
    exit 1
fi

if (($# > 0)); then targets=("$@"); else mapfile -t targets < <(sed -n 's/^name = "\([a-z_]*\)"$/\1/p' fuzz/Cargo.toml | tail -n +2); fi
for target in "${targets[@]}"; do
    echo "=== $target"
    found="fuzz/found/$target"
    mkdir -p "$found"
    seeds=("fuzz/corpus/$target")
    case $target in chat_request | completion_request) seeds+=(crates/dialects/tests/golden) ;; esac
    # New inputs go to the first folder; the others are only read.
    cargo +nightly fuzz run "$target" "$found" "${seeds[@]}" -- -max_total_time="${FUZZ_SECONDS:-60}" -timeout=10
done
