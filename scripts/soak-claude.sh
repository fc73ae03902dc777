#!/usr/bin/env bash
# Mixed traffic through the real Claude Code while processes die, upstream breaks and the disk is full; ends with a report
# and fails when an answer was wrong or anything is left. No account, loopback only.
# Usage: SOAK_MINUTES=30 scripts/soak-claude.sh [--seed N] [--write FILE]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/tools.sh claude python
scripts/needs.sh rust
cargo build --release --bin claude-code-proxy --bin claude-simulator
built="${CARGO_TARGET_DIR:-$PWD/target}/release"
export TEST_PROXY_BINARY="$built/claude-code-proxy" TEST_SIMULATOR_BINARY="$built/claude-simulator"
export TEST_CLAUDE_BINARY="$PWD/.tools/claude/node_modules/.bin/claude"
PYTHONPATH=tests .tools/venv/bin/python -B -m chaos --minutes "${SOAK_MINUTES:-30}" "$@"
