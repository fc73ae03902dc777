#!/usr/bin/env bash
# Time to first token through the real Claude Code, beside the official Python SDK: no account, loopback only.
# Usage: scripts/bench-claude.sh [--rounds N] [--write FILE]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/tools.sh claude
scripts/needs.sh rust python
# Its own environment: the SDK brings a Claude Code of its own, 365 MB that no test needs.
venv=.tools/bench-venv lock=bench/claude/requirements.txt
if ! cmp -s $lock $venv/installed-lock.txt; then
    python3 -m venv $venv
    $venv/bin/pip install --quiet --disable-pip-version-check --require-hashes --requirement $lock
    cp $lock $venv/installed-lock.txt
fi
cargo build --release --bin claude-code-proxy --bin claude-simulator
built="${CARGO_TARGET_DIR:-$PWD/target}/release"
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
# The SDK passes its own environment on to the program: it gets one without anything of this machine's user.
env -i PATH="$PATH" HOME="$home" TMPDIR="$home" \
    BENCH_PROXY="$built/claude-code-proxy" BENCH_SIMULATOR="$built/claude-simulator" \
    BENCH_CLAUDE="$(readlink -f .tools/claude/node_modules/.bin/claude)" \
    $venv/bin/python -B bench/claude "$@"
