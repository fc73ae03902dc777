#!/usr/bin/env bash
# The whole way without an account: simulator, server and the real Claude Code in between.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/tools.sh claude
scripts/needs.sh rust
cargo build --release --bin claude-code-proxy
CCP_CLAUDE_CODE__PATH="$PWD/.tools/claude/node_modules/.bin/claude"
export CCP_CLAUDE_CODE__PATH
exec "${CARGO_TARGET_DIR:-target}/release/claude-code-proxy" demo "$@"
