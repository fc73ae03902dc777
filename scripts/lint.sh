#!/usr/bin/env bash
# Format, lints and dependencies, all of them even when one fails. Usage: scripts/lint.sh [code] [dependencies]
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

lint_code() {
    local failed=0
    cargo fmt --all --check || failed=1
    cargo clippy --workspace --all-targets -- --deny warnings || failed=1
    return $failed
}

lint_dependencies() {
    if ! cargo deny --version >/dev/null 2>&1; then
        echo "Dependencies not checked: cargo install --locked cargo-deny" >&2
        return 0
    fi
    local failed=0
    cargo deny check bans licenses sources || failed=1
    if cargo deny fetch db 2>/dev/null; then
        cargo deny check --disable-fetch advisories || failed=1
    else
        echo "Advisories not checked: their database can't be fetched from here." >&2
    fi
    return $failed
}

scripts/needs.sh rust || exit 1
failed=0
for part in "${@:-code}"; do
    "lint_$part" || failed=1
done
exit $failed
